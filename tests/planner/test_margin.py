"""The process of a margin to a bound; expected values by conditioning a normal distribution as textbooks do."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from yosegi.planner.gp import JITTER
from yosegi.planner.margin import LENGTH, Margin

REACH, NOISE = 0.06, 0.03


def matern(distance: float) -> float:
    """Rasmussen & Williams 2006, eq. 4.17, at a distance in length scales."""
    r = math.sqrt(5.0) * distance
    return (1.0 + r + r * r / 3.0) * math.exp(-r)


def conditioned(X: np.ndarray, y: np.ndarray, at: np.ndarray, noise: float, spread: float) -> tuple[float, float]:
    """Mean and variance at a point given measurements, in `spread`s: Rasmussen & Williams 2006, eq. 2.25 and 2.26."""
    length = LENGTH * REACH
    K = np.array([[matern(float(np.linalg.norm(a - b)) / length) for b in X] for a in X])
    K += np.eye(len(X)) * ((noise / spread) ** 2 + JITTER)
    k = np.array([matern(float(np.linalg.norm(a - at)) / length) for a in X])
    return float(k @ np.linalg.solve(K, y / spread)), float(1.0 - k @ np.linalg.solve(K, k))


def few() -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(5).uniform(-REACH, REACH, (6, 2))
    return X, 1.5 - 4.0 * X[:, 0] + 30.0 * X[:, 1] ** 2


def test_the_probability_is_that_of_the_process_given_the_measurements():
    X, margin = few()
    found = Margin.of(X, margin, NOISE, REACH, 0.98)
    P = np.array([[0.0, 0.0], [0.08, -0.02], [0.3, 0.3]])
    for at, log_kept in zip(P, found.log_kept(P), strict=True):
        mean, variance = conditioned(X, margin, at, NOISE, float(margin.max()))
        assert math.exp(log_kept) == pytest.approx(NormalDist().cdf(mean / (found.wider * math.sqrt(variance))), 1e-3)


def test_what_is_far_from_all_measurements_is_as_likely_beyond_the_bound_as_within():
    X, margin = few()
    assert np.exp(Margin.of(X, margin, NOISE, REACH, 0.98).log_kept(np.array([[5.0, 5.0]]))) == pytest.approx([0.5])


def test_from_one_measurement_a_step_of_about_one_reach_is_sure_enough():
    found = Margin.of(np.zeros((1, 2)), np.array([1.4]), 0.0, REACH, 0.98)
    # The probability is 0.98 where k / sqrt(1 - k²) is the normal quantile.
    way = np.linspace(0.0, 2.0 * REACH, 2001)
    z = NormalDist().inv_cdf(0.98)
    k = np.array([matern(one / (LENGTH * REACH)) for one in way])
    edge = way[np.flatnonzero(k >= z * np.sqrt(1.0 - k**2)).max()]
    sure = np.exp(found.log_kept(np.c_[way, np.zeros(len(way))])) >= 0.98
    assert way[np.flatnonzero(sure).max()] == pytest.approx(edge, abs=1e-3)
    assert 0.9 * REACH < edge < 1.2 * REACH


def test_a_measurement_that_the_others_did_not_foresee_makes_it_less_sure():
    X, margin = few()
    rough = margin.copy()
    rough[2] = -1.0
    found = Margin.of(X, rough, NOISE, REACH, 0.98)
    others = np.arange(len(X)) != 2
    # That one left out and foretold by the others, step by step.
    mean, variance = conditioned(X[others], rough[others], X[2], NOISE, float(rough.max()))
    missed = abs(rough[2] / rough.max() - mean) / math.sqrt(variance + (NOISE / rough.max()) ** 2 + JITTER)
    assert found.wider >= missed / NormalDist().inv_cdf(0.98) - 1e-6
    assert found.wider > Margin.of(X, margin, NOISE, REACH, 0.98).wider


def test_nothing_measured_within_the_bound_leaves_a_proper_process():
    found = Margin.of(np.zeros((2, 1)), np.array([-3.0, -3.0]), 0.0, REACH, 0.98)
    assert np.exp(found.log_kept(np.zeros((1, 1))))[0] < 0.5
