"""Whether a ledger holds together: its tail each time it is opened, all of it when asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from yosegi.core.errors import Corrupt, Invalid, YosegiError
from yosegi.ledger import rows, tree
from yosegi.ledger.checkpoint import Checkpoint
from yosegi.ledger.entry import Entry
from yosegi.ledger.header import Header
from yosegi.ledger.store import Db
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey

TAIL = 256
"""Entries that are read again whenever a ledger is opened."""

_STEP = 1000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a check has come."""

    what: str
    done: int
    total: int


def check_tail(db: Db, head: rows.Head, *, site: str, keys: Mapping[str, PublicKey]) -> Envelope:
    """Verify a ledger's end: the last entries against the tree, the tree against the last signed checkpoint.

    Raises:
        Corrupt: something does not hold; names the first entry that is wrong.
    """
    start = max(0, head.size - TAIL)
    expected = start
    for entry in rows.scan(db, start, head.size, None):
        check_entry(entry, expected, site=site)
        expected += 1
    if expected != head.size:
        raise Corrupt(f"entry {expected}", "it is missing")
    stored = rows.last_checkpoint(db)
    if stored is None:
        raise Corrupt(f"checkpoint {head.size}", f"{head.size} entries, and no checkpoint over them")
    _check_edge(db, head)
    size, document = stored
    if size != head.size:
        raise Corrupt(f"entry {min(size, head.size)}", f"the last checkpoint is over {size} entries, of {head.size}")
    return _check_checkpoint(document, size, head.frontier.root(), site=site, keys=keys)


def check_entry(entry: Entry, sequence: int, *, site: str) -> Header:
    """Verify one entry by itself: its place, its header's form and hash, its body's digest.

    Raises:
        Corrupt: it does not hold.
    """
    where = f"entry {sequence}"
    if entry.sequence != sequence:
        raise Corrupt(where, "it is missing")
    try:
        header = Header.read(entry.header_bytes, what=where)
    except Invalid as error:
        raise Corrupt(where, f"its header is not readable ({error.why})") from None
    if header.sequence != sequence or header.site != site:
        raise Corrupt(where, f"its header is of entry {header.sequence} of {header.site}")
    if tree.leaf_hash(entry.header_bytes) != entry.leaf:
        raise Corrupt(where, "its header is not the one the tree was built over")
    if entry.salt is not None and entry.body_bytes is not None and not header.covers(entry.salt, entry.body_bytes):
        raise Corrupt(where, "its body is not the one its header speaks of")
    return header


def _check_edge(db: Db, head: rows.Head) -> None:
    """Verify the tail's inner hashes, as far as they follow from the tail alone."""
    start = max(0, head.size - TAIL)
    start -= start % TAIL
    frontier = tree.Frontier(start, [rows.fetch_nodes(db, [node])[node] for node in tree.peaks(0, start)])
    sql = "SELECT sequence, nodes FROM ledger_entries WHERE sequence >= ? ORDER BY sequence"
    for sequence, nodes in db.all(sql, (start,)):
        if frontier.append(bytes(nodes[: tree.HASH_SIZE])) != bytes(nodes):
            raise Corrupt(f"entry {sequence}", "the tree's hashes stored with it do not follow from the entries")


def _check_checkpoint(document: bytes, size: int, root: bytes, *, site: str, keys: Mapping[str, PublicKey]) -> Envelope:
    where = f"checkpoint {size}"
    try:
        envelope = Envelope.read(document, what=where)
        checkpoint = Checkpoint.open(envelope, keys, site=site)
    except Untrusted as error:
        raise Corrupt(
            where, str(error), "if the key was replaced, give the earlier public key too; else restore a backup"
        ) from None
    except YosegiError as error:
        raise Corrupt(where, str(error)) from None
    if checkpoint.size != size or checkpoint.root_hash != root:
        raise Corrupt(
            f"entry {size - 1}", f"the entries up to it lead to another root than the signed checkpoint over {size}"
        )
    return envelope


def check_all(db: Db, head: rows.Head, *, site: str, keys: Mapping[str, PublicKey]) -> Iterator[Progress]:
    """Verify every entry, body, position, hash of the tree and checkpoint.

    Raises:
        Corrupt: something does not hold; names the first entry that is wrong.
    """
    frontier = tree.Frontier()
    positions: dict[str, int] = {}
    signed = _checkpoints(db)
    following = next(signed, None)
    entries = rows.scan(db, 0, head.size, None)
    nodes = _nodes(db, head.size)
    for sequence in range(head.size):
        entry = next(entries, None)
        if entry is None:
            raise Corrupt(f"entry {sequence}", "it is missing")
        header = check_entry(entry, sequence, site=site)
        _check_position(header, positions)
        if frontier.append(entry.leaf) != next(nodes, b""):
            raise Corrupt(f"entry {sequence}", "the tree's hashes stored with it do not follow from the entries")
        if following is not None and following[0] == sequence + 1:
            _check_checkpoint(following[1], following[0], frontier.root(), site=site, keys=keys)
            following = next(signed, None)
        if (sequence + 1) % _STEP == 0 or sequence + 1 == head.size:
            yield Progress("entries", sequence + 1, head.size)
    if following is not None:
        raise Corrupt(f"checkpoint {following[0]}", f"over more than the {head.size} entries that there are")


def _check_position(header: Header, positions: dict[str, int]) -> None:
    want = positions.get(header.stream, 0) + 1
    if header.position != want:
        raise Corrupt(
            f"entry {header.sequence}", f"at position {header.position} of stream {header.stream}, after {want - 1}"
        )
    positions[header.stream] = want


def _checkpoints(db: Db) -> Iterator[tuple[int, bytes]]:
    after = 0
    while True:
        sql = "SELECT size, envelope FROM ledger_checkpoints WHERE size > ? ORDER BY size LIMIT 1000"
        found = db.all(sql, (after,))
        for size, envelope in found:
            yield int(size), bytes(envelope)
            after = int(size)
        if not found:
            return


def _nodes(db: Db, size: int) -> Iterator[bytes]:
    for start in range(0, size, _STEP):
        sql = "SELECT nodes FROM ledger_entries WHERE sequence >= ? AND sequence < ? ORDER BY sequence"
        for (nodes,) in db.all(sql, (start, start + _STEP)):
            yield bytes(nodes)
