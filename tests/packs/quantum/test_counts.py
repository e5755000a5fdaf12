"""Intervals and conversions against published tables and another library."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from yosegi_packs.quantum.counts import Counts, per_cycle, per_cycle_slope, per_shot


def test_no_failure_leaves_a_one_sided_interval() -> None:
    low, high = Counts(0, 10).interval(0.95)
    # The quantile of Beta(1/2, 21/2).
    assert low == 0.0
    assert high == pytest.approx(0.217, abs=5e-4)


@pytest.mark.parametrize(("failures", "low", "high"), [(1, 0.011, 0.381), (2, 0.044, 0.503), (5, 0.224, 0.776)])
def test_jeffreys_interval_is_the_published_one(failures: int, low: float, high: float) -> None:
    # Two and five: Brown, Cai and DasGupta, Statistical Science 16, 101 (2001), table A.1, n = 10. It has a modified
    # interval for none and one; for one, these are the quantiles of Beta(3/2, 19/2).
    assert Counts(failures, 10).interval(0.95) == pytest.approx((low, high), abs=5e-4)


def test_log_moments_are_those_of_the_posterior() -> None:
    mean, spread = Counts(7, 500).log
    draws = beta(7.5, 493.5)
    assert mean == pytest.approx(draws.expect(math.log), rel=1e-6)
    second = draws.expect(lambda p: math.log(p) ** 2)
    assert spread == pytest.approx(math.sqrt(second - mean**2), rel=1e-5)


@given(st.floats(0.0, 0.49), st.integers(1, 50))
def test_error_per_cycle_inverts_error_per_shot(error: float, cycles: int) -> None:
    shot = per_shot(error, cycles)
    if shot < 0.4999:
        assert per_cycle(shot, cycles) == pytest.approx(error, rel=1e-6, abs=1e-12)


@given(st.floats(0.001, 0.4), st.integers(1, 50))
def test_slope_is_the_derivative(shot: float, cycles: int) -> None:
    step = 1e-6
    finite = (per_cycle(shot + step, cycles) - per_cycle(shot - step, cycles)) / (2 * step)
    assert per_cycle_slope(shot, cycles) == pytest.approx(finite, rel=1e-4)


@given(st.integers(0, 200), st.integers(1, 200))
def test_interval_holds_the_estimate(failures: int, more: int) -> None:
    counts = Counts(failures, failures + more)
    low, high = counts.interval()
    assert 0.0 <= low <= counts.rate <= high <= 1.0
    assert counts.standard_error > 0.0


def test_counts_add_shot_by_shot() -> None:
    assert Counts(1, 10) + Counts(2, 20) == Counts(3, 30)


def test_more_failures_than_shots_are_refused() -> None:
    with pytest.raises(ValueError, match="11 failures of 10 shots"):
        Counts(11, 10)
