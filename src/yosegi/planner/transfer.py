"""Bringing an earlier campaign's points into the present space, aligned by name and unit, never by position."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from yosegi.planner.history import Earlier, Status
from yosegi.planner.parameter import Parameter
from yosegi.planner.space import Floats, Ints, Space

MOST = 150
"""Most measurements taken from one earlier campaign: the best third and an even spread of the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Earlier measurements of one outcome in the coordinates of the present space widened by `extra` dimensions.

    Args:
        X: shape (n, d + extra), coordinates.
        y: shape (n,), outcomes.
        error: shape (n,), standard errors, NaN where unknown.
        present: shape (extra,), where the present campaign stands in the added dimensions.
    """

    X: Floats
    y: Floats
    error: Floats
    present: Floats


def align(space: Space, earlier: Earlier, outcome: str, minimise: bool) -> Aligned | None:
    """The measurements of `outcome`, or None where no parameter is shared or nothing was measured.

    A parameter that only one of the two has stands at zero in the other (an element not used), or in the middle where
    zero is out of its bounds.
    """
    shared = {p.name for p in space.parameters} & {
        q.name for q in earlier.parameters for p in space.parameters if (p.name, p.unit) == (q.name, q.unit)
    }
    usable = [o for o in earlier.observations if o.status is Status.DONE and np.isfinite(o.value(outcome))]
    if not shared or not usable:
        return None
    y = np.array([o.value(outcome) for o in usable])
    kept = _kept(y if minimise else -y)
    usable, y = [usable[i] for i in kept], y[kept]
    extras = Space(tuple(_numeric(q) for q in earlier.parameters if q.name not in shared and q.kind != "categorical"))
    resting = {p.name: _rest(p) for p in space.parameters if p.name not in shared}
    own = space.rows({**o.values, **resting} for o in usable)
    added = extras.rows(o.values for o in usable)
    present = extras.coordinates(extras.rows([{q.name: _rest(q) for q in extras.parameters}]))[0]
    error = np.array([o.errors.get(outcome, np.nan) for o in usable], dtype=float)
    return Aligned(np.hstack([space.coordinates(own), extras.coordinates(added)]), y, error, present)


def widened(X: Floats, present: Floats) -> Floats:
    """X (n, d) with the coordinates `present` added to every row."""
    return np.hstack([X, np.tile(present, (len(X), 1)).astype(X.dtype)])


def extra_groups(groups: Ints, extra: int) -> Ints:
    """Length-scale groups with `extra` coordinates added, each its own."""
    first = int(groups.max()) + 1
    return np.concatenate([groups, np.arange(first, first + extra)])


def _numeric(p: Parameter) -> Parameter:
    return p if p.discrete or p.low is not None else replace(p, low=0.0, high=1.0)


def _rest(p: Parameter) -> float | int | str | bool:
    if p.discrete:
        return p.levels[0]
    low, high = float(p.low or 0.0), float(p.high or 0.0)
    return 0.0 if low <= 0 <= high and not p.log else (low * high) ** 0.5 if p.log else (low + high) / 2


def _kept(loss: Floats) -> Ints:
    order = np.argsort(loss, kind="stable")
    if len(order) <= MOST:
        return np.sort(order)
    best, rest = order[: MOST // 3], order[MOST // 3 :]
    even = rest[np.linspace(0, len(rest) - 1, MOST - len(best)).astype(np.int64)]
    return np.asarray(np.sort(np.r_[best, even]))
