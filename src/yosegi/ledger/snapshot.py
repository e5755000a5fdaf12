"""A ledger as it is at one moment, read beside whoever writes it: for officers, offline and at once.

It takes no lock and changes nothing. What it finds can be proved under the newest checkpoint of that moment.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from yosegi.core.errors import Invalid
from yosegi.ledger import check, rows, tree
from yosegi.ledger.entry import Entry
from yosegi.ledger.sqlite import SqliteStore
from yosegi.ledger.store import Store, StoreFailed, check_pages
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey

_CHUNK = 50_000
_ENTRY = (
    "SELECT e.sequence, e.header, e.nodes, b.salt, b.body FROM ledger_entries e"
    " LEFT JOIN ledger_bodies b ON b.sequence = e.sequence WHERE e.sequence >= ? AND e.sequence < ? AND "
)


@contextlib.contextmanager
def _for_reading(path: Path) -> Iterator[SqliteStore]:
    """A ledger's file, also where nothing may be written beside it: a disc, or a folder with read rights only.

    SQLite keeps files beside one that is being written. Where it may not make them, and none hold anything that is not
    in the file yet, the file is read as it is; else it is read from a copy.
    """
    store = SqliteStore(path)
    try:
        store.exists()
    except (StoreFailed, sqlite3.Error):
        store.close()
    else:
        yield store
        return
    log = path.with_name(path.name + "-wal")
    if not log.exists() or not log.stat().st_size:
        yield SqliteStore(path, immutable=True)
        return
    with tempfile.TemporaryDirectory(prefix="yosegi-ledger-") as folder:
        for one in (path, log):
            shutil.copy(one, Path(folder) / one.name)
        yield SqliteStore(Path(folder) / path.name)


class Snapshot:
    """One moment of a ledger.

    Args:
        place: the file of a SQLite ledger, of a running site too, or of a backup; or a store, which is closed with
            the snapshot.

    Raises:
        Invalid: no ledger there, or one without a checkpoint.
    """

    def __init__(self, place: Path | Store) -> None:
        self._resources = contextlib.ExitStack()
        self._store = self._resources.enter_context(_for_reading(place)) if isinstance(place, Path) else place
        where = str(place) if isinstance(place, Path) else place.where
        if not self._store.exists():
            self._store.close()
            self._resources.close()
            raise Invalid(where, "there is no ledger there", "name the home of a site that was served")
        self._db = self._store.reader()
        # One read transaction: whatever is appended meanwhile is not seen.
        self._db.execute("BEGIN")
        last = rows.last_checkpoint(self._db)
        if last is None:
            self.close()
            raise Invalid(where, "it has no checkpoint", "serve the site once")
        self.size, envelope = last
        self.checkpoint = Envelope.read(envelope)

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store."""
        self._db.execute("COMMIT")
        self._store.close()
        self._resources.close()

    def containing(self, *texts: bytes) -> Iterator[Entry]:
        """Entries whose header or body has one of these texts, byte for byte, in order."""
        tests = " OR ".join(["instr(e.header, ?) > 0 OR instr(b.body, ?) > 0"] * len(texts))
        yield from self._where(f"({tests})", [text for text in texts for _ in range(2)])

    def following(self) -> Iterator[Entry]:
        """Entries that name others they follow, in order."""
        yield from self._where("instr(e.header, ?) = 0", [b'"after":[]'])

    def scan(self, start: int = 0) -> Iterator[Entry]:
        """Every entry from a sequence on."""
        return rows.scan(self._db, start, self.size, None)

    def leaves(self) -> list[bytes]:
        """The hash of every entry (RFC 9162), 32 bytes each, in order; not held against the entries here."""
        return [nodes[: tree.HASH_SIZE] for _, _, _, nodes in rows.places(self._db, 0, self.size)]

    def check(self, site: str, keys: Mapping[str, PublicKey]) -> Iterator[check.CheckProgress]:
        """Verify every entry, body, position, hash of the tree and signed checkpoint, and the store's pages.

        Args:
            site: whose ledger it is to be.
            keys: with which its checkpoints may be signed, by key id.

        Raises:
            Corrupt: something does not hold; names the first entry that is wrong.
        """
        yield from check.check_all(self._db, rows.load_head(self._db, "the ledger"), site=site, keys=keys)
        self.check_pages()

    def check_part(self, site: str, start: int, count: int) -> None:
        """Verify some entries: headers, bodies and positions by themselves, and the tree's hashes over them.

        Args:
            site: whose ledger it is to be.
            start: the first sequence.
            count: how many entries at most.

        Raises:
            Corrupt: something does not hold; names the first entry that is wrong.
        """
        check.check_part(self._db, site, start, min(self.size, start + count))

    def check_pages(self) -> None:
        """Verify how the store lies on the disk: see `yosegi.ledger.store.check_pages`."""
        check_pages(self._store)

    def _where(self, condition: str, params: Sequence[bytes]) -> Iterator[Entry]:
        for start in range(0, self.size, _CHUNK):
            stop = min(start + _CHUNK, self.size)
            for row in self._db.all(f"{_ENTRY}{condition} ORDER BY e.sequence", (start, stop, *params)):
                yield rows.to_entry(row, None)

    def stream(self, name: str, after: int = 0) -> list[Entry]:
        """A stream's entries beyond a position."""
        return [e for e in rows.stream_after(self._db, name, after, None) if e.sequence < self.size]

    def streams(self, prefix: str) -> list[str]:
        """The names of streams that begin so, in order."""
        return rows.streams(self._db, prefix)

    def prove(self, sequences: Iterable[int]) -> tuple[str, ...]:
        """The hashes that lead from these entries to the checkpoint's root: for `verify_entries`."""
        ranges = tree.bundle_ranges(sorted(set(sequences)), self.size)
        found = tree.hashes(ranges, lambda nodes: rows.fetch_nodes(self._db, nodes))
        return tuple("sha256:" + item.hex() for item in found)
