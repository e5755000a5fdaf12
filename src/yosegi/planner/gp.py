"""A Gaussian process over points and sources, its hyper-parameters at the maximum of their posterior.

Model, outcomes standardised for each source: y = f(x, s) + ε, covariance B[s, s'] k(x, x'), k the Matérn 5/2 kernel
with a length scale for each parameter, B[s, s] = 1, B[0, s] = ρₛ and B[s, s'] = ρₛ ρₛ' otherwise: an intrinsic
coregionalisation model (Álvarez, Rosasco & Lawrence 2012, section 4.2) with one correlation a source, so that bias and
scale of a source are free and its relation to the first is learned. ε has a learned variance for each source, plus the
squared standard error where one was stated.

Priors: log ℓ ~ N(μ + log(d)/2, σ²), a scale that grows with the number of parameters (Hvarfner, Hellsten & Nardi 2024),
with a part common to all parameters where one is stated; log noise variance ~ N(-5, 1.5²); atanh ρ ~ N(0.5, 1.25²),
since what is meant to answer the same question is likelier to agree than not. Defaults; see `Prior`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import scipy

from yosegi.planner.kernel import correlation, correlation_with_slopes, summed_slope
from yosegi.planner.space import Floats, Ints

LEVEL = 0.25
"""Variance of a source's own level, where there are several: a few measurements do not tell its mean."""
JITTER = 1e-6
"""Smallest noise variance of standardised outcomes; keeps repeated points solvable."""
SMALLEST = 1e-12
"""Smallest posterior variance, in standard units."""
ENOUGH = 120
"""Most measurements of a source that hyper-parameters are learned from; the process is conditioned on all."""
_BAD = 1e25


@dataclass(frozen=True, slots=True)
class Prior:
    """Log-normal priors; lengths in widths of a parameter, variances in those of the standardised outcome.

    A log length scale is the sum of one part common to all parameters, with deviation `common_sd`, and one of its own,
    with `length_sd`: with `common_sd` above it, parameters are taken to matter alike until the data say otherwise.
    """

    length_mean: float = 0.0
    length_sd: float = 1.0
    common_sd: float = 0.0
    noise_mean: float = -5.0
    noise_sd: float = 1.5
    correlation_mean: float = 0.5
    correlation_sd: float = 1.25


@dataclass(frozen=True, slots=True)
class Hyper:
    """Hyper-parameters.

    Args:
        length: shape (g,), a length scale for each parameter, in widths of the parameter.
        noise: shape (s,), noise variance for each source, of standardised outcomes.
        correlation: shape (s,), with the first source, 1 for itself.
    """

    length: Floats
    noise: Floats
    correlation: Floats

    @property
    def between(self) -> Floats:
        """Shape (s, s): covariance between sources, of what varies with the point."""
        out = np.outer(self.correlation, self.correlation)
        np.fill_diagonal(out, 1.0)
        return out

    @property
    def level(self) -> Floats:
        """Shape (s, s): covariance between the sources' levels, unknown and unrelated; none for a single source."""
        return LEVEL * np.eye(len(self.noise)) if len(self.noise) > 1 else np.zeros((1, 1))


@dataclass(frozen=True, slots=True)
class Data:
    """Training data, standardised.

    Args:
        X: shape (n, d), coordinates.
        y: shape (n,), outcomes in standard units of their source.
        source: shape (n,), source of each.
        known: shape (n,), known noise variance in standard units, zero where none.
        groups: shape (d,), the parameter of each coordinate.
        fixed: shape (s,), noise variance of each source where it is stated, NaN where it is learned.
        additive: share of the additive part of the kernel.
    """

    X: Floats
    y: Floats
    source: Ints
    known: Floats
    groups: Ints
    fixed: Floats
    additive: float = 0.0

    @property
    def sources(self) -> int:
        """How many sources there are."""
        return len(self.fixed)


@dataclass(frozen=True, slots=True, eq=False)
class GP:
    """A conditioned process. Build it with `fit` or `condition`.

    Args:
        data: what it is conditioned on.
        hyper: hyper-parameters.
        offset: shape (s,), mean of each source's outcomes, in their unit.
        scale: shape (s,), standard unit of each source's outcomes, in their unit.
        L: shape (n, n), lower Cholesky factor of the covariance.
        alpha: shape (n,), covariance⁻¹ y.
        evidence: log posterior density of the hyper-parameters, up to a constant.
    """

    data: Data
    hyper: Hyper
    offset: Floats
    scale: Floats
    L: Floats = field(repr=False)
    alpha: Floats = field(repr=False)
    evidence: float = math.nan

    @property
    def n(self) -> int:
        """How many measurements it is conditioned on."""
        return len(self.alpha)

    @property
    def outcomes(self) -> Floats:
        """What it is conditioned on, shape (n,), in the outcome's unit."""
        return self.offset[self.data.source] + self.scale[self.data.source] * self.data.y

    @property
    def prior_variance(self) -> float:
        """Variance of the noiseless outcome before any data, in standard units."""
        return 1.0 + float(self.hyper.level[0, 0])

    def cross(self, P: Floats, source: int = 0) -> Floats:
        """Prior covariance between the training points and P (m, d) at a source: shape (n, m), standard units."""
        length = self.hyper.length[self.data.groups].astype(P.dtype)
        out = correlation(self.data.X.astype(P.dtype) / length, P / length, self.data.groups, self.data.additive)
        if self.data.sources > 1:
            out *= self.hyper.between[self.data.source, source][:, None].astype(P.dtype)
            out += self.hyper.level[self.data.source, source][:, None].astype(P.dtype)
        return out

    def posterior_single(self, P: Floats, source: int = 0) -> tuple[Floats, Floats]:
        """As `posterior`, in single precision: for screening many points, good to about four digits."""
        k = self.cross(np.asarray(P, dtype=np.float32), source)
        inverse, _ = scipy.linalg.lapack.dtrtri(self.L, lower=1)
        v = inverse.astype(np.float32) @ k
        sd = np.sqrt(np.maximum(self.prior_variance - np.einsum("ij,ij->j", v, v), 1e-6))
        mean = self.offset[source] + self.scale[source] * (self.alpha.astype(np.float32) @ k)
        return mean.astype(float), self.scale[source] * sd.astype(float)

    def posterior(self, P: Floats, source: int = 0) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the noiseless outcome at P (m, d), in its unit: shapes (m,) and (m,)."""
        if P.dtype == np.float32:
            return self.posterior_single(P, source)
        k = self.cross(P, source)
        v, _ = scipy.linalg.lapack.dtrtrs(self.L, k, lower=1)
        sd = np.sqrt(np.maximum(self.prior_variance - np.einsum("ij,ij->j", v, v), SMALLEST))
        return self.offset[source] + self.scale[source] * (k.T @ self.alpha), self.scale[source] * sd

    def effect(self, felt: Floats, asked: Floats, source: int) -> tuple[Floats, Floats]:
        """What one noisy measurement by `source` at each of `asked` (k, d) does to the first source at `felt` (m, d).

        Returns:
            Shift of the mean for an answer one standard deviation above what is expected, and the standard deviation
            that is left, in the first source's unit: shapes (m, k) and (m, k).
        """
        v0, _ = scipy.linalg.lapack.dtrtrs(self.L, self.cross(felt, 0), lower=1)
        v1, _ = scipy.linalg.lapack.dtrtrs(self.L, self.cross(asked, source), lower=1)
        length = self.hyper.length[self.data.groups]
        shared = correlation(felt / length, asked / length, self.data.groups, self.data.additive)
        shared *= self.hyper.between[0, source]
        shared += self.hyper.level[0, source] - v0.T @ v1
        own = np.maximum(self.prior_variance - np.einsum("ij,ij->j", v0, v0), SMALLEST)
        other = np.maximum(self.prior_variance - np.einsum("ij,ij->j", v1, v1), SMALLEST)
        shift = shared / np.sqrt(other + self.hyper.noise[source] + JITTER)
        left = np.sqrt(np.maximum(own[:, None] - shift**2, SMALLEST))
        return self.scale[0] * shift, self.scale[0] * left

    def leave_one_out(self) -> tuple[Floats, Floats]:
        """Mean and sd (noise included) of each measurement given all others, in its unit: shapes (n,) and (n,).

        Rasmussen & Williams 2006, eqs. 5.12 and 5.11.
        """
        inverse, _ = scipy.linalg.lapack.dpotri(self.L, lower=1)
        diagonal = inverse.diagonal()
        scale, offset = self.scale[self.data.source], self.offset[self.data.source]
        return offset + scale * (self.data.y - self.alpha / diagonal), scale / np.sqrt(diagonal)

    def condition(self, X: Floats, y: Floats, source: int = 0) -> GP:
        """The same process after outcomes y (m,), in their unit, at X (m, d); hyper-parameters stay."""
        d = self.data
        standard = (y - self.offset[source]) / self.scale[source]
        data = replace(
            d,
            X=np.vstack([d.X, X]),
            y=np.r_[d.y, standard],
            source=np.r_[d.source, np.full(len(X), source)],
            known=np.r_[d.known, np.zeros(len(X))],
        )
        return _conditioned(data, self.hyper, self.offset, self.scale, self.evidence)

    def with_hyper(self, hyper: Hyper) -> GP:
        """The same data under other hyper-parameters."""
        return _conditioned(self.data, hyper, self.offset, self.scale, math.nan)

    def levelled(self) -> GP:
        """The same process of one source about the mean that it estimates itself, in place of that of the outcomes.

        By generalised least squares, m = 1ᵀ K⁻¹ y / 1ᵀ K⁻¹ 1 (Rasmussen & Williams 2006, eq. 2.42 with one constant as
        the basis and a vague prior): measurements that crowd together say once what is there.

        Raises:
            ValueError: of several sources, whose levels are part of the process.
        """
        if self.data.sources > 1:
            raise ValueError("the levels of several sources are part of the process")
        ones, _ = scipy.linalg.lapack.dpotrs(self.L, np.ones(self.n), lower=1)
        mean = float(ones @ self.data.y / ones.sum())
        data = replace(self.data, y=self.data.y - mean)
        return replace(self, data=data, offset=self.offset + self.scale * mean, alpha=self.alpha - mean * ones)

    def noise_sd(self, source: int = 0) -> float:
        """Standard deviation of one measurement's noise, in the outcome's unit."""
        return float(self.scale[source] * math.sqrt(self.hyper.noise[source] + JITTER))


def fit(
    X: Floats,
    y: Floats,
    groups: Ints,
    *,
    source: Ints | None = None,
    sources: int = 1,
    error: Floats | None = None,
    noise: Floats | None = None,
    prior: Prior | None = None,
    standard: tuple[float, float] | None = None,
    additive: float = 0.0,
) -> GP:
    """A process with hyper-parameters at the maximum of their posterior, found by L-BFGS from one fixed start.

    Args:
        X: shape (n, d), coordinates.
        y: shape (n,), outcomes in their unit, all finite.
        groups: shape (d,), which coordinates share a length scale.
        source: shape (n,), the source of each; the first by default.
        sources: how many sources there are.
        error: shape (n,), standard error of each, in the outcome's unit, NaN where unknown.
        noise: shape (sources,), stated standard deviation of one measurement, NaN where it is learned.
        prior: of the hyper-parameters.
        standard: offset and scale of the first source's outcomes, instead of their mean and standard deviation.
        additive: share of the additive part of the kernel, 0 to 1.
    """
    source = np.zeros(len(y), dtype=np.int64) if source is None else source
    pairs = np.array([spread_of(y[source == s]) for s in range(sources)])
    if standard is not None:
        pairs[0] = standard
    offset, scale = pairs[:, 0], pairs[:, 1]
    known = np.nan_to_num((np.full(len(y), np.nan) if error is None else error) / scale[source]) ** 2
    stated = (np.full(sources, np.nan) if noise is None else noise) / scale
    units = (y - offset[source]) / scale[source]
    data = Data(X, units, source, np.minimum(known, 1e6), groups, np.minimum(stated**2, 1e6), additive)
    objective = _Objective(_thinned(data), prior or Prior())
    found = scipy.optimize.minimize(
        objective, objective.start(), jac=True, method="L-BFGS-B", bounds=objective.bounds(), options=_OPTIONS
    )
    # rounded, so that builds whose last bits differ condition on the same hyper-parameters
    return _conditioned(data, objective.hyper(np.round(found.x, 3)), offset, scale, -float(found.fun))


def _thinned(data: Data) -> Data:
    """Every kᵗʰ measurement of a source's long history, in an order of coordinates: enough to learn length scales."""
    kept = [_even(np.flatnonzero(data.source == s)) for s in range(data.sources)]
    if sum(map(len, kept)) == len(data.y):
        return data
    at = np.sort(np.concatenate(kept))
    return replace(data, X=data.X[at], y=data.y[at], source=data.source[at], known=data.known[at])


def _even(index: Ints) -> Ints:
    return index if len(index) <= ENOUGH else index[np.linspace(0, len(index) - 1, ENOUGH).astype(np.int64)]


_OPTIONS = {"maxiter": 60, "ftol": 1e-6, "gtol": 1e-4, "maxls": 20}


def spread_of(y: Floats) -> tuple[float, float]:
    """Mean and standard deviation of outcomes (n,), the latter never zero."""
    if not len(y):
        return 0.0, 1.0
    size = max(float(np.max(np.abs(y))), 1e-290)
    spread = float(y.std())
    return float(y.mean()), spread if spread > 1e-12 * size else size if np.any(y) else 1.0


def _conditioned(data: Data, hyper: Hyper, offset: Floats, scale: Floats, evidence: float) -> GP:
    length = hyper.length[data.groups]
    Z = data.X / length
    K = correlation(Z, Z, data.groups, data.additive)
    if data.sources > 1:
        K *= hyper.between[data.source[:, None], data.source]
        K += hyper.level[data.source[:, None], data.source]
    diagonal = 1.0 + hyper.level[0, 0] + hyper.noise[data.source] + data.known + JITTER
    np.fill_diagonal(K, diagonal)
    L, info = scipy.linalg.lapack.dpotrf(K, lower=1, clean=1)
    while info:  # rounding of nearly repeated points; more noise is the honest answer
        diagonal = diagonal + 10 * JITTER
        np.fill_diagonal(K, diagonal)
        L, info = scipy.linalg.lapack.dpotrf(K, lower=1, clean=1)
    alpha, _ = scipy.linalg.lapack.dpotrs(L, data.y, lower=1)
    return GP(data, hyper, offset, scale, L, alpha, evidence)


class _Objective:
    """Negative log posterior density of the hyper-parameters, and its gradient.

    The vector holds log length scales (g), log noise variances of the sources (s), atanh correlations (s - 1).
    """

    def __init__(self, data: Data, prior: Prior) -> None:
        self.data, self.prior = data, prior
        self.g = int(data.groups.max()) + 1 if len(data.groups) else 0
        self.s = data.sources
        self.length_mean = prior.length_mean + 0.5 * math.log(max(self.g, 1))
        self.learned = np.isnan(data.fixed)

    def start(self) -> Floats:
        """Every length scale one width of its parameter, noise at its prior's middle, sources correlated."""
        return np.concatenate([np.zeros(self.g), np.full(self.s, self.prior.noise_mean), np.full(self.s - 1, 0.7)])

    def bounds(self) -> list[tuple[float, float]]:
        """Beyond these the likelihood is flat."""
        return [(-5.0, 8.0)] * self.g + [(-12.0, 2.0)] * self.s + [(-3.0, 3.0)] * (self.s - 1)

    def hyper(self, t: Floats) -> Hyper:
        """The vector as hyper-parameters."""
        noise = np.where(self.learned, np.exp(t[self.g : self.g + self.s]), np.nan_to_num(self.data.fixed))
        return Hyper(np.exp(t[: self.g]), noise, np.r_[1.0, np.tanh(t[self.g + self.s :])])

    def __call__(self, t: Floats) -> tuple[float, Floats]:
        """Value and gradient, shape of t."""
        data, hyper, n = self.data, self.hyper(t), len(self.data.y)
        Z = data.X / hyper.length[data.groups]
        M, slopes = correlation_with_slopes(Z, data.groups, data.additive)
        B = hyper.between[data.source[:, None], data.source] if self.s > 1 else None
        S = M.copy() if B is None else M * B + hyper.level[data.source[:, None], data.source]
        S.flat[:: n + 1] = 1.0 + hyper.level[0, 0] + hyper.noise[data.source] + data.known + JITTER
        L, info = scipy.linalg.lapack.dpotrf(S, lower=1, clean=1, overwrite_a=0)
        if info:
            return _BAD, np.zeros_like(t)
        alpha, _ = scipy.linalg.lapack.dpotrs(L, data.y, lower=1)
        inverse, _ = scipy.linalg.lapack.dpotri(L, lower=1)
        W: Floats = np.outer(alpha, alpha)
        W -= inverse
        W -= np.tril(inverse, -1).T
        value = 0.5 * float(data.y @ alpha) + float(np.log(L.diagonal()).sum())
        prior, gradient = self._prior(t)
        weight = W if B is None else W * B
        for slope, columns in slopes:
            slope *= weight
            summed = summed_slope(Z[:, columns], slope)
            gradient[: self.g] -= 0.5 * np.bincount(data.groups[columns], summed, self.g)
        on_diagonal = np.bincount(data.source, W.diagonal(), self.s)
        gradient[self.g : self.g + self.s] -= 0.5 * np.where(self.learned, hyper.noise * on_diagonal, 0.0)
        if self.s > 1:
            gradient[self.g + self.s :] -= 0.5 * self._by_correlation(hyper.correlation, W * M)
        return value + prior, gradient

    def _by_correlation(self, rho: Floats, WM: Floats) -> Floats:
        """Σ W ∘ M ∘ ∂B/∂(atanh ρₛ), shape (s - 1,)."""
        source = self.data.source
        out = np.empty(self.s - 1)
        for s in range(1, self.s):
            mine, others = source == s, source != s
            out[s - 1] = 2.0 * (WM[np.ix_(mine, others)] @ rho[source[others]]).sum() * (1.0 - rho[s] ** 2)
        return out

    def _prior(self, t: Floats) -> tuple[float, Floats]:
        p, g, s = self.prior, self.g, self.s
        length = t[:g] - self.length_mean
        # inverse of length_sd² I + common_sd² 1 1ᵀ by the formula of Sherman and Morrison
        common = p.common_sd**2 / (p.length_sd**2 + g * p.common_sd**2)
        slope = (length - common * length.sum()) / p.length_sd**2
        noise = np.where(self.learned, (t[g : g + s] - p.noise_mean) / p.noise_sd, 0.0)
        related = (t[g + s :] - p.correlation_mean) / p.correlation_sd
        value = 0.5 * float(length @ slope + noise @ noise + related @ related)
        return value, np.r_[slope, noise / p.noise_sd, related / p.correlation_sd]
