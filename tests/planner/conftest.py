"""Problems and histories that several tests share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from yosegi.planner import Candidates, Objective, Observation, Parameter, Problem, suggest
from yosegi.planner.parameter import Level


@pytest.fixture
def table() -> Problem:
    """A table of 200 recipes of a smooth outcome to make large."""
    x = np.random.default_rng(0).random((200, 3))
    table = Candidates.of({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2]})
    return Problem(table.parameters(), (Objective("y", "maximise"),), candidates=table)


@pytest.fixture
def space() -> Problem:
    """An open space of each kind of parameter."""
    return Problem(
        (
            Parameter.continuous("temperature", 20, 80, unit="Cel", resolution=0.5),
            Parameter.continuous("concentration", 1e-3, 1, unit="mol/L", log=True),
            Parameter.integer("cycles", 1, 9),
            Parameter.ordinal("speed", ["slow", "medium", "fast"]),
            Parameter.categorical("solvent", ["water", "ethanol", "toluene"]),
        ),
        (Objective("y"),),
    )


Answer = Callable[..., Observation]


@pytest.fixture
def answer() -> Answer:
    """A smooth outcome of any point, the same for every objective but for a factor."""

    def made(problem: Problem, values: Mapping[str, Level], source: str = "") -> Observation:
        total = sum((_share(p, values[p.name]) - 0.2 - 0.1 * i) ** 2 for i, p in enumerate(problem.parameters))
        outcomes = {o.name: total * (k + 1) for k, o in enumerate(problem.objectives)}
        return Observation(values, outcomes, source=source)

    return made


def _share(p: Parameter, value: Level) -> float:
    if p.discrete:
        return p.levels.index(value) / len(p.levels)
    low, at, high = (math.log(float(v or 0)) if p.log else float(v or 0) for v in (p.low, value, p.high))
    return (at - low) / max(high - low, 1e-300)


@pytest.fixture
def measure(answer: Answer) -> Callable[..., list[Observation]]:
    """Measure `count` random points of a problem."""

    def made(problem: Problem, count: int, seed: int = 0) -> list[Observation]:
        points = suggest(problem, [], count=count, seed=seed, planner="random")
        return [answer(problem, p.values) for p in points]

    return made
