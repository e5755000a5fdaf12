"""What stand-ins for batch schedulers share: jobs in a folder, run on this machine by a process of their own each.

The commands of one scheduler, and how its answers look, are in `fake_pbs` and `fake_lsf`. Switches, in
FOLDER/switches.json, which may be changed at any time:

    capacity     jobs that run at once (default 4)
    slow         seconds that submitting takes
    before       how often the server cannot be reached before it has taken a job
    after        how often the connection breaks after it has taken it
    refuse       what it says in place of taking a job
    deaf         whether it answers no question
    forgets      seconds after which a job that is over is not known any more
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypedDict

_GRACE = 1.0
"""Seconds between TERM and KILL."""


class FakeJob(TypedDict):
    """A job; moments are POSIX seconds, `status` is that of `Popen.returncode`."""

    number: int
    name: str
    state: Literal["queued", "running", "over"]
    submitted: float
    started: float | None
    ended: float | None
    status: int
    killed: Literal["", "owner", "time"]
    limit: float
    warn: float
    out: str
    folder: str
    variables: dict[str, str]
    options: dict[str, str]
    pid: int


class SwitchedFolder:
    """What a stand-in keeps in a folder: jobs, a lock, and switches that tell it what to do wrong."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.jobs = folder, folder / "jobs"

    def switches(self) -> dict[str, Any]:
        """What it is told to do wrong."""
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads((self.folder / "switches.json").read_text())
            return found
        return {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone with the state."""
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def used_up(self, name: str) -> bool:
        """Whether a switch that counts is on; it counts down."""
        left = self.switches()
        if not left.get(name):
            return False
        left[name] -= 1
        (self.folder / "switches.json").write_text(json.dumps(left))
        return True


class FakeBatch(SwitchedFolder):
    """The state of one stand-in, in a folder; every command opens it anew."""

    def load(self) -> list[FakeJob]:
        """Every job that it still knows, oldest first."""
        found: list[FakeJob] = [json.loads(path.read_text()) for path in self.jobs.glob("[0-9]*.json")]
        forgets = self.switches().get("forgets")
        kept = (j for j in found if forgets is None or j["ended"] is None or time.time() - j["ended"] < forgets)
        return sorted(kept, key=lambda job: job["number"])

    def get(self, number: int) -> FakeJob | None:
        """A job that it still knows."""
        return next((job for job in self.load() if job["number"] == number), None)

    def keep(self, job: FakeJob) -> None:
        """Put a job down."""
        part = self.jobs / f".{job['number']}"
        part.write_text(json.dumps(job))
        part.replace(self.jobs / f"{job['number']}.json")

    def change(self, number: int, **fields: Any) -> FakeJob:
        """Change a job that is there; for whoever has the lock."""
        job: FakeJob = json.loads((self.jobs / f"{number}.json").read_text())
        job.update(fields)  # type: ignore[typeddict-item]
        self.keep(job)
        return job

    def take(self, text: str, **fields: Any) -> FakeJob:
        """Take a job, and have it seen through; `fields` as `FakeJob` has them, with NUMBER for its number."""
        with self.locked():
            number = max((int(path.stem) for path in self.jobs.glob("[0-9]*.json")), default=1000) + 1
            job: FakeJob = {
                "number": number, "name": "", "state": "queued", "submitted": time.time(), "started": None,
                "ended": None, "status": 0, "killed": "", "limit": 3600.0, "warn": 0.0, "out": "",
                "folder": str(Path.home()), "variables": {}, "options": {}, "pid": 0,
            }  # fmt: skip
            job.update(fields)  # type: ignore[typeddict-item]
            job["variables"] = {n: v.replace("NUMBER", str(number)) for n, v in job["variables"].items()}
            (self.jobs / f"{number}.sh").write_text(text)
            self.keep(job)
        subprocess.Popen(
            [sys.executable, "-m", "yosegi.testing.fake_batch", str(self.folder), str(number)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        return job

    def end(self, number: int) -> None:
        """Ask that a job end; what waits is over at once."""
        with self.locked():
            job = self.change(number, killed="owner")
            if job["state"] == "queued":
                self.change(number, state="over", ended=time.time())


def directives(text: str, mark: str) -> list[str]:
    """The words of a script's directives: lines that begin with a mark, up to the first that is no comment."""
    words = []
    for line in text.splitlines()[1:]:
        if line.strip() and not line.startswith("#"):
            break
        if line.startswith(f"{mark} "):
            words += shlex.split(line.removeprefix(f"{mark} "))
    return words


def supervise(batch: FakeBatch, number: int) -> None:
    """Wait for room, run the script, and put down how it ended."""
    while True:
        with batch.locked():
            jobs = batch.load()
            job = next((one for one in jobs if one["number"] == number), None)
            if job is None or job["state"] != "queued":
                return
            running = sum(one["state"] == "running" for one in jobs)
            first = min(one["number"] for one in jobs if one["state"] == "queued")
            if running < batch.switches().get("capacity", 4) and first == number:
                batch.change(number, state="running", started=time.time())
                break
        time.sleep(0.02)
    out = Path(job["out"]) if job["out"] else batch.jobs / f"{number}.out"
    with out.open("ab") as file:
        process = subprocess.Popen(
            ["/bin/bash", str(batch.jobs / f"{number}.sh")], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            cwd=job["folder"], start_new_session=True,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(Path.home())} | job["variables"],
        )  # fmt: skip
        with batch.locked():
            batch.change(number, pid=process.pid)
        _see_through(batch, number, process, job["warn"], time.time() + job["limit"])


def _see_through(
    batch: FakeBatch, number: int, process: subprocess.Popen[bytes], warn: float, deadline: float
) -> None:  # fmt: skip
    warned = not warn
    while process.poll() is None:
        now, job = time.time(), batch.get(number)
        if not warned and now >= deadline - warn:
            warned = True
            _signal(process.pid, signal.SIGTERM)
        if job is not None and job["killed"] == "" and now >= deadline:
            with batch.locked():
                job = batch.change(number, killed="time")
        if job is not None and job["killed"]:
            _signal(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
            _signal(process.pid, signal.SIGKILL)
        time.sleep(0.02)
    _signal(process.pid, signal.SIGKILL)
    with batch.locked():
        batch.change(number, state="over", ended=time.time(), status=process.returncode)


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def install(folder: Path, module: str, commands: Sequence[str]) -> Path:
    """Put the commands of a stand-in into `folder/bin`; that folder."""
    for part in ("bin", "jobs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for command in commands:
        path = folder / "bin" / command
        program = f'exec {shlex.quote(sys.executable)} -m {module} {command} {shlex.quote(str(folder))} "$@"'
        path.write_text(f"#!/bin/sh\n{program}\n")
        path.chmod(0o755)
    return folder / "bin"


if __name__ == "__main__":
    supervise(FakeBatch(Path(sys.argv[1])), int(sys.argv[2]))
