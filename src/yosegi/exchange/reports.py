"""What owners say of this site's requests: their reports, and refusals to take a document at all.

An owner's word, what follows from it in a campaign and the settlement of a mandate's budget are one commit: neither is
on record without the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from yosegi.core.amounts import Amounts
from yosegi.core.engine import Outcome
from yosegi.core.errors import Conflict, Invalid
from yosegi.core.object import ObjectRef, refs
from yosegi.core.states import Result, TaskState
from yosegi.data.entries import naming
from yosegi.exchange.outbox import Outgoing
from yosegi.exchange.received import Received
from yosegi.exchange.requests import MADE, REJECTED, REPORTED, Asked, Requests, request_stream
from yosegi.governance.mandates.delegation import Delegation
from yosegi.governance.policy.explanation import explained
from yosegi.ledger import Draft, Ledger, Write
from yosegi.trust.messages import Report

log = logging.getLogger("yosegi.reports")

Consequences = Callable[[Asked], Sequence[Write]]
"""What is to be recorded in the same commit as an owner's word on a request, which it is given as it will be then."""


@dataclass(frozen=True, slots=True)
class Reports:
    """Records what owners report.

    Args:
        consequences: what else belongs in the commit of a report.
    """

    site: str
    ledger: Ledger
    delegation: Delegation
    requests: Requests
    consequences: Consequences

    async def on_report(self, received: Received[Report]) -> None:
        """Record a report; the same again, or one that comes late, changes nothing.

        Raises:
            Invalid: of a request never made, or made to somebody else.
        """
        while True:
            try:
                return await self._record(received)
            except Conflict:
                continue  # another report on the task, or its campaign, was written meanwhile: is this still news?

    async def _record(self, received: Received[Report]) -> None:
        report = received.document
        stream = request_stream(received.sender, report.key)
        asked = self.requests.find(stream)
        if asked.request is None or asked.request.digest != report.request:
            raise Invalid(f"report on {report.key}", f"{self.site} did not ask {received.sender} for this")
        if not _news(asked, report):
            return
        facts: dict[str, Any] = {"state": str(report.state), "charged": dict(report.charged)}
        body: dict[str, Any] = {"report": received.envelope.plain, "receipt": received.receipt}
        unfit, counted = "", self._counted(asked, report)
        if counted is not None:
            facts["counted"] = dict(counted)
            log.warning("%s charged %s for %s, and its contract costs less", report.sender, report.charged, report.key)
        if report.outcome is not None:
            facts |= {"effect": str(report.outcome.effect), "result": str(report.outcome.result)}
            found, unfit = self._outputs(asked, report.outcome)
            facts |= naming(found) | ({"team": asked.request.team} if found else {})
            if unfit:
                facts["result"], body["unfit"] = str(Result.INVALID), unfit
        write = Write(
            stream, asked.position, (Draft(REPORTED, facts, body),), charter=received.charter, actor=received.sender
        )
        settled = self.delegation.settle(stream, report.charged) if report.state.final else None
        await self._append(asked.reported(report, unfit, counted), write, *(() if settled is None else (settled,)))

    async def _append(self, asked: Asked, write: Write, *others: Write) -> None:
        entries = await self.ledger.append(write, *others, *self.consequences(asked))
        self.requests.answered(replace(asked, position=entries[0].position))

    def _counted(self, asked: Asked, report: Report) -> Amounts | None:
        """What is counted of a charge above what the contract costs; None where all of it is.

        What the owner signed stays on record as it is; a campaign's sums do not follow an absurd one.
        """
        contract = self.requests.contract(asked)
        if contract is None or contract.cost.covers(report.charged):
            return None
        return Amounts({unit: min(milli, contract.cost[unit]) for unit, milli in report.charged.items()})

    def _outputs(self, asked: Asked, outcome: Outcome) -> tuple[dict[str, ObjectRef], str]:
        """The objects among the outputs that were reported; and why they are not what the contract says."""
        contract = self.requests.contract(asked)
        if contract is None or outcome.result is not Result.VALID or outcome.outputs is None:
            return {}, ""
        try:
            contract.check_outputs(outcome.outputs)
            return refs(contract.outputs, outcome.outputs), ""
        except Invalid as error:
            return {}, str(error)[:2000]

    async def rejected(self, out: Outgoing, why: str) -> None:
        """An owner will never take a request: it ends here as refused."""
        entry = self.ledger.entry(out.sequence)
        if entry.type != MADE:
            return
        reason = explained("not_taken", site=out.to, why=why[:500])
        draft = Draft(REJECTED, {"state": str(TaskState.REFUSED)}, {"reasons": [reason.model_dump(mode="json")]})
        while not (asked := self.requests.find(entry.stream)).state.final:
            after = replace(asked, state=TaskState.REFUSED, reasons=(reason,))
            try:
                await self._append(
                    after, Write(entry.stream, asked.position, (draft,), charter=out.charter, actor=out.to)
                )
            except Conflict:
                continue


def _news(asked: Asked, report: Report) -> bool:
    """Whether the report tells a later state than is known: reports may be repeated, lost or overtaken."""
    if asked.state.final:
        return False
    order = [TaskState.NEW, TaskState.ACCEPTED, TaskState.DISPATCHED, TaskState.UNCERTAIN]
    if report.state in order:
        return order.index(report.state) > order.index(asked.state)
    return True
