"""The one door: what to measure next, by our planner, a baseline, or any other object of the same shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from yosegi.planner.design import BASELINES, Design
from yosegi.planner.errors import UnknownPlanner
from yosegi.planner.gaussian import Gaussian
from yosegi.planner.history import Observation, Pending
from yosegi.planner.problem import Problem
from yosegi.planner.proposal import Proposal


class Planner(Protocol):
    """Anything that answers what to measure next, as a pure function of what it is given."""

    @property
    def name(self) -> str:
        """What it is called in records."""

    def suggest(
        self, problem: Problem, history: Sequence[Observation], *, pending: Sequence[Pending], count: int, seed: int
    ) -> list[Proposal]:
        """Up to `count` proposals, distinct from each other, from what is pending and from what was answered."""


_BUILT_IN: tuple[Planner, ...] = (Gaussian(), *(Design(kind) for kind in BASELINES))
PLANNERS: dict[str, Planner] = {p.name: p for p in _BUILT_IN}
"""Planners that can be asked for by name."""


def suggest(
    problem: Problem,
    history: Sequence[Observation],
    *,
    pending: Sequence[Pending] = (),
    count: int = 1,
    seed: int = 0,
    planner: str | Planner = "gp",
) -> list[Proposal]:
    """What to measure next.

    Args:
        problem: the question.
        history: what has ended, in any order.
        pending: what is running.
        count: how many proposals are wanted; fewer come when a finite space runs out.
        seed: the same arguments give the same proposals; derive it from campaign and step.
        planner: `gp` (ours), a baseline (`random`, `sobol`, `lhs`, `grid`), or an object of the `Planner` shape.

    Raises:
        UnknownPlanner: there is no planner of that name.
        NoFeasiblePoint: bounds and constraints leave no point.

    Example:
        >>> from yosegi.planner import Objective, Observation, Parameter, Problem, suggest
        >>> problem = Problem((Parameter.continuous("x", 0, 1, resolution=0.01),), (Objective("y"),))
        >>> history = [Observation({"x": x}, {"y": (x - 0.3) ** 2}) for x in (0.0, 0.5, 1.0)]
        >>> [proposal] = suggest(problem, history, seed=7)
        >>> 0 <= proposal.values["x"] <= 1
        True
    """
    if isinstance(planner, str):
        if planner not in PLANNERS:
            raise UnknownPlanner(planner, tuple(PLANNERS))
        planner = PLANNERS[planner]
    if count < 1:
        return []
    return planner.suggest(problem, history, pending=pending, count=count, seed=seed)
