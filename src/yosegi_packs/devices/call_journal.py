"""What a task asked of a server that keeps no key of ours, on the station's disk before it is asked.

A line of JSON a step, appended and synchronised, so that a later attempt of the task knows what may have happened.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from yosegi.core.errors import Conflict

CALLS: Final = "sila-calls.jsonl"
ITEMS: Final = "queue-items.jsonl"
OVER: Final = ("done", "failed", "refused", "looked_at")
"""States of a call after which nothing of it is still to come."""
_OF_A_CALL: Final = ("key", "number", "feature", "command", "device")


class CallJournal:
    """The calls of one station to one kind of server.

    Args:
        path: its file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def held(self) -> Iterator[list[dict[str, Any]]]:
        """The steps on record, oldest first; held against other processes until it is left."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # A last line without an end was never synchronised: what it says was not done yet.
            lines = self._path.read_text(encoding="utf-8").split("\n")[:-1]
            yield [json.loads(line) for line in lines]
        finally:
            os.close(descriptor)

    def append(self, step: Mapping[str, Any]) -> None:
        """Add a step, durably."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(step) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def unsettled(self) -> list[dict[str, Any]]:
        """The last step of each call that is not known to be over, the oldest first; none where there is no file."""
        if not self._path.exists():
            return []
        last: dict[tuple[Any, Any], dict[str, Any]] = {}
        with self.held() as steps:
            for step in steps:
                call = (step["key"], step.get("number"))
                last[call] = last.get(call, {}) | step
        return [step for step in last.values() if step["state"] not in OVER]

    def accept(self, note: str) -> int:
        """Say of each call that is not settled that a person has looked; how many there were.

        What a later attempt of its task is told does not change: it asks for the call's outcome, and calls nothing.
        """
        found = self.unsettled()
        for step in found:
            call: dict[str, Any] = {
                name: step[name] for name in ("key", "number", "feature", "command", "device") if name in step
            }
            with self.held():
                self.append({**call, "state": "looked_at", "why": note})
        return len(found)


@contextmanager
def held_by_one(path: Path, device: str) -> Iterator[None]:
    """Hold a device of a station's folder against its other tasks, however they end.

    Args:
        path: of a file that is made for it.
        device: as the station calls it.

    Raises:
        Conflict: another task holds it.
    """
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            busy = Conflict(device, "is commanded by another task of this station", "wait for its end")
            busy.effect = "none"  # type: ignore[attr-defined]
            raise busy from None
        yield
