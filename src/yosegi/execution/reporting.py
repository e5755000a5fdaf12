"""Signed reports: how an owner tells a home site where a task stands, in the entry that says the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from yosegi.core.amounts import Amounts
from yosegi.core.clock import Clock
from yosegi.core.contract import Contract, strictest
from yosegi.core.engine import Outcome
from yosegi.core.states import TaskState
from yosegi.execution.decision_summary import append_decision
from yosegi.governance.charter.registry import Registry
from yosegi.ledger import Draft
from yosegi.trust.calibration import CalibrationHeld
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import DecisionBasis, Report, Request
from yosegi.trust.signer import Signer

LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Signs the reports of one owner, each in the newest form that its home site speaks.

    Args:
        directory: what each home site speaks.
    """

    site: str
    signer: Signer
    clock: Clock
    directory: Registry

    def attach(
        self,
        draft: Draft,
        request: Request,
        state: TaskState,
        contract: Contract | None,
        *,
        reasons: tuple[Explanation, ...] = (),
        outcome: Outcome | None = None,
        charged: Amounts | None = None,
        decided: tuple[DecisionBasis, ...] = (),
        calibration: CalibrationHeld | None = None,
    ) -> Draft:
        """The draft, also sending the home site a report of the state it leads to.

        The report's label is the strictest of what went in and what the contract says of what comes out. It tells the
        decisions on the task: those that were made before, and the draft's own.
        """
        body = dict(draft.body) if isinstance(draft.body, Mapping) else {}
        now = self.clock.now()
        label = strictest(request.sensitivity, contract.sensitivity) if contract else request.sensitivity
        report = Report(
            charter=request.charter,
            sender=self.site,
            to=request.sender,
            key=request.key,
            issued=now,
            not_after=now + LIFETIME,
            request=request.digest,
            state=state,
            reasons=reasons,
            # An outcome of before has no energy: it stands beside it, in the version that brought it.
            outcome=None if outcome is None else outcome.model_copy(update={"joules": None}),
            joules=None if outcome is None else outcome.joules,
            charged=charged or Amounts(),
            sensitivity=label,
            simulated=bool(contract and contract.simulated),
            decided=append_decision(decided, body) or None,
            calibration=calibration,
        )
        version = self.directory.version_for(request.charter, request.sender, Report)
        envelope = report.sign(self.signer, version=version)
        send = {"to": request.sender, "id": envelope.payload_digest, "topic": f"report/{request.key}"}
        return Draft(draft.type, {**draft.facts, "send": send}, body | {"document": envelope.plain})
