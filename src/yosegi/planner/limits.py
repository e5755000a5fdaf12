"""What a point must keep to count: an answer at all, and the bounds on outcomes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from yosegi.planner.acquisition import log_between
from yosegi.planner.classes import Feasibility
from yosegi.planner.objective import OutcomeConstraint
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats, Ints, Truths
from yosegi.planner.surrogate import Surrogate, learn

AVOIDED = math.log(0.25)
"""Points less likely to have an answer than this are not proposed while others are left."""


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Learned limits of a problem.

    Args:
        feasibility: where points have an answer, None while nothing failed.
        bounds: each outcome constraint with what is believed of its outcome.
    """

    feasibility: Feasibility | None
    bounds: tuple[tuple[OutcomeConstraint, Surrogate], ...]

    @classmethod
    def of(cls, situation: Situation) -> Limits:
        """Learn from a history; a constraint measured fewer than twice does not bind yet."""
        feasibility = Feasibility.of(situation.X, situation.infeasible, situation.space.groups)
        learned = ((c, learn(situation, c.name, c.noise)) for c in situation.problem.outcome_constraints)
        return cls(feasibility, tuple((c, s) for c, s in learned if s is not None))

    def __bool__(self) -> bool:
        """Whether anything limits."""
        return self.feasibility is not None or bool(self.bounds)

    def log_probability(self, P: Floats) -> Floats:
        """Shape (m,): log probability that P (m, d) keeps them all, taken as independent."""
        out = np.zeros(len(P)) if self.feasibility is None else self.feasibility.log_probability(P)
        for bound, surrogate in self.bounds:
            mean, sd = surrogate.posterior(P)
            out = out + log_between(mean, sd, bound.at_least, bound.at_most)
        return out

    def log_weight(self, P: Floats) -> Floats:
        """Shape (m,): the log probability, and far less where failure is all but sure, so that it is not tried again.

        Otherwise, once all that has an answer is known, the smallest chance of an unknown gain would weigh more.
        """
        out = self.log_probability(P)
        if self.feasibility is None:
            return out
        return np.where(self.feasibility.log_probability(P) < AVOIDED, out - 1e3, out)

    def imagine(self, P: Floats, source: Ints) -> Limits:
        """After measurements at P (m, d) by `source` (m,) that say what is expected of them."""
        feasibility = None if self.feasibility is None else self.feasibility.condition(P)
        return replace(self, feasibility=feasibility, bounds=tuple((c, s.imagine(P, source)) for c, s in self.bounds))


def kept(situation: Situation) -> Truths:
    """Shape (n,): which measurements kept every outcome constraint, as measured."""
    out = ~situation.infeasible
    for bound in situation.problem.outcome_constraints:
        value, _ = situation.outcome(bound.name)
        out &= np.array([bound.holds(float(v)) for v in value], dtype=bool)
    return out
