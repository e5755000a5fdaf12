"""The definitions, held to closed forms and to runs small enough to count by hand: `pytest benchmarks/planner`."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from benchmarks.planner import limits, loop, metrics, sources
from benchmarks.planner.datasets import MAIN, load
from benchmarks.planner.record import Run


def run_of(data: str, order: list[int], finished: bool = False, until: str = "all", seed: int = 0) -> Run:
    return Run("single", data, "somebody", seed, 2, order, [], 1, finished, "", until)


@pytest.mark.parametrize(
    ("data", "recipes", "top_1", "top_5"),
    [("agnp", 164, 2, 9), ("p3ht", 178, 2, 9), ("crossed-barrel", 600, 6, 30), ("autoam", 100, 2, 5)],
)
def test_pools_have_the_recipes_that_their_papers_state(data: str, recipes: int, top_1: int, top_5: int) -> None:
    """Counts of unique recipes: Liang et al. 2021, table 1."""
    pool = load(data)
    assert (len(pool), len(pool.top(0.01)), len(pool.top(0.05))) == (recipes, top_1, top_5)


@pytest.mark.parametrize(("data", "expected"), [("agnp", 55), ("p3ht", 60), ("crossed-barrel", 86), ("autoam", 34)])
def test_the_expectation_of_random_search_is_that_of_the_negative_hypergeometric(data: str, expected: int) -> None:
    assert round(metrics.TOP_1.expected_random(load(data))) == expected


@pytest.mark.parametrize(("rows", "top"), [(30, 2), (214, 3), (600, 6)])
def test_the_first_of_the_top_takes_as_many_draws_as_the_negative_hypergeometric_says(rows: int, top: int) -> None:
    others_before = float(scipy.stats.nhypergeom(rows, rows - top, 1).mean())
    assert math.isclose(metrics.expected_first(rows, top, rows), others_before + 1, rel_tol=1e-9)


def test_the_first_of_the_top_and_the_best_of_few_draws_are_those_of_every_permutation() -> None:
    values, known = np.array([0.0, 1.0, 2.0, 5.0, 9.0]), 1.5
    every = list(itertools.permutations(range(5)))
    first = [min(min(p.index(3), p.index(4)) + 1, 3) for p in every]
    best = [max(known, *(values[i] for i in p[:2])) for p in every]
    assert math.isclose(metrics.expected_first(5, 2, 3), float(np.mean(first)))
    assert math.isclose(metrics.expected_best(values, 2, known), float(np.mean(best)))
    assert metrics.expected_best(values, 0, known) == known


def test_random_search_takes_as_long_as_its_expectation_says() -> None:
    pool = load("autoam")
    rng = np.random.default_rng(1)
    counts = [metrics.MOST.reached(run_of("autoam", rng.permutation(100).tolist()), pool) for _ in range(2000)]
    assert math.isclose(float(np.mean([c for c in counts if c])), metrics.MOST.expected_random(pool), rel_tol=0.02)


def test_a_goal_is_reached_at_the_measurement_that_completes_it() -> None:
    pool = load("autoam")
    best = sorted(pool.top(0.05))
    others = [i for i in range(100) if i not in pool.top(0.05)]
    run = run_of("autoam", [others[0], best[0], others[1], *best[1:4], best[4]])
    assert metrics.TOP_5.reached(run, pool) == 2
    assert metrics.MOST.reached(run, pool) == 6
    assert metrics.MOST.reached(run_of("autoam", others), pool) is None


def test_a_pair_is_compared_at_the_shorter_horizon() -> None:
    pool = load("autoam")
    top = next(iter(pool.top(0.01)))
    others = [i for i in range(100) if i not in pool.top(0.01)]
    late, never = run_of("autoam", [*others[:79], top]), run_of("autoam", others[:60])
    found = metrics.difference([late], [never], metrics.TOP_1)
    assert found is not None
    assert found.mean == 0.0
    early = metrics.difference([run_of("autoam", [others[0], top])], [never], metrics.TOP_1)
    assert early is not None
    assert early.mean == 58.0


def test_runs_without_a_partner_make_no_pair() -> None:
    one, other = run_of("autoam", [0], seed=1), run_of("autoam", [0], seed=2)
    assert metrics.difference([one], [other], metrics.TOP_1) is None


def test_a_run_ended_early_on_purpose_counts_for_the_first_only() -> None:
    run = run_of("autoam", [0], until="first")
    assert metrics.usable([run], metrics.TOP_1) == [run]
    assert metrics.usable([run], metrics.MOST) == []


def test_enhancement_is_the_share_found_over_that_of_random_search() -> None:
    pool = load("autoam")
    best = sorted(pool.top(0.05))
    others = [i for i in range(100) if i not in pool.top(0.05)]
    run = run_of("autoam", [*others[:2], *best, *others[2:5]])
    assert metrics.enhancement([run]) == (pytest.approx(1.0 / (7 / 100)), 7)


def test_regret_goes_from_the_worst_to_nothing() -> None:
    pool = load("autoam")
    run = run_of("autoam", [int(np.argmin(pool.utility)), int(np.argmax(pool.utility))], finished=True)
    assert metrics.regret([run], 4).tolist() == [[1.0, 0.0, 0.0, 0.0]]


def test_the_starts_are_the_same_for_all_and_differ_by_seed() -> None:
    pool = load("agnp")
    assert loop.starts_of(pool, 3) == loop.starts_of(pool, 3)
    assert loop.starts_of(pool, 3) != loop.starts_of(pool, 4)


@pytest.mark.parametrize("data", MAIN)
@pytest.mark.parametrize("correlation", sources.CORRELATIONS)
def test_a_cheap_source_has_the_correlation_it_is_made_for(data: str, correlation: float) -> None:
    pool = load(data)
    found = np.corrcoef(pool.y, sources.cheap(pool, correlation, seed=2))[0, 1]
    assert math.isclose(found, correlation, abs_tol=1e-9)


def test_words_for_limits_are_counted_by_what_was_announced() -> None:
    extra = {"likely": [0.9, 0.86, None, 0.5], "kept": [True, False, True, True]}
    run = Run("limits", "alkox:bound", "yosegi", 0, 5, [], [], 1, True, "", extra=extra)
    [row] = limits.rows_of([run], "a bound", 0.85, 0.95)
    assert row == ["a bound", "0.85 to 0.95", 1, 2, "0.88", "0.50"]
