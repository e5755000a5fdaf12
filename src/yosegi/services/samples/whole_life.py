"""A sample's whole life over the ledgers of several sites, offline: each verified, and its hand-overs held together.

What is checked of each hand-over, by its key, wherever the ledgers of both sides are there:

1. What the giver signed is what the addressee has on record that it was given by: the same word, by its digest.
2. What the addressee signed names a word that the giver signed, and the giver has it on record as the addressee said.
3. Both agree who holds the sample, and in which condition it came.
4. Each word that a ledger holds whole is signed by a key that its site stated when it was signed.
5. Nobody gave the sample while it had it not: not twice, and not before it came.

An audit's file has no bodies: there rules 1 to 3 and 5 rest on headers under its site's signed checkpoint, and 4 on the
ledgers that hold the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from yosegi.core.errors import NotFound, YosegiError
from yosegi.ledger import Entry
from yosegi.ledger.snapshot import Snapshot
from yosegi.ledger.store import Store
from yosegi.services.samples.entries import CONFIRMED, GIVEN, OFFERED, RECEIVED, TOLD, Sample, sample_stream
from yosegi.trust.envelope import Envelope
from yosegi.trust.samples import SampleGiven, SampleReceived
from yosegi.verification.ledger_audit import Believed, read_home
from yosegi.verification.ledger_export import entries_of_stream, read_audit

_WORDS = frozenset({GIVEN, OFFERED, RECEIVED, CONFIRMED})


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """What one site's ledger has of a sample.

    Args:
        where: it was read from.
        site: whose ledger.
        entries: of the sample, the first first.
        signatures: how many signed words it holds whole, all of them by keys that counted then.
        wrong: what is wrong with words that it holds.
    """

    where: str
    site: str
    entries: tuple[Entry, ...]
    signatures: int = 0
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """One entry of the sample's life, at the site that recorded it."""

    site: str
    sequence: int
    time: str
    type: str
    actor: str
    state: str
    holder: str
    peer: str
    condition: str
    place: str
    note: str


@dataclass(frozen=True, slots=True)
class WholeLife:
    """A sample's life.

    Args:
        sample: `site/name`.
        holder: the site that has it, by the ledger that knows last; while in transit, the giver.
        state: of it there.
        records: the ledgers that were read, and how much of it each has.
        events: all of them, each after what it follows; where nothing says which was first, by their time.
        wrong: what does not agree, in words.
        missing: sites that have had it, whose ledgers are not here.
    """

    sample: str
    holder: str
    state: str
    records: tuple[SampleRecord, ...]
    events: tuple[LifeEvent, ...]
    wrong: tuple[str, ...]
    missing: tuple[str, ...]


def read_ledger_file(place: Path | Store, sample: str) -> SampleRecord:
    """What a site's own ledger, or a backup of it, has of a sample; the whole of it is verified.

    Raises:
        Corrupt: it does not hold together.
    """
    copy = read_home(place)
    with Snapshot(place) as ledger:
        believed = Believed()
        for stream in ledger.streams("governance/"):
            for entry in ledger.stream(stream):
                believed.follow(entry)
        entries = tuple(ledger.stream(sample_stream(sample)))
        count, wrong = _signatures(copy.site, entries, believed)
    return SampleRecord(copy.where, copy.site, entries, count, wrong)


def read_audit_file(path: Path, sample: str) -> SampleRecord:
    """What a file of `yosegi audit export` has of a sample; the whole of it is verified.

    Raises:
        Corrupt: it does not hold together.
    """
    copy = read_audit(path)
    return SampleRecord(copy.where, copy.site, tuple(entries_of_stream(path, sample_stream(sample))))


def whole_life(sample: str, records: Sequence[SampleRecord]) -> WholeLife:
    """The life of a sample over several ledgers; a pure function of what they hold.

    Raises:
        NotFound: none of them knows it.
    """
    if not any(record.entries for record in records):
        raise NotFound("sample", sample)
    sites = {record.site: record for record in records if record.entries}
    folds = {site: _fold(sample, record.entries) for site, record in sites.items()}
    ordered, tangled = _ordered(records)
    hand_overs = _hand_overs(records)
    wrong = [f"{record.site}: {why}" for record in records for why in record.wrong]
    wrong += [tangled] if tangled else []
    for one in hand_overs.values():
        wrong += one.disagreements({record.site for record in records})
    wrong += _given_without_having(sample, records)
    had = {sample.partition("/")[0]} | {name for one in hand_overs.values() for name in (one.giver, one.to) if name}
    missing = tuple(sorted(had - {record.site for record in records}))
    events = tuple(_event(site, entry) for site, entry in ordered)
    found = _known_last(sample, folds)
    return WholeLife(sample, found.holder, found.state.value, tuple(records), events, tuple(wrong), missing)


def _known_last(sample: str, folds: Mapping[str, Sample]) -> Sample:
    """The sample as the ledger of its holder tells it, found from its maker on; or as the last that is here does."""
    site = sample.partition("/")[0]
    if site not in folds:
        site = next((one for one, found in folds.items() if found.holder == one), next(iter(folds)))
    seen = {site}
    while (holder := folds[site].holder) in folds and holder not in seen:
        seen.add(holder)
        site = holder
    return folds[site]


@dataclass
class _HandOver:
    """What each side's ledger has of one hand-over, by its key."""

    key: str
    giver: str = ""
    to: str = ""
    given: set[str] = field(default_factory=set)
    offered: set[str] = field(default_factory=set)
    received: str = ""
    confirmed: str = ""
    answers: set[str] = field(default_factory=set)

    def disagreements(self, known: set[str]) -> Iterator[str]:
        """What the two ledgers do not say alike; of a ledger that is not here nothing is said."""
        what = f"hand-over {self.key} from {self.giver} to {self.to}"
        if {self.giver, self.to} <= known:
            if self.offered and not self.offered <= self.given:  # 1
                yield f"{what}: {self.to} has a word of {self.giver} that is not in the ledger of {self.giver}"
            if self.confirmed and not self.received:  # 2
                yield f"{what}: {self.giver} has an answer of {self.to} that is not in the ledger of {self.to}"
            if self.confirmed and self.received and self.confirmed != self.received:  # 3
                yield f"{what}: {self.to} says it was {self.received}, and {self.giver} that it was {self.confirmed}"
        if self.answers and self.given and not self.answers <= self.given:  # 2
            yield f"{what}: the answer of {self.to} names a word that {self.giver} did not sign"


def _hand_overs(records: Iterable[SampleRecord]) -> dict[str, _HandOver]:
    found: dict[str, _HandOver] = {}
    for record in records:
        for entry in record.entries:
            if entry.type not in _WORDS:
                continue
            facts = entry.facts
            one = found.setdefault(str(facts["key"]), _HandOver(str(facts["key"])))
            if entry.type == GIVEN:
                one.giver, one.to = record.site, str(facts["to"])
                one.given.add(str(facts["given"]))
            elif entry.type == OFFERED:
                one.giver, one.to = str(facts["from"]), record.site
                one.offered.add(str(facts["given"]))
            elif entry.type == RECEIVED:
                one.received = str(facts["condition"])
                one.answers |= _answered(entry)
            else:
                one.confirmed = str(facts["condition"])
                one.answers |= _answered(entry)
    return found


def _answered(entry: Entry) -> set[str]:
    """The giver's word that an answer names, where its own is held whole."""
    word = _word(entry)
    return {word.given} if isinstance(word, SampleReceived) else set()


def _given_without_having(sample: str, records: Iterable[SampleRecord]) -> Iterator[str]:
    """Rule 5, in each ledger by itself: whoever gives has it, and what was given is not given to another meanwhile."""
    for record in records:
        holder, key, open_to = "", "", ""
        for entry in record.entries:
            facts = entry.facts
            if entry.type == GIVEN:
                if entry.position > 1 and holder != record.site:
                    yield f"{record.site}: gave {sample} in entry {entry.sequence}, when {holder} had it"
                if open_to and key != facts["key"]:
                    yield f"{record.site}: gave {sample} to {facts['to']} while it was on its way to {open_to}"
                key, open_to = str(facts["key"]), str(facts["to"])
            elif entry.type != TOLD and facts["state"] != "in_transit":
                open_to = ""
            holder = str(facts["holder"])


def _signatures(site: str, entries: Iterable[Entry], believed: Believed) -> tuple[int, tuple[str, ...]]:
    """Rule 4: how many words hold, and what is wrong with the others."""
    count, wrong = 0, list[str]()
    for entry in entries:
        plain = (entry.body or {}).get("document")
        if entry.type not in _WORDS or plain is None:
            continue
        kind = SampleGiven if entry.type in (GIVEN, OFFERED) else SampleReceived
        try:
            envelope = Envelope.parsed(plain)
            said = kind.peek(envelope)
            signer = site if entry.type in (GIVEN, RECEIVED) else said.sender
            keys = believed.history(entry.header.charter).keys_at(signer, said.issued)
            kind.open(envelope, keys, now=said.issued, charter=entry.header.charter, sender=signer)
        except YosegiError as error:
            wrong.append(f"entry {entry.sequence}: {error}")
            continue
        count += 1
        if sample_stream(said.sample) != entry.stream:
            wrong.append(f"entry {entry.sequence}: its word is of {said.sample}")
    return count, tuple(wrong)


def _ordered(records: Iterable[SampleRecord]) -> tuple[list[tuple[str, Entry]], str]:
    """All entries, each after what it follows: in its own ledger, and a word that came after the word that was sent."""
    nodes = {(record.site, entry.sequence): entry for record in records for entry in record.entries}
    before: dict[tuple[str, int], set[tuple[str, int]]] = {node: set() for node in nodes}
    for record in records:
        for first, second in zip(record.entries, record.entries[1:], strict=False):
            before[record.site, second.sequence].add((record.site, first.sequence))
    sent: dict[tuple[str, str], tuple[str, int]] = {}
    for node, entry in nodes.items():
        if entry.type in (GIVEN, RECEIVED):
            sent.setdefault((entry.type, str(entry.facts["key"])), node)
    for node, entry in nodes.items():
        origin = {OFFERED: GIVEN, CONFIRMED: RECEIVED}.get(entry.type)
        cause = None if origin is None else sent.get((origin, str(entry.facts["key"])))
        if cause is not None and cause != node:
            before[node].add(cause)
    sorter, ordered = TopologicalSorter(before), list[tuple[str, Entry]]()
    try:
        sorter.prepare()
    except CycleError:
        by_time = sorted(nodes.items(), key=lambda item: (item[1].time, item[0]))
        why = "what the ledgers say came first cannot be put into one order"
        return [(node[0], entry) for node, entry in by_time], why
    ready = list(sorter.get_ready())
    while ready:
        ready.sort(key=lambda node: (nodes[node].time, node))
        node = ready.pop(0)
        ordered.append((node[0], nodes[node]))
        sorter.done(node)
        ready += sorter.get_ready()
    return ordered, ""


def _fold(sample: str, entries: Iterable[Entry]) -> Sample:
    found = Sample(sample)
    for entry in entries:
        found.follow(entry)
    return found


def _event(site: str, entry: Entry) -> LifeEvent:
    facts, body, word = entry.facts, entry.body or {}, _word(entry)
    peer = next((str(facts[name]) for name in ("from", "to", "destination") if facts.get(name, site) != site), "")
    return LifeEvent(
        site, entry.sequence, entry.time, entry.type, entry.header.actor, str(facts["state"]), str(facts["holder"]),
        peer, str(facts.get("condition", "")), str(body.get("place", "")),
        str(body.get("note", "")) if word is None else word.note,
    )  # fmt: skip


def _word(entry: Entry) -> SampleGiven | SampleReceived | None:
    """The signed word in an entry; None where none is held, or nobody can read it, which `_signatures` says."""
    plain = (entry.body or {}).get("document")
    if entry.type not in _WORDS or plain is None:
        return None
    try:
        return (SampleGiven if entry.type in (GIVEN, OFFERED) else SampleReceived).recorded(plain)
    except YosegiError:
        return None
