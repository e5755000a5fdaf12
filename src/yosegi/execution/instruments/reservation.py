"""A reservation of an instrument: a span that its holder alone uses, within an amount of a grant.

Stream `reservation/INSTRUMENT/KEY`. Its cost is held from the grant in the commit that books it, and settled in the
commit that ends it, so neither can be lost or happen twice. What runs inside is not charged for instrument hours by
itself: the reservation pays for the time, once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from yosegi.core.amounts import Amounts, Unit
from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import Conflict
from yosegi.core.states import ReservationState
from yosegi.execution.instruments.windows import TimeSpan, merged
from yosegi.ledger import Entry

BOOKED = "reservation.booked"
CANCELLED = "reservation.cancelled"
RELEASED = "reservation.released"
SETTLED = "reservation.settled"
PREFIX = "reservation/"
Unused = Literal["charged", "free"]
"""What a holder pays for the time in a reservation in which nothing of theirs ran."""


STATES: Mapping[str, ReservationState] = {
    BOOKED: ReservationState.BOOKED,
    RELEASED: ReservationState.RELEASED,
    CANCELLED: ReservationState.CANCELLED,
    SETTLED: ReservationState.SETTLED,
}
"""The state each type of entry leads to."""


def reservation_stream(instrument: str, key: str) -> str:
    """The stream of a reservation."""
    return f"{PREFIX}{instrument}/{key}"


@dataclass(frozen=True, slots=True)
class Reservation:
    """Where one reservation stands.

    Args:
        by: who booked it, and `person` for whom.
        campaign: the only one that uses it; empty if every campaign of the team may.
        span: as it was booked.
        ends: when it ended, or will.
        grant: from which its cost is held.
        held: the cost held, and `spent` the cost settled, in thousandths of an instrument hour.
        home: the site that asked for it by a signed document; empty where it was booked here.
        asked: that document's key, and `digest` its digest.
    """

    stream: str
    position: int = 0
    state: ReservationState = ReservationState.NEW
    charter: str = ""
    team: str = ""
    campaign: str = ""
    by: str = ""
    person: str = ""
    span: TimeSpan | None = None
    ends: datetime | None = None
    grant: str = ""
    held: int = 0
    spent: int = 0
    why: str = ""
    home: str = ""
    asked: str = ""
    digest: str = ""

    @property
    def instrument(self) -> str:
        """Which it is of."""
        return self.stream.split("/", 2)[1]

    @property
    def key(self) -> str:
        """Its name among the instrument's."""
        return self.stream.split("/", 2)[2]

    @property
    def booked(self) -> TimeSpan:
        """The span that was booked.

        Raises:
            Conflict: nothing was.
        """
        if self.span is None:
            raise Conflict(self.stream, "is no reservation")
        return self.span

    def follow(self, entry: Entry) -> Reservation:
        """The reservation after one more entry."""
        facts, body = entry.facts, entry.body or {}
        here = replace(self, position=entry.position, state=STATES[entry.type], why=str(body.get("why", self.why)))
        if entry.type == BOOKED:
            span = TimeSpan(parse_timestamp(facts["starts"]), parse_timestamp(facts["ends"]))
            return replace(
                here, charter=entry.header.charter, team=facts["team"], campaign=facts["campaign"],
                by=entry.header.actor, person=facts["by"], span=span, ends=span.ends, grant=facts["grant"],
                held=facts["held"], home=facts.get("home", ""), asked=facts.get("asked", ""),
                digest=facts.get("digest", ""),
            )  # fmt: skip
        if entry.type == RELEASED:
            return replace(here, ends=parse_timestamp(facts["ends"]))
        return replace(here, spent=facts.get("spent", 0))


def fold_reservation(stream: str, entries: Iterable[Entry]) -> Reservation:
    """The reservation its entries make."""
    found = Reservation(stream)
    for entry in entries:
        found = found.follow(entry)
    return found


def thousandths(seconds: float) -> int:
    """Thousandths of an hour, rounded up.

    Example:
        >>> thousandths(3600), thousandths(1)
        (1000, 1)
    """
    return math.ceil(round(seconds / 3.6, 6))


def price(span: TimeSpan) -> Amounts:
    """What a span costs at most: its hours."""
    return Amounts({Unit.INSTRUMENT_H.value: thousandths(span.seconds)})


def spent_on(reservation: Reservation, runs: Iterable[TimeSpan], unused: Unused) -> int:
    """What a reservation that is over costs, in thousandths of an hour; never more than was held.

    Args:
        reservation: one that is over, or was released.
        runs: when something of its holder had an effect on the instrument.
        unused: what is paid for the rest: `charged`, all until it ended; `free`, only the time in which something ran.
    """
    ends = reservation.ends or reservation.booked.ends
    if ends <= reservation.booked.starts:
        return 0
    within = TimeSpan(reservation.booked.starts, ends)
    if unused == "charged":
        return min(thousandths(within.seconds), reservation.held)
    clipped = (
        TimeSpan(max(run.starts, within.starts), min(run.ends, within.ends)) for run in runs if run.overlaps(within)
    )
    return min(thousandths(sum(run.seconds for run in merged(clipped))), reservation.held)
