"""What is told of a model is what a known function would have it say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from yosegi.planner import Objective, Observation, Parameter, Problem
from yosegi.planner.learned import learned, random_search

PROBLEM = Problem((Parameter.continuous("x", 0, 1), Parameter.continuous("idle", 0, 1)), (Objective("y", "maximise"),))


def history(count: int = 24) -> list[Observation]:
    points = scipy.stats.qmc.Sobol(2, seed=1).random(count + 8)[:count]
    return [Observation({"x": float(x), "idle": float(z)}, {"y": float(-((x - 0.3) ** 2))}) for x, z in points]


@pytest.mark.filterwarnings("ignore:The balance properties")
def test_a_parameter_that_does_nothing_has_no_importance_and_the_slice_follows_the_function() -> None:
    (found,) = learned(PROBLEM, history(), {"x": 0.3, "idle": 0.5}, seed=1)
    x, idle = found.slices
    assert x.importance > 0.9
    assert idle.importance < 0.1
    truth = -((np.array(x.at, dtype=float) - 0.3) ** 2)
    assert np.max(np.abs(np.array(x.mean) - truth)) < 0.05
    assert found.r_squared > 0.95
    assert found.best is not None
    assert found.best[0] == pytest.approx(0.0, abs=0.02)
    assert len(found.parity) == 24


@pytest.mark.filterwarnings("ignore:The balance properties")
def test_a_random_search_takes_as_long_as_the_share_of_the_space_that_is_as_good() -> None:
    # |x - 0.3| <= 0.1 is a fifth of the space: five random points on average, geometric.
    found = random_search(PROBLEM, history(), -0.01, seed=1)
    assert found is not None
    assert found.expected == pytest.approx(5.0, rel=0.3)
    assert found.low == 1.0
    assert found.high == pytest.approx(math.log(0.05) / math.log(0.8), abs=5)


def test_too_little_is_said_to_be_too_little() -> None:
    few = [Observation({"x": x, "idle": 0.5}, {"y": x}) for x in (0.1, 0.5, 0.9)]
    assert learned(PROBLEM, few, None, seed=1) == []
    assert random_search(PROBLEM, few, 0.9, seed=1) is None
