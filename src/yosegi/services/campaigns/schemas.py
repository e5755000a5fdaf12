"""Answers about campaigns: what was asked, each trial with its steps, what was spent, and what would end it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from yosegi.core.contract_terms import Conduct
from yosegi.core.states import CampaignState, TaskState, TrialState
from yosegi.services.answer import Answer, Decimals, JsonObject, Level, Timestamp, ToldBy
from yosegi.trust.explanation import Explanation


class BestTrial(Answer):
    """The best trial of a campaign so far, or one that no other surpasses.

    Args:
        outcomes: the value of each objective and limit, and `errors` their standard errors.
        candidate: the id of its row in the table of candidates; empty in an open space.
    """

    trial: int
    value: float | None
    values: dict[str, Level]
    outcomes: dict[str, Level] = Field(default_factory=dict)
    errors: dict[str, float] = Field(default_factory=dict)
    candidate: str = ""


class ObjectiveDetail(Answer):
    """What a campaign wants of one output, in a stated UCUM unit; `noise` is its standard deviation."""

    name: str
    goal: Literal["minimise", "maximise", "target", "boundary", "explore"]
    target: float | None
    noise: float | None
    unit: str


class CampaignSummary(Answer):
    """One line of a list of campaigns.

    Args:
        why: why it is held, stopped or over.
        trials: how many were proposed or asked for, and `ended` how many of them are over; what was imported is none.
        objective: the first one, and so what `best` is of.
        best: the best trial; none where there is none yet, or where none can be: with several objectives, or where
            it is to be learned where something changes.
        on_front: with several objectives, how many trials no other surpasses; nothing with one.
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
    objective: ObjectiveDetail
    best: BestTrial | None
    price: float
    on_front: int | None = None


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


class LimitDetail(Answer):
    """A bound that an outcome must keep for a trial to count, in a stated UCUM unit."""

    name: str
    at_least: float | None
    at_most: float | None
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


class RouteDetail(Answer):
    """One of several owners that can do a step, and what happened there in this campaign.

    Args:
        price: what an answer there is worth beside one of the first.
        asked: how many steps went there.
        under_way: how many of them are not over.
        answered: how many of the last ones were answered.
        waited: median seconds from asking until it began, of those; None where none was.
        ran: median seconds from then until the answer, of those.
        joules: median energy of those whose owner told it; None where none did.
    """

    capability: str
    price: float
    asked: int
    under_way: int
    answered: int
    waited: float | None
    ran: float | None
    joules: float | None = None


class SourceStep(Answer):
    """One step of a source's procedure.

    Args:
        routes: the owners it is chosen from, where there are several.
    """

    name: str
    capability: str
    routes: tuple[RouteDetail, ...] = ()


class SourceDetail(Answer):
    """One way to answer a campaign's question.

    Args:
        price: of one trial, in price units; the part that does not depend on the point.
        price_per: price units for one unit of a parameter, where the price depends on the point.
        cost: the most that one trial may cost.
        simulated: whether nothing in it is a real instrument.
        breaker_open: whether it is left alone after trials that failed in a row.
    """

    name: str
    price: float
    price_per: dict[str, float] = Field(default_factory=dict)
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
        value: the first objective's value; none while it is open, and where the trial has none.
        error: its standard error.
        outcomes: the value of each objective and limit, and `errors` their standard errors.
        keeps_limits: whether what was measured keeps every limit.
        candidate: the id of its row in the table of candidates; empty in an open space.
        origin: who wanted it: the planner, a person who asked for this point, or nobody, since it was brought.
        by: the person who asked for it or brought it; empty where the planner proposed it.
        proposed: when it was proposed, and `over` when it ended.
        why: why it has no value.
        awaits: which shipment of a sample it waits for, if it does.
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
    outcomes: dict[str, Level] = Field(default_factory=dict)
    errors: dict[str, float] = Field(default_factory=dict)
    keeps_limits: bool = True
    candidate: str = ""
    origin: Literal["planner", "person", "imported"] = "planner"
    by: str = ""
    proposed: Timestamp = ""
    over: Timestamp = ""
    awaits: Explanation | None = None


class CampaignOverview(CampaignSummary):
    """A campaign with its sources, spending and what would end it, without its trials.

    Args:
        follows: the campaign that it goes on from; empty if from none.
        proposer: who proposes: the planner alone, or an agent whose points the planner guards.
        enough: why it has enough; empty while it goes on.
        position: of its last entry.
        objectives: all of them.
        limits: bounds that outcomes must keep.
        front: with several objectives, the trials that no other surpasses.
        candidates: how many rows the table to choose from has; 0 in an open space.
        imported: how many of its trials were brought, and proposed by nobody here.
        waits_for: where it is held, why, and what would let it go on.
    """

    question: str
    on_behalf_of: str
    mandate: str
    follows: str = ""
    proposer: Literal["planner", "agent"] = "planner"
    conduct: Conduct
    stop: StopRule
    baseline: Baseline
    parameters: tuple[ParameterDetail, ...]
    sources: tuple[SourceDetail, ...]
    spent: Decimals
    held: Decimals
    budget: Decimals
    enough: str
    position: int
    objectives: tuple[ObjectiveDetail, ...] = ()
    limits: tuple[LimitDetail, ...] = ()
    front: tuple[BestTrial, ...] = ()
    candidates: int = 0
    imported: int = 0
    waits_for: Explanation | None = None

    @property
    def units(self) -> dict[str, str]:
        """The UCUM unit of each parameter and outcome."""
        outcomes = {one.name: one.unit for one in self.limits} | {one.name: one.unit for one in self.objectives}
        return {one.name: one.unit for one in self.parameters} | outcomes


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


class ParityRow(Answer):
    """A measurement, and what the model says of it from all others, in the outcome's unit."""

    measured: float
    predicted: float
    sd: float


class SliceDetail(Answer):
    """An outcome along one parameter, the others as at the best point.

    Args:
        unit: of the parameter.
        discrete: whether it has levels, and nothing between them.
        at: values of the parameter, in `unit`.
        mean: of the noiseless outcome there, and `sd` its standard deviation, in the outcome's unit.
        importance: total share of the model's variance that goes through this parameter, from 0 to 1.
    """

    parameter: str
    unit: str
    discrete: bool
    at: tuple[Level, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    importance: float


class LearnedDetail(Answer):
    """An outcome as the model has it.

    Args:
        r_squared: share of the variance that leave-one-out predictions explain; below 0, worse than the mean.
        noise: standard deviation of one measurement, in `unit`.
        covered: share of measurements within their 90 % interval of leave-one-out.
        best: the noiseless outcome at the best point, and `best_sd` its standard deviation; none where nothing is best.
    """

    name: str
    unit: str
    r_squared: float
    noise: float
    covered: float
    best: float | None
    best_sd: float | None
    parity: tuple[ParityRow, ...]
    slices: tuple[SliceDetail, ...]


class AccelerationDetail(Answer):
    """How many trials it took to the best, and how many it would have taken otherwise.

    Args:
        trials: completed trials of the first source to the best one.
        baseline_trials: how many it took before, as registered before the first trial; none if that was not stated.
        over_baseline: how many times fewer.
        random_trials: how many random points the model expects to one as good; none where it cannot say.
        random_low: below which they lie one time of twenty, and `random_high` above which.
        over_random: how many times fewer, by the expected number; and with the same bounds.
    """

    trials: int
    baseline_trials: float | None
    over_baseline: float | None
    random_trials: float | None
    random_low: float | None
    random_high: float | None
    over_random: float | None
    over_random_low: float | None
    over_random_high: float | None


class CampaignAnswer(Answer):
    """What a campaign has found, what its model learned, what was gained, and how to cite it.

    Args:
        best: the best trial, and `front` the trials that no other surpasses where there are several objectives.
        entry: hash of the last entry of its stream: the answer is of that position, and the bundle proves it.
        methods: a paragraph for a paper.
        bibtex: how to cite it.
    """

    name: str
    position: int
    entry: str
    objectives: tuple[ObjectiveDetail, ...]
    best: BestTrial | None
    front: tuple[BestTrial, ...]
    learned: tuple[LearnedDetail, ...]
    acceleration: AccelerationDetail | None
    methods: str
    bibtex: str


class CampaignFinding(Answer):
    """One thing that is wrong with a campaign file, or worth knowing, and what to do; `line` is 0 if not known."""

    line: int
    where: str
    why: str
    todo: str


class CampaignCheck(Answer):
    """What would be said of a campaign file; nothing was changed.

    Args:
        findings: everything that is wrong; with none, it can be started.
        taken_over: linear constraints and resolutions of the contracts that it would keep by itself.
        cost: the most that one trial of the first source may cost.
        exists: whether there is a campaign of that name already.
        notes: what is no fault and worth knowing, e.g. a budget that ends it before its stop rule does.
    """

    name: str
    findings: tuple[CampaignFinding, ...]
    taken_over: tuple[str, ...]
    cost: Decimals
    exists: bool
    notes: tuple[CampaignFinding, ...] = ()


class MeasurementsAdded(Answer):
    """Measurements that a campaign has taken.

    Args:
        first: the number of the first among its trials; the others follow.
        failed: how many of them failed or have no answer.
        by: who brought them.
        signed: whether they signed them with a key of their own.
        notes: what was taken and may not be meant, each in a line for people.
    """

    campaign: str
    source: str
    first: int
    count: int
    failed: int
    by: str
    signed: bool
    notes: tuple[str, ...] = ()


class CampaignFileText(Answer):
    """A campaign's file, and the tables that it names, which give the same campaign again."""

    name: str
    text: str
    files: dict[str, str]


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
