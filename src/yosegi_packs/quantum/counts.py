"""Error bars from counts: what k failures in n shots say about a probability, and about an error per cycle."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import betaincinv, polygamma, psi

__all__ = ["Counts", "per_cycle", "per_cycle_slope", "per_shot"]


def per_cycle(per_shot_error: float, cycles: int) -> float:
    """The error of one cycle, from the error after several.

    A cycle flips the logical qubit with probability ε, independently of the others, so that the fidelity decays as
    1 - 2P = (1 - 2ε)^n (Google Quantum AI, Nature 614, 676 (2023), eq. 2). Beyond one half nothing is left to
    invert, and ε is one half.

    Example:
        >>> round(per_cycle(per_shot(0.003, 25), 25), 12)
        0.003
    """
    remains = 1.0 - 2.0 * per_shot_error
    return 0.5 if remains <= 0.0 else -0.5 * math.expm1(math.log(remains) / cycles)


def per_cycle_slope(per_shot_error: float, cycles: int) -> float:
    """dε/dP of `per_cycle`; taken at P = 0.499 beyond it, since it diverges at one half."""
    remains = 1.0 - 2.0 * min(per_shot_error, 0.499)
    return float(remains ** (1.0 / cycles - 1.0)) / cycles


def per_shot(error: float, cycles: int) -> float:
    """The error after several cycles, from the error of one; the inverse of `per_cycle`."""
    return 0.5 * (1.0 - (1.0 - 2.0 * error) ** cycles)


@dataclass(frozen=True, slots=True)
class Counts:
    """Failures among independent shots.

    Intervals are Jeffreys': the equal-tailed quantiles of Beta(k + 1/2, n - k + 1/2), with the end at 0 (or 1) where
    no shot (or every shot) failed, as recommended by Brown, Cai and DasGupta, Statistical Science 16, 101 (2001).
    They stay finite and one-sided where the normal interval collapses to zero width.

    Example:
        >>> Counts(0, 1000)
        <0 of 1000 failed>
    """

    failures: int
    shots: int

    def __post_init__(self) -> None:
        if not 0 <= self.failures <= self.shots or self.shots < 0:
            raise ValueError(f"{self.failures} failures of {self.shots} shots cannot be")

    @property
    def rate(self) -> float:
        """The share of shots that failed: the maximum-likelihood estimate."""
        return self.failures / self.shots if self.shots else 0.0

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Jeffreys' interval at the given level."""
        a, b = self.failures + 0.5, self.shots - self.failures + 0.5
        tail = (1.0 - level) / 2.0
        low = 0.0 if self.failures == 0 else float(betaincinv(a, b, tail))
        high = 1.0 if self.failures == self.shots else float(betaincinv(a, b, 1.0 - tail))
        return low, high

    @property
    def standard_error(self) -> float:
        """Standard deviation of the posterior Beta(k + 1/2, n - k + 1/2); positive even where nothing failed."""
        a, b = self.failures + 0.5, self.shots - self.failures + 0.5
        return math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1.0)))

    @property
    def log(self) -> tuple[float, float]:
        """Posterior mean and standard deviation of the natural logarithm of the probability.

        For Beta(a, b) they are ψ(a) - ψ(a + b) and the root of ψ₁(a) - ψ₁(a + b); finite at zero failures, which is
        what a planner needs that models the logarithm.
        """
        a, total = self.failures + 0.5, self.shots + 1.0
        return float(psi(a) - psi(total)), math.sqrt(float(polygamma(1, a) - polygamma(1, total)))

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.failures + other.failures, self.shots + other.shots)

    def __repr__(self) -> str:
        return f"<{self.failures} of {self.shots} failed>"
