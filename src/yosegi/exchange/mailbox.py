"""A mailbox keeps sealed parcels for sites that only dial out; it can neither read nor change them.

It is durable, so that a sender may go away after leaving its mail; and bounded for each sender, so that nobody can fill
a disk, nor the place of others. A parcel of mail costs the same however much is kept: what is held of whom is counted
in memory, and every statement finds its rows by an index. Mail lost here is sent again by its sender, who waits for the
receiver's own acknowledgement.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

from yosegi.core.errors import Unavailable
from yosegi.exchange.parcel import MOST_MAIL, Mail
from yosegi.trust.sealed import Sealed

Offload = Callable[..., Awaitable[Any]]
"""Does work with the disk away from the event loop, one piece at a time."""

MOST_BYTES_A_SITE = 256 * 1024 * 1024
"""Kept for one receiver; each sender has an equal share of it, and no use of what others leave free."""
LEAST_SHARE = 8 * 1024 * 1024
"""Bytes of a share, however many the members are: two of the largest parcels."""
MOST_LETTERS_OF_A_SENDER = 4096
"""Kept of one sender for one receiver, however small."""
MOST_BYTES_AT_ONCE = 2 * 1024 * 1024
"""Of boxes in one answer; encoded once more, they stay below what a document may have."""
LONGEST_KEPT = timedelta(days=8)
"""A sealed parcel is valid for seven days, and afterwards of no use to anybody."""
_AT_ONCE = 1000
"""Rows that one transaction takes away."""

_DDL = (
    "CREATE TABLE IF NOT EXISTS mail (receiver TEXT, id TEXT, sender TEXT, box BLOB, kept REAL,"
    " PRIMARY KEY (receiver, sender, id))",
    # By these the oldest of a sender, and a letter that was collected, are found without a look at any other.
    "CREATE INDEX IF NOT EXISTS mail_of_sender ON mail (receiver, sender)",
    "CREATE INDEX IF NOT EXISTS mail_by_id ON mail (receiver, id)",
    "CREATE INDEX IF NOT EXISTS mail_kept ON mail (kept)",
)


@dataclass
class Kept:
    """What is kept of one sender for one receiver."""

    letters: int = 0
    bytes: int = 0

    def add(self, letters: int, bytes: int) -> None:
        """Count more, or, below 0, less."""
        self.letters += letters
        self.bytes += bytes


@dataclass
class Mailbox:
    """Sealed mail by receiver; what one sender leaves never stands before another's.

    Args:
        path: its file.
        offload: does work with the file; a thread of its own, if none is given.
    """

    path: Path | str
    offload: Offload | None = None
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Letters that were not kept as the share was full, by receiver and sender, since the start."""
    _kept: dict[tuple[str, str], Kept] = field(default_factory=dict)
    _due: datetime | None = None

    def __post_init__(self) -> None:
        self._thread = None if self.offload is not None else ThreadPoolExecutor(1, "mailbox")
        self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(_DDL[0])
        if "kept" not in {row[1] for row in self._db.execute("PRAGMA table_info(mail)")}:
            self._db.execute("ALTER TABLE mail ADD COLUMN kept REAL")
        for statement in _DDL[1:]:
            self._db.execute(statement)
        rows = self._db.execute("SELECT receiver, sender, COUNT(*), SUM(LENGTH(box)) FROM mail GROUP BY 1, 2")
        self._kept = {(receiver, sender): Kept(letters, size) for receiver, sender, letters, size in rows}

    async def _do(self, work: Callable[..., Any], *args: Any) -> Any:
        try:
            if self.offload is not None:
                return await self.offload(work, *args)
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
        except sqlite3.Error as error:
            raise Unavailable("the mailbox", f"its file does not do what is asked ({error})") from error

    # -- leaving mail ---------------------------------------------------------------------------------------------

    async def keep(self, mail: Sequence[Mail], *, senders: int, now: datetime) -> None:
        """Keep mail durably, all of it in one commit; the same mail twice is kept once.

        Args:
            mail: what one parcel brings.
            senders: how many sites may leave mail: each has this part of a receiver's bytes.
            now: the moment, by which it is forgotten one day.

        Raises:
            Unavailable: some had no room in its sender's share; the rest is kept.
        """
        share = max(LEAST_SHARE, MOST_BYTES_A_SITE // max(1, senders))
        rows: list[tuple[str, str, str, bytes, float]] = []
        full = ""
        for one in mail:
            box, place = one.box.to_bytes(), (one.to, one.sender)
            kept = self._kept.setdefault(place, Kept())
            if kept.letters >= MOST_LETTERS_OF_A_SENDER or kept.bytes + len(box) > share:
                self.refused[place] += 1
                full = full or f"the mailbox of {one.to}"
                continue
            # Taken at once: another parcel may come while this one is written.
            kept.add(1, len(box))
            rows.append((one.to, one.id, one.sender, box, now.timestamp()))
        if rows:
            await self._insert(rows)
        if full:
            why = f"its sender's share is full: {MOST_LETTERS_OF_A_SENDER} letters or {share} bytes"
            raise Unavailable(full, why, "leave mail again when the receiver has fetched some")

    async def _insert(self, rows: list[tuple[str, str, str, bytes, float]]) -> None:
        added = [False] * len(rows)
        try:
            added = await self._do(self._write, rows)
        finally:
            for row, was_new in zip(rows, added, strict=True):
                if not was_new:
                    self._kept[row[0], row[2]].add(-1, -len(row[3]))

    def _write(self, rows: list[tuple[str, str, str, bytes, float]]) -> list[bool]:
        statement = "INSERT OR IGNORE INTO mail (receiver, id, sender, box, kept) VALUES (?, ?, ?, ?, ?)"
        with _transaction(self._db):
            return [self._db.execute(statement, row).rowcount == 1 for row in rows]

    # -- fetching it ----------------------------------------------------------------------------------------------

    def has_mail(self, receiver: str) -> bool:
        """Whether anything waits for a receiver; read from memory."""
        return any(kept.letters > 0 for (to, _), kept in self._kept.items() if to == receiver)

    async def waiting(self, receiver: str) -> tuple[Mail, ...]:
        """Mail of a receiver, as much as fits into one parcel: of each sender the oldest, in turns."""
        senders = sorted(sender for (to, sender), kept in self._kept.items() if to == receiver and kept.letters > 0)
        found: tuple[Mail, ...] = await self._do(self._read, receiver, senders) if senders else ()
        return found

    def _read(self, receiver: str, senders: list[str]) -> tuple[Mail, ...]:
        oldest = "SELECT rowid, LENGTH(box) FROM mail WHERE receiver = ? AND sender = ? ORDER BY rowid LIMIT ?"
        queues = [self._db.execute(oldest, (receiver, sender, MOST_MAIL)).fetchall() for sender in senders]
        mail: list[Mail] = []
        size = 0
        for row, length in [one for turn in zip_longest(*queues) for one in turn if one is not None][:MOST_MAIL]:
            size += length
            if mail and size > MOST_BYTES_AT_ONCE:
                break
            found = self._db.execute("SELECT sender, id, box FROM mail WHERE rowid = ?", (row,)).fetchone()
            mail.append(Mail(sender=found[0], to=receiver, id=found[1], box=Sealed.read(found[2])))
        return tuple(mail)

    async def drop(self, receiver: str, ids: Sequence[str]) -> None:
        """Forget mail its receiver has collected, in one commit."""
        if ids:
            self._count(await self._do(self._delete, receiver, tuple(ids)))

    def _delete(self, receiver: str, ids: tuple[str, ...]) -> list[tuple[str, str, int]]:
        statement = "DELETE FROM mail WHERE receiver = ? AND id = ? RETURNING receiver, sender, LENGTH(box)"
        with _transaction(self._db):
            return [row for key in ids for row in self._db.execute(statement, (receiver, key)).fetchall()]

    # -- age ------------------------------------------------------------------------------------------------------

    async def expire(self, now: datetime) -> None:
        """Forget what nobody can read any more; called every hour or so.

        Only what is too old at two calls in a row goes: a clock that is ahead for a while takes nobody's mail away.
        """
        latest = now if self._due is None else min(self._due, now)
        self._due = now
        await self._do(self._date, now.timestamp())
        while gone := await self._do(self._forget, (latest - LONGEST_KEPT).timestamp()):
            self._count(gone)

    def _date(self, now: float) -> None:
        """What has no date, or one that has not come yet, was kept by another version or by a wrong clock."""
        self._db.execute("UPDATE mail SET kept = ? WHERE kept IS NULL OR kept > ?", (now, now + 86400))

    def _forget(self, before: float) -> list[tuple[str, str, int]]:
        statement = (
            "DELETE FROM mail WHERE rowid IN (SELECT rowid FROM mail WHERE kept < ? LIMIT ?)"
            " RETURNING receiver, sender, LENGTH(box)"
        )
        return self._db.execute(statement, (before, _AT_ONCE)).fetchall()

    def _count(self, gone: Sequence[tuple[str, str, int]]) -> None:
        for receiver, sender, size in gone:
            self._kept.setdefault((receiver, sender), Kept()).add(-1, -size)

    def statistics(self) -> dict[str, int]:
        """Mail waiting, by receiver."""
        waiting = Counter[str]()
        for (receiver, _), kept in self._kept.items():
            waiting[receiver] += kept.letters
        return {receiver: letters for receiver, letters in waiting.items() if letters}

    def close(self) -> None:
        """Close the file."""
        if self._thread is not None:
            self._thread.shutdown()
        self._db.close()


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    """One commit of several statements; none of them where one fails."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
