"""Keeping the bounds during a search: small steps from points that kept them, and only where the model is sure.

As SafeOpt (Sui, Gotovos, Burdick & Krause 2015, "Safe exploration for optimization with Gaussian processes") a search
begins at known good points and asks only where the bounds are believed to hold: by the processes that were fitted, and
by one that fits nothing (`margin.Margin`), since what was fitted to few points on a plain is too sure. A point must
also be near one that was measured and kept them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from yosegi.planner.margin import Margin
from yosegi.planner.objective import Caution, OutcomeConstraint
from yosegi.planner.parameter import Level
from yosegi.planner.proposal import Expected, Proposal
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats, Truths


@dataclass(frozen=True, slots=True, eq=False)
class SafeSet:
    """Where a cautious search may ask.

    Args:
        caution: of the problem.
        kept: shape (n, d), points that were measured by the first source and kept all bounds.
        margins: one for each bound that was measured, both ways if it bounds both.
    """

    caution: Caution
    kept: Floats
    margins: tuple[Margin, ...] = ()

    @classmethod
    def of(cls, situation: Situation, kept: Truths, noise: Mapping[str, float]) -> SafeSet | None:
        """What a situation asks for; None where its problem is not cautious.

        Args:
            situation: of a problem, cautious or not.
            kept: shape (n,), which measurements kept all bounds.
            noise: of each bound's outcome, one standard deviation, where it is known.
        """
        caution = situation.problem.caution
        if caution is None:
            return None
        own = situation.source == 0
        margins: list[Margin] = []
        for bound in situation.problem.outcome_constraints:
            value, error = situation.outcome(bound.name)
            found = own & np.isfinite(value)
            known = max(noise.get(bound.name, 0.0), float(np.max(np.nan_to_num(error[found]), initial=0.0)))
            for left in (_below(bound, value[found]), _above(bound, value[found])):
                if left is not None and len(left):
                    margins.append(Margin.of(situation.X[found], left, known, caution.reach, caution.probability))
        return cls(caution, situation.X[kept & own], tuple(margins))

    def excess(self, P: Floats, log_kept: Floats) -> Floats:
        """Shape (m,): zero where P (m, d) may be asked, and more the less it may.

        Args:
            P: points.
            log_kept: shape (m,), log probability that they keep all bounds, by the processes that were fitted.
        """
        doubt = np.log(self.caution.probability) - np.minimum(log_kept, self.log_kept(P))
        out = np.where(doubt > 0.0, 1.0 + np.minimum(doubt, 1e3), 0.0)
        far = self.distance(P) - self.caution.reach
        return np.asarray(out + np.where(far > 1e-9, 1.0 + far, 0.0))

    def log_kept(self, P: Floats) -> Floats:
        """Shape (m,): log probability that P (m, d) keeps all bounds, by what fits nothing."""
        return sum((each.log_kept(P) for each in self.margins), np.zeros(len(P)))

    def distance(self, P: Floats) -> Floats:
        """Shape (m,): from the nearest point that kept the bounds, by the coordinate that differs most."""
        if not len(self.kept):
            return np.full(len(P), np.inf)
        return np.asarray(np.min([np.max(np.abs(P - one), axis=1) for one in self.kept], axis=0))


def _below(bound: OutcomeConstraint, value: Floats) -> Floats | None:
    return None if bound.at_most is None else bound.at_most - value


def _above(bound: OutcomeConstraint, value: Floats) -> Floats | None:
    return None if bound.at_least is None else value - bound.at_least


def first_steps(situation: Situation, kept: Truths, count: int, seed: int) -> list[Proposal] | None:
    """The known points, then steps about the first of them, as far as they may be; None once a model may speak.

    Args:
        situation: of a cautious problem.
        kept: shape (n,), which measurements kept all bounds.
        count: how many are wanted.
        seed: of the steps.
    """
    caution = situation.problem.caution
    if caution is None or situation.region is None:
        return None
    begun = int(np.sum(situation.source == 0)) + len(situation.pending)
    known = [dict(values) for values in caution.begin]
    if begun < len(known):
        return [_proposal(situation, one, "known to keep the bounds") for one in known[begun : begun + count]]
    own = kept & (situation.source == 0)
    if begun >= len(known) + len(situation.problem.parameters) + 1 or not own.any():
        return None if own.any() else [_proposal(situation, known[0], "nothing else kept the bounds")]
    near, at = _around(situation, known[0], seed, kept)
    taken = np.vstack([situation.X, situation.pending])
    out: list[Proposal] = []
    while len(out) < count and len(near):
        apart = np.min([np.sum((at - one) ** 2, axis=1) for one in taken], axis=0)
        best = int(np.argmax(np.round(apart, 12)))
        out.append(_proposal(situation, situation.space.values(near[best]), "a first step from what kept the bounds"))
        taken = np.vstack([taken, at[best]])
    return out or [_proposal(situation, known[0], "no step from it is surely within bounds")]


def _around(situation: Situation, values: Mapping[str, Level], seed: int, kept: Truths) -> tuple[Floats, Floats]:
    """Rows and coordinates about a point that may be asked by what fits nothing: all that few measurements say."""
    caution, region, space = situation.problem.caution, situation.region, situation.space
    if caution is None or region is None:
        raise ValueError("a step needs a cautious problem in an open space")
    noise = {c.name: c.noise for c in situation.problem.outcome_constraints if c.noise is not None}
    safe = SafeSet.of(situation, kept, noise)
    scales = caution.reach * 2.0 ** -np.arange(4)
    near = np.vstack([region.near(space.rows([values]), scale, 128, seed + n) for n, scale in enumerate(scales)])
    at = space.coordinates(near)
    may = np.ones(len(near), dtype=bool) if safe is None else safe.excess(at, np.zeros(len(at))) == 0.0
    return near[may], at[may]


def repeat(situation: Situation, kept: Truths, loss: Floats) -> Proposal | None:
    """The best point again, where it is due; None where it is not, or where nothing kept the bounds.

    Args:
        situation: of a cautious problem.
        kept: shape (n,), which measurements kept all bounds.
        loss: shape (n,), what is to be made small, as measured; NaN where there is none.
    """
    caution = situation.problem.caution
    begun = int(np.sum(situation.source == 0)) + len(situation.pending)
    if caution is None or caution.again is None or begun == 0 or begun % caution.again:
        return None
    best = best_kept(situation, kept, loss)
    return None if best is None else _proposal(situation, best, "the best again, since what is measured drifts")


def best_kept(situation: Situation, kept: Truths, loss: Floats) -> Mapping[str, Level] | None:
    """The values of the best measurement that kept all bounds."""
    usable = kept & (situation.source == 0) & np.isfinite(loss)
    if not usable.any():
        return None
    best = int(np.flatnonzero(usable)[np.argmin(loss[usable])])
    return situation.ended[best].values


def retreat(situation: Situation, kept: Truths, loss: Floats) -> Proposal | None:
    """Where to go while the model is sure of no new point: the best that kept the bounds, measured again."""
    best = best_kept(situation, kept, loss)
    return None if best is None else _proposal(situation, best, "the best again: no other is surely within bounds")


def _proposal(situation: Situation, values: Mapping[str, Level], reason: str) -> Proposal:
    row = situation.space.rows([values])
    expected = Expected(cost=float(situation.cost(0, row)[0]))
    return situation.proposal(row[0], None, 0, reason, expected)
