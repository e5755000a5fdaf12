"""The ledger's own tables, and every statement over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from yosegi.core.errors import Corrupt
from yosegi.ledger.entry import Entry
from yosegi.ledger.store import Db, Row
from yosegi.ledger.tree import HASH_SIZE, Frontier, Node, home, peaks
from yosegi.ledger.upcast import Upcasters

LAYOUT = 1
"""Of the tables below; a store of a later layout is refused."""

DDL = (
    f"CREATE TABLE IF NOT EXISTS ledger_sequencer "
    f"(term INTEGER NOT NULL, copied INTEGER NOT NULL, layout INTEGER NOT NULL DEFAULT {LAYOUT})",
    "CREATE TABLE IF NOT EXISTS ledger_entries (sequence INTEGER PRIMARY KEY, stream TEXT NOT NULL, "
    "position INTEGER NOT NULL, header BLOB NOT NULL, nodes BLOB NOT NULL)",
    "CREATE UNIQUE INDEX IF NOT EXISTS ledger_streams ON ledger_entries (stream, position)",
    "CREATE TABLE IF NOT EXISTS ledger_bodies (sequence INTEGER PRIMARY KEY, salt BLOB NOT NULL, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS ledger_checkpoints (size INTEGER PRIMARY KEY, envelope BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS ledger_views "
    "(name TEXT PRIMARY KEY, version INTEGER NOT NULL, size INTEGER NOT NULL, tables TEXT NOT NULL)",
)

TABLES = {
    "ledger_sequencer": ("term", "copied", "layout"),
    "ledger_entries": ("sequence", "stream", "position", "header", "nodes"),
    "ledger_bodies": ("sequence", "salt", "body"),
    "ledger_checkpoints": ("size", "envelope"),
}
"""What a copy of a ledger has to hold; views are folded again."""

_ENTRY = (
    "SELECT e.sequence, e.header, e.nodes, b.salt, b.body "
    "FROM ledger_entries e LEFT JOIN ledger_bodies b ON b.sequence = e.sequence "
)
_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Head:
    """Where a ledger ends."""

    frontier: Frontier
    epoch: int
    copied: bool

    @property
    def size(self) -> int:
        """How many entries."""
        return self.frontier.size


def load_head(db: Db, where: str) -> Head:
    """The end of the ledger as stored; nothing is verified here.

    Raises:
        Corrupt: an entry that the tree needs is missing, or a later program wrote this store.
    """
    row = db.one("SELECT copied, layout FROM ledger_sequencer") or (0, LAYOUT)
    if row[1] > LAYOUT:
        raise Corrupt(where, f"its tables are of layout {row[1]}, and this program knows {LAYOUT}", "use a later one")
    last = db.one("SELECT sequence, header FROM ledger_entries ORDER BY sequence DESC LIMIT 1")
    if last is None:
        return Head(Frontier(), 1, bool(row[0]))
    size = int(last[0]) + 1
    nodes = peaks(0, size)
    found = fetch_nodes(db, nodes)
    epoch = Entry(size - 1, bytes(last[1]), b"").header.epoch
    return Head(Frontier(size, [found[node] for node in nodes]), epoch, bool(row[0]))


def fetch_nodes(db: Db, nodes: Iterable[Node]) -> Mapping[Node, bytes]:
    """Hashes of complete subtrees.

    Raises:
        Corrupt: an entry, or a hash stored with it, is missing.
    """
    wanted = {node: home(node) for node in nodes}
    sequences = sorted({sequence for sequence, _ in wanted.values()})
    stored: dict[int, bytes] = {}
    for start in range(0, len(sequences), _CHUNK):
        part = sequences[start : start + _CHUNK]
        marks = ",".join("?" * len(part))
        rows = db.all(f"SELECT sequence, nodes FROM ledger_entries WHERE sequence IN ({marks})", part)
        stored.update((int(sequence), bytes(blob)) for sequence, blob in rows)
    found = {}
    for node, (sequence, offset) in wanted.items():
        found[node] = stored.get(sequence, b"")[offset : offset + HASH_SIZE]
        if len(found[node]) != HASH_SIZE:
            raise Corrupt(f"entry {sequence}", "it, or the tree's hash stored with it, is missing")
    return found


def entry_at(db: Db, sequence: int, upcasters: Upcasters | None) -> Entry | None:
    """One entry."""
    row = db.one(_ENTRY + "WHERE e.sequence = ?", (sequence,))
    return None if row is None else to_entry(row, upcasters)


def stream_after(db: Db, stream: str, after: int, upcasters: Upcasters | None) -> list[Entry]:
    """A stream's entries beyond a position."""
    rows = db.all(_ENTRY + "WHERE e.stream = ? AND e.position > ? ORDER BY e.position", (stream, after))
    return [to_entry(row, upcasters) for row in rows]


def scan(db: Db, start: int, stop: int, upcasters: Upcasters | None) -> Iterator[Entry]:
    """Entries of sequences `start` up to, not with, `stop`; read in pieces."""
    while start < stop:
        end = min(start + _CHUNK, stop)
        rows = db.all(_ENTRY + "WHERE e.sequence >= ? AND e.sequence < ? ORDER BY e.sequence", (start, end))
        for row in rows:
            yield to_entry(row, upcasters)
        start = end


def places(db: Db, start: int, stop: int) -> Iterator[tuple[int, str, int, bytes]]:
    """Sequence, stream, position and tree hashes of entries, as they lie in their columns."""
    while start < stop:
        end = min(start + _CHUNK, stop)
        sql = "SELECT sequence, stream, position, nodes FROM ledger_entries WHERE sequence >= ? AND sequence < ? "
        for sequence, stream, place, nodes in db.all(sql + "ORDER BY sequence", (start, end)):
            yield int(sequence), str(stream), int(place), bytes(nodes)
        start = end


def to_entry(row: Row, upcasters: Upcasters | None) -> Entry:
    """An entry of a row: sequence, header, nodes, salt, body."""
    sequence, header, nodes, salt, body = row
    # PostgreSQL's driver may give memoryviews.
    return Entry(
        sequence,
        bytes(header),
        bytes(nodes[:HASH_SIZE]),
        None if salt is None else bytes(salt),
        None if body is None else bytes(body),
        upcasters,
    )


def position(db: Db, stream: str) -> int:
    """The position of a stream's last entry; 0 if it has none."""
    row = db.one("SELECT max(position) FROM ledger_entries WHERE stream = ?", (stream,))
    return int(row[0] or 0) if row else 0


def streams(db: Db, prefix: str) -> list[str]:
    """The names of streams that begin so, in order."""
    sql = "SELECT stream FROM ledger_entries WHERE stream >= ? AND stream < ? AND position = 1 ORDER BY stream"
    return [str(row[0]) for row in db.all(sql, (prefix, prefix + "\U0010ffff"))]


def last_checkpoint(db: Db) -> tuple[int, bytes] | None:
    """Size and signed document of the newest checkpoint."""
    row = db.one("SELECT size, envelope FROM ledger_checkpoints ORDER BY size DESC LIMIT 1")
    return None if row is None else (int(row[0]), bytes(row[1]))


EntryRow = tuple[int, str, int, bytes, bytes]
BodyRow = tuple[int, bytes, bytes]


def insert(db: Db, entries: Sequence[EntryRow], bodies: Sequence[BodyRow], checkpoint: tuple[int, bytes]) -> None:
    """Everything that one group commit adds to these tables."""
    db.many("INSERT INTO ledger_entries (sequence, stream, position, header, nodes) VALUES (?, ?, ?, ?, ?)", entries)
    if bodies:
        db.many("INSERT INTO ledger_bodies (sequence, salt, body) VALUES (?, ?, ?)", bodies)
    db.execute("INSERT INTO ledger_checkpoints (size, envelope) VALUES (?, ?)", checkpoint)


def erase_body(db: Db, sequence: int) -> bool:
    """Take a body away for ever; False if there is none."""
    if db.one("SELECT 1 FROM ledger_bodies WHERE sequence = ?", (sequence,)) is None:
        return False
    db.execute("DELETE FROM ledger_bodies WHERE sequence = ?", (sequence,))
    return True


def settle_copy(db: Db) -> None:
    """A restored copy has opened its epoch and may be written."""
    db.execute("UPDATE ledger_sequencer SET copied = 0")
