"""Keeping the bounds during a search: small steps from points that kept them, and only where the model is sure.

As SafeOpt (Sui, Gotovos, Burdick & Krause 2015, "Safe exploration for optimization with Gaussian processes") a search
begins at known good points and asks only where the bounds are believed to hold. The model's own spread is too small
while it knows little, so a point must also be near one that was measured and kept them, and a few small steps come
before the model speaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from yosegi.planner.objective import Caution, OutcomeConstraint
from yosegi.planner.parameter import Level
from yosegi.planner.proposal import Expected, Proposal
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats, Truths

_FIRST = 1.0 / 3.0
"""Share of the reach that the first steps may be long."""
_GROWS = 4
"""Kept points for each dimension until the whole reach is allowed: a process that has seen only small steps takes the
rest of the space to be as flat, however sure it is (loss 0.48 where it had expected 0.07 ± 0.02). Until then no outcome
may pass its bound even if it goes on `_STEEPER` times as steeply as between any two points measured."""
_STEEPER = 1.5
_CLOSE = 0.02
"""Least distance over which a slope is measured, or noise would pass for one."""


@dataclass(frozen=True, slots=True, eq=False)
class SafeSet:
    """Where a cautious search may ask.

    Args:
        caution: of the problem.
        kept: shape (n, d), points that were measured by the first source and kept all bounds.
        measured: of each bound, the points (n, d) at which its outcome was measured, its values (n,), and the bound.
    """

    caution: Caution
    kept: Floats
    measured: tuple[tuple[Floats, Floats, OutcomeConstraint], ...] = ()

    @classmethod
    def of(cls, situation: Situation, kept: Truths) -> SafeSet | None:
        """What a situation asks for; None where its problem is not cautious."""
        caution = situation.problem.caution
        if caution is None:
            return None
        own = situation.source == 0
        measured = []
        for bound in situation.problem.outcome_constraints:
            value, _ = situation.outcome(bound.name)
            found = own & np.isfinite(value)
            measured.append((situation.X[found], value[found], bound))
        return cls(caution, situation.X[kept & own], tuple(measured))

    def excess(self, P: Floats, log_kept: Floats) -> Floats:
        """Shape (m,): zero where P (m, d) may be asked, and more the less it may.

        Args:
            P: points.
            log_kept: shape (m,), log probability that they keep all bounds.
        """
        doubt = np.log(self.caution.probability) - log_kept
        out = np.where(doubt > 0.0, 1.0 + np.minimum(doubt, 1e3), 0.0)
        far = self.distance(P) - self.reach
        out = out + np.where(far > 1e-9, 1.0 + far, 0.0)
        if len(self.kept) < _GROWS * P.shape[1]:
            for X, value, bound in self.measured:
                out = out + _steep_excess(P, X, value, bound)
        return np.asarray(out)

    @property
    def reach(self) -> float:
        """How far a point may be from one that kept the bounds: more with each of them, from a third to the whole."""
        count, dimensions = self.kept.shape
        grown = min(1.0, max(0.0, (count - dimensions - 1) / (_GROWS * dimensions)))
        return float(self.caution.reach * (_FIRST + (1.0 - _FIRST) * grown))

    def distance(self, P: Floats) -> Floats:
        """Shape (m,): from the nearest point that kept the bounds, by the coordinate that differs most."""
        if not len(self.kept):
            return np.full(len(P), np.inf)
        return np.asarray(np.min([np.max(np.abs(P - one), axis=1) for one in self.kept], axis=0))


def _steep_excess(P: Floats, X: Floats, value: Floats, bound: OutcomeConstraint) -> Floats:
    """Shape (m,): zero where a bound is kept also if the outcome goes on `_STEEPER` times as steeply as seen so far.

    Args:
        P: shape (m, d), points.
        X: shape (n, d), where the outcome was measured.
        value: shape (n,), what it was.
        bound: what it must keep.
    """
    if len(X) < 2:
        return np.zeros(len(P))
    apart = np.maximum(np.linalg.norm(X[:, None, :] - X[None, :, :], axis=2), _CLOSE)
    slope = _STEEPER * float(np.max(np.abs(value[:, None] - value[None, :]) / apart))
    way = slope * np.linalg.norm(P[:, None, :] - X[None, :, :], axis=2)
    over = np.zeros(len(P))
    if bound.at_most is not None:
        over = np.maximum(over, np.min(value + way, axis=1) - bound.at_most)
    if bound.at_least is not None:
        over = np.maximum(over, bound.at_least - np.max(value - way, axis=1))
    return np.where(over > 0.0, 1.0 + over / (slope + 1e-12), 0.0)


def first_steps(situation: Situation, kept: Truths, count: int, seed: int) -> list[Proposal] | None:
    """The known points, then small steps about the nearest of what kept the bounds; None once a model may speak.

    Args:
        situation: of a cautious problem.
        kept: shape (n,), which measurements kept all bounds.
        count: how many are wanted.
        seed: of the steps.
    """
    caution, region = situation.problem.caution, situation.region
    if caution is None or region is None:
        return None
    begun = int(np.sum(situation.source == 0)) + len(situation.pending)
    known = [dict(values) for values in caution.begin]
    if begun < len(known):
        return [_proposal(situation, one, "known to keep the bounds") for one in known[begun : begun + count]]
    own = kept & (situation.source == 0)
    if begun >= len(known) + len(situation.problem.parameters) + 1 or not own.any():
        return None if own.any() else [_proposal(situation, known[0], "nothing else kept the bounds")]
    centre = situation.space.rows([known[0]])
    near = region.near(centre, caution.reach * _FIRST, 256, seed)
    at = situation.space.coordinates(near)
    middle = situation.space.coordinates(centre)[0]
    inside = np.max(np.abs(at - middle), axis=1) <= caution.reach * _FIRST + 1e-9
    near, at = near[inside], at[inside]
    taken = np.vstack([situation.X, situation.pending])
    out: list[Proposal] = []
    while len(out) < count and len(near):
        apart = np.min([np.sum((at - one) ** 2, axis=1) for one in taken], axis=0)
        best = int(np.argmax(np.round(apart, 12)))
        out.append(_proposal(situation, situation.space.values(near[best]), "a small step from what kept the bounds"))
        taken = np.vstack([taken, at[best]])
    return out


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
