from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest

from yosegi.cli import _retrospect
from yosegi.cli._retrospect import Found, retrospect
from yosegi.planner import Candidates, Objective, Observation, Problem, Status


def problem(rows: int) -> Problem:
    candidates = Candidates.of({"x": [float(i) for i in range(rows)]})
    return Problem(candidates.parameters(), (Objective("y", "maximise"),), candidates=candidates)


def measured(values: list[float | None]) -> list[Observation]:
    return [
        Observation({"x": float(i)}, status=Status.INFEASIBLE) if v is None else Observation({"x": float(i)}, {"y": v})
        for i, v in enumerate(values)
    ]


def test_ties_with_the_best_are_all_the_best() -> None:
    values: list[float | None] = [0.0] * 20 + [1.0] * 10
    [found] = retrospect(problem(30), measured(values), range(2), shares=(0.01,))
    assert found.recipes == 10
    assert found.expected_random == 31 / 11


def test_failures_are_never_the_best() -> None:
    values: list[float | None] = [float(i) for i in range(20)] + [None] * 10
    [found] = retrospect(problem(30), measured(values), range(1), shares=(0.5,))
    assert found.recipes == 15


def test_where_all_are_alike_the_first_is_found_at_once() -> None:
    [found] = retrospect(problem(30), measured([2.0] * 30), range(3), shares=(0.01,))
    assert (found.counts, found.saved) == ((1, 1, 1), 0.0)


def test_a_hopeless_repetition_is_given_up_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two needles in a flat table, of which the planner can know nothing."""
    monkeypatch.setattr(_retrospect, "PATIENCE", 0.5)
    values: list[float | None] = [0.0] * 60
    values[30] = values[32] = 1.0
    made: list[int] = []
    [found] = retrospect(problem(60), measured(values), range(1), shares=(0.01,), tell=made.append)
    assert made[-1] == math.ceil(0.5 * 61 / 3)
    assert (found.counts, found.given_up) == ((made[-1],), 1)


def test_of_many_kinds_in_a_few_columns_the_best_is_found_before_random_search_would() -> None:
    """44 kinds in four columns, as in a table of couplings: what each adds, and a little that only pairs do.

    The expected number of random search is (N + 1) / (K + 1), that of drawing without replacement.
    """
    draw = np.random.default_rng(7)
    columns = {name: [f"{name}{n}" for n in range(count)] for name, count in zip("hbla", (15, 3, 4, 22), strict=True)}
    adds = {level: float(draw.normal()) for levels in columns.values() for level in levels}
    rows = [row for row in itertools.product(*columns.values()) if draw.random() < 0.2]
    values = [sum(adds[level] for level in row) + 0.3 * float(draw.normal()) for row in rows]
    candidates = Candidates.of({name: [row[i] for row in rows] for i, name in enumerate(columns)})
    history = [
        Observation(dict(zip(columns, row, strict=True)), {"y": value}) for row, value in zip(rows, values, strict=True)
    ]
    many = Problem(candidates.parameters(), (Objective("y", "maximise"),), candidates=candidates)
    [found] = retrospect(many, history, range(3), shares=(0.01,))
    assert len(adds) == 44
    assert found.given_up == 0
    assert max(found.counts) < found.expected_random


def test_an_interruption_keeps_the_repetitions_that_are_done() -> None:
    def two() -> Iterator[int]:
        yield from range(2)
        raise KeyboardInterrupt

    [found] = retrospect(problem(20), measured([float(i) for i in range(20)]), two(), shares=(0.01,))
    assert len(found.counts) == 2


def test_an_interruption_of_the_first_repetition_ends_it() -> None:
    def none() -> Iterator[int]:
        raise KeyboardInterrupt
        yield 0

    with pytest.raises(KeyboardInterrupt):
        retrospect(problem(20), measured([float(i) for i in range(20)]), none())


def test_the_interval_is_students() -> None:
    """t(0.975) of 3 degrees of freedom is 3.182 (any table of Student's distribution)."""
    found = Found(0.01, 2, 99, (10, 12, 14, 16))
    half = 3.182 * math.sqrt(20 / 3) / 2
    assert found.interval == pytest.approx((found.saved - half, found.saved + half), rel=1e-3)
