"""PBS Professional and OpenPBS: qsub, qstat, qselect, qdel.

Written from Altair's PBS Professional Reference Guide 2022.1 (qsub, qstat, qselect, qdel; job states, exit codes) and
OpenPBS's manual pages, and tried against a program that was written from the same pages. It has never been run on a
real PBS. TORQUE is another program: it has neither `select` nor the answers as JSON that are read here.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from yosegi.core.errors import Unavailable
from yosegi.execution.engines.batch.dialect import Commands, JobPhase, JobSighting, SubmitAnswer
from yosegi.execution.engines.batch.job_files import SCHEDULER_OUTPUT
from yosegi.execution.engines.batch.job_spec import JobSpec
from yosegi.execution.engines.batch.script import command_line, warning_line

_NUMBER = re.compile(r"\d+(?:\.[A-Za-z0-9._-]+)?")
_REFUSALS = (
    "unknown queue", "queue is not enabled", "illegal ", "unknown resource", "job violates", "would exceed",
    "unauthorized request", "bad uid for job execution", "invalid credential", "not permitted", "usage: qsub",
    "access to queue is denied", "invalid account", "maximum number of jobs",
)  # fmt: skip
_QUEUED, _RUNNING, _ENDED = frozenset("QTWM"), frozenset("BRESU"), frozenset("FX")
CODES: Mapping[int, str] = {
    -1: "its start failed before its files were there", -2: "its start failed after its files were there",
    -3: "its start failed and was to be tried again", -4: "it was ended as its node started",
    -11: "it was to be started again",
    -24: "it used more processors than it had asked for", -25: "it used more processors than it had asked for",
    -26: "it took more virtual memory than it had asked for", -27: "it took more memory than it had asked for",
    -28: "it used more processor time than it had asked for", -29: "its wall time was over",
}  # fmt: skip
"""Exit codes below zero, which the execution daemon gives, in words."""
_WALL_TIME, _NO_FAULT = -29, frozenset({-1, -2, -3, -4, -11})
_SIGNALLED = 256
"""Added by PBS to the number of the signal that ended a job."""
_FORGOTTEN = ("unknown job id", "job has finished", "history")
_AT_ONCE = 100


class PbsDialect:
    """Says the verbs in PBS's commands."""

    name = "pbs"
    # The server writes a job down before it answers; a minute is for one that is started again.
    save_window = 60.0

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def script(self, spec: JobSpec) -> str:
        """See `Dialect.script`. PBS sends no signal some time before the end, so the script does."""
        asked = spec.template
        cores = asked.processes_per_node * asked.cpu_cores_per_process
        chunk = [f"{asked.node_count}:ncpus={cores}:mpiprocs={asked.processes_per_node}"]
        chunk += [f"ompthreads={asked.cpu_cores_per_process}"]
        gpus = asked.gpu_cores_per_process * asked.processes_per_node
        chunk += [f"ngpus={gpus}"] if gpus else []
        chunk += [f"mem={asked.memory_mib}mb"] if asked.memory_mib else []
        options = [
            f"-N {spec.name}", f"-l select={':'.join(chunk)}", f"-l walltime={_clock(spec.minutes)}",
            f"-l place=scatter{':exclhost' if asked.exclusive_node_use else ''}", "-r n", "-j oe",
            f"-o {spec.folder / SCHEDULER_OUTPUT}", "-S /bin/bash",
        ]  # fmt: skip
        options += [f"-A {account}"] if (account := spec.account or asked.account) else []
        # A reservation of PBS is a queue.
        options += [f"-q {queue}"] if (queue := asked.reservation_id or asked.queue_name) else []
        options += [f"-{name} {value}" for name, value in spec.own_attributes(self.name).items()]
        lines = [f"#PBS {option}" for option in options]
        where = f"cd {spec.folder} || exit 97"
        return "\n".join(["#!/bin/bash", *lines, where, *spec.setup, warning_line(spec), command_line(spec.launch), ""])

    async def submit(self, spec: JobSpec, user: str = "") -> SubmitAnswer:
        """See `Dialect.submit`."""
        try:
            answer = await self._commands.verb(["qsub"], "submit", [spec.name], given=self.script(spec), user=user)
        except Unavailable as error:
            return SubmitAnswer(words=str(error))
        lines = answer.out.split()
        if answer.status == 0 and lines and _NUMBER.fullmatch(lines[-1]):
            return SubmitAnswer(lines[-1])
        said = answer.err.lower()
        return SubmitAnswer(refused=any(words in said for words in _REFUSALS), words=answer.said)

    async def look_up(self, jobs: Mapping[str, str], users: Sequence[str] = ()) -> Mapping[str, Sequence[JobSighting]]:
        """See `Dialect.look_up`: all whose numbers are known at once; a number that was lost is asked for by name."""
        numbers = {number for number in jobs.values() if number}
        for name in (name for name, number in jobs.items() if not number):
            numbers |= set(await self._selected(name))
        found: dict[str, list[JobSighting]] = defaultdict(list)
        asked = sorted(numbers)
        for first in range(0, len(asked), _AT_ONCE):
            for job, told in (await self._told(asked[first : first + _AT_ONCE])).items():
                # A number alone identifies nothing: the job of that number must have the name.
                if isinstance(told, dict) and (name := str(told.get("Job_Name"))) in jobs:
                    found[name].append(sighting_of(job, name, told))
        return found

    async def _selected(self, name: str) -> list[str]:
        """The numbers of the jobs of a name, over or not."""
        answer = await self._commands.run(["qselect", "-x", "-N", name])
        if answer.status:
            raise answer.unavailable("qselect")
        return [word for word in answer.out.split() if _NUMBER.fullmatch(word)]

    async def _told(self, numbers: Sequence[str]) -> Mapping[str, Any]:
        answer = await self._commands.run(["qstat", "-x", "-f", "-F", "json", *numbers])
        complaints = answer.complaints
        # It fails where it does not know one of several, and tells of the others all the same.
        known = all(any(words in line for words in _FORGOTTEN) for line in complaints)
        if answer.status and not (complaints and known):
            raise answer.unavailable("qstat")
        jobs = answer.json("qstat").get("Jobs", {})
        return jobs if isinstance(jobs, dict) else {}

    async def cancel(self, jobs: Iterable[JobSighting], user: str = "") -> None:
        """See `Dialect.cancel`."""
        if numbers := [job.job for job in jobs]:
            answer = await self._commands.verb(["qdel", *numbers], "cancel", numbers, user=user)
            if answer.status and not all("job" in line and "connect" not in line for line in answer.complaints):
                raise answer.unavailable("qdel")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}:00"


def sighting_of(job: str, name: str, told: Mapping[str, Any]) -> JobSighting:
    """A job as `qstat -f -F json` tells of it."""
    state, comment = str(told.get("job_state", "")), str(told.get("comment", ""))
    submitted, nodes = _moment(told.get("ctime")), _count(told.get("Resource_List"), "nodect", 1)
    gpus = _count(told.get("Resource_List"), "ngpus", 0)
    if state not in _ENDED:
        phase = JobPhase.HELD if state == "H" else JobPhase.RUNNING if state in _RUNNING else JobPhase.QUEUED
        started = _moment(told.get("stime")) if phase is JobPhase.RUNNING else None
        words = " ".join(part for part in (f"({state})", comment) if part)
        unfit = phase is JobPhase.QUEUED and comment.startswith("Can Never Run")
        return JobSighting(job, name, phase, state, submitted, started, None, nodes, gpus, words=words, unfit=unfit)
    status = told.get("Exit_status")
    code = status if isinstance(status, int) else None
    started = _moment(told.get("stime"))
    ended = None if started is None else started + _seconds(told.get("resources_used"))
    words = _words(code, started)
    return JobSighting(
        job, name, JobPhase.ENDED, state, submitted, started, ended, nodes, gpus,
        words=f"{words} ({', '.join(part for part in (state, comment) if part)})", over_time=code == _WALL_TIME,
        lost_node=code in _NO_FAULT,
    )  # fmt: skip


def _words(code: int | None, started: float | None) -> str:
    if code is None:
        return "it was deleted" if started is None else "it ended, and its exit status is not told"
    if code < 0:
        return CODES.get(code, f"the execution daemon ended it ({code})")
    if code >= _SIGNALLED:
        return f"signal {code - _SIGNALLED} ended it"
    return f"it ended with exit status {code}" if code else "it ended"


def _count(resources: Any, name: str, default: int) -> int:
    value = resources.get(name, default) if isinstance(resources, dict) else default
    return int(value) if str(value).isdigit() else default


def _seconds(used: Any) -> float:
    parts = str(used.get("walltime", "") if isinstance(used, dict) else "").split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return 0.0
    return float(int(parts[0]) * 3600 + int(parts[1]) * 60 + int(parts[2]))


def _moment(text: Any) -> float | None:
    """POSIX seconds of a local time as ctime(3) writes it."""
    try:
        return time.mktime(time.strptime(str(text), "%a %b %d %H:%M:%S %Y"))
    except (ValueError, OverflowError):
        return None
