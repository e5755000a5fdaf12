"""Problems refuse what contradicts itself, and say what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from yosegi.planner import (
    BadProblem,
    Candidates,
    Linear,
    Objective,
    OutcomeConstraint,
    Parameter,
    Problem,
    Source,
    UnknownPlanner,
    simplex,
    suggest,
)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Parameter.continuous("x", 2, 1), "parameter x: has low 2 above high 1"),
        (lambda: Parameter.continuous("x", 0, 1, log=True), "parameter x: is on a log scale and reaches zero or below"),
        (lambda: Parameter.continuous("x", 0, 1, resolution=0), "parameter x: needs a resolution above zero"),
        (lambda: Parameter.categorical("x", []), "parameter x: has no levels"),
        (lambda: Parameter.categorical("x", ["a", "a"]), "parameter x: has a level twice"),
        (lambda: Linear({"x": 1}), "linear constraint: needs coefficients and a finite equals, at_least or at_most"),
        (lambda: Linear({"x": 1}, equals=1, at_most=2), "linear constraint: has both equals and at_least or at_most"),
        (lambda: Objective("y", "target"), "objective y: goal `target` and a target value go together"),
        (lambda: OutcomeConstraint("y"), "outcome constraint y: needs at_least or at_most"),
    ],
)
def test_a_part_that_contradicts_itself_is_refused_with_a_reason(make, why: str):
    with pytest.raises(BadProblem) as refused:
        make()
    assert str(refused.value).startswith(why)


def test_a_problem_refuses_names_that_stand_twice():
    x = Parameter.continuous("x", 0, 1)
    with pytest.raises(BadProblem, match="parameter x: stands twice"):
        Problem((x, x))
    with pytest.raises(BadProblem, match="source s: stands twice"):
        Problem((x,), sources=(Source("s"), Source("s")))


def test_a_problem_refuses_a_constraint_over_what_it_does_not_have():
    with pytest.raises(BadProblem, match="z is not a continuous or integer parameter"):
        Problem((Parameter.continuous("x", 0, 1),), constraints=(Linear({"x": 1, "z": 1}, at_most=1),))


def test_an_open_space_needs_bounds_and_a_table_gives_them():
    with pytest.raises(BadProblem, match="needs low and high"):
        Problem((Parameter("x"),))
    Problem((Parameter("x"),), candidates=Candidates.of([{"x": 1.0}, {"x": 2.0}]))


def test_a_boundary_stands_alone():
    with pytest.raises(BadProblem, match="stands alone"):
        Problem((Parameter.continuous("x", 0, 1),), (Objective("phase", "boundary"), Objective("y")))


def test_a_table_is_the_same_from_a_frame_from_columns_and_from_rows():
    rows = [{"theta": 30, "ink": "a"}, {"theta": 60, "ink": "b"}]
    for source in (rows, {"theta": [30, 60], "ink": ["a", "b"]}, pd.DataFrame(rows)):
        table = Candidates.of(source)
        assert [table.row(i) for i in range(len(table))] == rows
        assert [p.kind for p in table.parameters()] == ["continuous", "categorical"]


def test_a_table_takes_its_ids_from_a_column_and_refuses_repeats():
    assert Candidates.of({"id": ["p", "q"], "x": [1, 2]}, ids="id").ids.tolist() == ["p", "q"]
    with pytest.raises(BadProblem, match="an id stands on two rows"):
        Candidates.of({"id": ["p", "p"], "x": [1, 2]}, ids="id")


def test_a_table_with_a_hole_in_a_row_is_refused():
    with pytest.raises(BadProblem, match="column b: is missing from a row"):
        Candidates.of([{"a": 1, "b": 2}, {"a": 1}])


def test_constraints_are_written_as_by_hand():
    assert str(Linear({"a": 2, "b": 1}, at_least=1, at_most=3)) == "1 <= 2 a + b <= 3"
    assert str(simplex(["a", "b"])) == "a + b = 1"


def test_a_constraint_holds_to_rounding():
    assert simplex(["a", "b", "c"]).holds({"a": 0.1, "b": 0.2, "c": 0.7})
    assert not simplex(["a", "b", "c"]).holds({"a": 0.1, "b": 0.2, "c": 0.7001})


def test_an_unknown_planner_names_those_known():
    with pytest.raises(UnknownPlanner, match="no planner 'best'; known: gp, random, sobol, lhs, grid"):
        suggest(Problem((Parameter.continuous("x", 0, 1),)), [], planner="best")


def test_numbers_in_a_table_may_be_integers_of_any_width():
    table = Candidates.of({"x": np.arange(5, dtype=np.int16)})
    assert table.parameters()[0].high == 4
    assert isinstance(table.row(1)["x"], int)
