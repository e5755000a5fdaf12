"""A cautious search asks nothing that it does not believe to keep the bounds, and begins where they are known to."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yosegi.planner import BadProblem, Caution, Objective, Observation, OutcomeConstraint, Parameter, Problem, suggest

PARAMETERS = (Parameter.continuous("x", -1, 1, resolution=0.01), Parameter.continuous("y", -1, 1, resolution=0.01))
BEGIN = {"x": 0.0, "y": 0.0}


def problem(**changed) -> Problem:
    caution = Caution((BEGIN,), **({"probability": 0.98, "reach": 0.2} | changed))
    return Problem(
        PARAMETERS,
        (Objective("cost", "minimise"),),
        outcome_constraints=(OutcomeConstraint("loss", at_most=1.0),),
        caution=caution,
    )


def world(values) -> dict[str, float]:
    """The best point, (0.9, 0.9), is forbidden: the loss passes 1 on the circle of radius 0.8 about the beginning."""
    x, y = float(values["x"]), float(values["y"])
    return {"cost": (x - 0.9) ** 2 + (y - 0.9) ** 2, "loss": (x * x + y * y) / 0.64}


def search(asked: Problem, shots: int, seed: int) -> list[Observation]:
    history: list[Observation] = []
    for number in range(shots):
        [one] = suggest(asked, history, seed=seed + number)
        history.append(Observation(one.values, world(one.values)))
    return history


def test_it_begins_at_the_known_point_with_steps_of_at_most_the_reach():
    history = search(problem(), 4, 1)
    assert history[0].values == BEGIN
    for one in history[1:]:
        # A share of the range, which is two.
        assert 0.0 < max(abs(float(v)) for v in one.values.values()) <= 0.2 * 2 + 1e-9


def test_on_a_plain_it_does_not_ask_where_the_plain_has_an_edge():
    """What was fitted to a plain is sure that all is flat; here the loss grows by e within a reach."""

    def edge(values) -> dict[str, float]:
        x = float(values["x"])
        return {"cost": -x, "loss": 0.2 + math.exp((x - 0.5) / 0.1)}

    history: list[Observation] = []
    for number in range(12):
        [one] = suggest(problem(reach=0.05), history, seed=number)
        history.append(Observation(one.values, edge(one.values)))
    assert max(one.value("loss") for one in history) <= 1.0
    assert max(float(one.values["x"]) for one in history) >= 0.2


def test_hardly_anything_beyond_the_bound_is_asked_and_the_best_within_it_is_found():
    histories = [search(problem(), 18, 100 * seed) for seed in range(3)]
    beyond = sum(one.value("loss") > 1.0 for history in histories for one in history)
    assert beyond <= 0.02 * 54 + 1  # the stated probability, and one for chance
    assert max(one.value("loss") for history in histories for one in history) <= 1.1
    # By hand: the nearest point of the circle to (0.9, 0.9) lies on the diagonal, 0.9·√2 - 0.8 away.
    for history in histories:
        best = min(one.value("cost") for one in history if one.value("loss") <= 1.0)
        assert best <= (0.9 * math.sqrt(2) - 0.8) ** 2 + 0.05


@given(st.integers(0, 50), st.floats(0.05, 0.4))
@settings(max_examples=8, deadline=None)
def test_no_step_is_longer_than_the_reach_from_a_point_that_kept_the_bounds(seed, reach):
    history = search(problem(reach=reach), 9, seed)
    for number, one in enumerate(history[1:], start=1):
        nearest = min(
            max(abs(float(one.values[n]) - float(other.values[n])) / 2 for n in ("x", "y"))
            for other in history[:number]
            if other.value("loss") <= 1.0
        )
        assert nearest <= reach + 1e-6


def test_the_best_is_measured_again_at_intervals():
    history = search(problem(again=5), 16, 1)
    for number in (5, 10, 15):
        within = [one for one in history[:number] if one.value("loss") <= 1.0]
        assert history[number].values == min(within, key=lambda one: one.value("cost")).values


def test_without_a_kept_point_it_returns_to_the_known_one():
    bad = [Observation({"x": 0.1 * n, "y": 0.0}, {"cost": 1.0, "loss": 5.0}) for n in range(6)]
    [one] = suggest(problem(), bad, seed=1)
    assert one.values == BEGIN


@pytest.mark.parametrize("wrong", [{"probability": 0.2}, {"reach": 0.0}, {"again": 1}])
def test_caution_that_means_nothing_is_refused(wrong):
    with pytest.raises(BadProblem):
        problem(**wrong)


def test_caution_needs_a_bound_and_a_known_point():
    with pytest.raises(BadProblem, match="known to keep"):
        Caution(())
    with pytest.raises(BadProblem, match="needs bounds"):
        Problem(PARAMETERS, (Objective("cost"),), caution=Caution((BEGIN,)))
