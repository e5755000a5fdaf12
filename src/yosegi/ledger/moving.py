"""Moving a ledger from one kind of store to another: the same entries, proofs and signed checkpoint, in no new epoch.

A copy that goes on beside the original would be a fork. So the original is locked while it is copied, and marked as a
copy once the other has been verified: whoever serves it again by mistake is told that it waits for a new epoch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from yosegi.core.errors import Corrupt
from yosegi.ledger import rows
from yosegi.ledger.snapshot import Snapshot
from yosegi.ledger.store import Store
from yosegi.trust.keys import PublicKey


class LedgerMove:
    """One move. `copy` may be given up at any moment; the original goes on being the ledger until `retire`.

    Args:
        source: the original's store; claimed until `close`.
        site: whose ledger it is.
        keys: with which its checkpoints may be signed, by key id.

    Raises:
        Locked: a process writes the original.
    """

    def __init__(self, source: Store, *, site: str, keys: Mapping[str, PublicKey]) -> None:
        self._source, self._site, self._keys = source, site, keys
        self._term = source.claim(rows.DDL)

    def copy(self, part: Path, fill: Callable[[Path], None], target: Callable[[], Store]) -> int:
        """Copy everything, and hold every entry, proof and checkpoint of the copy against the original's last one.

        Args:
            part: a file that is not there, for what is on its way.
            fill: makes the other store of that file.
            target: opens the other store, to read it.

        Returns:
            How many entries the ledger has.

        Raises:
            Invalid: there is a ledger in the other store already.
            Corrupt: the copy does not hold together, or is another.
            StoreFailed: a disk or the server does not do what is asked.
        """
        self._source.backup(part)
        # A backup waits for a new epoch, since the original goes on beside it; here it does not.
        with closing(sqlite3.connect(part)) as db:
            db.execute("UPDATE ledger_sequencer SET copied = 0")
            db.commit()
        fill(part)
        wanted = rows.last_checkpoint(self._source.reader())
        with Snapshot(target()) as found:
            for _ in found.check(self._site, self._keys):
                pass
            if wanted is None or (found.size, found.checkpoint.to_bytes()) != wanted:
                raise Corrupt("the copy", "its last checkpoint is not that of the original", "begin again")
            return found.size

    def retire(self) -> None:
        """Mark the original as a copy, once the other is the ledger: it is never gone on with by mistake."""
        with self._source.transaction(self._term) as db:
            db.execute("UPDATE ledger_sequencer SET copied = 1")

    def close(self) -> None:
        """Give the lock back."""
        self._source.close()
