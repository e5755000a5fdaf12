"""When a campaign has done enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from yosegi.planner.history import Observation, Status
from yosegi.planner.problem import Problem
from yosegi.planner.proposal import Proposal

Rule = Literal["target", "trials", "budget", "gain", "exhausted"]


@dataclass(frozen=True, slots=True)
class Stopping:
    """A reason to stop: which rule, and a sentence with numbers."""

    rule: Rule
    reason: str


def should_stop(
    problem: Problem, history: Sequence[Observation], proposals: Sequence[Proposal] | None = None
) -> Stopping | None:
    """The first of the problem's rules that says to stop, None while none does.

    Args:
        problem: the question, with its `stop`.
        history: what has ended.
        proposals: what would be measured next, from `suggest`; without them expected gain is not judged.
    """
    stop = problem.stop
    done = [o for o in history if o.status is Status.DONE]
    best = best_loss(problem, history)
    if stop.target is not None and best is not None and best <= _as_loss(problem, stop.target):
        return Stopping("target", f"the best measured value reaches the target {stop.target:.4g}")
    if stop.trials is not None and len(done) >= stop.trials:
        return Stopping("trials", f"{len(done)} measurements of {stop.trials} are done")
    if stop.budget is not None and (spent := cost_so_far(problem, history)) >= stop.budget * (1 - 1e-12):
        return Stopping("budget", f"{spent:.4g} of a budget of {stop.budget:.4g} is spent")
    if proposals is None:
        return None
    if not proposals:
        return Stopping("exhausted", "every point that may be asked is measured or running")
    gains = [p.expected.gain / p.expected.cost for p in proposals if p.expected.gain is not None]
    if stop.least_gain is not None and len(gains) == len(proposals) and max(gains) < stop.least_gain:
        return Stopping("gain", f"expected gain {max(gains):.2g} a unit of cost is below {stop.least_gain:.2g}")
    return None


def best_loss(problem: Problem, history: Sequence[Observation]) -> float | None:
    """Smallest measured loss of the single objective at the first source, constraints kept; None without one."""
    if len(problem.objectives) != 1 or problem.objectives[0].goal in ("boundary", "explore"):
        return None
    objective = problem.objectives[0]
    first = ("", problem.target_source.name)
    found = [
        objective.loss(o.value(objective.name))
        for o in history
        if o.source in first and all(c.holds(o.value(c.name)) for c in problem.outcome_constraints)
    ]
    finite = [v for v in found if np.isfinite(v)]
    return min(finite, default=None)


def cost_so_far(problem: Problem, history: Sequence[Observation]) -> float:
    """What the history cost: as recorded, else as stated for measurements that ran to an end."""
    return sum(cost_of(problem, o) for o in history)


def cost_of(problem: Problem, o: Observation) -> float:
    """What one measurement cost: as recorded, else as stated where it ran to an end."""
    if o.cost is not None:
        return o.cost
    source = problem.source(o.source)
    if source is None or o.status not in (Status.DONE, Status.INFEASIBLE):
        return 0.0
    values = [(factor, o.values.get(name)) for name, factor in source.price.per.items()]
    return source.price.base + sum(f * v for f, v in values if isinstance(v, int | float) and np.isfinite(v))


def _as_loss(problem: Problem, target: float) -> float:
    objective = problem.objectives[0]
    return abs(target) if objective.goal == "target" else objective.loss(target)
