"""The Gaussian process against scikit-learn's, and gradients against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from yosegi.planner.gp import ENOUGH, JITTER, Data, Hyper, Prior, _Objective, _thinned, fit
from yosegi.planner.kernel import correlation, matern52_with_slope, scaled_distance, summed_slope
from yosegi.planner.surrogate import r_squared


def data(n: int = 30, d: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    return X, 40 + 7 * np.sin(4 * X[:, 0]) + X[:, 1] + 0.1 * rng.normal(size=n)


def reference(gp) -> GaussianProcessRegressor:
    kernel = Matern(length_scale=gp.hyper.length, nu=2.5)
    other = GaussianProcessRegressor(kernel, alpha=gp.hyper.noise[0] + JITTER, optimizer=None)
    return other.fit(gp.data.X, gp.data.y)


def test_mean_and_spread_are_those_of_scikit_learn():
    X, y = data()
    gp = fit(X, y, np.arange(3))
    P = np.random.default_rng(1).random((50, 3))
    mean, sd = gp.posterior(P)
    expected, spread = reference(gp).predict(P, return_std=True)
    np.testing.assert_allclose(mean, y.mean() + y.std() * expected, rtol=1e-9)
    np.testing.assert_allclose(sd, y.std() * spread, rtol=1e-6)


def test_a_levelled_process_is_scikit_learns_with_a_constant_of_which_nothing_is_known():
    X, y = data()
    bare = fit(X, y, np.arange(3))
    P = np.random.default_rng(1).random((50, 3)) + 1.0  # beyond the measurements, where the mean counts
    kernel = Matern(length_scale=bare.hyper.length, nu=2.5) + ConstantKernel(1e5)
    other = GaussianProcessRegressor(kernel, alpha=bare.hyper.noise[0] + JITTER, optimizer=None)
    expected = y.mean() + y.std() * other.fit(X, bare.data.y).predict(P)
    mean, sd = bare.levelled().posterior(P)
    np.testing.assert_allclose(mean, expected, rtol=1e-5)
    np.testing.assert_array_equal(sd, bare.posterior(P)[1])
    np.testing.assert_allclose(bare.levelled().outcomes, y)


def test_the_levels_of_several_sources_are_left_to_the_process():
    X, y = data()
    with pytest.raises(ValueError, match="levels"):
        fit(X, y, np.arange(3), source=np.arange(30) % 2, sources=2).levelled()


def test_the_likelihood_is_that_of_scikit_learn():
    X, y = data()
    gp = fit(X, y, np.arange(3))
    flat = Prior(length_sd=1e9, noise_sd=1e9)
    value, _ = _Objective(gp.data, flat)(np.log(np.r_[gp.hyper.length, gp.hyper.noise]))
    expected = reference(gp).log_marginal_likelihood_value_
    assert -value - len(y) / 2 * np.log(2 * np.pi) == pytest.approx(expected, rel=1e-9)


def test_single_precision_agrees_to_four_digits():
    X, y = data(80)
    gp = fit(X, y, np.arange(3))
    P = np.random.default_rng(1).random((200, 3))
    for single, double in zip(gp.posterior(P.astype(np.float32)), gp.posterior(P), strict=True):
        np.testing.assert_allclose(single, double, atol=2e-3 * y.std())


def test_leaving_one_out_is_fitting_without_it():
    X, y = data(12)
    gp = fit(X, y, np.arange(3))
    mean, sd = gp.leave_one_out()
    others = np.arange(12) != 4
    bare = GaussianProcessRegressor(
        Matern(length_scale=gp.hyper.length, nu=2.5), alpha=gp.hyper.noise[0] + JITTER, optimizer=None
    ).fit(X[others], gp.data.y[others])
    expected, spread = bare.predict(X[[4]], return_std=True)
    assert mean[4] == pytest.approx(y.mean() + y.std() * expected[0], rel=1e-9)
    assert sd[4] == pytest.approx(y.std() * np.sqrt(spread[0] ** 2 + gp.hyper.noise[0] + JITTER), rel=1e-6)


def test_conditioning_is_fitting_with_more_points():
    X, y = data(20)
    gp = fit(X, y, np.arange(3))
    more = gp.condition(np.array([[0.1, 0.2, 0.3]]), np.array([41.0]))
    kernel = Matern(length_scale=gp.hyper.length, nu=2.5)
    bare = GaussianProcessRegressor(kernel, alpha=gp.hyper.noise[0] + JITTER, optimizer=None)
    bare.fit(np.vstack([X, [[0.1, 0.2, 0.3]]]), np.r_[y, 41.0] - y.mean())
    P = np.random.default_rng(1).random((9, 3))
    np.testing.assert_allclose(more.posterior(P)[0], y.mean() + bare.predict(P), rtol=1e-9)


@pytest.mark.parametrize("additive", [0.0, 0.3])
@pytest.mark.parametrize("sources", [1, 3])
def test_the_gradient_is_that_of_finite_differences(sources: int, additive: float):
    rng = np.random.default_rng(0)
    source, fixed = rng.integers(0, sources, 25), np.full(sources, np.nan)
    fixed[sources // 2] = 0.05 if sources > 1 else np.nan
    groups = np.array([0, 1, 2, 2, 3])
    given = Data(rng.random((25, 5)), rng.normal(size=25), source, rng.random(25) * 0.1, groups, fixed, additive)
    objective = _Objective(given, Prior(length_sd=0.4, common_sd=1.0))
    at = 0.5 * rng.normal(size=4 + sources + sources - 1)
    numeric = approx_fprime(at, lambda t: objective(t)[0], 1e-6)
    np.testing.assert_allclose(objective(at)[1], numeric, atol=2e-4)


def test_the_prior_of_length_scales_is_normal_with_a_common_part():
    prior = Prior(length_mean=0.2, length_sd=0.4, common_sd=1.0)
    nothing = Data(np.empty((0, 3)), np.empty(0), np.empty(0, int), np.empty(0), np.arange(3), np.array([0.1]))
    objective = _Objective(nothing, prior)
    covariance, points = 0.4**2 * np.eye(3) + 1.0, np.random.default_rng(0).normal(size=(4, 3))
    middle = np.full(3, 0.2 + 0.5 * np.log(3))
    expected = [multivariate_normal(middle, covariance).logpdf(t) for t in points]
    found = [-objective._prior(np.r_[t, 0.0])[0] for t in points]
    np.testing.assert_allclose(np.diff(found), np.diff(expected))


def test_the_additive_part_is_the_mean_of_scikit_learns_kernels_of_one_parameter_each():
    rng = np.random.default_rng(0)
    A, B = rng.random((4, 3)), rng.random((5, 3))
    groups = np.array([0, 1, 1])
    whole = Matern(length_scale=1.0, nu=2.5)(A, B)
    short = Matern(length_scale=1 / np.sqrt(2), nu=2.5)
    alone = (short(A[:, :1], B[:, :1]) + short(A[:, 1:], B[:, 1:])) / 2
    np.testing.assert_allclose(correlation(A, B, groups, 0.3), 0.7 * whole + 0.3 * alone, rtol=1e-9)


def test_the_slope_is_the_derivative_of_the_kernel():
    rng = np.random.default_rng(0)
    X, G = rng.random((6, 2)), rng.normal(size=(6, 6))
    G = G + G.T

    def total(log_length: np.ndarray) -> float:
        k, _ = matern52_with_slope(scaled_distance(X / np.exp(log_length), X / np.exp(log_length)))
        return float((G * k).sum())

    at = np.array([-0.3, 0.2])
    Z = X / np.exp(at)
    _, slope = matern52_with_slope(scaled_distance(Z, Z))
    np.testing.assert_allclose(summed_slope(Z, G * slope), approx_fprime(at, total, 1e-7), atol=1e-4)


def test_stated_errors_count_as_noise_of_their_own_points():
    X, y = data(20)
    error = np.full(20, np.nan)
    error[3] = 1e3
    careless = fit(X, np.where(np.arange(20) == 3, 500.0, y), np.arange(3), error=error, standard=(40.0, 7.0))
    careful = fit(np.delete(X, 3, 0), np.delete(y, 3), np.arange(3), standard=(40.0, 7.0))
    P = np.random.default_rng(2).random((5, 3))
    np.testing.assert_allclose(careless.posterior(P)[0], careful.posterior(P)[0], rtol=2e-2)


def test_stated_noise_is_kept_and_learned_noise_is_found():
    rng = np.random.default_rng(0)
    X = rng.random((120, 1))
    y = np.sin(6 * X[:, 0]) + 0.2 * rng.normal(size=120)
    assert fit(X, y, np.zeros(1, int), noise=np.array([0.5])).noise_sd() == pytest.approx(0.5, rel=1e-3)
    assert fit(X, y, np.zeros(1, int)).noise_sd() == pytest.approx(0.2, rel=0.2)


def test_a_related_source_is_recognised_whatever_its_bias_and_scale():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.random((15, 2)), rng.random((60, 2))])
    truth = np.sin(5 * X[:, 0]) + X[:, 1]
    y = np.r_[truth[:15], 300 - 20 * truth[15:]]
    gp = fit(X, y, np.arange(2), source=np.repeat([0, 1], [15, 60]), sources=2)
    assert gp.hyper.correlation[1] < -0.8
    P = rng.random((40, 2))
    expected = np.sin(5 * P[:, 0]) + P[:, 1]
    assert np.corrcoef(gp.posterior(P)[0], expected)[0, 1] > 0.98


def test_the_effect_of_an_answer_is_that_of_conditioning_on_it():
    rng = np.random.default_rng(0)
    X = rng.random((30, 2))
    truth = np.sin(5 * X[:, 0]) + X[:, 1]
    gp = fit(X, np.r_[truth[:10], truth[10:]], np.arange(2), source=np.repeat([0, 1], [10, 20]), sources=2)
    asked, felt = rng.random((3, 2)), rng.random((7, 2))
    shift, left = gp.effect(felt, asked, 1)
    before, _ = gp.posterior(felt)
    for j in range(3):
        expected, sd = gp.posterior(asked[j : j + 1], 1)
        surprise = expected + np.hypot(sd, gp.noise_sd(1))
        mean, spread = gp.condition(asked[j : j + 1], surprise, 1).posterior(felt)
        np.testing.assert_allclose(mean - before, shift[:, j], atol=1e-8)
        np.testing.assert_allclose(spread, left[:, j], atol=1e-8)


def test_r_squared_is_high_for_a_smooth_outcome_and_not_for_noise():
    X, y = data(40)
    assert r_squared(fit(X, y, np.arange(3))) > 0.9
    assert r_squared(fit(X, np.random.default_rng(3).normal(size=40), np.arange(3))) < 0.3


def test_hyper_parameters_are_shared_by_name_of_parameter_not_by_coordinate():
    X, y = data(20)
    assert fit(X, y, np.array([0, 1, 1])).hyper.length.shape == (2,)
    assert Hyper(np.ones(1), np.ones(3), np.array([1.0, 0.5, -0.2])).between[1, 2] == pytest.approx(-0.1)


def test_a_long_history_is_thinned_source_by_source_so_that_few_experiments_are_all_kept():
    source = np.repeat([0, 1], [20, 5 * ENOUGH])
    long = Data(
        np.arange(len(source))[:, None] * 1.0,
        np.zeros(len(source)),
        source,
        np.zeros(len(source)),
        np.zeros(1, int),
        np.full(2, np.nan),
    )
    assert np.bincount(_thinned(long).source).tolist() == [20, ENOUGH]
