"""Acquisition functions against closed forms at high precision (mpmath) and against sampling."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy.stats import norm

from yosegi.planner.acquisition import (
    entropy,
    expected_hypervolume_improvement,
    hypervolume,
    log_between,
    log_expected_improvement,
    log_h,
    log_target_improvement,
    pareto,
)


@pytest.mark.parametrize("z", [8.0, 1.0, 0.0, -0.5, -1.0, -3.0, -12.0, -40.0, -300.0, -9e3, -2e4, -1e6])
def test_log_h_agrees_with_eighty_digits(z: float):
    with mpmath.workdps(80):
        u = mpmath.mpf(z)
        if z > -1000:
            exact = mpmath.log(mpmath.npdf(u) + u * mpmath.erfc(-u / mpmath.sqrt(2)) / 2)
        else:  # the asymptotic series of the Mills ratio, Abramowitz & Stegun 7.1.23
            exact = -u * u / 2 - mpmath.log(2 * mpmath.pi) / 2 + mpmath.log(1 / u**2 - 3 / u**4)
    assert log_h(np.array([z]))[0] == pytest.approx(float(exact), rel=1e-9)


def test_expected_improvement_is_the_published_closed_form():
    """Jones, Schonlau & Welch 1998, eq. 15."""
    mean, sd, best = np.array([1.0, 2.0, 3.0]), np.array([0.5, 1.0, 2.0]), 1.8
    z = (best - mean) / sd
    expected = (best - mean) * norm.cdf(z) + sd * norm.pdf(z)
    np.testing.assert_allclose(np.exp(log_expected_improvement(mean, sd, best)), expected, rtol=1e-12)


@pytest.mark.parametrize(("mean", "sd", "target", "best"), [(1, 0.5, 0.2, 0.4), (0, 2, 0.5, 0.3), (0.5, 0.01, 0.5, 1)])
def test_target_improvement_is_the_integral(mean: float, sd: float, target: float, best: float):
    exact = mpmath.quad(
        lambda y: (best - abs(y - target)) * mpmath.npdf(y, mean, sd), [target - best, target, target + best]
    )
    found = log_target_improvement(np.array([float(mean)]), np.array([float(sd)]), target, best)
    assert np.exp(found[0]) == pytest.approx(float(exact), rel=1e-6)


def test_target_improvement_is_finite_and_ordered_far_away():
    found = log_target_improvement(np.array([5.0, 50.0, 5e3]), np.full(3, 0.1), 0.0, 0.5)
    assert np.all(np.isfinite(found))
    assert np.all(np.diff(found) < 0)


def test_probability_between_bounds_is_accurate_in_both_tails():
    mean, sd = np.array([0.0, 3.0, -3.0, 12.0]), np.ones(4)
    expected = [float(mpmath.log(mpmath.ncdf(1 - m) - mpmath.ncdf(-1 - m))) for m in (0, 3, -3, 12)]
    np.testing.assert_allclose(log_between(mean, sd, -1, 1), expected, rtol=1e-9)
    np.testing.assert_allclose(log_between(mean, sd, None, 1), norm.logcdf(1 - mean), rtol=1e-12)
    np.testing.assert_allclose(log_between(mean, sd, 1, None), norm.logsf(1 - mean), rtol=1e-12)


def test_entropy_of_even_odds_is_the_logarithm_of_their_number():
    assert entropy(np.full((1, 4), 0.25))[0] == pytest.approx(np.log(4))
    assert entropy(np.array([[1.0, 0.0]]))[0] == 0


def test_the_front_is_what_nothing_dominates():
    losses = np.array([[1, 4], [2, 2], [4, 1], [3, 3], [2, 2]], dtype=float)
    assert pareto(losses).tolist() == [[1, 4], [2, 2], [4, 1]]


def test_hypervolume_of_steps_and_boxes_by_hand():
    assert hypervolume(np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([4.0, 4.0])) == pytest.approx(3 * 1 + 2 * 2)
    assert hypervolume(np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]), np.full(3, 2.0)) == pytest.approx(4 * 1 + 1 * 1)
    assert hypervolume(np.array([[5.0, 5.0]]), np.array([4.0, 4.0])) == 0


@pytest.mark.parametrize("objectives", [2, 3])
def test_expected_hypervolume_improvement_is_the_mean_of_samples(objectives: int):
    rng = np.random.default_rng(0)
    front, reference = rng.random((7, objectives)), np.full(objectives, 1.1)
    mean, sd = rng.random((3, objectives)), 0.2 + 0.2 * rng.random((3, objectives))
    found = expected_hypervolume_improvement(mean, sd, front, reference)
    before = hypervolume(front, reference)
    for i in range(3):
        draws = mean[i] + sd[i] * rng.normal(size=(2000, objectives))
        gains = np.array([hypervolume(np.vstack([front, y]), reference) - before for y in draws])
        assert found[i] == pytest.approx(gains.mean(), abs=4 * gains.std() / np.sqrt(2000))


def test_improvement_on_an_empty_front_is_a_product_of_single_improvements():
    mean, sd, reference = np.array([[0.2, 0.5]]), np.array([[0.3, 0.1]]), np.array([1.0, 1.0])
    found = expected_hypervolume_improvement(mean, sd, np.empty((0, 2)), reference)
    singles = [np.exp(log_expected_improvement(mean[:, j], sd[:, j], 1.0)) for j in range(2)]
    np.testing.assert_allclose(found, singles[0] * singles[1], rtol=1e-9)
