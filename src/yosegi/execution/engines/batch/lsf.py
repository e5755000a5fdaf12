"""IBM Spectrum LSF: bsub, bjobs, bkill.

Written from IBM's Spectrum LSF 10.1 command reference (bsub, bjobs with -o and -json, bkill) and tried against a
program that was written from the same pages. It has never been run on a real LSF.
"""

from __future__ import annotations

import math
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from yosegi.core.errors import Unavailable
from yosegi.execution.engines.batch.dialect import Commands, JobPhase, JobSighting, SubmitAnswer
from yosegi.execution.engines.batch.job_files import SCHEDULER_OUTPUT
from yosegi.execution.engines.batch.job_spec import JobSpec
from yosegi.execution.engines.batch.script import command_line

_SUBMITTED = re.compile(r"Job <(\d+)> is submitted to ")
_NOT_SUBMITTED = "job not submitted"
# LSF says "Job not submitted" of a lost connection too: only these causes make it a refusal.
_CAUSES = (
    "no such queue", "cannot use the queue", "queue has been closed", "user permission denied", "bad argument",
    "bad resource requirement", "illegal", "invalid", "exceeds", "too many processors requested", "aborted by esub",
    "is not a member", "not a valid", "cannot use the reservation", "no such user group",
)  # fmt: skip
_ABSENT = ("is not found", "no job found", "no unfinished job found", "no matching job found")
_OVER_ALREADY = ("already finished", *_ABSENT)
_FIELDS = "jobid job_name stat submit_time start_time finish_time run_time exit_code exit_reason pend_reason nexec_host"
_QUEUED, _HELD = frozenset({"PEND", "WAIT"}), frozenset({"PSUSP"})
_RUNNING = frozenset({"PROV", "RUN", "USUSP", "SSUSP", "UNKWN", "ZOMBI"})
REASONS: Mapping[str, str] = {
    "TERM_RUNLIMIT": "its run limit was over", "TERM_DEADLINE": "the deadline of its queue was over",
    "TERM_MEMLIMIT": "it took more memory than it had asked for", "TERM_SWAP": "it took more swap space than it may",
    "TERM_CPULIMIT": "it used more processor time than it may", "TERM_OWNER": "its owner ended it",
    "TERM_FORCE_OWNER": "its owner ended it by force", "TERM_ADMIN": "an administrator ended it",
    "TERM_FORCE_ADMIN": "an administrator ended it by force", "TERM_PREEMPT": "it had to make room for another job",
    "TERM_LOAD": "its host had too much load", "TERM_WINDOW": "the window of its queue closed",
    "TERM_REQUEUE_OWNER": "its owner put it into the queue again",
    "TERM_REMOVE_HUNG_JOB": "its host was not heard of again",
    "TERM_EXTERNAL_SIGNAL": "a signal from outside LSF ended it",
}  # fmt: skip
"""Termination reasons in words."""
_OVER_TIME = frozenset({"TERM_RUNLIMIT", "TERM_DEADLINE"})
_NO_FAULT = frozenset({"TERM_PREEMPT", "TERM_LOAD", "TERM_WINDOW", "TERM_REMOVE_HUNG_JOB"})
_TIME = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}):(\d{2})(?::(\d{2}))?(?: (\d{4}))?")
_AT_ONCE = 100


class LsfDialect:
    """Says the verbs in LSF's commands."""

    name = "lsf"
    # mbatchd logs each event before it answers; a minute is for one that is started again.
    save_window = 60.0

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def script(self, spec: JobSpec) -> str:
        """See `Dialect.script`. A slot is taken for a core, as centres have it in common."""
        asked = spec.template
        cores = asked.processes_per_node * asked.cpu_cores_per_process
        options = [
            f"-J {spec.name}", f"-cwd {spec.folder}", f"-o {spec.folder / SCHEDULER_OUTPUT}",
            f"-W {spec.minutes // 60}:{spec.minutes % 60:02}", "-env none", "-rn",
            f"-n {asked.node_count * cores}", f'-R "span[ptile={cores}]"',
            # A signal some whole minutes before the end.
            f"-wt {max(1, math.ceil(spec.warning / 60))}", "-wa TERM",
        ]  # fmt: skip
        options += [f"-Jd {spec.comment}"] if spec.comment else []
        options += [f'-R "rusage[mem={asked.memory_mib}MB/host]"'] if asked.memory_mib else []
        gpus = asked.gpu_cores_per_process * asked.processes_per_node
        options += [f'-gpu "num={gpus}"'] if gpus else []
        options += ["-x"] if asked.exclusive_node_use else []
        options += [f"-q {asked.queue_name}"] if asked.queue_name else []
        options += [f"-P {account}"] if (account := spec.account or asked.account) else []
        options += [f"-U {asked.reservation_id}"] if asked.reservation_id else []
        options += [f'-{name} "{value}"' for name, value in spec.own_attributes(self.name).items()]
        lines = [f"#BSUB {option}" for option in options]
        where = f"cd {spec.folder} || exit 97"
        return "\n".join(["#!/bin/bash", *lines, where, *spec.setup, command_line(spec.launch), ""])

    async def submit(self, spec: JobSpec, user: str = "") -> SubmitAnswer:
        """See `Dialect.submit`."""
        try:
            answer = await self._commands.verb(["bsub"], "submit", [spec.name], given=self.script(spec), user=user)
        except Unavailable as error:
            return SubmitAnswer(words=str(error))
        if answer.status == 0 and (found := _SUBMITTED.search(answer.out)) is not None:
            return SubmitAnswer(found[1])
        said = f"{answer.out} {answer.err}".lower()
        return SubmitAnswer(
            refused=_NOT_SUBMITTED in said and any(words in said for words in _CAUSES), words=answer.said
        )

    async def look_up(self, jobs: Mapping[str, str], users: Sequence[str] = ()) -> Mapping[str, Sequence[JobSighting]]:
        """See `Dialect.look_up`: all whose numbers are known at once; a number that was lost is asked for by name."""
        numbers = sorted({number for number in jobs.values() if number})
        told = [
            record
            for first in range(0, len(numbers), _AT_ONCE)
            for record in await self._told(numbers[first : first + _AT_ONCE])
        ]
        for name in (name for name, number in jobs.items() if not number):
            told += await self._told(["-J", name])
        found: dict[str, list[JobSighting]] = defaultdict(list)
        for record in told:
            # A number alone identifies nothing: the job of that number must have the name.
            if (name := str(record.get("JOB_NAME", ""))) in jobs:
                found[name].append(sighting_of(name, record))
        return found

    async def _told(self, which: Sequence[str]) -> list[Mapping[str, Any]]:
        """Records of jobs, over or not."""
        answer = await self._commands.run(["bjobs", "-a", "-json", "-o", _FIELDS, *which])
        complaints = answer.complaints
        if answer.status and not (complaints and all(any(w in line for w in _ABSENT) for line in complaints)):
            raise answer.unavailable("bjobs")
        records = answer.json("bjobs").get("RECORDS", ())
        return [record for record in records if isinstance(record, dict) and "ERROR" not in record]

    async def cancel(self, jobs: Iterable[JobSighting], user: str = "") -> None:
        """See `Dialect.cancel`."""
        if numbers := [job.job for job in jobs]:
            answer = await self._commands.verb(["bkill", *numbers], "cancel", numbers, user=user)
            if answer.status and not all(any(w in line for w in _OVER_ALREADY) for line in answer.complaints):
                raise answer.unavailable("bkill")


def sighting_of(name: str, told: Mapping[str, Any]) -> JobSighting:
    """A job as a record of `bjobs -json` tells of it."""

    def word(field: str) -> str:
        text = str(told.get(field, "")).strip()
        return "" if text == "-" else text

    job, state, nodes = word("JOBID"), word("STAT"), int(word("NEXEC_HOST") or 1)
    submitted, started = _moment(word("SUBMIT_TIME")), _moment(word("START_TIME"))
    if state in ("DONE", "EXIT"):
        reason = word("EXIT_REASON").partition(":")[0]
        ended = _moment(word("FINISH_TIME"))
        # Times are told to the minute, the run time to the second.
        if ended is not None and started is not None and (ran := word("RUN_TIME").split()) and ran[0].isdigit():
            started = ended - float(ran[0])
        status = f"exit status {word('EXIT_CODE')}" if word("EXIT_CODE") else ""
        words = REASONS.get(reason, "it ended" if state == "DONE" else "it ended with an error")
        return JobSighting(
            job, name, JobPhase.ENDED, state, submitted, started, ended, nodes,
            words=f"{words} ({', '.join(part for part in (state, reason, status) if part)})",
            over_time=reason in _OVER_TIME, lost_node=reason in _NO_FAULT,
        )  # fmt: skip
    phase = JobPhase.RUNNING if state in _RUNNING else JobPhase.HELD if state in _HELD else JobPhase.QUEUED
    words = " ".join(part for part in (f"({state})", word("PEND_REASON")) if part)
    return JobSighting(
        job, name, phase, state, submitted, started if phase is JobPhase.RUNNING else None, None, nodes, words=words
    )


def _moment(text: str) -> float | None:
    """POSIX seconds of a local time; without a year it is the last such moment."""
    if (found := _TIME.match(text)) is None:
        return None
    month, day, hour, minute, second, year = found.groups()

    def at(year: str) -> float:
        return time.mktime(time.strptime(f"{year} {month} {day} {hour}:{minute}:{second or '00'}", "%Y %b %d %H:%M:%S"))

    try:
        if year:
            return at(year)
        now = time.time()
        this = time.localtime(now).tm_year
        moment = at(str(this))
        return moment if moment <= now + 86400 else at(str(this - 1))
    except (ValueError, OverflowError):
        return None
