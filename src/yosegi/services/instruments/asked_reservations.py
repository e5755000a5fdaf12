"""At the owner: reservations that other sites ask for by signed documents, decided here and answered with a report.

A request is decided once: booked or refused in one commit with the report that says so, and the same request again
changes nothing. What is booked is a reservation like any other, and everything that comes of it is told its home.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.amounts import Unit
from yosegi.core.clock import timestamp
from yosegi.core.errors import Conflict, Invalid, NotFound, Unavailable
from yosegi.core.identifiers import derived_key, split_capability
from yosegi.core.states import ReservationState
from yosegi.exchange import Received
from yosegi.exchange.outbox import Outgoing
from yosegi.execution.instruments.instrument import Instrument
from yosegi.execution.instruments.reservation import BOOKED, price, reservation_stream
from yosegi.execution.instruments.reservation_reports import ReservationReporter, refusal_stream
from yosegi.execution.instruments.windows import TimeSpan
from yosegi.execution.ports import recorded
from yosegi.governance.grants.grant import GrantExceeded
from yosegi.governance.policy.explanation import explained, why
from yosegi.ledger import Draft, Write
from yosegi.services.instruments.reservations import ReservationService
from yosegi.trust.explanation import Explanation
from yosegi.trust.reservations import ReservationAsked, ReservationCancel

MOST_STANDING = 300
"""Reservations of one instrument that one other site may have at a time: each start on it looks at those to come."""


class _NotBooked(Exception):
    """Why a request for a reservation is refused."""

    def __init__(self, *reasons: Explanation) -> None:
        super().__init__(", ".join(reason.code for reason in reasons))
        self.reasons = reasons


@dataclass
class AskedReservations:
    """Books and cancels at this owner what other sites ask for.

    Args:
        reservations: the owner's own rules for a span, and its policy.
        lock: held from reading a request to writing what was decided of it.
    """

    reservations: ReservationService
    reporter: ReservationReporter
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def site(self) -> str:
        """The owner."""
        return self.reservations.site

    async def on_asked(self, received: Received[ReservationAsked]) -> None:
        """Decide on a request for a reservation, hold its hours and answer; the same again changes nothing.

        Raises:
            Conflict: its key was used before for another request.
        """
        asked = received.document
        async with self.lock:
            if (digest := self._decided(asked.sender, asked.key)) is not None:
                if digest != asked.digest:
                    raise Conflict(f"key {asked.key}", "was used before for another reservation", "use a new key")
                return
            body: dict[str, Any] = {"asked": received.envelope.plain, "receipt": received.receipt}
            try:
                writes = self._booking(asked, body)
                await self._append(*writes)
            except _NotBooked as refused:
                await self._refuse(asked, refused.reasons, body)
            except (Conflict, GrantExceeded) as error:
                # Somebody else took the span or the hours between the look and the write.
                await self._refuse(asked, (_not_possible(error),), body)

    def _decided(self, home: str, key: str) -> str | None:
        """Digest of the request of a home site under a key that was decided already; None if none was."""
        booked = self.reservations.instruments.calendar.of_home(home, key)
        if booked is not None:
            return booked.digest
        refusal = self.reservations.instruments.ledger.read(refusal_stream(home, key))
        return str(refusal[0].facts["digest"]) if refusal else None

    def _booking(self, asked: ReservationAsked, body: dict[str, Any]) -> tuple[Write, Write]:
        """The writes that book what is asked: the reservation, and the hold of its hours.

        Cases, in order, so that who may not use the instrument learns nothing of its hours:
          1. what it names uses no instrument here that has a name, or is not published;
          2. this owner's policy does not allow it to that person, in that team, for that purpose, at that cost;
          3. it has begun, is too short, too long or too far ahead, outside the windows, or another's; or its home has
             as many there as it may have;
          4. no grant of the team covers it.

        Raises:
            _NotBooked: says which.
        """
        to, name = split_capability(asked.capability)
        service = self.reservations
        instrument, published = service.instruments.of(name), service.repository.published.get(name)
        if to != self.site or instrument is None or published is None:
            raise _NotBooked(explained("reservation_not_offered", capability=asked.capability, site=self.site))
        try:
            span = TimeSpan.of(asked.starts, asked.ends)
        except Invalid as error:
            raise _NotBooked(_not_possible(error)) from None
        cost = price(span)
        decision = service.authorizer.decide_asked_reservation("accept", asked, published.contract, cost)
        body |= recorded(service.authorizer, decision)
        if not decision.allow:
            raise _NotBooked(*why(decision))
        try:
            service.check_time(instrument, span)
            self._check_count(instrument, asked.sender)
            service.check_free(instrument, span)
            stream = self._stream(instrument, asked)
            grant, hold = service.authorizer.hold_reservation(asked.charter, asked.team, stream, cost)
        except (Conflict, Invalid, GrantExceeded, NotFound) as error:
            raise _NotBooked(_not_possible(error)) from None
        facts = {
            "team": asked.team, "campaign": asked.campaign or "", "by": asked.on_behalf_of, "grant": grant,
            "purpose": asked.purpose, "starts": timestamp(span.starts), "ends": timestamp(span.ends),
            "held": cost[Unit.INSTRUMENT_H],
        }  # fmt: skip
        draft = self.reporter.booked(Draft(BOOKED, facts), asked, instrument.name, body)
        actor = asked.sender
        write = Write(stream, 0, (draft,), charter=asked.charter, actor=actor, on_behalf_of=asked.on_behalf_of)
        return write, hold

    def _check_count(self, instrument: Instrument, home: str) -> None:
        if self.reservations.instruments.calendar.standing(instrument.name, home) >= MOST_STANDING:
            what = f"{home} has {MOST_STANDING} reservations of it that are not over, and more are not taken"
            raise Conflict(f"instrument {instrument.name}", what, "cancel one, or ask when one is over")

    def _stream(self, instrument: Instrument, asked: ReservationAsked) -> str:
        return reservation_stream(instrument.name, derived_key("reservation", asked.sender, asked.key))

    async def _refuse(self, asked: ReservationAsked, reasons: tuple[Explanation, ...], body: dict[str, Any]) -> None:
        body = body | {"reasons": [reason.model_dump(mode="json") for reason in reasons]}
        draft = self.reporter.refused(asked, reasons, body)
        stream = refusal_stream(asked.sender, asked.key)
        await self._append(Write(stream, 0, (draft,), charter=asked.charter, actor=self.site))

    async def _append(self, *writes: Write) -> None:
        self.reporter.posted(await self.reservations.instruments.ledger.append(*writes))

    async def on_cancel(self, received: Received[ReservationCancel]) -> None:
        """Cancel a reservation before it begins, or give back what is left of it; one that is over stays as it is.

        Raises:
            Unavailable: its request has not arrived yet, or something else was written of it at this moment.
        """
        cancel, calendar = received.document, self.reservations.instruments.calendar
        async with self.lock:
            if self._decided(received.sender, cancel.key) is None:
                raise Unavailable(f"reservation {cancel.key}", "its request has not arrived yet")
            found = calendar.of_home(received.sender, cancel.key)
            now = self.reservations.instruments.clock.now()
            if found is None or found.state is not ReservationState.BOOKED or now >= found.booked.ends:
                return
            try:
                await calendar.cancel(found, received.sender, cancel.reason)
            except Conflict as error:
                raise Unavailable(f"reservation {cancel.key}", str(error)) from None

    async def rejected(self, out: Outgoing, because: str) -> None:
        """A report that its home will not take: one that came too late is said again, as it stood."""
        write = self.reporter.again(self.reservations.instruments.ledger.entry(out.sequence))
        if write is not None:
            await self._append(write)


def _not_possible(error: Conflict | Invalid | GrantExceeded | NotFound) -> Explanation:
    if isinstance(error, GrantExceeded):
        return explained("grant_exceeded", **{name: str(value) for name, value in error.fields.items()})
    return explained("reservation_not_possible", why=str(error)[:1500])
