"""What a point must keep to count: an answer at all, and the bounds on outcomes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy

from yosegi.planner.acquisition import log_between
from yosegi.planner.caution import SafeSet
from yosegi.planner.feasibility import Beside, Feasibility
from yosegi.planner.objective import OutcomeConstraint
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats, Ints, Truths
from yosegi.planner.surrogate import Surrogate, learn

_FAR_LESS = 1e3
"""Taken from the log weight of what is not asked while others are left."""


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Learned limits of a problem.

    Args:
        feasibility: for each source, where points have an answer, None while nothing says that some have none.
        beside: for each source, the neighbours of its failures, None where there are none.
        bounds: each outcome constraint with what is believed of its outcome.
        guard: what keeps a cautious search near what is known to keep the bounds.
    """

    feasibility: tuple[Feasibility | None, ...]
    beside: tuple[Beside | None, ...]
    bounds: tuple[tuple[OutcomeConstraint, Surrogate], ...]
    guard: SafeSet | None = None

    @classmethod
    def of(cls, situation: Situation) -> Limits:
        """Learn from a history; a constraint measured fewer than twice does not bind yet."""
        sources = range(len(situation.problem.sources))
        failed, groups = situation.infeasible, situation.space.groups
        feasibility = (Feasibility.of(situation.X, failed, groups, situation.source == s) for s in sources)
        learned = ((c, learn(situation, c.name, c.noise)) for c in situation.problem.outcome_constraints)
        bounds = tuple((c, s) for c, s in learned if s is not None)
        beside = tuple(Beside.of(situation, s) for s in sources)
        noise = {c.name: s.gp.noise_sd() if c.noise is None else c.noise for c, s in bounds}
        return cls(tuple(feasibility), beside, bounds, SafeSet.of(situation, kept(situation), noise))

    def __bool__(self) -> bool:
        """Whether anything limits."""
        return any(f is not None for f in self.feasibility) or bool(self.bounds)

    def log_answer(self, P: Floats, source: int = 0) -> Floats:
        """Shape (m,): log probability that P (m, d) has an answer of a source."""
        feasibility = self.feasibility[source]
        return np.zeros(len(P)) if feasibility is None else feasibility.log_probability(P)

    def log_probability(self, P: Floats, source: int = 0) -> Floats:
        """Shape (m,): log probability that P (m, d) has an answer of a source and keeps all bounds, independently."""
        out = self.log_answer(P, source)
        for bound, surrogate in self.bounds:
            mean, sd = surrogate.posterior(P)
            out = out + log_between(mean, sd, bound.at_least, bound.at_most)
        return out

    def log_announced(self, P: Floats, source: int = 0) -> Floats:
        """Shape (m,): as `log_probability`, of what a measurement will say, to tell people.

        Noise and what a process does not know of itself are in it, as in `Surrogate.announced`; to compare points
        `log_probability` serves.
        """
        out = self.log_answer(P, source)
        for bound, surrogate in self.bounds:
            mean, sd = surrogate.announced(P)
            out = out + log_between(mean, sd, bound.at_least, bound.at_most)
        return out

    def log_weight(self, P: Floats) -> Floats:
        """Shape (m,): the log probability, and far less where failure is likely, so that it is not tried again.

        Otherwise, once all that has an answer is known, the smallest chance of an unknown gain would weigh more.
        """
        return np.asarray(self.log_probability(P) - self.reluctance(P))

    def reluctance(self, P: Floats, source: int = 0) -> Floats:
        """Shape (m,): what is taken from the log weight of P (m, d) where a source hardly has an answer."""
        out = np.zeros(len(P))
        feasibility, beside = self.feasibility[source], self.beside[source]
        if feasibility is not None:
            out += _FAR_LESS * (feasibility.log_probability(P) < np.log(feasibility.wanted))
        if beside is not None:
            out += _FAR_LESS * beside.holds(P)
        if self.guard is not None and source == 0:
            out += _FAR_LESS * self.guard.excess(P, self.log_surely(P))
        return out

    def log_surely(self, P: Floats) -> Floats:
        """Shape (m,): as `log_probability`, for who must be sure: with Student's t in place of the normal.

        A process whose d length scales and variance were fitted to n measurements is as a regression with n - d - 1
        degrees of freedom; with few measurements its own spread is too small.
        """
        out = self.log_answer(P)
        for bound, surrogate in self.bounds:
            mean, sd = surrogate.posterior(P)
            freedom = max(1, surrogate.gp.n - P.shape[1] - 1)
            for low, high in ((bound.at_least, mean), (mean, bound.at_most)):
                if low is not None and high is not None:
                    out = out + np.log(np.maximum(scipy.special.stdtr(freedom, (high - low) / sd), 1e-300))
        return np.asarray(out)

    def permits(self, P: Floats) -> Truths:
        """Shape (m,): whether a cautious search may ask the first source at P (m, d)."""
        if self.guard is None:
            return np.ones(len(P), dtype=bool)
        return np.asarray(self.guard.excess(P, self.log_surely(P)) == 0.0)

    def imagine(self, P: Floats, source: Ints) -> Limits:
        """After measurements at P (m, d) by `source` (m,) that say what is expected of them."""
        feasibility = tuple(
            f if f is None or not np.any(source == s) else f.condition(P[source == s])
            for s, f in enumerate(self.feasibility)
        )
        return replace(self, feasibility=feasibility, bounds=tuple((c, s.imagine(P, source)) for c, s in self.bounds))


def kept(situation: Situation) -> Truths:
    """Shape (n,): which measurements kept every outcome constraint, as measured."""
    out = ~situation.infeasible
    for bound in situation.problem.outcome_constraints:
        value, _ = situation.outcome(bound.name)
        out &= np.array([bound.holds(float(v)) for v in value], dtype=bool)
    return out
