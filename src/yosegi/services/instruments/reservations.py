"""Reservations as people at a site speak of them: booked within a grant, listed, cancelled. The owner decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from yosegi.core.amounts import Amounts, Unit
from yosegi.core.clock import timestamp
from yosegi.core.errors import Conflict, Invalid, NotFound, Refused
from yosegi.core.identifiers import derived_key
from yosegi.core.states import ReservationState
from yosegi.execution.instruments.instrument import Instrument
from yosegi.execution.instruments.register import Instruments
from yosegi.execution.instruments.reservation import (
    BOOKED,
    Reservation,
    price,
    reservation_stream,
)
from yosegi.execution.instruments.windows import TimeSpan
from yosegi.execution.ports import recorded
from yosegi.execution.records import TaskRepository
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.explanation import refused
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft, Write
from yosegi.services.authorization.roles import check_person
from yosegi.services.authorization.service import Authorizer
from yosegi.services.instruments.schemas import ReservationDetail

MOST_LISTED = 200
SHORTEST = 60.0
"""Seconds. Around a shorter one more time would be lost to everybody than is paid for it."""
LONGEST_WHY = 2000


@dataclass(frozen=True, slots=True)
class Booking:
    """What somebody wants to book.

    Args:
        person: for whom, where an operator enters it; who asks, if empty.
        campaign: the only one that is to use it; every campaign of the team may, if empty.
    """

    instrument: str
    span: TimeSpan
    charter: str
    team: str
    purpose: str = "research"
    person: str = ""
    campaign: str = ""


@dataclass
class ReservationService:
    """The reservations of one site's instruments."""

    instruments: Instruments
    repository: TaskRepository
    authorizer: Authorizer

    @property
    def site(self) -> str:
        """The owner."""
        return self.instruments.site

    # -- looking --------------------------------------------------------------------------------------------------

    def listing(self, name: str, who: Session) -> tuple[ReservationDetail, ...]:
        """The latest reservations of an instrument; of another team's, only when.

        Raises:
            NotFound: no such instrument.
        """
        self._get(name)
        rows = self.instruments.ledger.query(
            "SELECT stream FROM reservation WHERE instrument = ? ORDER BY starts DESC LIMIT ?", (name, MOST_LISTED)
        )
        return tuple(self.detail(self.instruments.calendar.get(row["stream"]), who) for row in rows)

    def detail(self, found: Reservation, who: Session) -> ReservationDetail:
        """One reservation as it is shown to somebody."""
        span = found.booked
        told = ReservationDetail(
            instrument=found.instrument, id=found.key, state=found.state, starts=timestamp(span.starts),
            ends=timestamp(span.ends), until=timestamp(found.ends or span.ends),
        )  # fmt: skip
        if not self.authorizer.may_see(found.charter, found.team, who):
            return told
        hours = {
            name: Amounts({Unit.INSTRUMENT_H.value: hours}).decimals()
            for name, hours in (("held", 0 if found.state.final else found.held), ("spent", found.spent))
        }
        names = ("team", "charter", "campaign", "person", "by", "grant", "why")
        return told.model_copy(update={name: getattr(found, name) for name in names} | hours)

    def _get(self, name: str) -> Instrument:
        found = self.instruments.get(name)
        if found is None:
            raise NotFound("instrument", name, tuple(one.name for one in self.instruments.all()))
        return found

    # -- booking --------------------------------------------------------------------------------------------------

    async def book(self, asked: Booking, who: Session) -> ReservationDetail:
        """Book a span of an instrument for a team, or one campaign of it; its hours are held from the team's grant.

        The owner decides by its policy whether the person may use what uses the instrument, in that team, for that
        purpose, at that cost. The same booking again answers with what was booked.

        Raises:
            NotFound: no such instrument, or no such charter.
            Refused: by policy; an agent; or for somebody else, by who does not run the site.
            Conflict: it is reserved, or outside the windows; says what is free.
            Invalid: it has begun, is too short, too long, or too far ahead.
            GrantExceeded: no grant of the team covers it.
        """
        check_person(who, f"booking {asked.instrument}")
        instrument, person = self._get(asked.instrument), asked.person or who.person
        if person != who.person and not who.runs_the_site:
            raise Refused(f"booking {asked.instrument} for {person}", ("not_on_behalf_of_others",))
        if (known := self._known(asked)) is not None:
            return self.detail(known, who)
        self.check_time(instrument, asked.span)
        cost = price(asked.span)
        decision = self._decide(instrument, asked, person, cost)
        if not decision.allow:
            raise refused(f"booking {asked.instrument}", decision)
        self.check_free(instrument, asked.span)
        stream = self._new_stream(asked)
        grant, hold = self.authorizer.hold_reservation(asked.charter, asked.team, stream, cost)
        facts = {
            "team": asked.team, "campaign": asked.campaign, "by": person, "grant": grant, "purpose": asked.purpose,
            "starts": timestamp(asked.span.starts), "ends": timestamp(asked.span.ends),
            "held": cost[Unit.INSTRUMENT_H],
        }  # fmt: skip
        draft = Draft(BOOKED, facts, recorded(self.authorizer, decision))
        write = Write(stream, 0, (draft,), charter=asked.charter, actor=who.person, on_behalf_of=person)
        await self.instruments.ledger.append(write, hold)
        return self.detail(self.instruments.calendar.get(stream), who)

    def _known(self, asked: Booking) -> Reservation | None:
        """The same booking, if it stands already."""
        rows = self.instruments.ledger.query(
            "SELECT stream FROM reservation WHERE instrument = ? AND charter = ? AND team = ? AND campaign = ?"
            " AND starts = ? AND ends = ? AND state = 'booked'",
            (asked.instrument, asked.charter, asked.team, asked.campaign, timestamp(asked.span.starts),
             timestamp(asked.span.ends)),
        )  # fmt: skip
        return self.instruments.calendar.get(rows[0]["stream"]) if rows else None

    def _new_stream(self, asked: Booking) -> str:
        count = self.instruments.ledger.query(
            "SELECT COUNT(*) AS n FROM reservation WHERE instrument = ?", (asked.instrument,)
        )
        parts = (asked.instrument, asked.charter, asked.team, timestamp(asked.span.starts))
        return reservation_stream(asked.instrument, derived_key("reservation", *parts, int(count[0]["n"])))

    def check_time(self, instrument: Instrument, span: TimeSpan) -> None:
        """See that a span may be booked by the owner's terms, whether it is free or not.

        Raises:
            Invalid: it has begun, is too short, too long, or too far ahead.
        """
        terms, now, what = instrument.settings.reservations, self._now(), f"a reservation of {instrument.name}"
        if span.starts < now:
            raise Invalid(what, "would begin in the past")
        if span.seconds < SHORTEST:
            raise Invalid(what, f"takes {span.seconds:g} s, and {SHORTEST:g} s is the least")
        if span.seconds > terms.longest_hours * 3600:
            raise Invalid(what, f"takes {span.seconds / 3600:g} h, and {terms.longest_hours:g} h is the most")
        if span.ends > now + timedelta(days=terms.ahead_days):
            raise Invalid(what, f"would end more than {terms.ahead_days:g} days ahead")

    def check_free(self, instrument: Instrument, span: TimeSpan) -> None:
        """See that a span lies in the windows and is nobody else's.

        Raises:
            Conflict: it does not, or is; says what is free.
        """
        windows, calendar = instrument.windows, self.instruments.calendar
        if windows.stated and not any(window.contains(span) for window in windows.ahead(span.starts)):
            raise Conflict(f"instrument {instrument.name}", "may not be used then", self._free(instrument, span))
        if any(one.span.overlaps(span) for one in calendar.ahead(instrument.name, self._now())):
            raise Conflict(f"instrument {instrument.name}", "is reserved then", self._free(instrument, span))

    def _free(self, instrument: Instrument, span: TimeSpan) -> str:
        now, zone = self._now(), instrument.windows.zone
        until = now + timedelta(days=instrument.settings.reservations.ahead_days)
        free = self.instruments.calendar.free(instrument, now, span.seconds, until)
        return f"free are {', '.join(one.words(zone) for one in free)}" if free else "nothing so long is free"

    def _now(self) -> datetime:
        return self.instruments.clock.now()

    def _decide(self, instrument: Instrument, asked: Booking, person: str, cost: Amounts) -> Decision:
        """The decision about what uses the instrument: the first that allows, or else the first.

        Raises:
            NotFound: nothing that uses it is published, or no policy under that charter.
        """
        contracts = [
            published.contract
            for name in instrument.settings.capabilities
            if (published := self.repository.published.get(name)) is not None
        ]
        decisions = [
            self.authorizer.decide_reservation(asked.charter, asked.team, person, asked.purpose, contract, cost)
            for contract in contracts
        ]
        if not decisions:
            raise NotFound("published capability of the instrument", instrument.name)
        return next((decision for decision in decisions if decision.allow), decisions[0])

    async def cancel(self, name: str, key: str, who: Session, reason: str = "") -> ReservationDetail:
        """Cancel a reservation that has not begun, for nothing; give the rest of one back that has.

        Raises:
            NotFound: none of that name that stands, or it is another team's.
            Refused: an agent, or neither of its team nor running the site.
            Conflict: it is over.
            Invalid: too long a reason.
        """
        check_person(who, f"cancelling a reservation of {name}")
        if len(reason) > LONGEST_WHY:
            raise Invalid("why", f"has {len(reason)} characters, and {LONGEST_WHY} is the most")
        self._get(name)
        prefix = reservation_stream(name, key)
        rows = self.instruments.ledger.query(
            "SELECT stream FROM reservation WHERE instrument = ? AND state = 'booked' ORDER BY starts", (name,)
        )
        streams = [row["stream"] for row in rows if key and row["stream"].startswith(prefix)]
        found = self.instruments.calendar.get(streams[0]) if len(streams) == 1 else None
        if found is None or not self._may_cancel(found, who):
            raise NotFound(f"reservation of {name}", key)
        ended = await self.instruments.calendar.cancel(found, who.person, reason)
        return self.detail(ended, who)

    def _may_cancel(self, found: Reservation, who: Session) -> bool:
        return who.runs_the_site or self.authorizer.belongs(found.charter, found.team, who)

    def ahead(self, name: str, who: Session) -> tuple[ReservationDetail, ...]:
        """The reservations of an instrument in force and to come, the earliest first."""
        calendar = self.instruments.calendar
        found = (calendar.get(one.stream) for one in calendar.ahead(name, self._now()))
        return tuple(self.detail(one, who) for one in found if one.state is ReservationState.BOOKED)
