"""What an owner tells the home site of a reservation that it asked for: with the entry that records it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yosegi.core.amounts import Amounts, Unit
from yosegi.core.clock import Clock, parse_timestamp
from yosegi.exchange.outbox import ran_out, sending
from yosegi.execution.instruments.reservation import STATES, Reservation
from yosegi.ledger import Draft, Entry, Write
from yosegi.trust.envelope import Envelope
from yosegi.trust.explanation import Explanation
from yosegi.trust.reservations import ReservationAsked, ReservationReport
from yosegi.trust.signer import Signer

REFUSED = "reservation.refused"
"""A home site's request is refused, for ever; stream `reservation-refused/HOME/KEY`, outside those of reservations."""

TOLD_AGAIN = "reservation.told_again"
"""A report that its home did not have in time is sent anew; stream `reservation-told/HOME/KEY`."""
_TOPIC = "reservation-report/"


def refusal_stream(home: str, key: str) -> str:
    """The stream that has the refusal of a request for a reservation."""
    return f"reservation-refused/{home}/{key}"


@dataclass(frozen=True, slots=True)
class ReservationReporter:
    """Signs what home sites are told.

    Args:
        posted: sends what was recorded.
    """

    site: str
    signer: Signer
    clock: Clock
    posted: Callable[[Sequence[Entry]], None]

    def booked(self, draft: Draft, asked: ReservationAsked, instrument: str, body: dict[str, Any]) -> Draft:
        """The entry that books a reservation, with the report that it sends."""
        facts = dict(draft.facts) | {"home": asked.sender, "asked": asked.key, "digest": asked.digest}
        report = self._report(
            asked.charter, asked.sender, asked.key, asked.digest, state="booked", instrument=instrument, position=1,
            ends=asked.ends, held=_hours(draft.facts["held"]),
        )  # fmt: skip
        return self._sending(draft.type, report, facts, body)

    def refused(self, asked: ReservationAsked, reasons: Sequence[Explanation], body: dict[str, Any]) -> Draft:
        """The entry that refuses one, with the report that it sends."""
        report = self._report(
            asked.charter, asked.sender, asked.key, asked.digest, state="refused", position=1,
            reasons=tuple(reasons)[:16],
        )  # fmt: skip
        return self._sending(REFUSED, report, {"team": asked.team, "digest": asked.digest}, body)

    def followed(self, draft: Draft, reservation: Reservation) -> Draft:
        """An entry by which a reservation changes; it sends a report where another site asked for the reservation."""
        if not reservation.home:
            return draft
        body = dict(draft.body) if isinstance(draft.body, dict) else {}
        ends = draft.facts.get("ends")
        report = self._report(
            reservation.charter, reservation.home, reservation.asked, reservation.digest,
            state=STATES[draft.type].value, instrument=reservation.instrument, position=reservation.position + 1,
            ends=parse_timestamp(ends) if ends else reservation.ends, held=_hours(reservation.held),
            spent=_hours(draft.facts.get("spent", 0)), why=str(body.get("why", reservation.why))[:2000],
        )  # fmt: skip
        return self._sending(draft.type, report, dict(draft.facts), body)

    def again(self, entry: Entry) -> Write | None:
        """The entry by which a report is signed and sent anew that ran out before its home had it; None if none did."""
        now = self.clock.now()
        if not str(entry.facts.get("send", {}).get("topic", "")).startswith(_TOPIC) or not ran_out(entry, now):
            return None
        said = ReservationReport.peek(Envelope.parsed((entry.body or {})["document"]))
        report = said.model_copy(update={"issued": now, "not_after": now + ReservationReport.longest})
        draft = self._sending(TOLD_AGAIN, report, {}, {})
        stream = f"reservation-told/{report.to}/{report.key}"
        return Write(stream, None, (draft,), charter=report.charter, actor=self.site)

    def _report(self, charter: str, home: str, key: str, asked: str, **told: Any) -> ReservationReport:
        now: datetime = self.clock.now()
        return ReservationReport(
            charter=charter, sender=self.site, to=home, key=key, issued=now, not_after=now + ReservationReport.longest,
            asked=asked, **told,
        )  # fmt: skip

    def _sending(self, type: str, report: ReservationReport, facts: dict[str, Any], body: dict[str, Any]) -> Draft:
        return sending(type, report.to, f"{_TOPIC}{report.key}", report.sign(self.signer), dict(facts), body)


def _hours(thousandths: int) -> Amounts:
    return Amounts({Unit.INSTRUMENT_H.value: thousandths})
