"""PJM, the scheduler of Fugaku: pjsub, pjstat, pjwait, pjdel.

Written from Fujitsu's Command Reference (J2UL-2549-01ENZ0), its End-user's Guide (J2UL-2534) and RIKEN's user guide,
and tried against a program that was written from the same pages. It has never been run on Fugaku itself.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from yosegi.core.errors import Unavailable
from yosegi.execution.engines.batch.dialect import Commands, JobPhase, JobSighting, SubmitAnswer
from yosegi.execution.engines.batch.job_files import SCHEDULER_OUTPUT
from yosegi.execution.engines.batch.job_spec import JobSpec
from yosegi.execution.engines.batch.script import command_line

_SUBMITTED = re.compile(r"PJM 0000 pjsub Job (\d+) submitted")
_CODE = re.compile(r"\[ERR\.\] PJM (\d{4}) pjsub ?(.*)")
# 0090 (the daemon is not present) and 0091 (internal error) are transient: the job may have been taken.
_REFUSALS = frozenset({"0001", "0012", "0026", "0045", "0057", "0058", "0059", "0070", "0071", "0072", "0079"})
_QUEUED, _HELD = frozenset({"ACC", "QUE", "RNA"}), frozenset({"HLD", "ERR"})
_RUNNING = frozenset({"RNP", "RUN", "RNE", "RNO", "SPP", "SPD", "RSM"})
_ENDED = frozenset({"EXT", "RJT", "CCL"})
CODES: Mapping[int, str] = {
    0: "it ended", 1: "it was deleted with pjdel", 2: "it was rejected", 3: "the gate check rejected it",
    4: "it was held with pjhold", 6: "the step before it decided so", 7: "its deadline was over",
    8: "the gate check rejected it", 9: "it was not run again after the system was rebuilt",
    11: "its elapse limit was over", 12: "it took more memory than its limit", 13: "it took more disk than its limit",
    16: "its folder or its output could not be reached", 18: "it was ended for another job",
    20: "a node of it went down", 21: "its shell could not be started", 22: "the interconnect failed",
    23: "a node ran out of memory", 25: "the high-availability system moved", 26: "prologue or epilogue failed",
    27: "its resources ended", 28: "its job environment failed", 29: "its job environment failed",
    30: "it could not be suspended", 180: "a storage volume failed",
}  # fmt: skip
"""PJM codes in words."""
_NO_FAULT = frozenset({9, 18, 20, 22, 25, 26, 28, 29, 100, 120, 140, 160, 180})
_COMMAND_LINE_ALONE = frozenset({"no-check-directory", "no-check-gfscache", "all-mount-gfscache"})
_CHOSEN = "jid,jnam,st,ec,sn,pc,adt,sdt,edt,nnumr,ermsg"
_AT_ONCE = 50
_HIDDEN = "*"


class PjmDialect:
    """Says the verbs in PJM's commands."""

    name = "pjm"
    # The manual has a job tried again after about ten minutes where the daemon was not present.
    save_window = 600.0

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def script(self, spec: JobSpec) -> str:
        """See `Dialect.script`. PJM has no option for the folder, so the script goes there."""
        asked, processes = spec.template, spec.template.node_count * spec.template.processes_per_node
        limits = [f"node={asked.node_count}", f"elapse={_elapse(spec.minutes)}"]
        limits += [f"rscgrp={asked.queue_name}"] if asked.queue_name else []
        limits += [f"node-mem={asked.memory_mib}Mi"] if asked.memory_mib else []
        options = [
            f"-N {spec.name}", f'-L "{",".join(limits)}"', f"-o {spec.folder / SCHEDULER_OUTPUT}", "-j", "--norestart",
            f'--mpi "proc={processes},max-proc-per-node={asked.processes_per_node}"',
        ]  # fmt: skip
        options += [f"--comment {spec.comment}"] if spec.comment else []
        options += [f"-g {account}"] if (account := spec.account or asked.account) else []
        own = spec.own_attributes(self.name)
        options += [_option(name, value) for name, value in own.items() if name not in _COMMAND_LINE_ALONE]
        lines = [f"#PJM {option}" for option in options]
        where = f"cd {spec.folder} || exit 97"
        return "\n".join(["#!/bin/bash", *lines, where, *spec.setup, command_line(spec.launch), ""])

    async def submit(self, spec: JobSpec, user: str = "") -> SubmitAnswer:
        """See `Dialect.submit`."""
        alone = [f"--{name}" for name in spec.own_attributes(self.name) if name in _COMMAND_LINE_ALONE]
        try:
            answer = await self._commands.verb(
                ["pjsub", *alone], "submit", [spec.name], given=self.script(spec), user=user
            )
        except Unavailable as error:
            return SubmitAnswer(words=str(error))
        if answer.status == 0 and (found := _SUBMITTED.search(answer.out)) is not None:
            return SubmitAnswer(found[1])
        why = _CODE.search(answer.err)
        refused = (why is not None and why[1] in _REFUSALS) or "yosegi-batch-helper:" in answer.err
        return SubmitAnswer(refused=refused, words=answer.said)

    async def look_up(self, jobs: Mapping[str, str], users: Sequence[str] = ()) -> Mapping[str, Sequence[JobSighting]]:
        """See `Dialect.look_up`: what is there, then the history; of jobs that are hidden here, whether they live."""
        found: dict[str, list[JobSighting]] = defaultdict(list)
        names = list(jobs)
        for first in range(0, len(names), _AT_ONCE):
            some = names[first : first + _AT_ONCE]
            for history in ([], ["-H"]):
                for user in users or ("",):
                    for sighting in await self._stat(history, some, user):
                        found[sighting.name].append(sighting)
        hidden = {jobs[name]: name for name in names if jobs[name] and name not in found}
        for job, state in (await self._waited(list(hidden))).items():
            # A number may be another job's by now: that something lives under it is no more than a reason to wait.
            if (name := hidden.get(job)) is not None and state in ("X", "H", "E"):
                phase = JobPhase.QUEUED if state == "X" else JobPhase.HELD
                found[name].append(JobSighting(job, name, phase, state, words="its state is hidden here"))
        return found

    async def _stat(self, history: Sequence[str], names: Sequence[str], user: str) -> list[JobSighting]:
        asked = ["--data", "--delimiter", "|", "--choose", _CHOSEN, "--filter", f"jnam={'+'.join(names)}"]
        # As another user the helper asks for what is there; the history of others is asked for as the site.
        user = "" if history else user
        answer = await self._commands.verb(["pjstat", *history, "-s", *asked], "state", names, user=user)
        if answer.status:
            raise answer.unavailable("pjstat")
        return [s for line in answer.out.splitlines() if (s := _read(line, names)) is not None]

    async def _waited(self, jobs: Sequence[str]) -> Mapping[str, str]:
        if not jobs:
            return {}
        answer = await self._commands.run(["pjwait", "-w", "waitnone", *jobs])
        fields = (line.split() for line in answer.out.splitlines())
        return {one[0]: one[1] for one in fields if len(one) >= 2}

    async def cancel(self, jobs: Iterable[JobSighting], user: str = "") -> None:
        """See `Dialect.cancel`."""
        if numbers := [job.job for job in jobs]:
            answer = await self._commands.verb(["pjdel", *numbers], "cancel", numbers, user=user)
            if "PJM 0090" in answer.err or "PJM 0091" in answer.err:
                raise answer.unavailable("pjdel")


def _option(name: str, value: str) -> str:
    return f'--{name} "{value}"'


def _elapse(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}:00"


def _read(line: str, names: Sequence[str]) -> JobSighting | None:
    """A line of `pjstat --data`; none for the heading, and for a job that is not asked about."""
    fields = [field.strip() for field in line.split("|", 11)]
    if len(fields) < 12 or fields[0]:
        return None
    _, job, cut, state, status, number, code, asked, begun, ended, nodes, message = fields
    # Whether a long name is cut in this form is not known: an unmistakable beginning counts.
    found = [name for name in names if name == cut or (len(cut) >= 10 and name.startswith(cut))]
    if len(found) != 1:
        return None
    if state in _ENDED:
        return _over(job, found[0], state, (status, number, code), _moment(begun), _moment(ended), nodes, message)
    phase = JobPhase.HELD if state in _HELD else JobPhase.RUNNING if state in _RUNNING else JobPhase.QUEUED
    words = "it has to be deleted by hand" if state == "ERR" else ""
    started = _moment(begun) if phase is JobPhase.RUNNING else None
    told = " ".join(part for part in (words, f"({state})", "" if message in ("-", _HIDDEN) else message) if part)
    return JobSighting(job, found[0], phase, state, _moment(asked), started, None, _nodes(nodes), words=told)


def _over(
    job: str, name: str, state: str, codes: tuple[str, str, str], begun: float | None, ended: float | None,
    nodes: str, message: str,
) -> JobSighting:  # fmt: skip
    status, number, code = (int(text) if text.lstrip("-").isdigit() and text != "-" else None for text in codes)
    words = CODES.get(code or 0, f"the system failed (PJM code {code})")
    detail = [f"PJM code {code}"] if code else []
    detail += [f"exit status {status}"] if status else []
    detail += [f"signal {number}"] if number else []
    detail += [message] if message not in ("", "-") else []
    return JobSighting(
        job, name, JobPhase.ENDED, state, None, begun, ended, _nodes(nodes),
        words=f"{words} ({', '.join([state, *detail])})", over_time=code in (7, 11), lost_node=code in _NO_FAULT,
    )  # fmt: skip


def _nodes(text: str) -> int:
    first = text.partition(":")[0]
    return int(first) if first.isdigit() else 1


def _moment(text: str) -> float | None:
    """POSIX seconds of a local time; in parentheses it is only planned. Without a year it is the last such moment."""
    text = text.rstrip("<@#").strip()
    for form in ("%Y/%m/%d %H:%M:%S", "%m/%d %H:%M:%S"):
        now = time.localtime()
        try:
            whole = text if form.startswith("%Y") else f"{now.tm_year}/{text}"
            found = time.mktime(time.strptime(whole, "%Y/%m/%d %H:%M:%S"))
        except ValueError:
            continue
        return found if form.startswith("%Y") or found <= time.time() + 86400 else _a_year_before(found)
    return None


def _a_year_before(moment: float) -> float:
    then = time.localtime(moment)
    return time.mktime((then.tm_year - 1, *then[1:8], -1))
