"""Whether a ledger holds together: its tail each time it is opened, all of it when asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from yosegi.core.errors import Corrupt, YosegiError
from yosegi.ledger import rows, tree
from yosegi.ledger.checkpoint import Checkpoint
from yosegi.ledger.entry import Entry
from yosegi.ledger.header import Header
from yosegi.ledger.store import Db
from yosegi.ledger.write import ERASED, LEDGER
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey

T = TypeVar("T")

TAIL = 256
"""Entries that are read again whenever a ledger is opened; a power of two."""

_STEP = 1000


@dataclass(frozen=True, slots=True)
class CheckProgress:
    """How far a check has come."""

    what: str
    done: int
    total: int


@dataclass(slots=True)
class _Walk:
    """What a walk along the entries remembers."""

    site: str
    frontier: tree.Frontier
    positions: dict[str, int] = field(default_factory=dict)
    bare: set[int] = field(default_factory=set)
    erased: set[int] = field(default_factory=set)
    erased_late: set[int] = field(default_factory=set)

    def step(self, sequence: int, entry: Entry | None, place: tuple[int, str, int, bytes] | None) -> Header:
        """Verify the next entry by itself, and that the tree's hashes follow from it."""
        where = f"entry {sequence}"
        if entry is None or place is None or entry.sequence != sequence:
            raise Corrupt(where, "it is missing")
        header = entry.header
        if (header.sequence, header.site) != (sequence, self.site):
            raise Corrupt(where, f"its header is of entry {header.sequence} of {header.site}")
        if tree.leaf_hash(entry.header_bytes) != entry.leaf:
            raise Corrupt(where, "its header is not the one the tree was built over")
        if place[:3] != (sequence, header.stream, header.position):
            raise Corrupt(
                where, f"it is filed at {place[2]} of {place[1]}, not at {header.position} of {header.stream}"
            )
        if self.frontier.append(entry.leaf) != place[3]:
            raise Corrupt(where, "the tree's hashes stored with it do not follow from the entries")
        self._body(entry, header, where)
        return header

    def _body(self, entry: Entry, header: Header, where: str) -> None:
        if header.type == ERASED:
            self.erased.add(int(header.facts["sequence"]))
        if entry.salt is None or entry.body_bytes is None:
            if header.body is not None:
                self.bare.add(header.sequence)
        elif not header.covers(entry.salt, entry.body_bytes):
            raise Corrupt(where, "its body is not the one its header speaks of")

    def follow(self, header: Header) -> None:
        """Verify that the entry is the next of its stream; for walks from the first entry."""
        want = self.positions.get(header.stream, 0) + 1
        if header.position != want:
            raise Corrupt(
                f"entry {header.sequence}", f"at {header.position} of stream {header.stream}, where {want} comes next"
            )
        self.positions[header.stream] = want

    def late(self, header: Header) -> None:
        """Take note of an entry that was written while the walk went on."""
        if header.type == ERASED:
            self.erased_late.add(int(header.facts["sequence"]))

    def finish(self) -> None:
        """Verify that just those bodies are gone of which an entry says so."""
        for sequence in sorted((self.bare ^ self.erased) - self.erased_late):
            why = "gone, and no entry says it was erased" if sequence in self.bare else "there, though it was erased"
            raise Corrupt(f"entry {sequence}", f"its body is {why}")


def check_tail(db: Db, head: rows.Head, *, site: str, keys: Mapping[str, PublicKey]) -> Envelope:
    """Verify a ledger's end: the last entries against the tree, the tree against the last signed checkpoint.

    Raises:
        Corrupt: something does not hold; names the first entry that is wrong.
    """
    start = max(0, head.size - TAIL) // TAIL * TAIL
    walk = check_part(db, site, start, head.size)
    stored = rows.last_checkpoint(db)
    if stored is None:
        raise Corrupt(f"entry {head.size - 1}", f"{head.size} entries, and no checkpoint over them")
    size, document = stored
    if size > head.size:
        raise Corrupt(f"entry {head.size}", f"it is missing: the last checkpoint is over {size} entries")
    if size < head.size:
        raise Corrupt(f"entry {size}", f"no checkpoint is over it: the last is over {size} entries of {head.size}")
    return _check_checkpoint(document, size, walk.frontier.root(), site=site, keys=keys)


def check_part(db: Db, site: str, start: int, stop: int) -> _Walk:
    """Verify entries of sequences `start` up to, not with, `stop` by themselves and against the tree.

    Raises:
        Corrupt: something does not hold; names the first entry that is wrong.
    """
    found = rows.fetch_nodes(db, tree.peaks(0, start))
    walk = _Walk(site, tree.Frontier(start, [found[node] for node in tree.peaks(0, start)]))
    entries, places = rows.scan(db, start, stop, None), rows.places(db, start, stop)
    for sequence in range(start, stop):
        where = f"entry {sequence}"
        walk.step(sequence, _next(entries, where), _next(places, where))
    return walk


def check_all(db: Db, head: rows.Head, *, site: str, keys: Mapping[str, PublicKey]) -> Iterator[CheckProgress]:
    """Verify every entry, body, position, hash of the tree and checkpoint.

    Raises:
        Corrupt: something does not hold; names the first entry that is wrong.
    """
    walk = _Walk(site, tree.Frontier())
    signed = _checkpoints(db, head.size)
    following = _next(signed, "a checkpoint")
    entries, places = rows.scan(db, 0, head.size, None), rows.places(db, 0, head.size)
    for sequence in range(head.size):
        where = f"entry {sequence}"
        walk.follow(walk.step(sequence, _next(entries, where), _next(places, where)))
        if following is not None and following[0] == sequence + 1:
            _check_checkpoint(following[1], following[0], walk.frontier.root(), site=site, keys=keys)
            following = _next(signed, "a checkpoint")
        if (sequence + 1) % _STEP == 0 or sequence + 1 == head.size:
            yield CheckProgress("entries", sequence + 1, head.size)
    # What was erased while this went on says so further on.
    for entry in rows.stream_after(db, LEDGER, walk.positions.get(LEDGER, 0), None):
        walk.late(entry.header)
    walk.finish()


def _next(found: Iterator[T], where: str) -> T | None:
    """The next that is stored, if there is one; SQLite keeps text in a column of bytes where it is told to."""
    try:
        return next(found, None)
    except (TypeError, ValueError) as error:
        raise Corrupt(where, f"what is stored of it is not of its form ({error})") from None


def _check_checkpoint(document: bytes, size: int, root: bytes, *, site: str, keys: Mapping[str, PublicKey]) -> Envelope:
    where = f"checkpoint {size}"
    try:
        envelope = Envelope.read(document, what=where)
        checkpoint = Checkpoint.open(envelope, keys, site=site)
    except Untrusted as error:
        todo = "if the key was replaced, give the earlier public key too; else restore a backup"
        raise Corrupt(where, str(error), todo) from None
    except YosegiError as error:
        raise Corrupt(where, str(error)) from None
    if checkpoint.size != size or checkpoint.root_hash != root:
        why = f"the entries up to it lead to another root than the signed checkpoint over {size}"
        raise Corrupt(f"entry {size - 1}", why)
    return envelope


def _checkpoints(db: Db, most: int) -> Iterator[tuple[int, bytes]]:
    after = 0
    while True:
        sql = "SELECT size, envelope FROM ledger_checkpoints WHERE size > ? AND size <= ? ORDER BY size LIMIT 1000"
        found = db.all(sql, (after, most))
        for size, envelope in found:
            yield int(size), bytes(envelope)
            after = int(size)
        if not found:
            return
