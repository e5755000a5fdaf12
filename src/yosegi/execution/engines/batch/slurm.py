"""Slurm: sbatch, squeue, sacct, scancel. Tried with 22.05; what is read is asked for field by field, never guessed.

An sbatch that fails has not refused: after a socket error the job may be there. Only the errors listed here, which
Slurm gives before or instead of queueing a job, count as a refusal (slurm_errno.c names them).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from yosegi.core.errors import Unavailable
from yosegi.execution.engines.batch.dialect import Commands, JobPhase, JobSighting, SubmitAnswer
from yosegi.execution.engines.batch.job_files import SCHEDULER_OUTPUT
from yosegi.execution.engines.batch.job_spec import JobSpec
from yosegi.execution.engines.batch.script import command_line

_REFUSALS = (
    "invalid", "access/permission denied", "node configuration is not available", "more processors requested",
    "job violates accounting/qos policy", "not permitted to use this partition", "unrecognized option",
    "requested time limit", "requested partition configuration not available", "unable to open file",
    "batch script is empty", "job size specification", "yosegi-batch-helper:",
)  # fmt: skip
_NEVER_STARTS = frozenset(
    {"PartitionNodeLimit", "PartitionTimeLimit", "BadConstraints", "DependencyNeverSatisfied", "InvalidAccount",
     "InvalidQOS", "AccountNotAllowed", "QOSNotAllowed"}
)  # fmt: skip
_QUEUED = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "SPECIAL_EXIT"})
_HELD = frozenset({"JobHeldUser", "JobHeldAdmin", "RESV_DEL_HOLD", "REQUEUE_HOLD"})
_RUNNING = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"})
_ENDED = {
    "COMPLETED": "it ended",
    "FAILED": "its script ended with an error",
    "CANCELLED": "it was cancelled at the scheduler",
    "TIMEOUT": "its time limit at the scheduler was over",
    "DEADLINE": "the deadline of its queue was over",
    "OUT_OF_MEMORY": "it took more memory than it had asked for",
    "NODE_FAIL": "a node of it failed",
    "BOOT_FAIL": "a node of it could not be started",
    "PREEMPTED": "it had to make room for another job",
    "LAUNCH_FAILED": "it could not be started on its nodes",
    "REVOKED": "another cluster took it",
}
_NO_FAULT = frozenset({"NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "LAUNCH_FAILED"})
_GPU = re.compile(r"gpu(?:[:/][A-Za-z][\w.-]*)?[:=](\d+)")
_SQUEUE = "%i|%j|%T|%V|%S|%e|%D|%b|%r"
_SACCT = "jobid,jobname,state,exitcode,submit,start,end,nnodes,alloctres,consumedenergyraw"
_COMPLETION = "jobid,jobname,state,exitcode,start,end,nnodes"
_AT_ONCE = 400


class SlurmDialect:
    """Says the verbs in Slurm's commands.

    Args:
        accounting: what tells of jobs that the controller has forgotten: `sacct` (slurmdbd), `completion` (the job
            completion log, `sacct --completion`), or nothing.
    """

    name = "slurm"
    # slurmctld writes its state up to 5 s late (measured); three times that.
    save_window = 15.0

    def __init__(self, commands: Commands, *, accounting: str = "sacct") -> None:
        self._commands, self._accounting = commands, accounting

    def script(self, spec: JobSpec) -> str:
        """See `Dialect.script`."""
        asked = spec.template
        options = {
            "job-name": spec.name, "comment": spec.comment, "chdir": str(spec.folder),
            "output": str(spec.folder / SCHEDULER_OUTPUT), "time": str(spec.minutes), "nodes": str(asked.node_count),
            "ntasks-per-node": str(asked.processes_per_node), "cpus-per-task": str(asked.cpu_cores_per_process),
            "gpus-per-node": str(asked.gpu_cores_per_process * asked.processes_per_node or ""),
            "mem": f"{asked.memory_mib}M" if asked.memory_mib else "",
            "partition": asked.queue_name or "", "account": spec.account or asked.account or "",
            "reservation": asked.reservation_id or "", "signal": f"B:TERM@{max(1, round(spec.warning))}",
            "export": "NIL",
        }  # fmt: skip
        options |= spec.own_attributes(self.name)
        lines = [f"#SBATCH --{name}={value}" for name, value in options.items() if value]
        lines += ["#SBATCH --no-requeue", *(["#SBATCH --exclusive"] if asked.exclusive_node_use else [])]
        # What the site's variables are is none of a job's business (NIL); but srun takes that over from sbatch, and a
        # parallel step would begin without any variable, PATH among them (srun(1), SLURM_EXPORT_ENV).
        steps = "export SLURM_EXPORT_ENV=ALL"
        return "\n".join(["#!/bin/bash", *lines, steps, *spec.setup, command_line(spec.launch), ""])

    async def submit(self, spec: JobSpec, user: str = "") -> SubmitAnswer:
        """See `Dialect.submit`."""
        try:
            answer = await self._commands.verb(
                ["sbatch", "--parsable"], "submit", [spec.name], given=self.script(spec), user=user
            )
        except Unavailable as error:
            return SubmitAnswer(words=str(error))
        if answer.status == 0 and (job := answer.out.strip().partition(";")[0]).isdigit():
            return SubmitAnswer(job)
        said = answer.err.lower()
        return SubmitAnswer(refused=any(words in said for words in _REFUSALS), words=answer.said)

    async def look_up(self, jobs: Mapping[str, str], users: Sequence[str] = ()) -> Mapping[str, Sequence[JobSighting]]:
        """See `Dialect.look_up`: the queue for all; for those that it has not, or has as ended, the accounting."""
        names = list(jobs)
        found: dict[str, list[JobSighting]] = defaultdict(list)
        for some in _parts(names):
            queue = ["squeue", "-a", "-h", "-t", "all", "-o", _SQUEUE, "--name", ",".join(some)]
            for user in users or ("",):
                answer = await self._commands.verb(queue, "state", some, user=user)
                if answer.status:
                    raise answer.unavailable("squeue")
                for sighting in filter(None, map(_queued, answer.out.splitlines())):
                    found[sighting.name].append(sighting)
        over = [n for n in names if not any(s.phase is not JobPhase.ENDED for s in found.get(n, ()))]
        for some in _parts(over):
            for name, past in (await self._past(some)).items():
                found[name] = _joined(found.get(name, []), past)
        return found

    async def _past(self, names: Sequence[str]) -> Mapping[str, list[JobSighting]]:
        """What the accounting tells; nothing where there is none, or it does not answer."""
        found: dict[str, list[JobSighting]] = defaultdict(list)
        if self._accounting not in ("sacct", "completion"):
            return found
        whole = self._accounting == "sacct"
        # Without a start sacct tells of this day alone.
        asked = ["-S", "now-30days", "-a", "-o", _SACCT] if whole else ["-c", "-o", _COMPLETION]
        answer = await self._commands.run(["sacct", "-X", "-n", "-P", *asked, "--name", ",".join(names)])
        for line in answer.out.splitlines() if answer.status == 0 else ():
            if (sighting := accounted(line, whole=whole)) is not None:
                found[sighting.name].append(sighting)
        return found

    async def cancel(self, jobs: Iterable[JobSighting], user: str = "") -> None:
        """See `Dialect.cancel`."""
        if numbers := [job.job for job in jobs]:
            answer = await self._commands.verb(["scancel", *numbers], "cancel", numbers, user=user)
            if answer.status and "permission denied" not in answer.err.lower():
                raise answer.unavailable("scancel")


def _joined(queue: Sequence[JobSighting], past: Sequence[JobSighting]) -> list[JobSighting]:
    """What queue and accounting say of the jobs of a name: the one tells why, the other what was used."""
    counted = {sighting.job: sighting for sighting in past}
    joined = [replace(s, joules=counted[s.job].joules if s.job in counted else None) for s in queue]
    known = {sighting.job for sighting in queue}
    return joined + [sighting for sighting in past if sighting.job not in known]


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), _AT_ONCE):
        yield names[first : first + _AT_ONCE]


def _queued(line: str) -> JobSighting | None:
    fields = line.split("|", 8)
    if len(fields) < 9:
        return None
    job, name, state, submitted, started, ended, nodes, per_node, reason = fields
    count = _count(nodes)
    gpus = sum(map(int, _GPU.findall(per_node))) * count
    return _sighting(job, name, state, reason, _moment(submitted), _moment(started), _moment(ended), count, gpus)


def accounted(line: str, *, whole: bool) -> JobSighting | None:
    """A line of sacct, or of the job completion log, which has less; None for one that is cut short."""
    fields = line.split("|")
    if len(fields) < (10 if whole else 7):
        return None
    job, name, state, status, *rest = fields
    submitted = _moment(rest.pop(0)) if whole else None
    started, ended, nodes = _moment(rest[0]), _moment(rest[1]), _count(rest[2])
    gpus = sum(map(int, _GPU.findall(rest[3])[:1])) if whole else 0
    joules = float(rest[4]) if whole and rest[4].strip().isdigit() and rest[4].strip() != "0" else None
    words = f"exit status {status}" if status not in ("", "0:0") else ""
    return _sighting(job, name, state.split()[0], words, submitted, started, ended, nodes, gpus, joules)


def _sighting(
    job: str, name: str, state: str, reason: str, submitted: float | None, started: float | None,
    ended: float | None, nodes: int, gpus: int, joules: float | None = None,
) -> JobSighting:  # fmt: skip
    phase = JobPhase.ENDED
    if state in _QUEUED:
        phase = JobPhase.HELD if reason in _HELD else JobPhase.QUEUED
    elif state in _RUNNING:
        phase = JobPhase.RUNNING
    words = _ENDED.get(state, "") if phase is JobPhase.ENDED else ""
    detail = "" if reason in ("", "None") else reason
    # Of a job that waits Slurm tells when it expects to start it.
    started = None if phase in (JobPhase.QUEUED, JobPhase.HELD) else started
    return JobSighting(
        job, name, phase, state, submitted, started, ended if phase is JobPhase.ENDED else None, nodes, gpus, joules,
        " ".join(part for part in (words, f"({state}{f', {detail}' if detail else ''})") if part),
        over_time=state in ("TIMEOUT", "DEADLINE"), unfit=phase is JobPhase.QUEUED and reason in _NEVER_STARTS,
        lost_node=state in _NO_FAULT,
    )  # fmt: skip


def _moment(text: str) -> float | None:
    """POSIX seconds, as `SLURM_TIME_FORMAT=%s` has times told."""
    return float(text) if text.strip().isdigit() else None


def _count(text: str) -> int:
    return int(text) if text.strip().isdigit() else 1
