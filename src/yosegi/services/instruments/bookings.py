"""At the home site: reservations of other sites' instruments, asked for, cancelled and listed. The owner decides.

What is asked and what is heard stand in this ledger, what was decided and held in the owner's, each with the other's
signed words. A site that dies in between has asked nothing, or asks when it is back.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any

from yosegi.core.clock import Clock, timestamp
from yosegi.core.errors import Conflict, Invalid, NotFound, Refused
from yosegi.core.identifiers import derived_key, split_capability
from yosegi.core.states import BookingState
from yosegi.exchange import Channels, Received, sending
from yosegi.exchange.outbox import Outgoing
from yosegi.execution.instruments.reservation import price
from yosegi.execution.ports import recorded
from yosegi.governance.charter.registry import Registry
from yosegi.governance.policy.explanation import refused
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft, Ledger, Write
from yosegi.services.authorization.roles import check_person
from yosegi.services.authorization.service import Authorizer
from yosegi.services.capabilities.service import CapabilityCatalogue
from yosegi.services.instruments.booking import (
    ASKED,
    CANCEL_ASKED,
    CANCEL_UNDELIVERED,
    REPORTED,
    UNDELIVERED,
    RemoteBooking,
    booking_stream,
    fold_booking,
)
from yosegi.services.instruments.reservations import LONGEST_WHY, MOST_LISTED, Booking
from yosegi.services.instruments.schemas import BookingDetail
from yosegi.trust.reservations import ReservationAsked, ReservationCancel, ReservationReport
from yosegi.trust.signer import Signer

LIFETIME = timedelta(days=1)
"""Time in which an owner must have a request; not beyond the beginning of what is asked for."""


@dataclass
class BookingService:
    """The reservations that one site's people have at other sites.

    Args:
        lock: held from reading a reservation to writing what follows: people and owners speak of it at one moment.
    """

    site: str
    ledger: Ledger
    clock: Clock
    signer: Signer
    registry: Registry
    channels: Channels
    authorizer: Authorizer
    catalogue: CapabilityCatalogue
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    # -- people -------------------------------------------------------------------------------------------------------

    async def ask(self, capability: str, wanted: Booking, who: Session, *, key: str = "") -> BookingDetail:
        """Ask the owner of a capability to book a span of the instrument that uses it; its answer comes by itself.

        The same again, while it may still come to something, or under the same key, answers with what is known.

        Args:
            capability: `site/name@version`; whatever uses the same instrument may run inside.
            wanted: its `instrument` is left empty: the owner knows which that is.
            who: asks, for themselves or, running this site, for another of its people.
            key: names it; chosen here, if empty.

        Raises:
            Refused: an agent; for somebody else, by who does not run the site; or by this site's own policy.
            NotFound: no such charter, or nobody offers the capability there.
            Conflict: the owner does not speak of reservations, or the key was used for another.
            Invalid: of this site itself, or it has begun.
        """
        check_person(who, f"booking {capability}")
        person = wanted.person or who.person
        if person != who.person and not who.runs_the_site:
            raise Refused(f"booking {capability} for {person}", ("not_on_behalf_of_others",))
        owner = self._owner(wanted.charter, capability)
        async with self.lock:
            return await self._ask(owner, capability, wanted, who, person, key)

    async def _ask(
        self, owner: str, capability: str, wanted: Booking, who: Session, person: str, key: str
    ) -> BookingDetail:
        stream = booking_stream(owner, key) if key else self._stream(owner, capability, wanted)
        document = self._document(owner, capability, wanted, person, stream.split("/", 2)[2])
        if (known := self._get(stream)) is not None:
            self._check_same(known, document)
            return self.detail(known)
        contract = self.catalogue.contract_of(wanted.charter, capability)
        decision = self.authorizer.decide_asked_reservation("request", document, contract, price(wanted.span))
        if not decision.allow:
            raise refused(f"booking {capability}", decision)
        facts = {
            "digest": document.digest, "capability": capability, "team": wanted.team, "campaign": wanted.campaign,
            "by": person, "purpose": wanted.purpose, "starts": timestamp(wanted.span.starts),
            "ends": timestamp(wanted.span.ends),
        }  # fmt: skip
        body = recorded(self.authorizer, decision)
        draft = sending(ASKED, owner, f"reservation/{document.key}", document.sign(self.signer), facts, body)
        await self._append(Write(stream, 0, (draft,), charter=wanted.charter, actor=who.person, on_behalf_of=person))
        return self.detail(fold_booking(stream, self.ledger.read(stream)))

    def _owner(self, charter: str, capability: str) -> str:
        if charter not in (charters := self.registry.charters()):
            raise NotFound("charter", charter, charters)
        owner = split_capability(capability)[0]
        if owner == self.site:
            raise Invalid(f"booking {capability}", "is of this site", "yosegi instrument reserve books it here")
        self.catalogue.contract_of(charter, capability)
        if not self.registry.version_for(charter, owner, ReservationAsked):
            todo = "its site has to be upgraded; or book it at that site"
            raise Conflict(f"booking {capability}", f"{owner} states no format in which it could be asked", todo)
        return owner

    def _stream(self, owner: str, capability: str, wanted: Booking) -> str:
        """That of the same booking, if one stands that may still come to something; or a new one."""
        span = (timestamp(wanted.span.starts), timestamp(wanted.span.ends))
        same = (wanted.charter, wanted.team, wanted.campaign, capability, *span)
        rows = self.ledger.query(
            "SELECT stream, state FROM booking WHERE charter = ? AND team = ? AND campaign = ? AND capability = ?"
            " AND starts = ? AND ends = ?",
            same,
        )
        standing = [str(row["stream"]) for row in rows if BookingState(row["state"]).stands]
        return standing[0] if standing else booking_stream(owner, derived_key("booking", self.site, *same, len(rows)))

    def _document(self, owner: str, capability: str, wanted: Booking, person: str, key: str) -> ReservationAsked:
        now = self.clock.now()
        if wanted.span.starts <= now:
            raise Invalid(f"booking {capability}", "would begin in the past")
        return ReservationAsked(
            charter=wanted.charter, sender=self.site, to=owner, key=key, issued=now,
            not_after=min(now + LIFETIME, wanted.span.starts), capability=capability, team=wanted.team,
            on_behalf_of=person, purpose=wanted.purpose, campaign=wanted.campaign or None, starts=wanted.span.starts,
            ends=wanted.span.ends, clearances=self.authorizer.attested(person),
        )  # fmt: skip

    def _check_same(self, known: RemoteBooking, asked: ReservationAsked) -> None:
        span = known.span
        same = (known.capability, known.charter, known.team, known.campaign, known.by, known.purpose)
        wanted = (asked.capability, asked.charter, asked.team, asked.campaign or "", asked.on_behalf_of, asked.purpose)
        if same != wanted or span is None or (span.starts, span.ends) != (asked.starts, asked.ends):
            raise Conflict(f"key {asked.key}", "was used before for another reservation", "use a new key")

    @property
    def any(self) -> bool:
        """Whether this site ever asked another for a reservation."""
        return bool(self.ledger.query("SELECT 1 FROM booking LIMIT 1"))

    async def cancel(self, owner: str, key: str, who: Session, reason: str = "") -> BookingDetail:
        """Ask the owner to cancel a reservation, or to take back what is left of it; said again, it is sent again.

        Raises:
            NotFound: none of that name, or another team's.
            Refused: an agent.
            Conflict: it is over, was refused, or never came to its owner.
            Invalid: too long a reason.
        """
        check_person(who, f"cancelling a reservation at {owner}")
        if len(reason) > LONGEST_WHY:
            raise Invalid("why", f"has {len(reason)} characters, and {LONGEST_WHY} is the most")
        async with self.lock:
            return await self._cancel(self._found(owner, key, who), who, reason)

    async def _cancel(self, found: RemoteBooking, who: Session, reason: str) -> BookingDetail:
        if not found.state.stands:
            raise Conflict(f"reservation {found.key}", f"is {found.state}", "there is nothing to cancel")
        now = self.clock.now()
        document = ReservationCancel(
            charter=found.charter, sender=self.site, to=found.owner, key=found.key, issued=now,
            not_after=now + ReservationCancel.longest, reason=reason,
        )  # fmt: skip
        body = {"why": reason} if reason else {}
        topic = f"reservation-cancel/{found.key}"
        draft = sending(CANCEL_ASKED, found.owner, topic, document.sign(self.signer), {}, body)
        await self._append(Write(found.stream, found.position, (draft,), charter=found.charter, actor=who.person))
        return self.detail(fold_booking(found.stream, self.ledger.read(found.stream)))

    def listing(self, who: Session) -> tuple[BookingDetail, ...]:
        """The latest reservations at other sites that somebody may see, the latest first."""
        rows = self.ledger.query("SELECT stream, charter, team FROM booking ORDER BY sequence DESC")
        seen = (str(row["stream"]) for row in rows if self.authorizer.may_see(row["charter"], row["team"], who))
        found = (fold_booking(stream, self.ledger.read(stream)) for stream in islice(seen, MOST_LISTED))
        return tuple(map(self.detail, found))

    def show(self, owner: str, key: str, who: Session) -> BookingDetail:
        """One reservation at another site, by the first characters of its key.

        Raises:
            NotFound: none of that name, or another team's.
        """
        return self.detail(self._found(owner, key, who))

    def _found(self, owner: str, key: str, who: Session) -> RemoteBooking:
        prefix = booking_stream(owner, key)
        streams = [str(row["stream"]) for row in self.ledger.query("SELECT stream FROM booking")]
        matching = [one for one in streams if key and one.startswith(prefix)]
        if prefix in matching:
            matching = [prefix]
        found = self._get(matching[0]) if len(matching) == 1 else None
        if found is None or not self.authorizer.may_see(found.charter, found.team, who):
            raise NotFound(f"reservation at {owner}", key)
        return found

    def _get(self, stream: str) -> RemoteBooking | None:
        entries = self.ledger.read(stream)
        return fold_booking(stream, entries) if entries else None

    def detail(self, found: RemoteBooking) -> BookingDetail:
        """One reservation as it is shown."""
        names = ("owner", "key", "capability", "instrument", "state", "charter", "team", "campaign", "purpose",
                 "reasons", "why", "cancelling")  # fmt: skip
        told: dict[str, Any] = {name: getattr(found, name) for name in names}
        if found.span is not None:
            told |= {"starts": timestamp(found.span.starts), "ends": timestamp(found.span.ends)}
            told["until"] = timestamp(found.until or found.span.ends)
        return BookingDetail(
            person=found.by, held={} if found.state.final else found.held.decimals(), spent=found.spent.decimals(),
            **({"starts": "", "ends": "", "until": ""} | told),
        )  # fmt: skip

    # -- peers --------------------------------------------------------------------------------------------------------

    async def on_report(self, received: Received[ReservationReport]) -> None:
        """Record what an owner says of a reservation; what is older than what is known, or the same, changes nothing.

        Raises:
            Invalid: it was not asked of that owner, or the word contradicts what was asked or said before.
        """
        async with self.lock:
            await self._record(received)

    async def _record(self, received: Received[ReservationReport]) -> None:
        report = received.document
        stream = booking_stream(received.sender, report.key)
        found = fold_booking(stream, self.ledger.read(stream))
        if found.charter not in ("", received.charter):
            raise Invalid(f"reservation {report.key}", "was asked for under another charter")
        if found.digest == report.asked and report.position <= found.told:
            return
        found.check_report(report)
        facts = {"state": report.state, "position": report.position}
        body = {"document": received.envelope.plain, "receipt": received.receipt}
        draft = Draft(REPORTED, facts, body)
        await self._append(Write(stream, found.position, (draft,), charter=received.charter, actor=received.sender))

    async def rejected(self, out: Outgoing, because: str) -> None:
        """A request or a cancellation that the owner will not take, or did not get in time."""
        entry = self.ledger.entry(out.sequence)
        if entry.type not in (ASKED, CANCEL_ASKED):
            return
        async with self.lock:
            found = fold_booking(entry.stream, self.ledger.read(entry.stream))
            body = {"why": because[:2000]}
            if entry.type == CANCEL_ASKED:
                draft = Draft(CANCEL_UNDELIVERED, {}, body)
            elif found.state is BookingState.ASKED:
                draft = Draft(UNDELIVERED, {"state": BookingState.UNDELIVERED.value}, body)
            else:
                return
            await self._append(Write(entry.stream, found.position, (draft,), charter=found.charter, actor=out.to))

    async def _append(self, write: Write) -> None:
        self.channels.posted(await self.ledger.append(write))
