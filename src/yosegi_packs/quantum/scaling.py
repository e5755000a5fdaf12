"""How the logical error falls with distance: the suppression factor Λ, and the code that meets a target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Suppression", "fit_suppression", "smallest_distance"]


@dataclass(frozen=True, slots=True)
class Suppression:
    """The line ln ε(d) = ln C - ½(d + 1) ln Λ through errors at several distances.

    Google Quantum AI, Nature 638, 920 (2025), eq. 1: ε(d) ∝ Λ^(-(d + 1)/2), so that Λ = ε(d) / ε(d + 2).

    Args:
        log_prefactor: ln C.
        log_lambda: ln Λ.
        covariance: of (ln C, ln Λ), 2 × 2.
        misfit: sum of squared standardised residuals per degree of freedom; 0 for two points.
    """

    log_prefactor: float
    log_lambda: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    misfit: float

    @property
    def factor(self) -> float:
        """Λ."""
        return math.exp(self.log_lambda)

    @property
    def factor_error(self) -> float:
        """Standard error of Λ."""
        return self.factor * math.sqrt(self.covariance[1][1])

    def log_error(self, distance: int) -> tuple[float, float]:
        """Ln ε at a distance, and its standard error."""
        row = np.array([1.0, -(distance + 1) / 2.0])
        return float(row @ (self.log_prefactor, self.log_lambda)), math.sqrt(float(row @ self.covariance @ row))


def fit_suppression(
    distances: Sequence[int], log_errors: Sequence[float], standard_errors: Sequence[float]
) -> Suppression:
    """Weighted least squares of ln ε against (d + 1)/2.

    The covariance is widened by the misfit where the points scatter more than their errors explain.

    Args:
        distances: two or more different ones.
        log_errors: natural logarithms of the error per cycle.
        standard_errors: of these logarithms.
    """
    design = np.column_stack([np.ones(len(distances)), [-(d + 1) / 2.0 for d in distances]])
    weights = 1.0 / np.asarray(standard_errors, dtype=float)
    weighted = design * weights[:, None]
    covariance = np.linalg.inv(weighted.T @ weighted)
    solution = covariance @ weighted.T @ (np.asarray(log_errors) * weights)
    residuals = (np.asarray(log_errors) - design @ solution) * weights
    free = len(distances) - 2
    misfit = float(residuals @ residuals) / free if free else 0.0
    (a, b), (c, d) = (covariance * max(1.0, misfit)).tolist()
    return Suppression(float(solution[0]), float(solution[1]), ((a, b), (c, d)), misfit)


def smallest_distance(error: float, distance: int, factor: float, target: float) -> int:
    """The smallest odd distance whose error per cycle is at most the target.

    Each step by two divides the error by Λ, starting from a known error at a known distance.

    Args:
        error: error per cycle at `distance`.
        distance: where it is known; odd.
        factor: Λ, above 1.
        target: error per cycle wanted.

    Example:
        Google Quantum AI's figures of 2024 (ε₇ = 0.143 %, Λ = 2.14) and their projection to one in a million:

        >>> smallest_distance(1.43e-3, 7, 2.14, 1e-6)
        27
    """
    steps = math.ceil(math.log(error / target) / math.log(factor) - 1e-9)
    return max(3, distance + 2 * steps)
