"""Each rule stops when it says, and says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from yosegi.planner import (
    Cost,
    Objective,
    Observation,
    Parameter,
    Problem,
    Source,
    Status,
    Stop,
    best_loss,
    cost_so_far,
    should_stop,
    suggest,
)

X = (Parameter.continuous("x", 0, 1, resolution=0.01),)


def problem(goal: str = "minimise", **rules: float) -> Problem:
    target = 5.0 if goal == "target" else None
    return Problem(X, (Objective("y", goal, target=target),), stop=Stop(**rules), starts=2)  # type: ignore[arg-type]


def history(*values: float) -> list[Observation]:
    return [Observation({"x": 0.1 * i}, {"y": v}) for i, v in enumerate(values)]


@pytest.mark.parametrize(
    ("goal", "target", "before", "after"),
    [("minimise", 1.0, 1.1, 0.9), ("maximise", 1.0, 0.9, 1.1), ("target", 0.5, 4.4, 4.6)],
)
def test_a_target_reached_stops(goal, target, before, after):
    assert should_stop(problem(goal, target=target), history(before)) is None
    stopping = should_stop(problem(goal, target=target), history(before, after))
    assert stopping is not None
    assert stopping.rule == "target"


def test_trials_stop_and_failures_do_not_count():
    rules = problem(trials=2)
    failed = Observation({"x": 0.9}, status=Status.TRANSIENT)
    assert should_stop(rules, [*history(1.0), failed]) is None
    assert should_stop(rules, history(1.0, 2.0)).reason == "2 measurements of 2 are done"


def test_a_budget_counts_recorded_costs_else_stated_ones():
    priced = replace(problem(budget=4.0), sources=(Source("", Cost(1.0, {"x": 10.0})), Source("model", 0.5)))
    done = [
        Observation({"x": 0.1}, {"y": 1.0}),
        Observation({"x": 0.2}, {"y": 1.0}, cost=0.25),
        Observation({"x": 0.2}, {"y": 1.0}, source="model"),
        Observation({"x": 0.3}, status=Status.WITHDRAWN),
    ]
    assert cost_so_far(priced, done) == pytest.approx(2.0 + 0.25 + 0.5)
    assert should_stop(priced, done) is None
    assert should_stop(priced, [*done, replace(done[0], cost=1.5)]).rule == "budget"


def test_little_gain_for_cost_stops_and_nothing_left_does():
    flat = problem(least_gain=1e-3)
    done = history(*[1.0 + 1e-9 * i for i in range(10)])
    assert should_stop(flat, done, suggest(flat, done)).rule == "gain"
    steep = history(1.0, 0.5, 0.2)
    assert should_stop(flat, steep, suggest(flat, steep)) is None
    assert should_stop(flat, done, []).rule == "exhausted"


def test_the_best_is_of_the_first_source():
    two = replace(problem(), sources=(Source("lab"), Source("model", 0.1)))
    done = [Observation({"x": 0.1}, {"y": 1.0}, source="lab"), Observation({"x": 0.1}, {"y": 0.1}, source="model")]
    assert best_loss(two, done) == 1.0
