"""What a site holds of every charter it lives in: rosters and agreements, folded from its own ledger.

The documents stand in the ledger as they were signed, so that whom this site believed at any moment can be shown
later. A site may live in several charters; nothing crosses from one to another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from yosegi.core.clock import Clock, parse_timestamp
from yosegi.core.errors import Invalid
from yosegi.governance.agreements.agreement import Agreement, accept_agreement
from yosegi.governance.charter.charter import Charter
from yosegi.governance.charter.charter import accept as accept_charter
from yosegi.governance.charter.roster import Roster
from yosegi.governance.charter.statement import Reach, Statement
from yosegi.ledger import Draft, Entry, Ledger, Write
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey
from yosegi.trust.sealed import SealingKey

ACCEPTED = "governance.accepted"


@dataclass(frozen=True, slots=True)
class CharterRecord:
    """One charter as this site knows it: its roster and its agreements by name."""

    roster: Roster
    agreements: Mapping[str, Agreement] = field(default_factory=lambda: MappingProxyType({}))
    position: int = 0

    def follow(self, envelope: Envelope, now: datetime) -> CharterRecord:
        """After one more signed document.

        Raises:
            Untrusted: it may not be believed.
            Invalid: of a kind that is not governance.
        """
        if envelope.payload_type == Charter.payload_type:
            return replace(self, roster=self.roster.with_charter(envelope, now))
        if envelope.payload_type == Statement.payload_type:
            return replace(self, roster=self.roster.with_statement(envelope, now))
        if envelope.payload_type == Agreement.payload_type:
            known = self.agreements.get(Agreement.peek(envelope).name)
            agreement = accept_agreement(self.roster.charter, envelope, now, known)
            return replace(self, agreements=MappingProxyType({**self.agreements, agreement.name: agreement}))
        raise Invalid("a document", f"{envelope.payload_type} is not a charter, statement or agreement")


def _stream(charter: str) -> str:
    return f"governance/{charter}"


class Registry:
    """The federations of a site, read from its ledger and added to through it."""

    def __init__(self, site: str, ledger: Ledger, clock: Clock) -> None:
        self.site, self._ledger, self._clock = site, ledger, clock
        self._federations: dict[str, CharterRecord] = {}
        for stream in ledger.streams("governance/"):
            for entry in ledger.read(stream):
                self._follow(entry)

    def _follow(self, entry: Entry) -> None:
        body = entry.body or {}
        # What was believed when it was recorded stays recorded; whether it still holds is asked at every use.
        then = parse_timestamp(entry.time)
        envelope = Envelope.read(body["document"])
        known = self._federations.get(entry.header.charter)
        after = begin(envelope, then) if known is None else known.follow(envelope, then)
        self._federations[entry.header.charter] = replace(after, position=entry.position)

    def foresee(self, envelope: Envelope) -> tuple[str, CharterRecord, bool]:
        """Verify a charter, statement or agreement: its charter's id, what would be known, and whether that is new.

        Raises:
            Untrusted: it may not be believed.
            Invalid: it is none of these.
        """
        now = self._clock.now()
        charter = charter_of(envelope)
        known = self._federations.get(charter)
        after = begin(envelope, now) if known is None else known.follow(envelope, now)
        return charter, after, known is None or replace(after, position=known.position) != known

    async def accept(self, envelope: Envelope, by: str) -> str:
        """Verify a charter, statement or agreement and record it; the same again changes nothing. Its charter's id.

        Raises:
            Untrusted: it may not be believed; nothing was recorded.
            Invalid: it is none of these.
        """
        charter, after, is_new = self.foresee(envelope)
        if not is_new:
            return charter
        kind = envelope.payload_type.removeprefix("application/vnd.yosegi.").removesuffix("+json")
        facts = {"kind": kind, "document": envelope.payload_digest}
        draft = Draft(ACCEPTED, facts, {"document": envelope.model_dump(mode="json")})
        known = self._federations.get(charter)
        position = known.position if known is not None else 0
        (entry,) = await self._ledger.append(Write(_stream(charter), position, (draft,), charter=charter, actor=by))
        self._federations[charter] = replace(after, position=entry.position)
        return charter

    def documents(self, charter: str) -> list[Envelope]:
        """Every document ever accepted under a charter, as it was signed, in the order of acceptance."""
        return [envelope for _, envelope in self.accepted(charter)]

    def accepted(self, charter: str) -> list[tuple[int, Envelope]]:
        """The same documents, each with the sequence of the entry that holds it."""
        return [(e.sequence, Envelope.read((e.body or {})["document"])) for e in self._ledger.read(_stream(charter))]

    def charters(self) -> tuple[str, ...]:
        """Every charter this site lives in."""
        return tuple(self._federations)

    def federation(self, charter: str) -> CharterRecord:
        """What is known under a charter.

        Raises:
            Untrusted: this site does not live in it.
        """
        known = self._federations.get(charter)
        if known is None:
            raise Untrusted(f"charter {charter}", "wrong_charter", found=charter, said=charter, expected=self.site)
        return known

    def hosts(self, charter: str, institution: str) -> bool:
        """Whether a charter has this site host a member, now."""
        return self.federation(charter).roster.charter.host_of(institution) == self.site

    def sites(self, charter: str) -> tuple[str, ...]:
        """The members of a charter that have a site of their own."""
        members = self.federation(charter).roster.charter.members
        return tuple(member.id for member in members if member.hosted_by is None)

    def keys_of(self, charter: str, site: str) -> Mapping[str, PublicKey]:
        """The online keys of a member, now.

        Raises:
            Untrusted: no member, or no statement in force.
        """
        return self.federation(charter).roster.keys_of(site, self._clock.now())

    def reach_of(self, charter: str, site: str) -> Reach:
        """How a member is reached, now.

        Raises:
            Untrusted: no member, or no statement in force.
        """
        return self.federation(charter).roster.reach_of(site, self._clock.now())

    def last_reach(self, charter: str, site: str) -> Reach | None:
        """How a member was reached by its last statement, though that counts no more: to ask for a newer one."""
        return self.federation(charter).roster.last_reach(site)

    def version_for(self, charter: str, site: str, kind: type[Document]) -> int:
        """The newest version of a kind of document that both this site and a member speak; 0 if there is none.

        What its last statement lists counts, in force or not. A site that lists nothing is taken to speak everything.
        """
        stated = self.federation(charter).roster.statements.get(site)
        if stated is None or not stated.formats:
            return len(kind.payload_types)
        spoken = (n for n, name in enumerate(kind.payload_types, 1) if name in stated.formats)
        return max(spoken, default=0)

    def sealing_key_of(self, charter: str, site: str) -> SealingKey:
        """The key mail to a member is sealed to.

        Raises:
            Untrusted: no member, or no statement in force.
        """
        return self.federation(charter).roster.sealing_key_of(site, self._clock.now())


def begin(envelope: Envelope, now: datetime) -> CharterRecord:
    """The federation that a charter, the first document, begins.

    Raises:
        Untrusted: it may not be believed.
        Invalid: it is not a charter.
    """
    if envelope.payload_type != Charter.payload_type:
        raise Invalid("the first document of a charter", f"{envelope.payload_type}, not the charter itself")
    return CharterRecord(Roster(accept_charter(None, envelope, now)))


def charter_of(envelope: Envelope) -> str:
    """The charter a document says it is of; nothing is verified.

    Raises:
        Invalid: it is no charter, statement or agreement.
    """
    for kind in (Charter, Statement, Agreement):
        if envelope.payload_type == kind.payload_type:
            claimed = kind.peek(envelope)
            return claimed.id if isinstance(claimed, Charter) else claimed.charter
    raise Invalid("a document", f"{envelope.payload_type} is not a charter, statement or agreement")
