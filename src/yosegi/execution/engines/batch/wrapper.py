"""What runs in a job, whatever the scheduler: `python -m yosegi.execution.engines.batch.wrapper FOLDER`.

It takes the fence or ends (a second start of the same job finds it taken), says that it starts, has the capability
called by the engine that calls it on a site's own machine, ends whatever that left behind, and renames `exit` into
place last. SIGTERM, which schedulers send before they end a job, asks the capability to reach its safe state.

Exit status: 0 with a valid result or a point without answer, 1 with any other outcome, 97 without its folder, 98 if the
site was stopped, 99 if the fence was taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yosegi.core.clock import SystemClock
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Progress, Stopping, Work
from yosegi.core.object import ObjectRef
from yosegi.core.states import Result
from yosegi.core.supervision import Supervisor
from yosegi.data import FileStore
from yosegi.data.store import name_of
from yosegi.execution.engines.batch import job_files
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.process import _system
from yosegi.execution.engines.process.engine import ProcessEngine
from yosegi.execution.engines.process.worker_terms import WorkerTerms
from yosegi.execution.engines.station.object_channel import references

NO_FOLDER, SITE_STOPPED, FENCE_TAKEN = 97, 98, 99
_LOOK = 0.25
"""Seconds between two looks at whether the site said to stop."""
_BEAT = 10.0
"""Seconds after which a job says at the latest that it lives."""
_LINE = 200
_JOB = ("SLURM_JOB_ID", "PJM_JOBID", "PBS_JOBID", "LSB_JOBID")


@dataclass
class _Teller:
    """Writes `progress` when something is new, and at the latest after `_BEAT` seconds."""

    folder: Path
    said: dict[str, Any] = field(default_factory=lambda: {"fraction": 0.0, "text": "", "line": ""})
    beats: int = 0
    written: float = 0.0
    last: dict[str, Any] = field(default_factory=dict)

    def hear(self, progress: Progress) -> None:
        self.said |= {"fraction": progress.fraction, "text": progress.text[:_LINE]}

    def tell(self, now: float) -> None:
        self.said["line"] = last_line(self.folder / job_files.OUTPUT)
        if self.said == self.last and now - self.written < _BEAT:
            return
        self.beats, self.written, self.last = self.beats + 1, now, dict(self.said)
        with contextlib.suppress(OSError):  # decoration: a full disk must not end the job
            job_files.write(self.folder / job_files.PROGRESS, self.said | {"beat": self.beats}, durable=False)


def last_line(path: Path) -> str:
    """The last line that was printed, bounded; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4 * _LINE))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:_LINE] for line in reversed(lines) if line.strip()), "")


def work_of(task: dict[str, Any]) -> Work:
    """The task as an engine takes it."""
    return Work(
        key=task["key"], capability=task["capability"], inputs=task["inputs"], time_limit=task["time_limit"],
        effect=EffectClass(task["effect"]), attempt=task["attempt"], grace=task["grace"],
        objects={name: ObjectRef.read(ref) for name, ref in task["objects"].items()},
    )  # fmt: skip


def engine_of(task: dict[str, Any], folder: Path, scratch: Path, store: FileStore) -> ProcessEngine:
    """What calls the capability: a process of its own, as on the site's own machine."""
    return ProcessEngine(
        {task["capability"]: task["entry"]}, scratch / "work",
        WorkerTerms(TaskLimits.read(task["limits"]), tuple(map(Path, task["import_path"]))),
        clock=SystemClock(), scope=Supervisor(SystemClock()).scope("job"), slots=1,
        store=store, printed_to=folder / job_files.OUTPUT,
    )  # fmt: skip


def take_in(store: FileStore, folder: Path) -> None:
    """Have the inputs on the node; one whose bytes have changed gets another digest, and is missed by the engine."""
    if (given := folder / job_files.INPUTS).is_dir():
        for path in given.iterdir():
            with path.open("rb") as file:
                store.put(file)


def hand_out(store: FileStore, outcome: Outcome, folder: Path) -> None:
    """Leave every object among the outputs in the job's folder, under its digest."""
    target = folder / job_files.OUTPUTS
    for ref in references(outcome.outputs) if outcome.result is Result.VALID else ():
        target.mkdir(mode=0o770, exist_ok=True)
        path = target / name_of(ref.sha256)
        if not path.exists():
            store.copy(ref.sha256, path)
            path.chmod(0o440)
            job_files.sync(target)


async def carry_out(task: dict[str, Any], folder: Path, scratch: Path, words: list[Stopping]) -> Outcome:
    """Call the capability and see it through to its outcome.

    Args:
        task: as the site wrote it.
        folder: the job's.
        scratch: a folder on the node.
        words: that it is to stop, as the scheduler says by SIGTERM; it may grow.
    """
    signalled = folder / job_files.FENCE / job_files.SIGNALLED
    work, store, teller = work_of(task), FileStore(scratch / "objects"), _Teller(folder)
    engine = engine_of(task, folder, scratch, store)
    take_in(store, folder)
    loop = asyncio.get_running_loop()
    await engine.start()
    job_files.write(folder / job_files.FENCE / job_files.STARTED, {"host": os.uname().nodename, "pid": os.getpid()})
    running, heeded = asyncio.create_task(engine.run(work, teller.hear)), ""
    try:
        while not running.done():
            if "abort" in words and not signalled.exists():
                signalled.touch()
            if (word := _word(folder, words)) and word != heeded:
                heeded = word
                await engine.halt(work.key, word)
            teller.tell(loop.time())
            await asyncio.wait([running], timeout=_LOOK)
        outcome = running.result()
        hand_out(store, outcome, folder)
        return outcome
    finally:
        await engine.close()


def _word(folder: Path, words: list[Stopping]) -> Stopping | None:
    """How it is to stop, by the scheduler's signal or the site's file."""
    if words:
        return "abort"
    with contextlib.suppress(OSError):
        if (said := job_files.read(folder / job_files.STOP)) is not None:
            return "abort" if said.get("word") == "abort" else "safe_stop"
    return None


def end_descendants() -> None:
    """End by force whatever is left of what ran here: it was adopted by this process."""
    while children := _system.children():
        for pid in children:
            _system.kill(pid)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def main() -> int:
    """Do the task in a folder; what `sys.exit` takes."""
    folder = Path(sys.argv[1]).absolute()
    os.umask(0o007)
    _system.adopt_orphans()
    task = job_files.read(folder / job_files.TASK)
    if task is None:
        print(f"{folder} has no task", file=sys.stderr)
        return NO_FOLDER
    if (folder.parent / job_files.STOPPED).exists():
        print("the site was told to start nothing", file=sys.stderr)
        return SITE_STOPPED
    job = next((os.environ[name] for name in _JOB if name in os.environ), "")
    if not job_files.claim(folder, {"by": "job", "job": job, "host": os.uname().nodename, "pid": os.getpid()}):
        print("this job was begun before, or taken back", file=sys.stderr)
        return FENCE_TAKEN
    words: list[Stopping] = []
    # For the whole of its life: a job that is asked to end while it writes down its outcome must not die of it.
    for number in (signal.SIGTERM, signal.SIGXCPU):  # Slurm's warning, and PJM's
        signal.signal(number, lambda number, frame: words.append("abort"))
    os.environ["YOSEGI_JOB_THREADS"] = str(task["threads"])
    scratch = Path(tempfile.mkdtemp(prefix="yosegi-"))
    try:
        outcome = asyncio.run(carry_out(task, folder, scratch, words))
    finally:
        end_descendants()
        shutil.rmtree(scratch, ignore_errors=True)
    job_files.write(folder / job_files.EXIT, outcome.model_dump(mode="json", exclude_none=True))
    return 0 if outcome.reason in ("", "infeasible") else 1


if __name__ == "__main__":
    sys.exit(main())
