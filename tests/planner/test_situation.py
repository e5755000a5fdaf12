"""A history as arrays: the same whatever the order in which its measurements ended."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from yosegi.planner import Objective, Observation, Parameter, Problem, Source, Status
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats, first_of_each

PROBLEM = Problem(
    parameters=(Parameter.continuous("a", 0, 1), Parameter.integer("b", 0, 3), Parameter.categorical("c", ["u", "v"])),
    objectives=(Objective("y"),),
    sources=(Source("cheap", 1.0), Source("costly", 5.0)),
)
FEW = st.sampled_from([0.0, 0.25, 1.0])
OBSERVATIONS = st.builds(
    lambda a, b, c, y, source, status: Observation(
        values={"a": a, "b": b, "c": c},
        outcomes={"y": y} if status is Status.DONE else {},
        source=source,
        status=status,
    ),
    FEW,
    st.integers(0, 3),
    st.sampled_from(["u", "v"]),
    st.sampled_from([1.5, 2.0, -3.0]),
    st.sampled_from(["cheap", "costly"]),
    st.sampled_from([Status.DONE, Status.INFEASIBLE]),
)


@given(st.lists(OBSERVATIONS, max_size=12), st.randoms(use_true_random=False))
def test_the_order_in_which_measurements_ended_makes_no_difference(
    history: list[Observation], chance: random.Random
) -> None:
    one = Situation.of(PROBLEM, history)
    mixed = history.copy()
    chance.shuffle(mixed)
    other = Situation.of(PROBLEM, mixed)
    np.testing.assert_array_equal(one.X, other.X)
    np.testing.assert_array_equal(one.source, other.source)
    assert [(o.status, o.outcomes) for o in one.ended] == [(o.status, o.outcomes) for o in other.ended]


@given(st.lists(OBSERVATIONS, max_size=12))
def test_rows_are_the_values_that_were_written(history: list[Observation]) -> None:
    found = Situation.of(PROBLEM, history)
    rows = found.space.rows(o.values for o in history)
    assert [dict(found.space.values(row)) for row in rows] == [dict(o.values) for o in history]


def test_a_value_that_is_missing_or_no_number_has_no_row() -> None:
    odd = [None, "text", float("nan"), float("inf"), True]
    rows = Situation.of(PROBLEM, []).space.rows([{"a": value} for value in odd] + [{}])  # type: ignore[dict-item]
    assert np.isnan(rows[:, 0]).tolist() == [True, True, True, True, False, True]


@given(arrays(np.float64, st.tuples(st.integers(0, 12), st.integers(1, 3)), elements=st.sampled_from([-1.0, 0.0, 0.5])))
def test_distinct_rows_are_those_that_numpy_finds_each_where_it_stands_first(points: Floats) -> None:
    expected = np.sort(np.unique(points, axis=0, return_index=True)[1])
    assert first_of_each(points).tolist() == expected.tolist()
