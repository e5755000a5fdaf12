"""A mailbox keeps sealed parcels for sites that only dial out; it can neither read nor change them.

It is durable, so that a sender may go away after leaving its mail; and bounded, so that nobody can fill a disk. Mail
lost here is sent again by its sender, who waits for the receiver's own acknowledgement.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from yosegi.core.errors import Unavailable
from yosegi.exchange.parcel import MOST_MAIL, Mail
from yosegi.trust.sealed import Sealed

MOST_BYTES_A_SITE = 256 * 1024 * 1024
MOST_BYTES_AT_ONCE = 2 * 1024 * 1024
"""Of boxes in one answer; encoded once more, they stay below what a document may have."""


class Mailbox:
    """Sealed mail by receiver, oldest first."""

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS mail (receiver TEXT, id TEXT, sender TEXT, box BLOB,"
            " PRIMARY KEY (receiver, sender, id))"
        )

    def leave(self, mail: Mail) -> None:
        """Keep mail durably; the same mail twice is kept once.

        Raises:
            Unavailable: the receiver's box is full.
        """
        box = mail.box.to_bytes()
        row = self._db.execute("SELECT COALESCE(SUM(LENGTH(box)), 0) FROM mail WHERE receiver = ?", (mail.to,))
        if row.fetchone()[0] + len(box) > MOST_BYTES_A_SITE:
            raise Unavailable(f"the mailbox of {mail.to}", f"it holds {MOST_BYTES_A_SITE} bytes already")
        self._db.execute(
            "INSERT OR IGNORE INTO mail (receiver, id, sender, box) VALUES (?, ?, ?, ?)",
            (mail.to, mail.id, mail.sender, box),
        )

    def waiting(self, receiver: str) -> tuple[Mail, ...]:
        """The oldest mail of a receiver, as much as fits into one parcel."""
        rows = self._db.execute(
            "SELECT sender, id, box FROM mail WHERE receiver = ? ORDER BY rowid LIMIT ?", (receiver, MOST_MAIL)
        )
        mail: list[Mail] = []
        size = 0
        for sender, key, box in rows:
            size += len(box)
            if mail and size > MOST_BYTES_AT_ONCE:
                break
            mail.append(Mail(sender=sender, to=receiver, id=key, box=Sealed.read(box)))
        return tuple(mail)

    def drop(self, receiver: str, ids: tuple[str, ...]) -> None:
        """Forget mail its receiver has collected."""
        self._db.executemany("DELETE FROM mail WHERE receiver = ? AND id = ?", [(receiver, key) for key in ids])

    def statistics(self) -> dict[str, Any]:
        """Mail waiting, by receiver."""
        rows = self._db.execute("SELECT receiver, COUNT(*) FROM mail GROUP BY receiver")
        return dict(rows.fetchall())

    def close(self) -> None:
        """Close the file."""
        self._db.close()
