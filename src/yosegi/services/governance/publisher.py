"""Governance at a running site: documents and suspensions come into force at once, and peers are told.

A charter, statement or agreement proves itself by its signatures, whoever brings it. What a person publishes here is
recorded, put in force and passed on to the members it concerns; what a peer passes on is put in force and no further.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from yosegi.core.clock import Clock, timestamp
from yosegi.core.errors import Invalid, NotFound, Unavailable, YosegiError
from yosegi.core.events import Events
from yosegi.exchange import Channels, Received
from yosegi.exchange.budget import PeerBudget, Rate
from yosegi.exchange.passed_on import concerned, passing, peeked
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.agreements.suspensions import STREAM, Barred, Suspension, lifted, suspended
from yosegi.governance.charter.charter import Charter
from yosegi.governance.charter.registry import Registry, charter_of
from yosegi.governance.charter.statement import Statement
from yosegi.governance.events import DocumentInForce
from yosegi.ledger import Draft, Ledger, Write
from yosegi.services.authorization.service import Authorizer
from yosegi.services.capabilities.service import CapabilityCatalogue
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted

# What another document, still on its way, may put right: it is sent again until then.
_TOO_EARLY = {"not_a_member", "charter_gap", "wrong_charter"}
# What is known here already in a later version.
_TOO_LATE = {"charter_rolled_back", "statement_rolled_back", "agreement_rolled_back"}
_MOST_INTRODUCTIONS = 8
INTRODUCTIONS = Rate(burst=20, hourly=4)
"""Statements of one site that strangers may bring."""


@dataclass
class DocumentPublisher:
    """Takes what the members of a site's charters have signed, and what its own officers bar.

    Args:
        events: told `DocumentInForce`.
        budget: how many statements of one site are taken from strangers.
    """

    site: str
    ledger: Ledger
    clock: Clock
    registry: Registry
    authorizer: Authorizer
    channels: Channels
    catalogue: CapabilityCatalogue
    events: Events
    budget: PeerBudget
    running: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def start(self) -> None:
        """From now on peers are offered what is published here when a document comes into force."""
        self.running = True

    # -- documents ------------------------------------------------------------------------------------------------

    async def publish(self, envelope: Envelope, by: str) -> str:
        """Put a signed document in force here and pass it on; the same again is only passed on. Its charter's id.

        Raises:
            Untrusted: it may not be believed.
            Invalid: it is no such document, the first charter has no place for this site, or the policies that would
                follow from it may not be published.
        """
        if charter_of(envelope) not in self.registry.charters():
            check_own(self.site, envelope)
        charter = await self._take(envelope, by)
        self.channels.posted(await self.ledger.append(*self._passing(charter, envelope, by)))
        return charter

    async def _take(self, envelope: Envelope, by: str) -> str:
        async with self._lock:
            charter, after, is_new = self.registry.foresee(envelope)
            if not is_new:
                return charter
            if envelope.payload_type != Statement.payload_type:
                # What may not be published is found before anything is recorded.
                self.authorizer.foresee(charter, after)
            await self.registry.accept(envelope, by)
            if envelope.payload_type != Statement.payload_type:
                await self.authorizer.publish(charter)
        self.events.publish(DocumentInForce(charter))
        self.channels.meet(charter)
        if self.running:
            await self.catalogue.offer()
        return charter

    def _passing(self, charter: str, envelope: Envelope, by: str) -> list[Write]:
        """One entry for each member it concerns."""
        peers = concerned(self.registry, charter, peeked(envelope))
        drafts = tuple(passing(envelope, peer) for peer in peers if peer != self.site)
        return [Write(f"passing/{charter}", None, drafts, charter=charter, actor=by)] if drafts else []

    async def on_document(self, received: Received[Document]) -> None:
        """Take what a peer passes on.

        Raises:
            Unavailable: another document has to come first.
            Untrusted, Invalid: as `publish`.
        """
        document = received.envelope
        if charter_of(document) != received.charter:
            raise Invalid("a document of governance", f"it is not of the charter {received.charter}")
        self._check_concerns(received)
        try:
            await self._take(document, received.sender)
        except Untrusted as error:
            if error.reason in _TOO_LATE:
                return
            if error.reason in _TOO_EARLY:
                raise Unavailable("a document of governance", str(error), "it is sent again") from None
            raise

    def _check_concerns(self, received: Received[Document]) -> None:
        """Keep no agreement of others: whoever signs one with itself alone must not fill this ledger with it.

        Raises:
            Invalid: neither this site nor a member that it hosts is a party.
        """
        agreement = received.document
        if isinstance(agreement, Agreement):
            known = self.registry.federation(received.charter).roster.charter
            if self.site not in {known.host_of(party) or party for party in agreement.parties}:
                raise Invalid(f"agreement {agreement.name}", f"{self.site} is not among its parties, nor hosts one")

    async def introduce(self, documents: tuple[Envelope, ...]) -> bool:
        """Take documents that come with a parcel whose sender is not believed yet: they prove themselves.

        So a site is heard again that was just admitted, or whose keys are new to this one.

        Returns:
            Whether anything new was learned.
        """
        before = self.ledger.size
        # What makes a sender known, and nothing else: an agreement is taken from those who are believed.
        known = {Charter.payload_type, Statement.payload_type}
        for envelope in [one for one in documents if one.payload_type in known][:_MOST_INTRODUCTIONS]:
            if not self._may_introduce(envelope):
                continue
            # A charter this site does not live in is adopted by a person and by nobody else.
            if charter_of(envelope) in self.registry.charters():
                with contextlib.suppress(Untrusted):
                    await self._take(envelope, "introduction")
        return self.ledger.size > before

    def _may_introduce(self, envelope: Envelope) -> bool:
        """Whether a statement may come this way once more: signed anew each second it would fill a ledger."""
        if envelope.payload_type != Statement.payload_type:
            return True
        try:
            charter, _, is_new = self.registry.foresee(envelope)
        except YosegiError:
            return False
        site = Statement.peek(envelope).site
        return is_new and self.budget.allows(f"{charter}/{site}", "introductions", INTRODUCTIONS)

    # -- suspensions ----------------------------------------------------------------------------------------------

    def suspensions(self) -> tuple[Suspension, ...]:
        """What is barred here now."""
        return self.authorizer.suspensions.in_force

    async def suspend(self, kind: Barred, name: str, by: str, why: str, charter: str = "") -> Suspension:
        """Bar something here, at once; the same again changes nothing.

        Raises:
            Invalid: not a name of that kind.
        """
        fields = {"kind": kind, "name": name, "charter": charter, "by": by, "why": why[:2000]}
        suspension = Suspension.read(fields | {"since": timestamp(self.clock.now())}, what="the suspension")
        async with self._lock:
            if known := next((s for s in self.suspensions() if s.key == suspension.key), None):
                return known
            await self._record(suspended(suspension), by, charter)
        return suspension

    async def lift(self, kind: Barred, name: str, by: str, why: str, charter: str = "") -> Suspension:
        """Bar something no more; also a site that told two stories, once it has shown how it set that right.

        Raises:
            NotFound: it is not barred.
            Conflict: it told two stories, and has shown no restoration.
        """
        async with self._lock:
            now = self.suspensions()
            known = next((s for s in now if s.key == (kind, name, charter)), None)
            if known is None and kind == "site" and name in self.channels.witness.forked:
                return await self._lift_verdict(name, by, why)
            if known is None:
                raise NotFound("suspension", f"{kind} {name}", tuple(f"{s.kind} {s.name}" for s in now))
            await self._record(lifted(known, why[:2000]), by, charter)
        return known

    async def _lift_verdict(self, peer: str, by: str, why: str) -> Suspension:
        charter = await self.channels.witness.verdicts.lift(peer, by, why)
        self.channels.meet(charter)
        fields = {"kind": "site", "name": peer, "by": self.site, "why": "its ledger told two stories"}
        return Suspension.read(fields | {"since": timestamp(self.clock.now())}, what="the verdict")

    async def _record(self, draft: Draft, by: str, charter: str) -> None:
        await self.ledger.append(Write(STREAM, None, (draft,), charter=charter, actor=by))
        self.authorizer.suspensions.reload()
        for each in self.registry.charters():
            await self.authorizer.publish(each)
            self.channels.meet(each)


def check_own(site: str, envelope: Envelope) -> None:
    """See that a first charter has the site among its members.

    Raises:
        Invalid: it has not, or only as one that another hosts.
    """
    if envelope.payload_type != Charter.payload_type:
        return
    member = Charter.peek(envelope).member(site)
    if member is None:
        raise Invalid("the charter", f"{site} is not a member of it", "it would mean nothing here")
    if member.hosted_by is not None:
        raise Invalid("the charter", f"{site} is hosted by {member.hosted_by} under it", "its people sign in there")
