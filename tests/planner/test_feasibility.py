"""Feasibility belongs to a source, is learned from few failures, and no failure is repeated beside itself."""

from __future__ import annotations

import numpy as np
import pytest

from yosegi.planner import Objective, Observation, Parameter, Problem, Situation, Source, Status, suggest
from yosegi.planner.feasibility import Beside, Feasibility

SQUARE = (Parameter.continuous("x", 0, 1, resolution=0.01), Parameter.continuous("y", 0, 1, resolution=0.01))
PRICED = (Source("true", 20.0), Source("cheap", 1.0))


def probability(found: Feasibility | None, *points: tuple[float, float]) -> np.ndarray:
    assert found is not None
    return np.exp(found.log_probability(np.array(points)))


def asked(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 2))


@pytest.mark.parametrize("sources", [PRICED[:1], PRICED], ids=["one source", "two sources"])
def test_a_source_without_an_answer_in_part_of_the_space_loses_few_of_its_questions(sources):
    """The best lies where the costly source has no answer, and the cheap one knows of no limit: 5 of 20 at most."""
    problem, history, ended = Problem(SQUARE, (Objective("loss", noise=0.01),), sources=sources), [], []
    while len(ended) < 20:
        [p] = suggest(problem, history, seed=len(history))
        loss = (float(p.values["x"]) - 1) ** 2 + (float(p.values["y"]) - 0.5) ** 2
        if p.source == "cheap":
            history.append(Observation(p.values, {"loss": loss + 0.05}, source="cheap"))
            continue
        failed = float(p.values["x"]) > 0.6
        ended.append(failed)
        answer = {} if failed else {"loss": loss}
        status = Status.INFEASIBLE if failed else Status.DONE
        history.append(Observation(p.values, answer, source=p.source, status=status))
    assert sum(ended) <= 5


def test_answers_of_another_source_do_not_excuse_failures():
    X = np.vstack([asked(8), asked(30, seed=1)])
    own = np.arange(38) < 8
    failed = own & (X[:, 0] > 0.5)
    found = Feasibility.of(X, failed, np.arange(2), own)
    assert probability(found, (0.9, 0.5))[0] < 0.3
    alone = Feasibility.of(X[own], failed[own], np.arange(2))
    np.testing.assert_allclose(probability(found, (0.9, 0.5), (0.2, 0.2)), probability(alone, (0.9, 0.5), (0.2, 0.2)))


def test_failures_of_another_source_are_heeded_by_one_that_was_not_asked_yet_and_not_where_it_has_answers():
    X = asked(30)
    failed = X[:, 0] > 0.5
    nobody, everywhere = np.zeros(30, dtype=bool), np.arange(60) >= 30
    low, high = probability(Feasibility.of(X, failed, np.arange(2), nobody), (0.9, 0.5), (0.1, 0.5))
    assert low < 0.6 < high
    both = np.vstack([X, asked(30, seed=2)])
    assert Feasibility.of(both, np.r_[failed, nobody], np.arange(2), everywhere) is None


def test_neighbours_of_a_failure_are_not_asked_unless_an_answer_is_as_near():
    problem = Problem(SQUARE, (Objective("loss"),))
    history = [
        Observation({"x": 0.6, "y": 0.5}, {"loss": 1.0}),
        Observation({"x": 0.62, "y": 0.5}, status=Status.INFEASIBLE),
        Observation({"x": 0.2, "y": 0.2}, status=Status.REFUSED),
    ]
    found = Beside.of(Situation.of(problem, history), 0)
    assert found is not None
    points = {(0.61, 0.5): False, (0.61, 0.51): False, (0.63, 0.5): True, (0.63, 0.51): True, (0.62, 0.51): True,
              (0.64, 0.5): False, (0.21, 0.19): True, (0.2, 0.23): False}  # fmt: skip
    assert dict(zip(points, found.holds(np.array(list(points))).tolist(), strict=True)) == points


def test_a_step_on_a_log_scale_is_longer_where_values_are_small():
    grid = (Parameter.continuous("c", 0.1, 10, log=True, resolution=0.1), Parameter.integer("n", 1, 5))
    space = Situation.of(Problem(grid), []).space
    steps = space.steps(np.array([[0.0, 0.5], [1.0, 0.5]]))
    np.testing.assert_allclose(steps[:, 0], [np.log(2) / np.log(100), np.log(10.1 / 10) / np.log(100)])
    np.testing.assert_allclose(steps[:, 1], 0.25)


@pytest.mark.parametrize(
    ("ended", "again"),
    [
        ([Status.WITHDRAWN], True),
        ([Status.WITHDRAWN] * 2, False),
        ([Status.REFUSED], False),
        ([Status.TRANSIENT], True),
    ],
)
def test_what_a_source_refused_is_not_asked_of_it_again(ended: list[Status], again: bool, table, measure):
    history = measure(table, 10)
    [best] = suggest(table, history)
    [next_] = suggest(table, [*history, *(Observation(best.values, status=s) for s in ended)])
    assert (next_.candidate == best.candidate) is again


def test_a_point_that_one_source_could_not_answer_may_be_asked_of_another():
    problem = Problem(SQUARE, (Objective("loss"),), sources=PRICED)
    failed = Observation({"x": 0.5, "y": 0.5}, source="cheap", status=Status.INFEASIBLE)
    situation = Situation.of(problem, [failed])
    assert (len(situation.taken(0)), len(situation.taken(1))) == (0, 1)
