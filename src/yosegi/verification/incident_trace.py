"""Incidents: what a key, member, station, agreement or contract touched, and everything that depends on it since.

Made from the ledger's file alone, offline, beside a running site; signed, and provable to whoever trusts the charter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from pydantic import Field

from yosegi.campaign.state import ANSWERED, ASKED
from yosegi.core import canonical
from yosegi.core.clock import parse_timestamp, timestamp
from yosegi.core.errors import Corrupt, Invalid
from yosegi.core.values import Value
from yosegi.governance.agreements.suspensions import STREAM as SUSPENSIONS
from yosegi.governance.agreements.suspensions import Suspension, in_force
from yosegi.governance.charter.charter import Charter
from yosegi.governance.charter.registry import CharterRecord, begin, charter_of
from yosegi.governance.charter.statement import Statement
from yosegi.ledger import Entry, verify_entries
from yosegi.ledger.snapshot import Snapshot
from yosegi.trust.document import Document, Moment
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import by_id
from yosegi.verification.incident_subjects import SUBJECTS as SUBJECTS
from yosegi.verification.incident_subjects import Subject as Subject


@dataclass(frozen=True, slots=True)
class Touched:
    """One entry that names the subject, or depends on one that does.

    Args:
        entry: the entry.
        why: in words; `after` is the sequence of the entry it depends on, -1 if it names the subject itself.
    """

    entry: Entry
    why: str
    after: int = -1


class TraceLine(Value):
    """The same in a report: the canonical header, and why it is there."""

    header: str
    why: str
    after: int = -1


class IncidentReport(Document):
    """What was found, signed by the site whose ledger it is, with all that proves it.

    Args:
        site: whose ledger.
        subject: what sort of thing was traced.
        name: which one.
        since: entries before this moment were left out.
        issued: when the report was made.
        size: how many entries the ledger had.
        lines: what was found, in the ledger's order.
        proof: leads from the lines to the checkpoint's root.
        checkpoint: the ledger's signed checkpoint of that moment.
        suspensions: what was barred at the site then.
        documents: charters and statements, by which the keys are believed.
    """

    kind: ClassVar[str] = "incident-report"

    site: str
    subject: Subject
    name: str
    since: Moment | None = None
    issued: Moment
    size: int = Field(ge=0)
    lines: tuple[TraceLine, ...]
    proof: tuple[str, ...]
    checkpoint: Envelope
    suspensions: tuple[Suspension, ...] = ()
    documents: tuple[Envelope, ...] = ()


@dataclass
class _Trace:
    """Follows what depends on what, until nothing new is found."""

    ledger: Snapshot
    since: str
    found: dict[int, Touched] = field(default_factory=dict)
    _streams: dict[str, int] = field(default_factory=dict)
    _waiting: list[Touched] = field(default_factory=list)

    def add(self, touched: Touched) -> None:
        entry = touched.entry
        if entry.sequence not in self.found and entry.time >= self.since and entry.sequence < self.ledger.size:
            self.found[entry.sequence] = touched
            self._waiting.append(touched)

    def follow(self) -> None:
        """Everything that depends on what was added."""
        later = self._by_predecessor()
        while self._waiting:
            cause = self._waiting.pop().entry
            for entry in later.get(cause.hash, ()):
                self.add(Touched(entry, f"follows entry {cause.sequence}", cause.sequence))
            kind, _, rest = cause.stream.partition("/")
            if kind in ("task", "request"):
                self._rest_of(cause.stream, cause, "the same task")
                self._in_campaigns(rest.rpartition("/")[2], cause)
            elif kind == "campaign" and cause.type == ANSWERED:
                self._rest_of(cause.stream, cause, "the campaign learned from it")
            elif kind == "campaign" and cause.type == ASKED:
                stream = f"request/{cause.facts['owner']}/{cause.facts['key']}"
                self._rest_of(stream, cause, "was asked because of it", whole=True)

    def _rest_of(self, stream: str, cause: Entry, why: str, *, whole: bool = False) -> None:
        start = 0 if whole else cause.position
        if self._streams.get(stream, 1 << 62) <= start:
            return
        for entry in self.ledger.stream(stream, start):
            self.add(Touched(entry, f"{why} as entry {cause.sequence}" if not whole else why, cause.sequence))
        self._streams[stream] = start

    def _in_campaigns(self, key: str, cause: Entry) -> None:
        for entry in self._asked().get(key, ()):
            self.add(Touched(entry, f"a trial's step of entry {cause.sequence}", cause.sequence))

    def _asked(self) -> dict[str, list[Entry]]:
        """What campaigns of this home site asked and learned, by the task's key; read once."""
        if self._keys is None:
            self._keys = {}
            for stream in self.ledger.streams("campaign/"):
                for entry in self.ledger.stream(stream):
                    if entry.type in (ASKED, ANSWERED):
                        self._keys.setdefault(str(entry.facts["key"]), []).append(entry)
        return self._keys

    _keys: dict[str, list[Entry]] | None = None

    def _by_predecessor(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entry in self.ledger.following():
            for item in entry.header.after:
                found.setdefault(item, []).append(entry)
        return found


def trace(ledger: Snapshot, subject: Subject, names: Iterable[str], since: datetime | None = None) -> list[Touched]:
    """What names a subject since a moment, and everything that depends on that, in the ledger's order.

    A task depends on what named it; a campaign on each answer it learned from, and so every later point it proposed and
    asked for; an entry on those it says it follows.

    Args:
        ledger: where to look.
        subject: what sort of thing.
        names: which; several, where a station stands for its capabilities.
        since: entries before it are left out.
    """
    wanted = tuple(names)
    found = _Trace(ledger, timestamp(since) if since is not None else "")
    # A key is named in full or by its beginning; everything else as a whole string.
    texts = [json.dumps(name, ensure_ascii=False) for name in wanted]
    texts = [text[:-1] for text in texts] if subject == "key" else texts
    for entry in ledger.containing(*(text.encode() for text in texts)):
        if subject != "site" or _is_of(entry, wanted):
            found.add(Touched(entry, f"names the {subject} {', '.join(wanted)}"))
    if subject == "key":
        for entry in _stating(ledger, wanted):
            found.add(Touched(entry, f"states or revokes the key {', '.join(wanted)}"))
    found.follow()
    return [found.found[sequence] for sequence in sorted(found.found)]


def _stating(ledger: Snapshot, keys: tuple[str, ...]) -> Iterable[Entry]:
    """Accepted statements that have a key, or revoke it: there it stands by its bytes, not by its id."""
    for stream in ledger.streams("governance/"):
        for entry in ledger.stream(stream):
            envelope = Envelope.read((entry.body or {})["document"])
            if envelope.payload_type == Statement.payload_type:
                stated = Statement.peek(envelope)
                ids = [key.key_id for key in stated.keys] + [revoked.key_id for revoked in stated.revoked]
                if any(one.startswith(keys) for one in ids):
                    yield entry


def _is_of(entry: Entry, sites: tuple[str, ...]) -> bool:
    """Whether a site did it or is its other side: its name alone stands in too many places."""
    header, parts = entry.header, entry.stream.split("/")
    if entry.stream == SUSPENSIONS:
        return header.facts.get("kind") == "site" and header.facts.get("name") in sites
    return header.actor in sites or any(site in parts for site in sites) or header.facts.get("to") in sites


def report(
    ledger: Snapshot,
    site: str,
    subject: Subject,
    name: str,
    found: list[Touched],
    since: datetime | None,
    now: datetime,
) -> IncidentReport:
    """A report of what was found, ready to be signed."""
    entries = (entry for stream in ledger.streams("governance/") for entry in ledger.stream(stream))
    accepted = (Envelope.read((entry.body or {})["document"]) for entry in entries)
    needed = (Charter.payload_type, Statement.payload_type)
    documents = [envelope for envelope in accepted if envelope.payload_type in needed]
    lines = tuple(TraceLine(header=t.entry.header_bytes.decode(), why=t.why, after=t.after) for t in found)
    return IncidentReport(
        site=site,
        subject=subject,
        name=name,
        since=since,
        issued=now,
        size=ledger.size,
        lines=lines,
        proof=ledger.prove(t.entry.sequence for t in found),
        checkpoint=ledger.checkpoint,
        suspensions=in_force(ledger.stream(SUSPENSIONS)),
        documents=tuple(documents),
    )


def verify_report(envelope: Envelope, charter: str = "") -> IncidentReport:
    """A report, if its site signed it and its lines stand in that site's ledger; offline.

    Args:
        envelope: the report.
        charter: digest of the charter that is trusted, if one is; else any in the report that names the site.

    Raises:
        Untrusted, Invalid, Corrupt: something does not hold, or it rests on another charter.
    """
    claimed = IncidentReport.peek(envelope)
    federations = list(_federations(claimed))
    believed = [f for f in federations if not charter or f.roster.charter.digest == charter]
    stated = [f.roster.statements[claimed.site] for f in believed if claimed.site in f.roster.statements]
    if not stated:
        raise Corrupt("the report", f"it rests on no charter that is trusted and has a statement of {claimed.site}", "")
    keys = by_id(key for statement in stated for key in statement.keys)
    found = IncidentReport.open(envelope, keys, now=claimed.issued)
    headers = [line.header.encode() for line in found.lines]
    if headers:
        verify_entries(headers, found.checkpoint, keys, proof=found.proof, site=found.site)
    return found


def _federations(claimed: IncidentReport) -> Iterable[CharterRecord]:
    """The charters of a report, each as its documents make it.

    Each is judged by when it says that it was made: the ledger that held it did so when it arrived.
    """
    known: dict[str, CharterRecord] = {}
    for envelope in claimed.documents:
        name = charter_of(envelope)
        issued = canonical.loads(envelope.payload).get("issued")
        if not isinstance(issued, str):
            raise Invalid("a document of the report", "it says not when it was made")
        moment = min(parse_timestamp(issued), claimed.issued)
        before = known.get(name)
        known[name] = begin(envelope, moment) if before is None else before.follow(envelope, moment)
    return known.values()
