"""Where a source has an answer, learned from its own failures, and from other sources' where they agree with its own.

Least-squares classification (Rasmussen & Williams 2006, section 6.5): a process on +1 and -1, squashed by the normal
distribution function as in their eq. 6.42, with a slope chosen by the labels left out one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy

from yosegi.planner.gp import GP, Prior, fit
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats, Ints, Truths
from yosegi.planner.surrogate import FEW, MARGIN, log_predictive

_EDGE = Prior(length_mean=-0.7, length_sd=0.5)
_DOUBT, _SURE = 0.25, 0.9
"""Least probability of an answer that is asked for while points with more are left: ordinarily, and once failures are
more than `_SPARED` of what was asked of the source and one."""
_SPARED = 0.1
_SLOPES = np.array([1.0, 1.5, 2.0, 3.0, 4.0])
_SLOPE_PRIOR = -0.5 * (np.log(_SLOPES / 2.0) / 0.5) ** 2


@dataclass(frozen=True, slots=True, eq=False)
class Feasibility:
    """Where points have an answer of one source, learned from those that had none.

    Away from all data it believes the prior, three in four, rather than the share of failures so far, since failures
    are met at the edge of what is tried.

    Args:
        process: on +1 where there was an answer and -1 where there was none.
        slope: how sharply the probability follows the process.
        wanted: the least probability of an answer that is asked for while points with more are left.
    """

    process: GP
    slope: float
    wanted: float = _DOUBT

    PRIOR = 0.67
    """Latent mean far away: Φ(0.67) is three in four."""
    NOISE = 0.2
    """An answer or none is hardly ever luck; learned noise would excuse failure after failure."""

    @classmethod
    def of(cls, X: Floats, infeasible: Truths, groups: Ints, own: Truths | None = None) -> Feasibility | None:
        """Learn one source's limits; None where nothing failed that says anything of them.

        What other sources could not answer counts where it makes predictions of this one's own answers no worse, as
        a source of outcomes does, or while this one was hardly asked.

        Args:
            X: shape (n, d), points asked.
            infeasible: shape (n,), which had no answer.
            groups: shape (d,), which coordinates share a length scale.
            own: shape (n,), which were asked of this source; all by default.
        """
        own = np.ones(len(X), dtype=bool) if own is None else own
        failures = int(np.sum(infeasible & own))
        alone = cls._fit(X[own], infeasible[own], groups, None) if own.any() else None
        found = alone if failures else None
        if np.any(infeasible & ~own):
            joint = cls._fit(X, infeasible, groups, own)
            gain = 0.0 if alone is None else (log_predictive(joint) - log_predictive(alone)) / max(int(own.sum()), 1)
            if own.sum() < FEW or gain > (MARGIN if failures else 0.0):
                found = joint
        many = failures > 1 + _SPARED * own.sum()
        return None if found is None else cls(found, _slope(found), _SURE if many else _DOUBT)

    @classmethod
    def _fit(cls, X: Floats, infeasible: Truths, groups: Ints, own: Truths | None) -> GP:
        sources = 1 if own is None else 2
        return fit(
            X,
            np.where(infeasible, -1.0, 1.0),
            groups,
            source=None if own is None else np.where(own, 0, 1),
            sources=sources,
            noise=np.full(sources, cls.NOISE),
            prior=_EDGE,
            standard=(cls.PRIOR, 1.0),
        )

    def condition(self, X: Floats) -> Feasibility:
        """After imagined answers at X (m, d) that say what is expected."""
        return replace(self, process=self.process.condition(X, self.process.posterior(X)[0]))

    def log_probability(self, P: Floats) -> Floats:
        """Shape (m,): log probability that P (m, d) has an answer."""
        mean, sd = self.process.posterior(P)
        return np.asarray(scipy.special.log_ndtr(self.slope * mean / np.sqrt(1.0 + (self.slope * sd) ** 2)))


def _slope(process: GP) -> float:
    """The slope under which the first source's labels, each left out, are likeliest."""
    mean, sd = process.leave_one_out()
    own = process.data.source == 0
    if not own.any():
        return float(_SLOPES[np.argmax(_SLOPE_PRIOR)])
    label = np.where(process.outcomes[own] > 0, 1.0, -1.0)
    noiseless = np.sqrt(np.maximum(sd[own] ** 2 - process.noise_sd() ** 2, 0.0))
    z = _SLOPES[:, None] * label * mean[own] / np.sqrt(1.0 + (_SLOPES[:, None] * noiseless) ** 2)
    return float(_SLOPES[np.argmax(np.round(scipy.special.log_ndtr(z).sum(axis=1) + _SLOPE_PRIOR, 9))])


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Points one step of the resolution from a failure or a refusal of one source, and no nearer to an answer.

    Args:
        failed: shape (k, d), where there was none.
        reach: shape (k, d), one step there.
        answered: shape (n, d), where there was one.
    """

    failed: Floats
    reach: Floats
    answered: Floats

    @classmethod
    def of(cls, situation: Situation, source: int) -> Beside | None:
        """Of one source; None where nothing failed, or nothing has a resolution."""
        mine = situation.source == source
        failed = np.vstack(
            [situation.X[mine & situation.infeasible], situation.refused[situation.refused_source == source]]
        )
        reach = situation.space.steps(failed)
        return cls(failed, reach, situation.X[mine & ~situation.infeasible]) if np.any(reach) else None

    def holds(self, P: Floats) -> Truths:
        """Shape (m,): whether each of P (m, d) is such a point."""
        out = np.zeros(len(P), dtype=bool)
        for point, reach in zip(self.failed, self.reach, strict=True):
            near = np.flatnonzero(np.all(np.abs(P - point) <= 1.01 * reach + 1e-9, axis=1))
            if len(near):
                unit = np.maximum(reach, 1e-9)
                apart = np.linalg.norm((P[near] - point) / unit, axis=1)
                known = scipy.spatial.distance.cdist(P[near] / unit, self.answered / unit)
                out[near] |= known.min(axis=1, initial=np.inf) > apart + 1e-6
        return out
