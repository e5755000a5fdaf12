"""A reservation at another site, as the home site that asked for it knows it; stream `booking/OWNER/KEY`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from yosegi.core.amounts import Amounts
from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import Invalid
from yosegi.core.states import BookingState, may_follow
from yosegi.execution.instruments.windows import TimeSpan
from yosegi.ledger import Entry
from yosegi.trust.explanation import Explanation
from yosegi.trust.reservations import ReservationReport

ASKED = "booking.asked"
"""Sent to the owner; facts: digest, capability, team, campaign, by, purpose, starts, ends; body: the signed request."""
REPORTED = "booking.reported"
"""Facts: state, position; body: the owner's signed word, and the receipt with which it came."""
CANCEL_ASKED = "booking.cancel_asked"
"""Sent to the owner; its answer, or what was on its way, says what came of it."""
UNDELIVERED = "booking.undelivered"
"""The owner will not take the request, or did not get it in time; facts: state; body: why."""
CANCEL_UNDELIVERED = "booking.cancel_undelivered"
"""The owner will not take the cancellation, or did not get it in time; body: why."""
PREFIX = "booking/"


def booking_stream(owner: str, key: str) -> str:
    """The stream of a reservation at another site."""
    return f"{PREFIX}{owner}/{key}"


@dataclass(frozen=True, slots=True)
class RemoteBooking:
    """Where one reservation at another site stands.

    Args:
        digest: of what was asked.
        by: for whom.
        instrument: what was booked, as the owner calls it; empty until it says.
        until: when it ended, or will; as it was asked until the owner says.
        position: of the latest entry, and `told` of the owner's record, by its latest word; 0 before the first.
        cancelling: whether the owner was asked to cancel it and has not said yet what came of that.
    """

    stream: str
    state: BookingState = BookingState.NEW
    position: int = 0
    digest: str = ""
    charter: str = ""
    team: str = ""
    campaign: str = ""
    by: str = ""
    capability: str = ""
    purpose: str = ""
    span: TimeSpan | None = None
    instrument: str = ""
    until: datetime | None = None
    held: Amounts = Amounts()
    spent: Amounts = Amounts()
    told: int = 0
    reasons: tuple[Explanation, ...] = ()
    why: str = ""
    cancelling: bool = False

    @property
    def owner(self) -> str:
        """Whose instrument it is."""
        return self.stream.split("/", 2)[1]

    @property
    def key(self) -> str:
        """Its name, chosen here."""
        return self.stream.split("/", 2)[2]

    def check_report(self, report: ReservationReport) -> None:
        """See that an owner's later word may be one on this reservation.

        Raises:
            Invalid: nothing of that name was asked of it, or something else; or the word contradicts itself, what was
                asked, or its earlier ones.
        """
        what = f"reservation {report.key}"
        if self.span is None or report.asked != self.digest:
            raise Invalid(what, f"was not asked of {report.sender} like that")
        state = BookingState(report.state)
        if not may_follow(self.state, state):
            raise Invalid(what, f"is {self.state} by an earlier word, and cannot become {state}")
        if state is BookingState.REFUSED:
            return
        if report.instrument is None or report.ends is None:
            raise Invalid(what, "its report names no instrument, or no end")
        if not self.span.starts <= report.ends <= self.span.ends:
            raise Invalid(what, "would end outside what was asked for")
        if not report.held.covers(report.spent):
            raise Invalid(what, "would cost more than was held for it")

    def follow(self, entry: Entry) -> RemoteBooking:
        """The booking after one more entry."""
        facts, body = entry.facts, entry.body or {}
        here = replace(self, position=entry.position)
        if entry.type == ASKED:
            span = TimeSpan(parse_timestamp(facts["starts"]), parse_timestamp(facts["ends"]))
            return replace(
                here, state=BookingState.ASKED, charter=entry.header.charter, digest=facts["digest"],
                team=facts["team"], campaign=facts["campaign"], by=facts["by"], capability=facts["capability"],
                purpose=facts["purpose"], span=span, until=span.ends,
            )  # fmt: skip
        if entry.type == REPORTED:
            state = BookingState(facts["state"])
            # What was on its way when the cancellation was asked for says nothing of it.
            cancelling = self.cancelling and state is BookingState.BOOKED
            here = replace(here, state=state, told=facts["position"], cancelling=cancelling)
            return _told(here, ReservationReport.recorded(body["document"])) if "document" in body else here
        if entry.type == CANCEL_ASKED:
            return replace(here, cancelling=True)
        if entry.type == UNDELIVERED:
            # What never came to its owner has nothing to cancel, whether or not that was asked for.
            return replace(here, state=BookingState.UNDELIVERED, cancelling=False, why=str(body.get("why", "")))
        return replace(here, cancelling=False, why=str(body.get("why", "")))


def _told(booking: RemoteBooking, report: ReservationReport) -> RemoteBooking:
    return replace(
        booking, instrument=report.instrument or booking.instrument, until=report.ends or booking.until,
        held=report.held, spent=report.spent, reasons=report.reasons, why=report.why,
    )  # fmt: skip


def fold_booking(stream: str, entries: Iterable[Entry]) -> RemoteBooking:
    """The booking its entries make."""
    found = RemoteBooking(stream)
    for entry in entries:
        found = found.follow(entry)
    return found
