"""What a history lets one expect at given points: for a point that somebody else proposed, and for a summary."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from yosegi.planner.aim import aim_of
from yosegi.planner.history import Observation
from yosegi.planner.parameter import Parameter, Values
from yosegi.planner.problem import Problem
from yosegi.planner.proposal import Expected
from yosegi.planner.situation import Situation


def predict(problem: Problem, history: Sequence[Observation], points: Sequence[Values]) -> list[Expected]:
    """The expected outcome at each point, at the problem's first source; nothing where too little was measured.

    Args:
        problem: the question.
        history: what has ended.
        points: by parameter name, in the parameters' units; each within the problem's space.

    Returns:
        One a point; without `mean` where nothing can be said yet.
    """
    situation = Situation.of(replace(problem, earlier=()), history)
    aim = aim_of(situation) if len(situation.ended) > 1 else None
    if aim is None or not aim.outcomes:
        return [Expected() for _ in points]
    P = situation.space.coordinates(situation.space.rows(points))
    found: list[Expected] = []
    spread = {name: surrogate.announced(P) for name, surrogate in aim.outcomes.items()}
    for i in range(len(points)):
        means: Mapping[str, float] = {name: float(mean[i]) for name, (mean, _) in spread.items()}
        found.append(Expected(means, {name: float(sd[i]) for name, (_, sd) in spread.items()}))
    return found


def misfit(problem: Problem, values: Values) -> str:
    """Why a point lies outside a problem's space; empty if it lies within.

    Args:
        problem: without candidates.
        values: by parameter name; exactly the problem's parameters.

    Example:
        >>> from yosegi.planner import Objective, Parameter, Problem
        >>> misfit(Problem((Parameter.continuous("x", 0, 1),), (Objective("y"),)), {"x": 2})
        'x is 2, and must be from 0 to 1'
    """
    if set(values) != set(problem.names):
        return f"a point names exactly {', '.join(problem.names)}"
    for parameter in problem.parameters:
        if why := _outside(parameter, values[parameter.name]):
            return why
    broken = next((str(one) for one in problem.constraints if not one.holds(values)), "")
    return f"it breaks {broken}" if broken else ""


def _outside(parameter: Parameter, value: object) -> str:
    name = parameter.name
    if parameter.discrete:
        return "" if value in parameter.levels else f"{name} is none of its levels"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return f"{name} is no number"
    if parameter.kind == "integer" and value != round(value):
        return f"{name} is no whole number"
    low, high = parameter.low, parameter.high
    if (low is not None and value < low) or (high is not None and value > high):
        return f"{name} is {value:g}, and must be from {low:g} to {high:g}"
    return ""
