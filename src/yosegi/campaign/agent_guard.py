"""Which of an agent's points are measured, and how they compare with the planner's.

The planner's guard is a pure function of the campaign: it takes no point outside the campaign's space, none that was
measured or is under way, none of a source that is left alone, and none that is expected to be worse than the best so
far by more than the campaign's file allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yosegi.campaign.agent_points import AgentPoint, Decline
from yosegi.campaign.spec import ObjectiveSpec
from yosegi.campaign.state import Campaign
from yosegi.core.states import TrialState
from yosegi.planner import Expected, Observation, Pending, Problem, Proposal
from yosegi.planner.predict import misfit, predict


def admitted(
    campaign: Campaign, problem: Problem, history: Sequence[Observation], pending: Sequence[Pending], most: int
) -> tuple[list[tuple[AgentPoint, Proposal]], list[tuple[int, Decline]]]:
    """The agent's waiting points that the planner's guard takes, up to `most`, and those that it does not, with why."""
    taken: list[tuple[AgentPoint, Proposal]] = []
    declined: list[tuple[int, Decline]] = []
    asked = {_identity(problem, one.values, one.source) for one in history}
    asked |= {_identity(problem, one.values, one.source) for one in pending}
    open_sources = {source.name for source in problem.sources}
    for point in campaign.waiting_points():
        source = point.said.source or campaign.spec.source[0].name
        name = _identity(problem, point.said.values, source)
        expected = predict(problem, history, [point.said.values])[0]
        why: Decline | None = None
        if misfit(problem, point.said.values):
            why = "outside"
        elif name in asked:
            why = "measured"
        elif source not in open_sources:
            why = "source_closed"
        elif _too_bad(campaign, expected):
            why = "expected_loss"
        if why is not None:
            declined.append((point.number, why))
        elif len(taken) < most:
            asked.add(name)
            reason = f"proposed by the agent {point.agent}, hypothesis {point.number}"
            taken.append((point, Proposal(dict(point.said.values), source, reason, expected)))
    return taken, declined


def _too_bad(campaign: Campaign, expected: Expected) -> bool:
    """Whether the planner expects a point to be worse than the best so far by more than the file allows."""
    terms, goal, best = campaign.spec.agent, campaign.spec.main, campaign.best()
    mean = expected.mean.get(goal.name)
    if terms is None or terms.worst is None or mean is None or best is None or best.value is None:
        return False
    return _loss(goal, mean) - _loss(goal, best.value) > terms.worst


def _loss(goal: ObjectiveSpec, value: float) -> float:
    if goal.goal == "target":
        return abs(value - (goal.target or 0.0))
    return value if goal.goal == "minimise" else -value


def _identity(problem: Problem, values: Mapping[str, Any], source: str) -> tuple[Any, ...]:
    """What makes two points the same question: source, and each value to its parameter's resolution."""
    found: list[Any] = [source]
    for parameter in problem.parameters:
        value = values.get(parameter.name)
        step = parameter.step
        if step is not None and isinstance(value, int | float) and not isinstance(value, bool):
            value = round(float(value) / step)
        elif isinstance(value, float):
            value = float(f"{value:.9g}")
        found.append(value)
    return tuple(found)


def is_agents_turn(number: int) -> bool:
    """Whether a trial of a campaign that alternates is the agent's: the odd ones."""
    return number % 2 == 1


def beats_planner(campaign: Campaign) -> tuple[float | None, float | None, float]:
    """The best of the agent's points and of the planner's at equal cost, and that cost in price units.

    Trials of the first source are compared in order, as far as both have spent as much: more would favour whoever was
    asked more often.
    """
    goal, first = campaign.spec.main, campaign.spec.source[0]
    ended = [t for t in campaign.trials if t.source == first.name and t.state is TrialState.COMPLETED]
    agents = [t for t in ended if t.point and t.value is not None]
    planners = [t for t in ended if not t.point and t.origin == "planner" and t.value is not None]
    count = min(len(agents), len(planners))
    if not count:
        return None, None, 0.0
    bests = []
    for some in (agents[:count], planners[:count]):
        best = min(some, key=lambda t: _loss(goal, t.value if t.value is not None else float("inf")))
        bests.append(best.value)
    cost = sum(first.price_at(campaign.spec.columns_of(t.candidate) | dict(t.values)) for t in agents[:count])
    return bests[0], bests[1], cost
