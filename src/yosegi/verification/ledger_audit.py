"""The audit: whether ledgers hold together, and whether each still tells the story that others keep of it; offline.

Whoever exchanges anything with a site keeps its receipts and, each hour, its signed checkpoint. A ledger that was
rewritten, truncated or forked since contradicts one of these, whoever did it and whatever keys they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import Corrupt, Invalid, YosegiError
from yosegi.exchange.fork_verdicts import EXPLAINED, FORKED, LIFTED
from yosegi.exchange.witness import WITNESSED
from yosegi.execution.restore_guard import SETTLED
from yosegi.execution.restore_guard import STREAM as GAP
from yosegi.governance.charter.key_history import KeyHistory
from yosegi.governance.charter.registry import CharterRecord, begin
from yosegi.governance.charter.statement import Statement
from yosegi.ledger import LEDGER, OPENED, REFILLED, Checkpoint, Entry, Header, Receipt, check_contains, common_history
from yosegi.ledger.snapshot import Snapshot
from yosegi.ledger.store import Store
from yosegi.ledger.tree import Frontier
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey
from yosegi.verification.error_context import naming
from yosegi.verification.moments import corrected

RECEIPT = b'"receipt":{'
"""In the body of every entry that keeps a receipt."""

Progress = Callable[[str, int, int], None]
"""Told what is being read, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one site keeps of another's ledger: a signed checkpoint and, with a receipt, an entry under it.

    Args:
        holder: who keeps it; `entry` is the sequence of the holder's own entry that has it.
        signed: the checkpoint as its site signed it; verified by the keys that were believed when it was recorded.
        checkpoint: the same, read.
        header: of the receipt's entry; None for a checkpoint alone.
        leaf: the hash of that entry.
    """

    holder: str
    entry: int
    signed: Envelope
    checkpoint: Checkpoint
    header: Header | None = None
    leaf: bytes = b""


@dataclass(frozen=True, slots=True)
class LedgerCopy:
    """One ledger that holds together by itself.

    Args:
        where: the file or folder it was read from.
        site: whose.
        signed: its newest checkpoint.
        checkpoint: the same, read.
        leaves: the hash of every entry.
        opened: the openings of its epochs after restorations.
        held: what it keeps of other sites' ledgers.
        accused: peers of which it has on record that they told two stories, and the entry that says so.
        charters: the digest of each charter that it rests on, by identifier.
        refilled: hashes of entries that it lost in a restoration and has on record since, by others' receipts.
        settled: the last epoch of a restoration that a person has settled.
    """

    where: str
    site: str
    signed: Envelope
    checkpoint: Checkpoint
    leaves: Sequence[bytes]
    opened: tuple[Header, ...]
    held: tuple[Held, ...]
    accused: tuple[tuple[str, int], ...]
    charters: Mapping[str, str]
    refilled: frozenset[bytes] = frozenset()
    settled: int = 0

    def roots(self, sizes: Iterable[int]) -> dict[int, bytes]:
        """The Merkle root over its first so many entries, for each size that it has."""
        wanted, frontier, found = set(sizes), Frontier(), dict[int, bytes]()
        for leaf in self.leaves:
            frontier.append(leaf)
            if frontier.size in wanted:
                found[frontier.size] = frontier.root()
        return found


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold.

    Args:
        site: whose ledger is in question.
        why: in words, with the entry if one can be named.
        holder: who keeps what contradicts it; empty if the ledger contradicts itself.
        evidence: the checkpoints that contradict each other, as they were signed.
    """

    site: str
    why: str
    holder: str = ""
    evidence: tuple[Envelope, ...] = ()


@dataclass(frozen=True, slots=True)
class Agreed:
    """How much of what a holder keeps of a ledger that ledger still contains."""

    site: str
    holder: str
    checkpoints: int
    receipts: int


@dataclass(frozen=True, slots=True)
class LedgerAudit:
    """What an audit found."""

    copies: tuple[LedgerCopy, ...]
    agreed: tuple[Agreed, ...]
    findings: tuple[Finding, ...]
    restored: tuple[Finding, ...] = ()
    """What ledgers lost in restorations that they say themselves and a person has settled: no contradiction."""


T = TypeVar("T")


@dataclass
class Moments:
    """When the entries of one ledger were written; the whole of it is read for that only if one is in doubt.

    Args:
        times: sequence and time of every entry.
        signed: the checkpoint over them.
    """

    times: Callable[[], Iterable[tuple[int, str]]]
    signed: Envelope
    _corrected: dict[int, datetime] | None = None

    def judged(self, entry: Entry, judge: Callable[[datetime], T]) -> T:
        """What a judgement by an entry's time finds; by what follows it, if its own time is out of all that counts.

        Raises:
            Untrusted, Invalid: it holds by neither.
        """
        try:
            return judge(parse_timestamp(entry.time))
        except YosegiError:
            if self._corrected is None:
                self._corrected = corrected(self.times(), Checkpoint.read(self.signed.payload))
            then = self._corrected.get(entry.sequence)
            if then is None or then >= parse_timestamp(entry.time):
                raise
            return judge(then)


@dataclass
class Believed:
    """Whose keys were whose, by the charters and statements in a ledger."""

    federations: dict[str, CharterRecord] = field(default_factory=dict)
    _statements: dict[str, list[Statement]] = field(default_factory=dict)
    _histories: dict[str, KeyHistory] = field(default_factory=dict)

    def follow(self, entry: Entry) -> None:
        """Take note of a charter, statement or agreement, as it was believed when it was recorded.

        Raises:
            Untrusted: it may not be believed.
        """
        charter, then = entry.header.charter, parse_timestamp(entry.time)
        envelope = Envelope.read((entry.body or {})["document"])
        known = self.federations.get(charter)
        self.federations[charter] = begin(envelope, then) if known is None else known.follow(envelope, then)
        if envelope.payload_type == Statement.payload_type:
            self._statements.setdefault(charter, []).append(Statement.read(envelope.payload))
            self._histories.pop(charter, None)

    def history(self, charter: str) -> KeyHistory:
        """Which key counted when, under a charter."""
        if charter not in self._histories:
            self._histories[charter] = KeyHistory(self._statements.get(charter, ()))
        return self._histories[charter]

    def ever(self, site: str) -> dict[str, PublicKey]:
        """Every key that a site ever stated, by key id.

        Raises:
            Corrupt: none: nobody but the ledger itself says whose it is.
        """
        stated = [one for statements in self._statements.values() for one in statements if one.site == site]
        if not stated:
            why = f"it holds no charter with a statement of {site}: nobody vouches for its keys"
            raise Corrupt(f"the ledger of {site}", why, "publish a charter and the site's statement there")
        return {key.key_id: key for statement in stated for key in statement.keys}


def read_home(place: Path | Store, progress: Progress = lambda what, done, total: None) -> LedgerCopy:
    """A ledger's file, verified whole: entries, bodies, positions, tree, and every checkpoint it signed.

    Args:
        place: the file, of a running site too, or of a backup; or the store, which is closed again.
        progress: told how far it is.

    Raises:
        Corrupt: names the first entry that is wrong.
    """
    with Snapshot(place) as ledger:
        believed = Believed()
        for stream in ledger.streams("governance/"):
            for entry in ledger.stream(stream):
                with naming(entry):
                    believed.follow(entry)
        site = next(ledger.scan()).header.site
        keys = believed.ever(site)
        for step in ledger.check(site, keys):
            progress(f"{site}: {step.what}", step.done, step.total)
        witnessed = (entry for stream in ledger.streams("witness/") for entry in ledger.stream(stream))
        entries = chain(ledger.stream(LEDGER), ledger.stream(GAP), witnessed, ledger.containing(RECEIPT))
        moments = Moments(lambda: ((entry.sequence, entry.time) for entry in ledger.scan()), ledger.checkpoint)
        where = str(place) if isinstance(place, Path) else place.where
        return made(where, site, ledger.checkpoint, ledger.leaves(), believed, entries, moments)


def made(
    where: str,
    site: str,
    signed: Envelope,
    leaves: Sequence[bytes],
    believed: Believed,
    entries: Iterable[Entry],
    moments: Moments,
) -> LedgerCopy:
    """A ledger that was verified, with what its entries keep of others.

    Args:
        where: it was read from.
        site: whose.
        signed: its newest checkpoint.
        leaves: the hash of every entry.
        believed: by its own charters and statements.
        entries: of its own stream, those that witness others, and those that hold receipts.
        moments: when they were written.

    Raises:
        Corrupt: it keeps something of another that its signer never signed.
    """
    opened, accused, held = list[Header](), list[tuple[str, int]](), list[Held]()
    refilled, settled = set[bytes](), 0
    for entry in entries:
        with naming(entry):
            if entry.type == OPENED and "restored" in entry.facts:
                opened.append(entry.header)
            elif entry.type == FORKED:
                accused.append((str(entry.facts["peer"]), entry.sequence))
            elif entry.type == LIFTED:
                # An officer has accepted how the peer restored its ledger; the evidence stays where it is.
                accused = [one for one in accused if one[0] != entry.facts["peer"]]
            elif entry.type == EXPLAINED:
                continue
            elif entry.type == SETTLED:
                settled = max(settled, int(entry.facts["epoch"]))
            elif entry.type == REFILLED:
                refilled.add(bytes.fromhex(str(entry.facts["hash"]).removeprefix("sha256:")))
            else:
                held += moments.judged(entry, partial(_held, site, believed, entry))
    charters = {name: federation.roster.charter.digest for name, federation in believed.federations.items()}
    checkpoint = Checkpoint.open(signed, believed.ever(site), site=site)
    return LedgerCopy(
        where, site, signed, checkpoint, leaves, tuple(opened), tuple(held), tuple(accused), charters,
        frozenset(refilled), settled,
    )  # fmt: skip


def _held(site: str, believed: Believed, entry: Entry, then: datetime) -> list[Held]:
    body = entry.body or {}
    history = believed.history(entry.header.charter)
    if entry.type == WITNESSED:
        signed = Envelope.read(body["checkpoint"])
        peer = Checkpoint.read(signed.payload).site
        return [Held(site, entry.sequence, signed, Checkpoint.open(signed, history.keys_at(peer, then), site=peer))]
    if isinstance(body.get("receipt"), dict):
        return [receipt_held(site, history, entry.sequence, body["receipt"], then)]
    return []


def receipt_held(holder: str, history: KeyHistory, entry: int, plain: dict[str, Any], then: datetime) -> Held:
    """What a receipt says, verified by the keys that were believed when it was recorded.

    Raises:
        Untrusted, Invalid: it proves nothing.
    """
    receipt = Receipt.read(plain)
    peer = Header.read(receipt.header.encode()).site
    header = receipt.verify(history.keys_at(peer, then), site=peer)
    checkpoint = Checkpoint.read(receipt.checkpoint.payload)
    return Held(holder, entry, receipt.checkpoint, checkpoint, header, bytes.fromhex(receipt.hash[7:]))


def audit(copies: Sequence[LedgerCopy]) -> LedgerAudit:
    """Hold ledgers against each other; a pure function.

    Of several copies of one ledger the longest is the one in question: the others, and what other sites keep of it,
    are what it must still contain. Of a ledger that is not there, what is kept of it is compared with itself.
    """
    longest: dict[str, LedgerCopy] = {}
    for copy in copies:
        known = longest.get(copy.site)
        if known is None or _length(copy) > _length(known):
            longest[copy.site] = copy
    claims: dict[tuple[str, str], list[Held]] = {}
    for copy in copies:
        for one in copy.held:
            claims.setdefault((one.checkpoint.site, one.holder), []).append(one)
        if copy is not longest[copy.site]:
            itself = Held(copy.where, len(copy.leaves) - 1, copy.signed, copy.checkpoint)
            claims.setdefault((copy.site, copy.where), []).append(itself)
    findings = [
        Finding(peer, f"{copy.site} has on record in its entry {entry} that {peer} told two stories", copy.site)
        for copy in copies
        for peer, entry in copy.accused
    ]
    findings += _two_stories(claims)
    agreed, restored = list[Agreed](), list[Finding]()
    # Each ledger is walked along once, for all that anybody keeps of it.
    roots = {site: copy.roots(_shared_sizes(copy, claims)) for site, copy in longest.items()}
    for (site, holder), kept in sorted(claims.items()):
        if site in longest:
            missing = [one for one in kept if _is_lost(longest[site], roots[site], one)]
            restored += [_told_lost(longest[site], holder, missing)] if missing else []
            kept = [one for one in kept if one not in missing]
            found = _contradicts(longest[site], roots[site], holder, kept)
            findings += [found] if found is not None else []
            if found is None:
                distinct = {(one.checkpoint.epoch, one.checkpoint.size) for one in kept}
                agreed.append(Agreed(site, holder, len(distinct), sum(one.header is not None for one in kept)))
    return LedgerAudit(tuple(copies), tuple(agreed), tuple(findings), tuple(restored))


def _length(copy: LedgerCopy) -> tuple[int, int]:
    return copy.checkpoint.epoch, copy.checkpoint.size


def _shared_sizes(copy: LedgerCopy, claims: Mapping[tuple[str, str], Sequence[Held]]) -> Iterator[int]:
    """How many entries a ledger must have in common with each checkpoint of it that is kept."""
    for (site, _), kept in claims.items():
        if site == copy.site:
            yield from (common_history(one.checkpoint, _since(copy, one))[0] for one in kept)


def _is_lost(copy: LedgerCopy, roots: Mapping[int, bytes], one: Held) -> bool:
    """Whether what is held was lost in a restoration that the ledger says itself, and that a person has settled.

    Up to the restoration both are the same story; what came after is on record again by its receipt, or the epoch that
    was opened did not know of it, as its holder could not be asked.
    """
    opened = _since(copy, one)
    lost = [header for header in opened if header.facts["restored"]["size"] < one.checkpoint.size]
    if not lost:
        return False
    size, root = common_history(one.checkpoint, opened)
    witnessed = [header.facts["witnessed"] for header in opened]
    if any(said is not None and said["size"] >= one.checkpoint.size for said in witnessed):
        return False  # admitted outright: it agrees
    return roots.get(size) == root and (one.leaf in copy.refilled or copy.settled >= lost[0].epoch)


def _told_lost(copy: LedgerCopy, holder: str, missing: Sequence[Held]) -> Finding:
    again = sum(one.leaf in copy.refilled for one in missing if one.header is not None)
    why = (
        f"{len(missing)} of the checkpoints and receipts that are kept of it are of entries that it lost when it was"
        f" restored from a backup, which it says itself and a person has settled; {again} are on record there again"
    )
    return Finding(copy.site, why, holder, (missing[0].signed, copy.signed))


def _contradicts(copy: LedgerCopy, roots: Mapping[int, bytes], holder: str, kept: Sequence[Held]) -> Finding | None:
    """The first thing a holder keeps that a ledger does not contain."""
    wrong: list[tuple[Held, str]] = []
    for one in kept:
        try:
            check_contains(one.checkpoint, copy.checkpoint, roots.__getitem__, opened=_since(copy, one))
        except Invalid as error:
            wrong.append((one, error.why))
    if not wrong:
        return None
    first, why = min(wrong, key=lambda pair: pair[0].checkpoint.size)
    named = [one.header for one, _ in wrong if one.header is not None and _differs(copy, one.header, one.leaf)]
    if named:
        header = min(named, key=lambda header: header.sequence)
        there = "another one" if header.sequence < len(copy.leaves) else "missing"
        why = f"entry {header.sequence}, {header.type} in {header.stream} of {header.time}, is {there} now; {why}"
    return Finding(copy.site, why, holder, (first.signed, copy.signed))


def _since(copy: LedgerCopy, one: Held) -> list[Header]:
    """The epochs that were opened after what is held."""
    return [header for header in copy.opened if header.epoch > one.checkpoint.epoch]


def _differs(copy: LedgerCopy, header: Header, leaf: bytes) -> bool:
    return header.sequence >= len(copy.leaves) or copy.leaves[header.sequence] != leaf


def _two_stories(claims: Mapping[tuple[str, str], Sequence[Held]]) -> Iterator[Finding]:
    """Two checkpoints of one ledger over as many entries of one epoch, with different roots."""
    seen: dict[tuple[str, int, int], Held] = {}
    accused: set[str] = set()
    for (site, holder), kept in sorted(claims.items()):
        for one in kept:
            before = seen.setdefault((site, one.checkpoint.epoch, one.checkpoint.size), one)
            if before.checkpoint.root != one.checkpoint.root and site not in accused:
                accused.add(site)
                why = f"it signed two roots over its first {one.checkpoint.size} entries; {before.holder} has the other"
                yield Finding(site, why, holder, (before.signed, one.signed))
