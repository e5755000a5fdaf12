"""Answers about campaigns: what was asked, each trial with its steps, what was spent, and what would end it."""

from __future__ import annotations

from typing import Literal

from yosegi.core.contract import Conduct
from yosegi.core.states import CampaignState, TaskState, TrialState
from yosegi.services.answer import Answer, Decimals, JsonObject, Level, Timestamp, ToldBy
from yosegi.trust.messages import Explanation


class BestTrial(Answer):
    """The best trial of a campaign so far."""

    trial: int
    value: float | None
    values: dict[str, Level]


class CampaignSummary(Answer):
    """One line of a list of campaigns.

    Args:
        why: why it is held, stopped or over.
        trials: how many were proposed, and `ended` how many are over.
        price: what its trials cost so far, in the price units of its sources.
    """

    name: str
    title: str
    state: CampaignState
    why: str
    team: str
    challenge: str
    charter: str
    started: Timestamp
    trials: int
    ended: int
    best: BestTrial | None
    price: float


class ParameterDetail(Answer):
    """One thing that a campaign varies, in a stated UCUM unit."""

    name: str
    kind: Literal["continuous", "integer", "ordinal", "categorical"]
    low: float | None
    high: float | None
    levels: tuple[Level, ...]
    unit: str
    log: bool
    resolution: float | None


class ObjectiveDetail(Answer):
    """What a campaign wants of one output, in a stated UCUM unit; `noise` is its standard deviation."""

    name: str
    goal: Literal["minimise", "maximise", "target"]
    target: float | None
    noise: float | None
    unit: str


class StopRule(Answer):
    """When a campaign has its answer, or enough: a value reached, trials or price used, or too little to gain."""

    target: float | None
    trials: int | None
    price: float | None
    least_gain: float | None


class Baseline(Answer):
    """How it was done before, registered before the first trial."""

    description: str
    trials: float | None
    price: float | None


class SourceStep(Answer):
    """One step of a source's procedure."""

    name: str
    capability: str


class SourceDetail(Answer):
    """One way to answer a campaign's question.

    Args:
        price: of one trial, in price units.
        cost: the most that one trial may cost.
        simulated: whether nothing in it is a real instrument.
        breaker_open: whether it is left alone after trials that failed in a row.
    """

    name: str
    price: float
    steps: tuple[SourceStep, ...]
    cost: Decimals
    simulated: bool
    breaker_open: bool


class StepDetail(Answer):
    """One step of a trial: the request made for it, and what its owner last reported.

    Args:
        reason: an engine's code and its detail.
        reasons: why the owner refused.
    """

    name: str
    owner: str
    told_by: ToldBy
    key: str
    state: TaskState
    effect: str
    result: str
    outputs: JsonObject
    charged: Decimals
    reason: str
    reasons: tuple[Explanation, ...]
    simulated: bool


class TrialDetail(Answer):
    """One proposed point on one source, and what came of it.

    Args:
        value: the objective's value; none while it is open, and where the trial has none.
        error: its standard error.
        why: why it has no value.
        reason: why it was proposed.
        expected: what the planner expected of it.
    """

    number: int
    source: str
    values: dict[str, Level]
    state: TrialState
    value: float | None
    error: float | None
    why: str
    told_by: ToldBy
    reason: str
    expected: JsonObject
    steps: tuple[StepDetail, ...]


class CampaignOverview(CampaignSummary):
    """A campaign with its sources, spending and what would end it, without its trials.

    Args:
        follows: the campaign that it goes on from; empty if from none.
        proposer: who proposes: the planner alone, or an agent whose points the planner guards.
        enough: why it has enough; empty while it goes on.
        position: of its last entry.
    """

    question: str
    on_behalf_of: str
    mandate: str
    follows: str = ""
    proposer: Literal["planner", "agent"] = "planner"
    conduct: Conduct
    objective: ObjectiveDetail
    stop: StopRule
    baseline: Baseline
    parameters: tuple[ParameterDetail, ...]
    sources: tuple[SourceDetail, ...]
    spent: Decimals
    held: Decimals
    budget: Decimals
    enough: str
    position: int


class CampaignDetail(CampaignOverview):
    """A campaign with all its trials.

    Args:
        trial: every trial, in order.
        ended_order: numbers of the trials that are over, in the order in which they ended.
        trouble: why its last step could not be taken; empty if it was.
    """

    trial: tuple[TrialDetail, ...]
    ended_order: tuple[int, ...]
    trouble: str = ""


class CampaignMoved(Answer):
    """What somebody of another team is told of a campaign that they stopped."""

    name: str
    state: CampaignState


class HypothesisDetail(Answer):
    """What an agent thought, the point it proposed for it, and what came of it.

    Args:
        point: its number in the campaign.
        expects: the outcome it expected, in words; `at_least` and `at_most` in the objective's unit.
        verdict: `held` or `refuted` by a value; `open` while nothing was measured; `untested` where the trial had no
            value; `declined` where the planner's guard did not take the point, and `why`.
        trial: that measured it; 0 for none.
        model: name and version of the model that it asked.
    """

    point: int
    agent: str
    told_by: ToldBy
    model: str
    hypothesis: str
    expects: str
    at_least: float | None
    at_most: float | None
    values: dict[str, Level]
    source: str
    verdict: Literal["held", "refuted", "open", "untested", "declined"]
    why: str
    trial: int
    value: float | None


class AgentComparison(Answer):
    """What agents thought about a campaign, and whether they did better than the planner at equal cost.

    Args:
        agents_best: the best value of the agents' points of the first source, as far as both sides were asked.
        planners_best: the best of the planner's.
        at_price: what each side cost up to there, in price units; 0 where one has measured nothing.
        better: whose best is better; `neither` where both are equal or nothing can be said.
        tokens: that models took.
        model_cost: what they cost, by currency.
    """

    campaign: str
    hypotheses: tuple[HypothesisDetail, ...]
    agents_best: float | None
    planners_best: float | None
    at_price: float
    better: Literal["agent", "planner", "neither"]
    tokens: int
    model_cost: Decimals


class PlannedPoint(Answer):
    """A point that the planner would measure next, why, and what it expects there."""

    values: dict[str, Level]
    source: str
    reason: str
    expected: JsonObject


class PlannerSummary(Answer):
    """What a campaign's planner makes of the results so far; nothing is asked or recorded by looking.

    Args:
        planned: what would be measured next; empty where there is nothing to propose.
    """

    campaign: str
    planner: str
    ended: int
    planned: tuple[PlannedPoint, ...]


class NoteTaken(Answer):
    """A note that is on record with a campaign."""

    campaign: str
    position: int
