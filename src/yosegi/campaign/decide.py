"""What a campaign does next: a pure function of its fold. All I/O is the engine's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from yosegi.campaign.shipping import AskShipment, due, lost_of, may_be_made_again, needs_of, room_for, takes_no_place
from yosegi.campaign.spec import SourceSpec, StepSpec
from yosegi.campaign.spec_check import worst_cost_of, worst_step_cost
from yosegi.campaign.state import Campaign
from yosegi.campaign.tally import BREAKER_AT
from yosegi.campaign.trial import Step, Trial
from yosegi.core.amounts import Amounts
from yosegi.core.identifiers import derived_key, split_capability
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import CampaignState, Result, TaskState, TrialState

SUGGESTED = "suggestions are made; resume it for more, or resume it with conduct run to have work carried out"


@dataclass(frozen=True, slots=True)
class RequestStep:
    """Ask an owner for the next step of a trial."""

    trial: int
    step: str
    owner: str
    key: str
    capability: str


@dataclass(frozen=True, slots=True)
class EndTrial:
    """A trial is over: how, and why if not by a value; whether for want of its sample."""

    trial: int
    state: TrialState
    why: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True)
class MakeAgain:
    """Make a point again whose sample was lost on its way."""

    trial: int
    why: str


@dataclass(frozen=True, slots=True)
class Propose:
    """Have the planner propose so many more trials."""

    count: int
    closed: frozenset[str]


@dataclass(frozen=True, slots=True)
class OpenBreaker:
    """Leave a source alone until a person resumes the campaign."""

    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Ask an owner to take back a step that has not had its effect."""

    trial: int
    owner: str
    key: str


@dataclass(frozen=True, slots=True)
class MoveCampaignTo:
    """The campaign itself changes state."""

    state: CampaignState
    why: str


Action = RequestStep | AskShipment | EndTrial | MakeAgain | Propose | OpenBreaker | Withdraw | MoveCampaignTo


def decide(campaign: Campaign, now: datetime | None = None) -> list[Action]:
    """The actions due now; none means: wait for a report, a sample or a person.

    Args:
        campaign: as it is.
        now: ends the wait of samples for others that go with them; where it is not known, they go on waiting.

    Cases, in order:
      1. trials whose last report ends them, or whose sample was lost, are ended, whatever the campaign's state;
      2. an aborted campaign takes back what it can, any other what a person takes back; a stopping one waits for what
         is under way, then has stopped;
      3. a held, stopped or ended campaign starts nothing;
      4. a running campaign that has its answer, or enough, ends when nothing is under way;
      5. one whose grant at an owner is used up or has lapsed takes what has begun to its end and holds itself;
      6. a source that keeps failing is left alone; with the first one left alone the campaign holds itself;
      7. one that only suggests holds itself when a round of suggestions is made;
      8. otherwise the next steps of trials under way are asked for, and free places filled with new proposals, as far
         as each can be paid to its end; a trial whose sample is elsewhere waits for it, and takes no place; its sample
         is asked for when so many have gathered as go together, or no more will come;
      9. with nothing under way and nothing that can be paid, the campaign ends.
    """
    ends = [end for trial in campaign.open_trials() if (end := _end_of(campaign, trial))]
    if ends:
        return [*ends, *_made_again(campaign, ends)]
    if campaign.state is CampaignState.ABORTED:
        return list(_withdrawals(campaign))
    back = _withdrawals(campaign, only_taken_back=True)
    if campaign.state is CampaignState.STOPPING:
        return [*back, *_while_stopping(campaign, now)]
    if campaign.state is not CampaignState.RUNNING:
        return [*back]
    return [*back, *_while_running(campaign, now)]


def _while_running(campaign: Campaign, now: datetime | None) -> list[Action]:
    if reason := enough(campaign):
        return _finish(campaign, CampaignState.ENDED, reason, now)
    if lapsed := _without_grant(campaign):
        return _finish(campaign, CampaignState.HELD, lapsed, now)
    if breakers := _breakers(campaign):
        return list(breakers)
    if why := _why_hold(campaign):
        return [MoveCampaignTo(CampaignState.HELD, why)]
    todo: list[Action] = [*_next_steps(campaign), *_proposals(campaign)]
    todo += due(campaign, now, more_to_come=bool(todo))
    if not todo and not campaign.under_way() and (reason := out_of_budget(campaign)):
        return [MoveCampaignTo(CampaignState.ENDED, reason)]
    return todo


def _why_hold(campaign: Campaign) -> str:
    """Why the campaign waits for a person; empty if it need not."""
    first = campaign.spec.source[0].name
    if first in campaign.open_breakers:
        return f"source {first} kept failing; resume when it is mended"
    return SUGGESTED if _has_suggested(campaign) else ""


def _without_grant(campaign: Campaign) -> str:
    """Which owner's grant no longer covers what is asked, if one said so since the campaign was resumed."""
    if not campaign.tally.lapsed:
        return ""
    owner = campaign.trial(campaign.tally.lapsed).steps[-1].owner
    return f"the grant at {owner} is used up, locked or has lapsed; resume when there is more"


def _has_suggested(campaign: Campaign) -> bool:
    """Whether a campaign that only suggests has done so, and waits for a person to say how to go on."""
    return campaign.conduct == "suggest" and campaign.rounds > campaign.suggested_from and not campaign.under_way()


def enough(campaign: Campaign) -> str:
    """Why the campaign has its answer, or enough; empty if it has not."""
    stop, best = campaign.spec.stop, campaign.best()
    if stop.target is not None and best is not None and _reaches(campaign, best):
        return f"target reached: trial {best.number} gave {best.value:.4g}"
    first = campaign.spec.source[0].name
    done = campaign.tally.count(first, TrialState.COMPLETED)
    if stop.trials is not None and done >= stop.trials:
        return f"{done} trials done"
    if stop.price is not None and campaign.price() >= stop.price:
        return f"price of {stop.price:g} spent"
    if stop.least_gain is not None and (gain := _expected_gain(campaign)) is not None and gain < stop.least_gain:
        return f"expected gain {gain:.2g} a unit of price is below {stop.least_gain:.2g}"
    if campaign.exhausted:
        return "the planner has nothing more to propose"
    return ""


def _reaches(campaign: Campaign, trial: Trial) -> bool:
    goal, target, value = campaign.spec.only, campaign.spec.stop.target, trial.value
    if goal is None or target is None or value is None:
        return False
    if goal.goal == "target":
        return abs(value - (goal.target or 0.0)) <= target
    return value <= target if goal.goal == "minimise" else value >= target


def _expected_gain(campaign: Campaign) -> float | None:
    """What the best of the last proposals should gain, in the objective's unit per unit of price.

    None where the planner does not say, as for starting points and planners that predict nothing.
    """
    last = campaign.trials[-1].position if campaign.trials else 0
    expected = [trial.expected for trial in takewhile(lambda t: t.position == last, reversed(campaign.trials))]
    if any(each.get("gain") is None for each in expected):
        return None
    return max((each["gain"] / each["cost"] for each in expected), default=None)


def out_of_budget(campaign: Campaign) -> str:
    """Why no further trial of the first source can be paid for; empty if one can."""
    need, left = worst_cost(campaign, campaign.spec.source[0]), _left(campaign)
    short = [unit for unit in campaign.spec.budget if need[unit] > left[unit]]
    return f"budget of {', '.join(short)} is used up" if short else ""


def _payable(campaign: Campaign, source: SourceSpec) -> int | None:
    """How many further trials of a source can be paid for, at worst; None where the budget does not bound them."""
    need, left = worst_cost(campaign, source), _left(campaign)
    return min((left[unit] // need[unit] for unit in campaign.spec.budget if need[unit]), default=None)


def worst_cost(campaign: Campaign, source: SourceSpec) -> Amounts:
    """The most one trial of a source may cost."""
    return worst_cost_of(source, campaign.contracts)


def _left(campaign: Campaign) -> Amounts:
    """What of the budget is neither spent nor may still be: open trials count with all their steps to come."""
    promised = campaign.spent() + campaign.held()
    for trial in campaign.under_way():
        source = campaign.spec.source_named(trial.source)
        for step in source.step[len(trial.steps) :]:
            promised = promised + worst_step_cost(step, campaign.contracts)
    budget = campaign.spec.budget
    return Amounts({unit: max(0, budget[unit] - promised[unit]) for unit in budget})


def _end_of(campaign: Campaign, trial: Trial) -> EndTrial | None:
    """How a trial ends, if its last report, or whoever takes it back, ends it."""
    if trial.state.final:
        return None
    if trial.state is TrialState.PROPOSED:
        over = campaign.state in (CampaignState.ENDED, CampaignState.ABORTED, CampaignState.STOPPING)
        why = trial.taken_back or ("the campaign stopped first" if over else "")
        return EndTrial(trial.number, TrialState.WITHDRAWN, why) if why else None
    if not trial.steps or not trial.steps[-1].state.final:
        return None
    return _end_after(trial, trial.steps[-1]) or _end_between(campaign, trial)


def _end_after(trial: Trial, step: Step) -> EndTrial | None:
    """How a trial ends by a step that gave no result."""
    if step.state is TaskState.REFUSED:
        return EndTrial(trial.number, TrialState.REFUSED, step.reason)
    if step.state is TaskState.CANCELLED:
        return EndTrial(trial.number, TrialState.WITHDRAWN, trial.taken_back or step.reason)
    if step.result != Result.VALID:
        infeasible = OutcomeCode.INFEASIBLE in step.codes
        return EndTrial(trial.number, TrialState.INFEASIBLE if infeasible else TrialState.FAILED, step.reason)
    return None


def _end_between(campaign: Campaign, trial: Trial) -> EndTrial | None:
    """How a trial ends whose last step gave its result."""
    if len(trial.steps) == len(campaign.spec.source_named(trial.source).step):
        return EndTrial(trial.number, TrialState.COMPLETED)
    if trial.taken_back:
        return EndTrial(trial.number, TrialState.WITHDRAWN, trial.taken_back)
    if lacking := _lacking(campaign, trial):
        return EndTrial(trial.number, TrialState.FAILED, lacking)
    why, lost = lost_of(campaign, trial)
    if why:
        return EndTrial(trial.number, TrialState.FAILED, why, lost=lost)
    if campaign.state in (CampaignState.ENDED, CampaignState.ABORTED):
        return EndTrial(trial.number, TrialState.WITHDRAWN, "the campaign stopped between two steps")
    return None


def _lacking(campaign: Campaign, trial: Trial) -> str:
    """Why the next step cannot have an input that is bound to an earlier output; empty if it can have all."""
    step, outputs = campaign.spec.source_named(trial.source).step[len(trial.steps)], trial.outputs()
    for bound in step.bind.values():
        first, dot, second = bound.partition(".")
        if dot and second not in outputs.get(first, {}):
            return f"{trial.steps[-1].reason or 'withheld'}: {bound}, which step {step.name} needs, was not released"
    return ""


def _made_again(campaign: Campaign, ends: Sequence[EndTrial]) -> list[MakeAgain]:
    """Points of trials that end for want of their sample, and that are made once more while the campaign goes on."""
    if campaign.state is not CampaignState.RUNNING or enough(campaign):
        return []
    again = [trial for end in ends if end.lost and may_be_made_again(campaign, trial := campaign.trial(end.trial))]
    payable = {one.name: _payable(campaign, one) for one in campaign.spec.source}
    return [
        MakeAgain(trial.number, f"made again, for trial {trial.number}: {lost_of(campaign, trial)[0]}")
        for place, trial in enumerate(again)
        if (most := payable[trial.source]) is None or place < most
    ]


def _while_stopping(campaign: Campaign, now: datetime | None) -> list[Action]:
    """A safe stop finishes trials that have begun: a sample that was made is also measured."""
    if campaign.under_way():
        return _to_its_end(campaign, now)
    return [MoveCampaignTo(CampaignState.STOPPED, "everything that was under way has ended")]


def _to_its_end(campaign: Campaign, now: datetime | None) -> list[Action]:
    """What takes trials that have begun further; nothing else begins, so that no sample waits for others to come."""
    steps = _next_steps(campaign, begun_only=True)
    return [*steps, *due(campaign, now, more_to_come=bool(steps), begun_only=True)]


def _finish(campaign: Campaign, state: CampaignState, reason: str, now: datetime | None) -> list[Action]:
    """Take what has begun to its end, and then move: a sample that was made is also measured."""
    if todo := _to_its_end(campaign, now):
        return todo
    begun = [trial for trial in campaign.under_way() if trial.steps]
    return [] if begun else [MoveCampaignTo(state, reason)]


def _breakers(campaign: Campaign) -> list[OpenBreaker]:
    found = []
    for source in campaign.spec.source:
        if source.name in campaign.open_breakers:
            continue
        recent = [campaign.trial(number) for number in campaign.tally.recent.get(source.name, ())]
        bad = {TrialState.FAILED, TrialState.REFUSED}
        uncertain = [t for t in campaign.open_trials() if t.source == source.name and t.state is TrialState.UNCERTAIN]
        in_a_row = len(recent) == BREAKER_AT and all(t.state in bad for t in recent)
        if in_a_row or len(uncertain) >= BREAKER_AT:
            why = recent[-1].why if in_a_row else f"{len(uncertain)} trials are uncertain"
            found.append(OpenBreaker(source.name, why))
    return found


def _next_steps(campaign: Campaign, *, begun_only: bool = False) -> list[RequestStep]:
    asks, routes = [], campaign.routes
    for trial in campaign.under_way():
        steps = campaign.spec.source_named(trial.source).step
        if (begun_only and not trial.steps) or needs_of(campaign, trial):
            continue
        if not trial.steps or _may_go_on(trial.steps[-1], len(trial.steps), steps):
            step = steps[len(trial.steps)]
            capability = routes.choose(step)
            if step.any_of:
                routes = routes.asked(capability)
            owner = split_capability(capability)[0]
            key = step_key(campaign.spec.name, trial.number, step.name)
            asks.append(RequestStep(trial.number, step.name, owner, key, capability))
    return asks


def _may_go_on(last: Step, done: int, steps: Sequence[StepSpec]) -> bool:
    return last.state is TaskState.ENDED and last.result == Result.VALID and done < len(steps)


def step_key(campaign: str, trial: int, step: str) -> str:
    """The key of one step: depends on campaign, trial and step alone, so that asking twice asks once."""
    return derived_key("step", campaign, trial, step)


def _proposals(campaign: Campaign) -> list[Propose]:
    """Fill free places. Trials of dearer sources take a place each; so do the cheap ones, which end soon.

    Which source is chosen is the planner's, so no more are asked for than could be paid if all were of the dearest;
    a source that cannot be paid for at all is closed to it. What waits for a person takes no place, so that the rest
    goes on; but a source is closed while as many of its trials wait as there are places. What waits for its sample
    takes none either, up to what the campaign's file says.
    """
    if campaign.conduct == "suggest" and campaign.rounds > campaign.suggested_from:
        return []
    waiting = Counter(trial.source for trial in campaign.under_way() if trial.waits_for_a_person)
    shipped = sum(takes_no_place(campaign, trial) for trial in campaign.under_way())
    free = campaign.spec.parallel - len(campaign.under_way()) + waiting.total() + shipped
    stop, first = campaign.spec.stop, campaign.spec.source[0].name
    if stop.trials is not None:
        under_way = sum(trial.source == first for trial in campaign.under_way())
        free = min(free, stop.trials - campaign.tally.count(first, TrialState.COMPLETED) - under_way)
    payable = {source.name: _payable(campaign, source) for source in campaign.spec.source}
    closed = campaign.open_breakers | {name for name, count in payable.items() if count == 0}
    closed |= {name for name, count in waiting.items() if count >= campaign.spec.parallel}
    room = {source.name: room_for(campaign, source.name) for source in campaign.spec.source}
    closed |= {name for name, count in room.items() if count == 0}
    for most in (payable, room):
        free = min([free, *(count for name, count in most.items() if count is not None and name not in closed)])
    return [Propose(free, closed)] if free > 0 and first not in closed and not campaign.exhausted else []


def _withdrawals(campaign: Campaign, *, only_taken_back: bool = False) -> list[Withdraw]:
    return [
        Withdraw(trial.number, step.owner, step.key)
        for trial in campaign.open_trials()
        if trial.state is TrialState.RUNNING and (trial.taken_back or not only_taken_back)
        for step in trial.steps[-1:]
        if not step.state.final
    ]
