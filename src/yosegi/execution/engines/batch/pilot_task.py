"""One task inside a pilot: called in a long-lived worker, by the folder of the task; it keeps to the files of a job.

The worker is warm: what it has imported stays. It does one task at a time. A capability that ends its process ends the
worker, and the pilot says so of the task; a time limit is an exception in it (SIGALRM), so what never returns to Python
ends only with the pilot.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from yosegi.core.capability import Capability
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome
from yosegi.core.errors import Invalid, YosegiError
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Result
from yosegi.data import FileStore
from yosegi.execution.engines.batch import job_files
from yosegi.execution.engines.batch.wrapper import hand_out, take_in, work_of
from yosegi.execution.engines.entry_points import load
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.process import _call, files
from yosegi.execution.outcomes import ended_badly, from_answer, never_began

_STOP_EVERY = 0.25
_TOLD_EVERY = 1.0


class TimeOver(BaseException):
    """The task's time limit is over; no `except Exception` of a capability holds it up."""


def do_task(place: str) -> str:
    """Do the task in a folder, if nobody has begun it; in one word, how that went: done, taken, stopped or absent."""
    folder = Path(place)
    task = job_files.read(folder / job_files.TASK)
    if task is None:
        return "absent"
    if (folder.parent / job_files.STOPPED).exists():
        return "stopped"
    if not job_files.claim(folder, {"by": "job", "job": "pilot", "host": os.uname().nodename, "pid": os.getpid()}):
        return "taken"
    scratch = Path(tempfile.mkdtemp(prefix="yosegi-"))
    here = Path.cwd()
    try:
        outcome = _outcome(task, folder, scratch)
    finally:
        os.chdir(here)
        shutil.rmtree(scratch, ignore_errors=True)
    job_files.write(folder / job_files.EXIT, outcome.model_dump(mode="json", exclude_none=True))
    return "done"


@cache
def _loaded(entry: str) -> Capability[Any, Any]:
    return load(entry)


def _outcome(task: dict[str, Any], folder: Path, scratch: Path) -> Outcome:
    work, limits, store = work_of(task), TaskLimits.read(task["limits"]), None
    try:
        capability = _loaded(task["entry"])
        given: dict[str, str] = {}
        if work.objects:
            store = FileStore(scratch / "objects")
            take_in(store, folder)
            given = files.hand_in(store, work.objects, scratch / "in")
    except YosegiError as error:
        return never_began(OutcomeCode.NOT_STARTED, str(error))
    own = scratch / "work"
    own.mkdir()
    os.chdir(own)
    context = _call.context_of(work.key, own, _reporter(folder), stopping=_asked(folder), files=given)
    job_files.write(folder / job_files.FENCE / job_files.STARTED, {"host": os.uname().nodename, "pid": os.getpid()})
    try:
        with _time_limit(work.time_limit), _printed(folder / job_files.OUTPUT):
            line = _call.answer(capability, work.inputs, context, limits.output)
    except TimeOver:
        return ended_badly(work.effect, OutcomeCode.TIME_LIMIT, f"ended after {work.time_limit:g} seconds")
    return _with_objects(from_answer(line, work.effect, limits.output), store or scratch / "objects", own, folder)


def _with_objects(outcome: Outcome, store: FileStore | Path, own: Path, folder: Path) -> Outcome:
    """The outcome with its objects in the job's folder, under their digests."""
    outputs = outcome.outputs or {}
    if outcome.result is not Result.VALID or not any(isinstance(v, dict) and "sha256" in v for v in outputs.values()):
        return outcome
    kept = FileStore(store) if isinstance(store, Path) else store
    try:
        outcome = outcome.model_copy(update={"outputs": files.take_in(kept, outputs, own)})
    except Invalid as error:
        return Outcome.failed(outcome.effect, OutcomeCode.BAD_OUTPUT, str(error), invalid=True)
    hand_out(kept, outcome, folder)
    return outcome


def _asked(folder: Path) -> Callable[[], bool]:
    """Whether the site said to stop; a capability may ask ten thousand times a second."""
    last, said = -_STOP_EVERY, False

    def stopping() -> bool:
        nonlocal last, said
        if not said and time.monotonic() - last >= _STOP_EVERY:
            last, said = time.monotonic(), (folder / job_files.STOP).exists()
        return said

    return stopping


def _reporter(folder: Path) -> Callable[[float, str], None]:
    told, last = 0, -_TOLD_EVERY

    def report(fraction: float, text: str) -> None:
        nonlocal told, last
        if time.monotonic() - last >= _TOLD_EVERY:
            told, last = told + 1, time.monotonic()
            said = {"fraction": float(fraction), "text": str(text)[:200], "line": "", "beat": told}
            with contextlib.suppress(OSError):
                job_files.write(folder / job_files.PROGRESS, said, durable=False)

    return report


@contextlib.contextmanager
def _time_limit(seconds: float) -> Any:
    def over(number: int, frame: FrameType | None) -> None:
        raise TimeOver

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _printed(path: Path) -> Any:
    """What is printed in Python goes to the task's file."""
    with path.open("a", errors="replace") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        yield


def lost(folder: Path, why: str) -> None:
    """Write the outcome of a task whose worker ended in the middle of it."""
    task = job_files.read(folder / job_files.TASK)
    fence = job_files.read(folder / job_files.FENCE / job_files.CLAIM)
    if task is None or fence is None or fence.get("by") != "job" or (folder / job_files.EXIT).exists():
        return
    outcome = ended_badly(EffectClass(task["effect"]), OutcomeCode.CRASHED, why)
    job_files.write(folder / job_files.EXIT, outcome.model_dump(mode="json", exclude_none=True))
