"""The reservations of one owner's instruments: what is free, who may use a moment, and what ends by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from yosegi.core.amounts import Amounts, Unit
from yosegi.core.clock import Clock, parse_timestamp, timestamp
from yosegi.core.errors import Conflict
from yosegi.core.states import ReservationState
from yosegi.execution.instruments.instrument import Instrument
from yosegi.execution.instruments.reservation import (
    CANCELLED,
    RELEASED,
    SETTLED,
    Reservation,
    fold_reservation,
    spent_on,
)
from yosegi.execution.instruments.reservation_reports import ReservationReporter
from yosegi.execution.instruments.windows import TimeSpan, without
from yosegi.governance.grants.grant import refunded, settled
from yosegi.ledger import Draft, Ledger, Write

MOST_TOLD = 3
"""Free spans that are told of an instrument whose booking was refused."""


@dataclass(frozen=True, slots=True)
class ReservedSpan:
    """A reservation as far as others must know of it: whose it is, and when."""

    stream: str
    charter: str
    team: str
    campaign: str
    span: TimeSpan
    home: str = ""

    def is_held_by(self, charter: str, team: str, campaign: str, home: str) -> bool:
        """Whether a team, or one campaign of it, may use it; names of campaigns are their home site's."""
        if (self.charter, self.team) != (charter, team):
            return False
        return not self.campaign or (self.campaign == campaign and self.home in ("", home))


@dataclass
class ReservationCalendar:
    """Reads and ends the reservations of one owner.

    Args:
        site: the owner, in whose name what ends by itself is recorded.
        reporter: tells home sites what comes of the reservations that they asked for.
    """

    site: str
    ledger: Ledger
    clock: Clock
    reporter: ReservationReporter

    def __repr__(self) -> str:
        return f"<reservations of {self.site}>"

    def get(self, stream: str) -> Reservation:
        """One reservation; a new one if there is none."""
        return fold_reservation(stream, self.ledger.read(stream))

    def ahead(self, instrument: str, moment: datetime) -> tuple[ReservedSpan, ...]:
        """The reservations of an instrument that are in force or to come, in their order."""
        rows = self.ledger.query(
            "SELECT * FROM reservation WHERE instrument = ? AND state = 'booked' AND ends > ? ORDER BY starts",
            (instrument, timestamp(moment)),
        )
        return tuple(_reserved(row) for row in rows)

    def begun(self, instrument: str, moment: datetime) -> tuple[str, ...]:
        """The streams of an instrument's reservations that have begun, or were released, and are not paid."""
        rows = self.ledger.query(
            "SELECT stream FROM reservation WHERE instrument = ? AND (state = 'released' OR state = 'booked'"
            " AND starts <= ?) ORDER BY starts",
            (instrument, timestamp(moment)),
        )
        return tuple(str(row["stream"]) for row in rows)

    def standing(self, instrument: str, home: str) -> int:
        """How many reservations of an instrument that another site asked for are neither paid nor cancelled."""
        rows = self.ledger.query(
            "SELECT COUNT(*) AS n FROM reservation WHERE home = ? AND instrument = ?"
            " AND state IN ('booked', 'released')",
            (home, instrument),
        )
        return int(rows[0]["n"])

    def free(self, instrument: Instrument, moment: datetime, seconds: float, until: datetime) -> tuple[TimeSpan, ...]:
        """The first spans from a moment on in which an instrument is nobody's and may be used, so long at least."""
        windows: Iterable[TimeSpan] = (
            instrument.windows.ahead(moment) if instrument.windows.stated else (TimeSpan(moment, until),)
        )
        taken = [TimeSpan(moment - timedelta(days=3660), moment)]
        taken += [one.span for one in self.ahead(instrument.name, moment)]
        spans = (span for span in without(windows, taken) if span.seconds >= seconds and span.starts < until)
        return tuple(spans)[:MOST_TOLD]

    def of_home(self, home: str, key: str) -> Reservation | None:
        """The reservation that a home site asked for under a key; None if none was booked."""
        rows = self.ledger.query("SELECT stream FROM reservation WHERE home = ? AND asked = ?", (home, key))
        return self.get(rows[0]["stream"]) if rows else None

    # -- ending -------------------------------------------------------------------------------------------------------

    async def cancel(self, reservation: Reservation, by: str, why: str) -> Reservation:
        """Take a reservation back before it begins, for nothing; give the rest of it back once it has begun.

        Raises:
            Conflict: it is over.
        """
        now = self.clock.now()
        if reservation.state is not ReservationState.BOOKED or now >= reservation.booked.ends:
            raise Conflict(f"reservation {reservation.key}", f"is {_told(reservation)}", "there is nothing to cancel")
        body = {"why": why} if why else None
        if now < reservation.booked.starts:
            refund = refunded(reservation.grant, reservation.stream, "cancelled")
            return await self._append(reservation, Draft(CANCELLED, {"spent": 0}, body), by, refund)
        return await self.release(reservation, by, why)

    async def release(self, reservation: Reservation, by: str, why: str) -> Reservation:
        """Let others have what is left of a reservation that has begun; it is paid once nothing of it runs."""
        draft = Draft(RELEASED, {"ends": timestamp(self.clock.now())}, {"why": why} if why else None)
        return await self._append(reservation, draft, by)

    async def end_what_is_over(self, instrument: Instrument) -> bool:
        """Release what its holder does not use and settle what is over, as the settings say; whether anything was.

        A reservation in which something still runs, or is uncertain, is settled when that is known.
        """
        found, now, terms = False, self.clock.now(), instrument.settings.reservations
        for stream in self.begun(instrument.name, now):
            reservation = self.get(stream)
            rows = self.ledger.query("SELECT * FROM reservation_run WHERE reservation = ?", (stream,))
            is_over = reservation.state is ReservationState.RELEASED or now >= reservation.booked.ends
            if is_over and not any(row["open"] for row in rows):
                await self._settle(reservation, rows, instrument)
                found = True
            elif not is_over and not rows and terms.releases(reservation.booked, now):
                await self.release(reservation, self.site, "not used")
                found = True
        return found

    async def _settle(
        self, reservation: Reservation, rows: Iterable[Mapping[str, Any]], instrument: Instrument
    ) -> None:
        runs = [
            TimeSpan(parse_timestamp(row["started"]), parse_timestamp(row["ended"]))
            for row in rows
            if row["started"] < row["ended"]
        ]
        spent = spent_on(reservation, runs, instrument.settings.reservations.unused)
        draft = Draft(SETTLED, {"spent": spent})
        if spent:
            paid = settled(reservation.grant, reservation.stream, "done", Amounts({Unit.INSTRUMENT_H.value: spent}))
        else:
            paid = refunded(reservation.grant, reservation.stream, "not used")
        await self._append(reservation, draft, self.site, paid)

    async def _append(
        self, reservation: Reservation, draft: Draft, by: str, of_grant: Draft | None = None
    ) -> Reservation:
        charter, draft = reservation.charter, self.reporter.followed(draft, reservation)
        write = Write(reservation.stream, reservation.position, (draft,), charter=charter, actor=by)
        others: tuple[Write, ...] = ()
        if of_grant is not None:
            others = (Write(f"grant/{reservation.grant}", None, (of_grant,), charter=charter, actor=self.site),)
        self.reporter.posted(await self.ledger.append(write, *others))
        return self.get(reservation.stream)


def _told(reservation: Reservation) -> str:
    return "over" if reservation.state is ReservationState.BOOKED else reservation.state.value


def _reserved(row: Mapping[str, Any]) -> ReservedSpan:
    span = TimeSpan(parse_timestamp(row["starts"]), parse_timestamp(row["ends"]))
    return ReservedSpan(row["stream"], row["charter"], row["team"], row["campaign"], span, row["home"])
