"""Reports that their home site did not have in time: signed anew and sent again, for as long as it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from yosegi.core.clock import Clock, parse_timestamp, timestamp
from yosegi.core.errors import Corrupt
from yosegi.exchange.outbox import Outgoing, sending_by_digest
from yosegi.execution.reporting import LIFETIME
from yosegi.ledger import Entry, Ledger, Write
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Report
from yosegi.trust.signer import Signer

SENT_AGAIN = "report.sent_again"
"""Stream `report-again/HOME/KEY`; body: report, the sequence of the entry that holds it, and issued. What the report
says is not recorded twice, so that erasing it once is enough."""


@dataclass(frozen=True, slots=True)
class LateReports:
    """Sends the reports of one owner again whose time was over when their home came to see them.

    A home that was away for more than a week, or an owner whose clock was behind, would wait for ever otherwise.

    Args:
        posted: sends what was recorded.
    """

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    posted: Callable[[Sequence[Entry]], None]

    async def rejected(self, out: Outgoing, because: str) -> None:
        """A document that its receiver will not take: a report that ran out is signed anew."""
        entry, now = self.ledger.entry(out.sequence), timestamp(self.clock.now())
        if entry.type == SENT_AGAIN:
            body = {"report": (entry.body or {})["report"], "issued": now}
            sent = self.rebuilt(entry)
        elif entry.body is not None and "document" in entry.body:
            body = {"report": entry.sequence, "issued": now}
            sent = Envelope.parsed(entry.body["document"])
        else:
            return
        if sent.payload_type not in Report.payload_types or Report.peek(sent).not_after > parse_timestamp(now):
            return
        report = self._signed(body["report"], now)
        # On a topic of its own it takes the place of no later report that is on its way.
        draft = sending_by_digest(SENT_AGAIN, out.to, f"report-again/{Report.peek(report).key}", report, {}, body)
        stream = f"report-again/{out.to}/{Report.peek(report).key}"
        self.posted(await self.ledger.append(Write(stream, None, (draft,), charter=out.charter, actor=self.site)))

    def rebuilt(self, entry: Entry) -> Envelope:
        """The report that an entry sends again.

        Raises:
            Corrupt: the entry that holds it was erased.
        """
        body = entry.body or {}
        return self._signed(body["report"], body["issued"])

    def _signed(self, sequence: int, issued: str) -> Envelope:
        body = self.ledger.entry(sequence).body
        if body is None:
            raise Corrupt(f"entry {sequence}", "its body was erased since")
        held, moment = Envelope.parsed(body["document"]), parse_timestamp(issued)
        report = Report.peek(held).model_copy(update={"issued": moment, "not_after": moment + LIFETIME})
        return report.sign(self.signer, version=Report.payload_types.index(held.payload_type) + 1)
