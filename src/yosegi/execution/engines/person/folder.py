"""A folder that somebody keeps: `proposals.csv` says what is to be done, and `rejected.csv` what was not taken and why.

What was done stands in `results.csv` (`PersonFolder`), or in a table of candidates as NIMO has it (`NimoFolder`).
"""

from __future__ import annotations

import csv
import errno
import fcntl
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, ClassVar

from yosegi.core.engine import PersonTask
from yosegi.core.errors import Invalid
from yosegi.core.sanitize import plain
from yosegi.execution.engines.person.kept_files import open_kept, read_kept, replace_kept
from yosegi.execution.engines.person.tables import MOST_BYTES, ResultLine, proposals_csv, read_results

PROPOSALS, RESULTS, REJECTED = "proposals.csv", "results.csv", "rejected.csv"
_LOCK = ".lock"


class KeptFolder(ABC):
    """What the conventions of a folder share: it belongs to one engine, and says what it did not take."""

    in_rounds: ClassVar[bool] = False
    """Whether what is to be done is given out in rounds, the next when all of the one before is done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rejected: set[tuple[str, str]] = set()
        self._lock: IO[bytes] | None = None

    def __repr__(self) -> str:
        return f"<folder {self._folder}>"

    def open(self) -> None:
        """Make it, and hold it against other engines until `close`, where the disk it is on can do that.

        Raises:
            BlockingIOError: another engine holds it.
            OSError: it cannot be made or written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = open_kept(self._folder / _LOCK)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise BlockingIOError(errno.EWOULDBLOCK, "another engine gives work out there", str(self._folder)) from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):
                raise

    def close(self) -> None:
        """Let another engine have it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    @abstractmethod
    def was_emptied(self) -> bool:
        """Whether what is to be done is to be written at once: its disk was away, and came back without."""

    @abstractmethod
    def write(self, tasks: Iterable[PersonTask]) -> None:
        """What is to be done; the file is replaced whole, so that nobody reads half of it."""

    @abstractmethod
    def new_rows(self, outputs: Mapping[str, frozenset[str]]) -> list[ResultLine]:
        """What was done since the last look; of what is still being written, nothing.

        Args:
            outputs: names of the outputs of each task that waits, by its key.
        """

    def reject(self, row: ResultLine, why: str) -> None:
        """Say once why a row was not taken; a corrected row is taken."""
        self._say_once((row.key, repr(row.result)), row.line, row.key, why)

    def removed(self, key: str, why: str) -> None:
        """Say of a task why it is not to be done from here any more, before somebody does it."""
        self._write_rejected("", key, why)

    def _say_once(self, said: tuple[str, str], line: int | str, key: str, why: str) -> None:
        if said not in self._rejected:
            self._rejected.add(said)
            self._write_rejected(line, key, why)

    def _replace(self, text: str) -> None:
        replace_kept(self._folder / PROPOSALS, text)

    def _write_rejected(self, line: int | str, key: str, why: str) -> None:
        with open_kept(self._folder / REJECTED) as binary:
            new = not os.fstat(binary.fileno()).st_size
            with io.TextIOWrapper(binary, encoding="utf-8", errors="backslashreplace", newline="") as file:
                writer = csv.writer(file)
                if new:
                    writer.writerow(("line", "key", "why"))
                writer.writerow((line, key, plain(why)))


class PersonFolder(KeptFolder):
    """The files of one engine: it alone writes proposals.csv and rejected.csv, and never results.csv."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._seen = ""

    def open(self) -> None:
        """See `KeptFolder.open`; what is to be done is written as it is handed out."""
        super().open()
        self.write(())

    @property
    def was_emptied(self) -> bool:
        """See `KeptFolder.was_emptied`."""
        return not (self._folder / PROPOSALS).exists()

    def write(self, tasks: Iterable[PersonTask]) -> None:
        """See `KeptFolder.write`."""
        self._replace(proposals_csv(tasks))

    def new_rows(self, outputs: Mapping[str, frozenset[str]]) -> list[ResultLine]:
        """Rows of results.csv, if it has changed since the last look; a line without an end is left for the next."""
        try:
            text = read_kept(self._folder / RESULTS, MOST_BYTES)
            if text is None or text == self._seen:
                return []
            self._seen = text
            return read_results(text, outputs, whole=False)
        except Invalid as error:
            self._say_once(("", str(error)), "", "", f"{error}; nothing is taken from it meanwhile")
            return []
