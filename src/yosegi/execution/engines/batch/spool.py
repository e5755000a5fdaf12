"""The site's side of the folders of jobs: what goes in before a job, what is read while it runs, what is taken after.

Whoever's job it is may have written anything there. So nothing is followed that is a link, whatever is read is bounded,
and an output counts only with the digest that its bytes have here.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from yosegi.core.engine import Outcome, Work
from yosegi.core.errors import Invalid
from yosegi.core.object import ObjectRef
from yosegi.core.states import Result
from yosegi.data import ObjectStore
from yosegi.data.store import name_of
from yosegi.execution.engines.batch import job_files
from yosegi.execution.engines.batch.judgement import JobEvidence
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.station.object_channel import references


@dataclass(frozen=True, slots=True)
class JobProgram:
    """What a job runs besides its task: how its capability is found, and what it may use."""

    entry: str
    limits: TaskLimits
    import_path: tuple[str, ...] = ()
    threads: int = 1


class JobSpool:
    """Folders of jobs, under one folder of a shared file system.

    Args:
        store: where objects among inputs and outputs lie; None where there are none.
    """

    def __init__(self, folder: Path, store: ObjectStore | None) -> None:
        self._root, self._store = folder, store

    def open(self) -> None:
        """Make the folder.

        Raises:
            OSError: it cannot be made.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        # Users come through to folders of jobs that are theirs, and see no others.
        self._root.chmod(0o711)

    def folder(self, name: str) -> Path:
        """The folder of a job."""
        return self._root / name

    def exists(self, name: str) -> bool:
        """Whether a job has a folder.

        Raises:
            OSError: it cannot be said.
        """
        return self._root.joinpath(name).exists()

    def prepare(self, name: str, work: Work, program: JobProgram) -> None:
        """Make a job's folder with its task and its inputs in it.

        Raises:
            OSError, NotFound, Corrupt, Unavailable: it could not be made whole.
        """
        folder = self.folder(name)
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._store is not None and work.objects:
            inputs = folder / job_files.INPUTS
            inputs.mkdir(exist_ok=True)
            inputs.chmod(0o755)
            for ref in work.objects.values():
                path = inputs / name_of(ref.sha256)
                path.unlink(missing_ok=True)
                self._store.copy(ref.sha256, path)
                # The folder of the job lets in nobody but whose job it is.
                path.chmod(0o444)
        task = {
            "key": work.key, "capability": work.capability, "entry": program.entry, "inputs": work.inputs,
            "time_limit": work.time_limit, "effect": str(work.effect), "attempt": work.attempt, "grace": work.grace,
            "objects": {name: ref.json() for name, ref in work.objects.items()}, "threads": program.threads,
            "limits": program.limits.model_dump(mode="json"), "import_path": list(program.import_path),
        }  # fmt: skip
        # For whoever's job it is; the folder lets in nobody else.
        job_files.write(folder / job_files.TASK, task, mode=0o644)

    def look(self, names: Iterable[str]) -> dict[str, JobEvidence]:
        """What lies in the folders of jobs; one that cannot be read now is left out."""
        found = {}
        for name in names:
            try:
                found[name] = self._evidence(self.folder(name))
            except OSError:
                continue
        return found

    def _evidence(self, folder: Path) -> JobEvidence:
        # In this order: what is written later is read first, so that no exit is seen without its claim.
        ended = job_files.read_bytes(folder / job_files.EXIT)
        exit = None if ended is None else job_files.read(folder / job_files.EXIT) or {}
        started = job_files.read_bytes(folder / job_files.FENCE / job_files.STARTED) is not None
        signalled = os.path.lexists(folder / job_files.FENCE / job_files.SIGNALLED)
        fence = os.path.lexists(folder / job_files.FENCE)
        whose = job_files.read(folder / job_files.FENCE / job_files.CLAIM) or {}
        by = "site" if whose.get("by") == "site" else "job"
        said = job_files.read(folder / job_files.PROGRESS) or {}
        return JobEvidence(
            claim=by if fence else "", started=started, exit=exit, signalled=signalled, beat=_whole(said.get("beat")),
            fraction=_fraction(said.get("fraction")), text=str(said.get("text", ""))[:200],
            # Of a job that wrote nothing itself, what its script left: that its Python is not there, for example.
            line=str(said.get("line", ""))[:200] or job_files.last_line(folder / job_files.SCHEDULER_OUTPUT),
        )  # fmt: skip

    def take_back(self, name: str) -> bool:
        """Make a job's fence here; whether the site has it now, so that the job can never begin.

        Raises:
            OSError: it cannot be said.
        """
        folder = self.folder(name)
        if (found := job_files.read(folder / job_files.FENCE / job_files.CLAIM)) is not None:
            return found.get("by") == "site"
        folder.mkdir(mode=0o700, exist_ok=True)
        return job_files.claim(folder, {"by": "site"}, beside=self._root)

    def say_stop(self, name: str, word: str) -> None:
        """Tell a job that runs to stop.

        Raises:
            OSError: it could not be told.
        """
        job_files.write(self.folder(name) / job_files.STOP, {"word": word}, mode=0o644)

    def unsay_stop(self, name: str) -> None:
        """Take the word back.

        Raises:
            OSError: it is there still.
        """
        (self.folder(name) / job_files.STOP).unlink(missing_ok=True)

    def stop_all(self, stopped: bool) -> None:
        """Have no job of this folder begin, or let them again.

        Raises:
            OSError: it could not be said.
        """
        path = self._root / job_files.STOPPED
        if stopped:
            job_files.write(path, {}, mode=0o644)
        else:
            path.unlink(missing_ok=True)
            job_files.sync(self._root)

    def take_in(self, name: str, outcome: Outcome) -> Outcome:
        """The outcome, with every object among its outputs in the site's store.

        Raises:
            Unavailable: the disk is full; it is to be taken in later.
        """
        objects = references(outcome.outputs) if outcome.result is Result.VALID else []
        try:
            for ref in objects:
                self._keep(self.folder(name), ref)
        except Invalid as error:
            return Outcome.failed(outcome.effect, "bad_output", str(error), invalid=True)
        return outcome

    def _keep(self, folder: Path, ref: ObjectRef) -> None:
        if self._store is None:
            raise Invalid("an output", "it is an object, and nothing here keeps any")
        # Even if it is here: a job that names what it did not make must not be given it.
        with _plain(folder, (job_files.OUTPUTS, name_of(ref.sha256))) as file:
            digest, size = self._store.put(file)
        if (digest, size) != (ref.sha256, ref.size):
            raise Invalid("an output", f"the job left {digest} and not {ref.sha256}")

    def printed(self, name: str, most: int = 64 * 1024) -> str:
        """The last that a job printed, bounded."""
        try:
            data = job_files.read_bytes(self.folder(name) / job_files.OUTPUT) or b""
        except OSError:
            return ""
        return data[-most:].decode(errors="replace")

    def remove(self, name: str, *, older: float) -> bool:
        """Take a job's folder away if it is that many seconds old; whether it was."""
        folder = self.folder(name)
        try:
            # The age of files: a file system has no other clock.
            if time.time() - folder.lstat().st_mtime < older:
                return False
            shutil.rmtree(folder)
        except OSError:
            return False
        return True


def _plain(folder: Path, parts: tuple[str, ...]) -> BinaryIO:
    """A plain file below a folder, with no link on the way to it.

    Raises:
        Invalid: there is none.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        for part in parts[:-1]:
            above, handle = handle, os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            os.close(above)
        found = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
    except OSError as error:
        raise Invalid("an output", f"the job left no file for it ({error.strerror})") from None
    finally:
        os.close(handle)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise Invalid("an output", "what the job left for it is no plain file")
    return os.fdopen(found, "rb")


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _fraction(value: Any) -> float:
    return min(1.0, max(0.0, float(value))) if isinstance(value, int | float) else 0.0
