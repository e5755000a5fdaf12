"""How far an outcome stays within a bound, as who knows nothing of the outcome but how far one may step at a time.

The fitted process of an outcome takes its spread and its length scales from what was measured. While all of that lies
on a plain, it is sure that the rest is as flat: a step further it was wrong by nine of its standard deviations.
This process learns neither. Its mean is the bound itself, so that what is unknown is as likely beyond it as within; its
standard deviation is the largest margin measured, so that the plain is one deviation above the unknown; its length
scale is some steps. What is left to learn is whether it was right: it is held against each measurement, given all
others, and its spread is as much wider as the worst of these needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from yosegi.planner.gp import JITTER
from yosegi.planner.kernel import matern52, scaled_distance
from yosegi.planner.space import Floats

LENGTH = 3.0
"""Length scale in reaches: from a single measurement one may step about one reach away, for probability 0.98."""
LEAST = 1e-9
"""Smallest spread, as a share of the outcomes' own size."""


@dataclass(frozen=True, slots=True, eq=False)
class Margin:
    """A process of the margin that is left to a bound, conditioned on margins that were measured.

    Args:
        X: shape (n, d), where it was measured.
        alpha: shape (n,), covariance⁻¹ of the margins, in `spread`s.
        inverse: shape (n, n), the inverse of their covariance.
        length: in widths of the parameters.
        spread: standard deviation of the process, in the outcome's unit.
        wider: by which the spread that is left is multiplied.
    """

    X: Floats
    alpha: Floats
    inverse: Floats
    length: float
    spread: float
    wider: float

    @classmethod
    def of(cls, X: Floats, margin: Floats, noise: float, reach: float, probability: float) -> Margin:
        """Condition on margins.

        Args:
            X: shape (n, d), n at least 1, in widths of the parameters.
            margin: shape (n,), positive where the bound is kept, in the outcome's unit.
            noise: standard deviation of one measurement, in that unit.
            reach: a step, in widths of the parameters.
            probability: with which the bound is to be kept.
        """
        length = LENGTH * reach
        spread = max(float(np.max(margin)), noise, LEAST * float(np.max(np.abs(margin))), 1e-290)
        K = matern52(scaled_distance(X / length, X / length))
        np.fill_diagonal(K, 1.0 + (noise / spread) ** 2 + JITTER)
        inverse = np.asarray(np.linalg.inv(K), dtype=np.float64)
        alpha = np.asarray(inverse @ (margin / spread), dtype=np.float64)
        # Rasmussen & Williams 2006, eq. 5.12: (y - mean) / sd of each measurement, given all others.
        missed = float(np.max(np.abs(alpha) / np.sqrt(inverse.diagonal())))
        wanted = max(1.0, float(scipy.special.ndtri(probability)))
        return cls(X, alpha, inverse, length, spread, max(1.0, missed / wanted))

    def log_kept(self, P: Floats) -> Floats:
        """Shape (m,): log probability that the bound is kept at P (m, d)."""
        k = matern52(scaled_distance(self.X / self.length, P / self.length))
        sd = self.wider * np.sqrt(np.maximum(1.0 - np.einsum("im,ij,jm->m", k, self.inverse, k, optimize=True), JITTER))
        return np.asarray(scipy.special.log_ndtr((k.T @ self.alpha) / sd))
