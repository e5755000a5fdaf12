"""Points of an open space keep bounds, constraints and resolution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from yosegi.planner import Linear, NoFeasiblePoint, Parameter, simplex
from yosegi.planner.region import Region
from yosegi.planner.space import Space, match


def region(parameters: list[Parameter], *constraints: Linear) -> Region:
    return Region(Space(tuple(parameters)), constraints)


def test_volumes_that_sum_to_a_total_do_so_on_the_pipette_s_resolution():
    drops = region([Parameter.continuous(n, 0, 150, unit="uL", resolution=0.5) for n in "abcd"], simplex("abcd", 150))
    rows = drops.draw(200, seed=1)
    assert len(rows) > 150
    assert np.all(np.abs(rows.sum(axis=1) - 150) < 1e-9)
    np.testing.assert_allclose(np.round(rows / 0.5), rows / 0.5, atol=1e-9)
    assert rows.min() >= 0


def test_points_of_a_simplex_are_uniform():
    """A coordinate of a uniform point of the simplex of d parts is Beta(1, d - 1) (Devroye 1986, chapter V)."""
    parts = region([Parameter.continuous(n, 0, 1) for n in "abcd"], simplex("abcd"))
    rows = parts.draw(512, seed=3)
    for column in rows.T:
        assert kstest(column, "beta", args=(1, 3)).pvalue > 1e-3


def test_a_coarse_grid_that_greedy_steps_do_not_reach_is_reached_by_integer_programming():
    odd = region(
        [Parameter.continuous("a", 0, 30, resolution=7), Parameter.continuous("b", 0, 30, resolution=5)],
        Linear({"a": 1, "b": 1}, equals=29),
    )
    assert odd.draw(8, seed=0).tolist() == [[14.0, 15.0]]


def test_a_region_without_a_point_says_which_constraints():
    with pytest.raises(NoFeasiblePoint, match="a \\+ b = 5"):
        region([Parameter.continuous(n, 0, 1) for n in "ab"], simplex("ab", 5)).draw(4, seed=0)
    with pytest.raises(NoFeasiblePoint):
        region([Parameter.continuous(n, 0, 9, resolution=2) for n in "ab"], simplex("ab", 7)).draw(4, seed=0)


@pytest.mark.timeout(300)
@settings(max_examples=25, deadline=None)
@given(
    widths=st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=5),
    shares=st.lists(st.floats(0.2, 3), min_size=5, max_size=5),
    steps=st.lists(st.sampled_from([None, 0.01, 0.1]), min_size=5, max_size=5),
    kind=st.sampled_from(["equal", "most", "range"]),
    seed=st.integers(0, 99),
)
def test_constraints_always_hold(widths, shares, steps, kind, seed):
    parameters = [
        Parameter.continuous(f"x{i}", 0, w, resolution=None if s is None else s * w)
        for i, (w, s) in enumerate(zip(widths, steps, strict=False))
    ]
    coefficients = {p.name: c / float(p.high or 1) for p, c in zip(parameters, shares, strict=False)}
    total = sum(shares[: len(parameters)]) / 2
    linear = {
        "equal": Linear(coefficients, equals=total),
        "most": Linear(coefficients, at_most=total),
        "range": Linear(coefficients, at_least=0.8 * total, at_most=1.2 * total),
    }[kind]
    try:
        found = region(parameters, linear)
        rows = found.draw(16, seed)
    except NoFeasiblePoint:
        assert kind != "most"  # a grid may miss an equation, but an upper bound leaves the origin
        return
    near = found.near(rows, 0.1, 3, seed)
    for row in np.vstack([rows, near]):
        values = found.space.values(row)
        assert linear.holds(values)
        for p in parameters:
            assert float(p.low or 0) <= float(values[p.name]) <= float(p.high or 0)
            if p.resolution:
                steps_taken = float(values[p.name]) / p.resolution
                assert steps_taken == pytest.approx(round(steps_taken), abs=1e-6)


def test_moves_stay_near_and_differ():
    box = region([Parameter.continuous(n, 0, 1) for n in "abc"])
    near = box.near(np.full((1, 3), 0.5), 0.01, 50, seed=0)
    assert len(near) > 40
    assert np.abs(near - 0.5).max() < 0.06


def test_log_parameters_are_drawn_by_ratio():
    rows = region([Parameter.continuous("c", 1e-4, 1, log=True)]).draw(256, seed=0)
    assert np.mean(rows < 1e-2) == pytest.approx(0.5, abs=0.02)


def test_matching_finds_the_same_points_and_only_those():
    rng = np.random.default_rng(0)
    grid = rng.integers(0, 4, (500, 3)) / 3
    found = match(grid, grid[[7]] + 1e-13)[0]
    np.testing.assert_array_equal(found, np.flatnonzero(np.all(grid == grid[7], axis=1)))


ALONG = {
    "one equation": [Linear({"a": 1, "b": 1}, equals=10)],
    "two inequalities": [Linear({"a": 1, "b": 1}, at_least=10), Linear({"a": 1, "b": 1}, at_most=10)],
    "a difference each way": [Linear({"a": 1, "b": -1}, at_most=0), Linear({"a": -1, "b": 1}, at_most=0)],
    "a band of 0.1": [Linear({"a": 1, "b": 1}, at_least=9.95, at_most=10.05)],
    "a band of 2e-4": [Linear({"a": 1, "b": 1}, at_least=9.9999, at_most=10.0001)],
    "a band of 2e-7": [Linear({"a": 1, "b": 1}, at_least=9.9999999, at_most=10.0000001)],
}


@pytest.mark.parametrize("kind", ALONG)
def test_a_region_that_is_a_line_or_nearly_one_is_covered_along_it(kind: str):
    """In each a parameter is uniform but for the ends of a band, which weigh less than the test can tell."""
    found = region([Parameter.continuous(n, 0, 10) for n in "ab"], *ALONG[kind])
    rows = found.draw(256, seed=2)
    assert len(rows) > 250
    assert found.holds(rows).all()
    assert kstest(rows[:, 0] / 10, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("width", [2.0, 0.02, 2e-5])
def test_a_mixture_whose_total_has_a_tolerance_is_drawn_as_one_without(width: float):
    """Beta(1, d - 1) as in the exact simplex; the tolerance moves it by less than the test can tell."""
    total = Linear(dict.fromkeys("abcde", 1.0), at_least=100 - width / 2, at_most=100 + width / 2)
    rows = region([Parameter.continuous(n, 0, 100) for n in "abcde"], total).draw(512, seed=3)
    for column in rows.T:
        assert kstest(column / 100, "beta", args=(1, 4)).pvalue > 1e-3


def test_inequalities_that_leave_one_point_give_that_point():
    corner = region(
        [Parameter.continuous(n, 0, 10) for n in "ab"],
        Linear({"a": 1, "b": -1}, at_least=5),
        Linear({"a": 1}, at_most=5),
    )
    np.testing.assert_allclose(corner.draw(16, seed=0), [[5.0, 0.0]], atol=1e-6)
