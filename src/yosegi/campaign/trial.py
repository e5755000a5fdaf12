"""One trial of a campaign, as its entries make it, and what the planner learns when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from yosegi.campaign.spec import CampaignSpec, SourceSpec
from yosegi.core.amounts import Amounts
from yosegi.core.identifiers import split_capability
from yosegi.core.outcomes import OutcomeCode, ReasonCode
from yosegi.core.reasons import CODES
from yosegi.core.states import TaskState, TrialState, transition
from yosegi.planner import Observation, Status

STATUS = {
    TrialState.COMPLETED: Status.DONE,
    TrialState.INFEASIBLE: Status.INFEASIBLE,
    TrialState.FAILED: Status.TRANSIENT,
    TrialState.REFUSED: Status.REFUSED,
    TrialState.WITHDRAWN: Status.WITHDRAWN,
}
"""How the planner understands each end of a trial."""

Origin = Literal["planner", "person", "imported"]
"""Who wanted a trial: the planner, a person who asked for a point of their own, or nobody, since it was measured."""
OF_THE_POINT = frozenset({str(OutcomeCode.BAD_INPUTS)})
"""Of the program's own reasons for a refusal, those that hold for the point whenever it is asked."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trial: the request made for it and what its owner last reported.

    Args:
        held: what its contract costs at most.
        charged: what its owner charged, and never more than was held.
    """

    name: str
    owner: str
    key: str
    state: TaskState = TaskState.NEW
    effect: str = ""
    result: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    charged: Amounts = Amounts()
    held: Amounts = Amounts()
    reason: str = ""
    reasons: tuple[Mapping[str, str], ...] = ()
    codes: frozenset[str] = frozenset()
    """Of its reasons and, where it ended without a valid result, of its outcome."""
    simulated: bool = False
    capability: str = ""
    """Where it was asked for, if its owner was chosen among several."""
    ahead: int = 0
    """How many of the campaign's steps were under way there then."""
    asked_at: str = ""
    """UTC, as RFC 3339."""
    began_at: str = ""
    """The same when its owner said that it has begun; empty where it did not say."""
    over_at: str = ""
    """The same when its owner said that it is over; empty while it is not."""
    joules: float | None = None
    """The energy of what it ran on, where its owner told it."""


@dataclass(frozen=True, slots=True)
class SampleStanding:
    """How a sample of a trial stands that somebody was asked to ship.

    Args:
        shipment: the key of the latest request to ship it.
        giver: who was asked.
        to: the site that it is for.
        holder: the site that has it, as the giver says.
        state: as the giver says (`yosegi.services.samples.states`); or `refused`: it will not be shipped.
        given_to: the site that it was given to and that has not said yet that it came.
        position: of the giver's last word.
        why: why it was set aside or refused.
    """

    shipment: str
    giver: str
    to: str
    holder: str
    state: str
    given_to: str = ""
    position: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """One proposed point on one source."""

    number: int
    source: str
    values: Mapping[str, Any]
    reason: str
    expected: Mapping[str, Any]
    state: TrialState = TrialState.PROPOSED
    steps: tuple[Step, ...] = ()
    value: float | None = None
    error: float | None = None
    why: str = ""
    position: int = 0
    """The position in the campaign's stream of the entry that proposed it."""
    outcomes: Mapping[str, Any] = field(default_factory=dict)
    """The value of each objective and limit; `value` is the first objective's, where that is a number."""
    errors: Mapping[str, float] = field(default_factory=dict)
    candidate: str = ""
    """The id of its row in the table of candidates; empty in an open space."""
    origin: Origin = "planner"
    by: str = ""
    """The person who asked for it or brought it; empty where the planner proposed it."""
    skip: bool = False
    """Whether a person said that this point is not to be asked again."""
    proposed_at: str = ""
    """UTC, as RFC 3339, when it was proposed, asked for or brought."""
    over_at: str = ""
    """The same when it ended."""
    taken_back: str = ""
    """Why a person takes it back; empty if nobody does."""
    point: int = 0
    """The number of the agent's point that it measures; 0 for the planner's."""
    samples: Mapping[str, SampleStanding] = field(default_factory=dict)
    """How each of its samples stands that was to be shipped, by its name."""
    again: int = 0
    """How often its point was made before because the sample was lost on its way."""
    lost: bool = False
    """Whether it failed because its sample was lost or came damaged."""

    @property
    def erased(self) -> bool:
        """Whether it was completed, and its value was erased since."""
        return self.state is TrialState.COMPLETED and not self.outcomes

    @property
    def under_way(self) -> bool:
        """Whether it takes a place: neither over nor set aside."""
        return not self.state.final and self.state is not TrialState.UNCERTAIN

    @property
    def wants_grant(self) -> bool:
        """Whether it was refused because its grant does not cover it."""
        return self.state is TrialState.REFUSED and any(ReasonCode.GRANT_EXCEEDED in s.codes for s in self.steps[-1:])

    @property
    def waits_for_a_person(self) -> bool:
        """Whether its last step was accepted and waits for a person's approval."""
        last = self.steps[-1] if self.steps else None
        if last is None or last.state is not TaskState.ACCEPTED:
            return False
        return ReasonCode.APPROVAL_MISSING in last.codes

    def charged(self) -> Amounts:
        """What owners have charged for it."""
        return sum((step.charged for step in self.steps if step.charged), Amounts())

    def outputs(self) -> dict[str, Mapping[str, Any]]:
        """Outputs by step."""
        return {step.name: step.outputs for step in self.steps}


def moved(trial: Trial, state: TrialState) -> Trial:
    """The trial in another state.

    Raises:
        Conflict: its table does not allow it.
    """
    transition(f"trial {trial.number}", trial.state, state)
    return replace(trial, state=state)


def answered(trial: Trial, facts: Mapping[str, Any], body: Mapping[str, Any]) -> Trial:
    """The trial after a report of one of its steps, as `trial.answered` states it."""
    steps = list(trial.steps)
    for n, step in enumerate(steps):
        if step.key == facts["key"]:
            steps[n] = replace(
                step,
                state=TaskState(facts["state"]),
                effect=facts.get("effect", ""),
                result=facts.get("result", ""),
                outputs=body.get("outputs", {}),
                # An owner may report what it likes; more than its contract costs was never agreed.
                charged=Amounts(facts.get("charged", {})).at_most(step.held),
                reason=body.get("reason", ""),
                reasons=tuple(body.get("reasons", ())),
                codes=_codes(body),
                simulated=facts.get("simulated", False),
                joules=facts.get("joules"),
            )
    state = TaskState(facts["state"])
    trial = replace(trial, steps=tuple(steps))
    if state is TaskState.UNCERTAIN and trial.state is TrialState.RUNNING:
        return moved(trial, TrialState.UNCERTAIN)
    if state.final and trial.state is TrialState.UNCERTAIN:
        return moved(trial, TrialState.RUNNING)
    return trial


def _codes(body: Mapping[str, Any]) -> frozenset[str]:
    """The codes in an answer's body, where an outcome's stands before its message as `code: message`."""
    told = frozenset(reason["code"] for reason in body.get("reasons", ()))
    return told or frozenset(filter(None, (body.get("reason", "").partition(":")[0],)))


def observation_of(spec: CampaignSpec, trial: Trial) -> Observation:
    """What the planner learns of a trial that is over."""
    source = spec.source_named(trial.source)
    return Observation(
        values=dict(trial.values),
        outcomes=dict(trial.outcomes),
        errors=dict(trial.errors),
        source=trial.source,
        cost=source.price_at(spec.columns_of(trial.candidate) | dict(trial.values)),
        site=_answered_by(source, trial),
        status=_status(trial),
    )


def _answered_by(source: SourceSpec, trial: Trial) -> str:
    """Whose answer its value is."""
    if source.step[-1].any_of and len(trial.steps) == len(source.step):
        return trial.steps[-1].owner
    return split_capability(source.step[-1].capability)[0]


def _status(trial: Trial) -> Status:
    """How the planner understands an end.

    A refusal for a reason of rights, grants or load says nothing of the point, which may be asked again; any other is
    the same whenever it is asked. What was measured and erased since has nothing to tell.
    """
    if trial.erased:
        return Status.TRANSIENT
    if trial.state is TrialState.WITHDRAWN and trial.skip:
        return Status.REFUSED
    codes = trial.steps[-1].codes if trial.steps else frozenset()
    if trial.state is TrialState.REFUSED and codes and codes <= CODES.keys() - OF_THE_POINT:
        return Status.WITHDRAWN
    return STATUS[trial.state]
