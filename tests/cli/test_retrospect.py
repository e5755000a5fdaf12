from __future__ import annotations

import math
from collections.abc import Iterator

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
