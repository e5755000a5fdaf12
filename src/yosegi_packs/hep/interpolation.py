"""The generator's answers between runs: polynomials through anchors, as Professor has it.

Buckley, Hoeth, Lacker, Schulz & von Seggern, Eur. Phys. J. C 65, 331 (2010): generate at points drawn over the space of
the parameters (the *anchors*), and describe each observable by a polynomial of the parameters,

    f_b(p) = α + Σ β_i p_i + Σ γ_ij p_i p_j (+ cubic terms),

fitted by least squares. Reading the polynomials takes microseconds where the generator takes seconds.

The error of an interpolated value is that of the regression: with x the monomials at a point, X those at the anchors
and R the residuals over n anchors and m monomials, Cov f = [xᵀ (XᵀX)⁻¹ x] RᵀR / (n - m). R holds the anchors' finite
samples and what the polynomial misses.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import combinations_with_replacement
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from yosegi_packs.hep.averages import LEP
from yosegi_packs.hep.generator import Sample

__all__ = ["PARAMETERS", "Fitted", "Interpolation", "fitted_to", "shipped"]

PARAMETERS: Final = ("alpha_s", "a_lund", "b_lund", "sigma_pt", "strangeness", "diquarks")
"""In the order of the columns below."""

LOW: Final = (0.115, 0.2, 0.4, 0.22, 0.14, 0.05)
HIGH: Final = (0.155, 1.4, 1.8, 0.45, 0.32, 0.13)
"""The box the shipped anchors were drawn from, by a scrambled Sobol sequence; nothing is said outside it."""

ORDER: Final = 2
"""Degree of the polynomials: 28 monomials in six parameters. What a third degree would gain is in docs/packs/hep.md."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interpolation:
    """Polynomials through anchors.

    Args:
        low: least value of each parameter in the anchors' box, shape (p,).
        high: largest, shape (p,).
        order: degree of the polynomials.
        coefficients: shape (m, observables).
        inverse: (XᵀX)⁻¹, shape (m, m).
        residual: covariance of an anchor's residuals, shape (observables, observables).
        left_out: residual of each anchor from the polynomials fitted to all others, shape (n, observables).
    """

    low: Floats
    high: Floats
    order: int
    coefficients: Floats
    inverse: Floats
    residual: Floats
    left_out: Floats

    @classmethod
    def of(cls, anchors: Floats, means: Floats, order: int = ORDER) -> Interpolation:
        """Fit the polynomials.

        Args:
            anchors: parameters of each run, shape (n, 6), within the box; n above the number of monomials.
            means: what each run gave, shape (n, observables).
            order: degree, 1 to 3.
        """
        low, high = np.array(LOW), np.array(HIGH)
        x = _monomials(_scaled(anchors, low, high), order)
        if len(x) <= x.shape[1]:
            raise ValueError(f"{len(x)} anchors for {x.shape[1]} monomials: there must be more")
        inverse = np.asarray(np.linalg.inv(x.T @ x), dtype=np.float64)
        coefficients = inverse @ x.T @ means
        off = means - x @ coefficients
        leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
        residual = off.T @ off / (len(x) - x.shape[1])
        return cls(low, high, order, coefficients, inverse, residual, off / (1.0 - leverage)[:, None])

    def values(self, point: Floats) -> Floats:
        """The observables at one point, shape (observables,)."""
        return self._x(point) @ self.coefficients

    def sample(self, point: Sequence[float]) -> Sample:
        """The observables at one point with their covariance; `events` is 2, the least, as none were generated."""
        x = self._x(np.asarray(point, dtype=float))
        return Sample(2, x @ self.coefficients, float(x @ self.inverse @ x) * self.residual)

    def outside(self, point: Sequence[float]) -> list[tuple[int, float, float]]:
        """The columns in which a point lies outside the anchors' box, with the box there."""
        ranges = zip(point, self.low.tolist(), self.high.tolist(), strict=True)
        return [(n, low, high) for n, (value, low, high) in enumerate(ranges) if not low <= value <= high]

    def _x(self, point: Floats) -> Floats:
        x: Floats = _monomials(_scaled(point[None, :], self.low, self.high), self.order)[0]
        return x


@dataclass(frozen=True, slots=True)
class Fitted:
    """Parameters fitted to measured values.

    Args:
        point: the parameters, shape (p,).
        covariance: of them, from the curvature of χ², shape (p, p).
        chi2: at the minimum.
        at_edge: columns that stand at the edge of the anchors' box, for which `covariance` says little.
    """

    point: Floats
    covariance: Floats
    chi2: float
    at_edge: tuple[int, ...]


def fitted_to(through: Interpolation, measured: Floats, variances: Floats, starts: int = 4) -> Fitted:
    """Tune to measured values: the least χ² = Σ (f_b(p) - measured_b)² / variance_b within the anchors' box.

    Args:
        through: the polynomials.
        measured: shape (observables,).
        variances: shape (observables,): of the measurement and of the interpolation.
        starts: points the descent begins from, drawn from a fixed seed.
    """
    width, sigma = through.high - through.low, np.sqrt(variances)

    def pulls(unit: Floats) -> Floats:
        off: Floats = (through.values(through.low + unit * width) - measured) / sigma
        return off

    begin = np.random.default_rng(0).random((starts, len(width)))
    found = min((least_squares(pulls, one, bounds=(0.0, 1.0)) for one in begin), key=lambda fit: float(fit.cost))
    inverse = np.linalg.pinv(found.jac.T @ found.jac)
    edge = tuple(int(n) for n in np.flatnonzero((found.x < 1e-3) | (found.x > 1 - 1e-3)))
    return Fitted(through.low + found.x * width, inverse * np.outer(width, width), 2.0 * float(found.cost), edge)


@functools.lru_cache(maxsize=1)
def anchors() -> tuple[Floats, Floats]:
    """The runs that ship with the pack: parameters, shape (n, 6), and means, shape (n, 14)."""
    text = (resources.files("yosegi_packs.hep") / "anchors.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    means = [average.name for average in LEP]
    return tuple(np.array([[float(row[name]) for name in names] for row in rows]) for names in (PARAMETERS, means))  # type: ignore[return-value]


@functools.lru_cache(maxsize=1)
def shipped() -> Interpolation:
    """The polynomials through the anchors that ship with the pack."""
    return Interpolation.of(*anchors())


def _scaled(points: Floats, low: Floats, high: Floats) -> Floats:
    """To the range from -1 to 1, which keeps XᵀX well conditioned."""
    unit: Floats = 2.0 * (points - low) / (high - low) - 1.0
    return unit


def _monomials(points: Floats, order: int) -> Floats:
    """All products of up to `order` columns, the constant first, shape (n, m)."""
    with_one = np.column_stack([points, np.ones(len(points))])
    products: Floats = with_one[:, _products(points.shape[1], order)].prod(axis=2)
    return products


@functools.lru_cache(maxsize=8)
def _products(columns: int, order: int) -> NDArray[np.intp]:
    """Which columns are multiplied in each monomial, shape (m, order); `columns` itself stands for one."""
    which = [
        chosen + (columns,) * (order - degree)
        for degree in range(order + 1)
        for chosen in combinations_with_replacement(range(columns), degree)
    ]
    return np.array(which, dtype=np.intp)
