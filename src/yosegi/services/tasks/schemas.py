"""Answers about tasks: those that others asked of this site, and those asked from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from pydantic import Field

from yosegi.core.clock import timestamp
from yosegi.core.contract_terms import Sensitivity
from yosegi.core.outcomes import Outcome
from yosegi.core.states import Effect, Result, TaskState
from yosegi.services.answer import Answer, Decimals, JsonObject, Timestamp, ToldBy
from yosegi.trust.calibration import CalibrationHeld
from yosegi.trust.explanation import Explanation

if TYPE_CHECKING:
    from yosegi.exchange.requests import Asked
    from yosegi.execution.tasks import Task


class TaskSummary(Answer):
    """One line of a list of tasks that others asked of this site.

    Args:
        home: the site that asked.
        effect: what it did to the world; empty while that is open.
        result: what it tells; empty while that is open.
        notified: whether a person has acknowledged that it is uncertain.
    """

    home: str
    key: str
    team: str
    capability: str
    campaign: str
    state: TaskState
    effect: str
    result: str
    notified: bool
    asked: Timestamp
    changed: Timestamp

    @property
    def name(self) -> str:
        """`home/key`, by which it is asked for."""
        return f"{self.home}/{self.key}"


class TaskOutcome(Answer):
    """How a task ended.

    Args:
        spent: what its engine says that it used; none where the contract's cost applies.
        reason: why it has no valid result, a word that programs know; empty for a valid one.
        message: the same in words.
        joules: the energy of what it ran on, where a scheduler tells it.
    """

    effect: Effect
    result: Result
    outputs: JsonObject | None
    spent: Decimals | None
    reason: str
    message: str
    joules: float | None

    @classmethod
    def of(cls, outcome: Outcome) -> TaskOutcome:
        """An outcome as it is shown: amounts in whole units."""
        return cls(
            effect=outcome.effect, result=outcome.result, outputs=outcome.outputs,
            spent=None if outcome.spent is None else outcome.spent.decimals(), reason=outcome.reason,
            message=outcome.message, joules=outcome.joules,
        )  # fmt: skip


class TaskDetail(Answer):
    """One task at its owner.

    Args:
        task: `home/key`.
        agent: the program that acted for the person; empty if none did.
        conduct: how far it may go.
        outcome: how it ended.
        progress: how far one that runs has come, from 0 to 1, as its engine tells; none where it does not.
        doing: what it does, or waits for, in its engine's words.
        held: the cost set aside.
        charged: the cost settled.
        reasons: why it was refused, or waits.
        acknowledged: whether a person has acknowledged that it is uncertain.
        calibration: that held on its instrument when it was started, if one is on record.
    """

    task: str
    told_by: ToldBy
    state: TaskState
    attempt: int
    capability: str
    team: str
    on_behalf_of: str
    agent: str
    mandate: str
    conduct: str
    campaign: str | None
    inputs: JsonObject | None
    outcome: TaskOutcome | None
    grant: str
    held: Decimals
    charged: Decimals
    reasons: tuple[Explanation, ...]
    acknowledged: bool
    calibration: CalibrationHeld | None = None
    progress: float | None = None
    doing: str = ""

    @classmethod
    def of(cls, task: Task) -> TaskDetail:
        """A task as it is shown."""
        request = task.request
        return cls(
            task=f"{task.home}/{task.key}",
            told_by=task.home,
            state=task.state,
            attempt=task.attempt,
            capability=request.capability if request else "",
            team=request.team if request else "",
            on_behalf_of=request.on_behalf_of if request else "",
            agent=(request.agent if request else None) or "",
            mandate=(request.mandate if request else None) or "",
            conduct=request.how_far if request else "",
            campaign=request.campaign if request else None,
            inputs=request.inputs if request else None,
            outcome=None if task.outcome is None else TaskOutcome.of(task.outcome),
            grant=task.grant,
            held=task.held.decimals(),
            charged=task.charged.decimals(),
            reasons=task.reasons,
            acknowledged=task.notified,
            calibration=task.calibration,
        )


class TaskCancelled(Answer):
    """What somebody of another team is told of a task that they cancelled."""

    home: str
    key: str
    state: TaskState


def _teller(asked: Asked, owner: str, home: str) -> str:
    """Whose words the answer to a request are: its owner's, or its home site's own where that sent nothing."""
    return home if asked.refused_at_home else owner


def _how_it_ended(outcome: Outcome | None) -> dict[str, str]:
    """Effect, result, reason and message of a request's answer; nothing while there is none."""
    if outcome is None:
        return {}
    return {
        "effect": str(outcome.effect), "result": str(outcome.result), "reason": outcome.reason,
        "message": outcome.message,
    }  # fmt: skip


class RequestSummary(Answer):
    """One line of what was asked of other sites, as their home site knows it.

    Args:
        request: `owner/key`.
        state: as its owner last reported.
        team: for which; empty where the home site's own policy refused it, or it was erased.
        campaign: of which; empty where a person or a program asked for one task.
        asked: when.
        effect: what it did to the world; empty while that is open.
        result: what it tells; empty while that is open.
        reason: why it has no valid result, a word that programs know; empty for a valid one.
        message: the same in its owner's words.
        reasons: of a refusal.
    """

    request: str
    told_by: ToldBy
    state: TaskState
    capability: str
    team: str
    campaign: str
    on_behalf_of: str
    asked: str
    charged: Decimals
    simulated: bool
    reasons: tuple[Explanation, ...]
    effect: str = ""
    result: str = ""
    reason: str = ""
    message: str = ""

    @classmethod
    def of(cls, asked: Asked, owner: str, key: str, campaign: str, home: str) -> RequestSummary:
        """A request as a line: in the owner's words, or in its home site's own where it sent nothing."""
        request = asked.request
        return cls(
            request=f"{owner}/{key}",
            told_by=_teller(asked, owner, home),
            state=asked.state,
            capability=request.capability if request else "",
            team=request.team if request else "",
            campaign=campaign,
            on_behalf_of=request.on_behalf_of if request else "",
            asked=timestamp(request.issued) if request else "",
            charged=asked.charged.decimals(),
            simulated=asked.simulated,
            reasons=asked.reasons,
            **_how_it_ended(asked.outcome),
        )


class RequestDetail(Answer):
    """One request for a task, as its home site knows it.

    Args:
        request: `owner/key`.
        state: as its owner last reported.
        effect: what it did to the world; empty while that is open.
        result: what it tells; empty while that is open.
        reason: why it has no valid result, a word that programs know; empty for a valid one.
        message: the same in its owner's words.
        sensitivity: the label of its outputs.
        joules: the energy of what it ran on, where its owner tells it.
        calibration: that held on the owner's instrument when it was started, if the owner names one.
        units: the UCUM unit of each output that has one, by the contract as it is offered to this site.
        withdrawing: whether its owner was asked to take it back, and has not said yet what became of it.
    """

    request: str
    told_by: ToldBy
    state: TaskState
    capability: str
    on_behalf_of: str
    agent: str
    mandate: str
    outputs: JsonObject
    charged: Decimals
    sensitivity: Sensitivity
    simulated: bool
    reasons: tuple[Explanation, ...]
    effect: str = ""
    result: str = ""
    reason: str = ""
    message: str = ""
    joules: float | None = None
    calibration: CalibrationHeld | None = None
    units: dict[str, str] = Field(default_factory=dict)
    withdrawing: bool = False

    @classmethod
    def of(
        cls, asked: Asked, owner: str, key: str, home: str, units: Mapping[str, str], withdrawing: bool
    ) -> RequestDetail:
        """A request as its home site shows it: in the owner's words, or in its own where it sent nothing."""
        request, outcome = asked.request, asked.outcome
        return cls(
            request=f"{owner}/{key}",
            told_by=_teller(asked, owner, home),
            state=asked.state,
            capability=request.capability if request else "",
            on_behalf_of=request.on_behalf_of if request else "",
            agent=(request.agent if request else None) or "",
            mandate=(request.mandate if request else None) or "",
            outputs=(outcome.outputs if outcome else None) or {},
            charged=asked.charged.decimals(),
            sensitivity=cast("Sensitivity", asked.sensitivity),
            simulated=asked.simulated,
            reasons=asked.reasons,
            **_how_it_ended(outcome),
            joules=asked.joules,
            calibration=asked.calibration,
            units=dict(units),
            withdrawing=withdrawing,
        )
