"""Probabilities of labels at a point, by a Gaussian process on each label's indicator (least-squares classification).

Rasmussen & Williams 2006, section 6.5: label regression, its prediction squashed by the normal distribution function;
in closed form, so that a step of a campaign costs no iteration, and it agrees with what later points confirm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from yosegi.planner.gp import GP, Prior, fit
from yosegi.planner.space import Floats, Ints

INDICATOR = Prior(noise_mean=-3.0)
"""Labels are steps, so short lengths and some noise are likelier than for a smooth outcome."""


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """Labels seen, and a process on each label's indicator (+1 where it was seen, -1 elsewhere)."""

    labels: tuple[str, ...]
    processes: tuple[GP, ...]

    @classmethod
    def of(cls, X: Floats, labels: Sequence[str], groups: Ints) -> Classes:
        """Learn from labels at X (n, d)."""
        kinds = tuple(sorted(set(labels)))
        seen = np.array(labels, dtype=object)
        return cls(kinds, tuple(fit(X, np.where(seen == k, 1.0, -1.0), groups, prior=INDICATOR) for k in kinds))

    def probabilities(self, P: Floats) -> Floats:
        """Shape (m, labels): probability of each label at P (m, d)."""
        logs = np.stack([_log_positive(gp, P) for gp in self.processes], axis=1)
        raw = np.exp(logs - logs.max(axis=1, keepdims=True))
        return np.asarray(raw / raw.sum(axis=1, keepdims=True))

    def spread(self, P: Floats) -> Floats:
        """Shape (m,): largest standard deviation of an indicator, the reason to look where nothing is known."""
        return np.asarray(np.max([gp.posterior(P)[1] / gp.scale[0] for gp in self.processes], axis=0))

    def condition(self, X: Floats) -> Classes:
        """After imagined answers at X (m, d) that say what is expected."""
        return Classes(self.labels, tuple(gp.condition(X, gp.posterior(X)[0]) for gp in self.processes))


def _log_positive(gp: GP, P: Floats) -> Floats:
    mean, sd = gp.posterior(P)
    return np.asarray(scipy.special.log_ndtr(mean / np.sqrt(sd**2 + gp.noise_sd() ** 2)))
