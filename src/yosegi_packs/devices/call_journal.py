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
from typing import Any


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
