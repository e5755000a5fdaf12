"""A file of last resort: a stop is kept in it while the ledger, whose disk may be full, does not have it.

The file has its full size from the start, and is written over in place: that needs no room on the disk.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Literal

from yosegi.core.errors import Invalid
from yosegi.core.values import Value

log = logging.getLogger("yosegi.execution")

SIZE = 4096
"""Bytes: one block of most disks, written whole or not at all."""
LONGEST_REASON = 1000
"""Characters of a reason that are kept."""
StopWord = Literal["hold", "safe_stop", "abort"]


class UnrecordedStop(Value):
    """A stop that was carried out and is not in the ledger yet.

    Args:
        word: the strongest that is not recorded.
        by: who said it last, and `reason` why.
        at: when, as RFC 3339 writes it.
    """

    format: Literal["yosegi.unrecorded-stop.v1"] = "yosegi.unrecorded-stop.v1"
    word: StopWord
    by: str
    reason: str = ""
    at: str = ""


class LastResort:
    """Keeps one stop.

    Args:
        path: of the file; None where there is no folder to have it in, and nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def __repr__(self) -> str:
        return f"<file of last resort: {self._path or 'none'}>"

    def prepare(self) -> None:
        """Take the room that a stop needs; a disk that has none now is told of, and tried again at the next start."""
        if self._path is not None and not self._path.exists():
            self._write(b"")

    def read(self) -> UnrecordedStop | None:
        """The stop that is kept; None if there is none. One that cannot be read was one: everything stops safely."""
        try:
            data = self._path.read_bytes().strip() if self._path is not None and self._path.exists() else b""
            return UnrecordedStop.read(data, what=str(self._path)) if data else None
        except (Invalid, OSError) as error:
            log.error("%s says that something was stopped, and not what: %s", self._path, error)
            return UnrecordedStop(word="safe_stop", by="unknown", reason=f"{self._path} cannot be read")

    def keep(self, stop: UnrecordedStop) -> bool:
        """Keep a stop durably, in place of the one that is kept; whether that was possible."""
        return self._write(stop.to_bytes())

    def clear(self) -> None:
        """The ledger has it."""
        if self._path is not None and self._path.exists():
            self._write(b"")

    def _write(self, data: bytes) -> bool:
        if self._path is None:
            return False
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.pwrite(handle, data.ljust(SIZE), 0)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            log.error("the file of last resort cannot be written: %s", error)
            return False
        return True
