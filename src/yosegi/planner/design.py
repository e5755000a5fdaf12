"""Designs that need no model: random, scrambled Sobol, Latin hypercube, grid; baselines and first points of a campaign.

In a candidate table a design's point is served by the nearest free candidate.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from yosegi.planner.history import Observation, Pending
from yosegi.planner.problem import Problem
from yosegi.planner.proposal import Expected, Proposal
from yosegi.planner.region import Region
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats, Ints, first_of_each

Kind = Literal["random", "sobol", "lhs", "grid"]
BASELINES: tuple[Kind, ...] = ("random", "sobol", "lhs", "grid")
REASONS = {
    "random": "drawn at random",
    "sobol": "the next point of a scrambled Sobol sequence, to cover the space evenly",
    "lhs": "a point of a Latin hypercube, to cover each parameter's range evenly",
    "grid": "the next point of a grid",
}

_FEW = 64
"""So many rows are looked at one by one against all that were asked."""


@dataclass(frozen=True, slots=True)
class Design:
    """A planner that looks at where points are and not at what they gave."""

    kind: Kind

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        return self.kind

    def suggest(
        self, problem: Problem, history: Sequence[Observation], *, pending: Sequence[Pending], count: int, seed: int
    ) -> list[Proposal]:
        """Up to `count` points of the design that nobody has measured or is measuring."""
        return place(Situation.of(problem, history, pending), self.kind, count, seed)


def place(situation: Situation, kind: Kind, count: int, seed: int) -> list[Proposal]:
    """Up to `count` proposals of a design; fewer where a table or a grid runs out."""
    chosen = _in_table(situation, kind, count, seed) if situation.table is not None else None
    if chosen is not None and situation.problem.candidates is not None:
        table = situation.space.table(situation.problem.candidates)
        picks: list[tuple[Floats, int | None]] = [(table[i], i) for i in chosen]
    else:
        picks = [(row, None) for row in _in_region(situation, kind, count, seed)]
    out = []
    for row, index in picks:
        at = np.array([index]) if index is not None else None
        expected = Expected(cost=float(situation.cost(0, row[None, :], at)[0]))
        out.append(situation.proposal(row, index, 0, REASONS[kind], expected))
    return out


def _in_table(situation: Situation, kind: Kind, count: int, seed: int) -> list[int]:
    table, free = situation.table, situation.free()
    left = np.flatnonzero(free)
    if table is None or not len(left):
        return []
    first = _representatives(table, left)
    if kind == "grid":
        return first[:count]
    if kind == "random":
        return [first[i] for i in np.random.default_rng([seed, len(first)]).permutation(len(first))[:count]]
    done = len(situation.X) + len(situation.pending)
    unit = _sequence(kind, table.shape[1], done + count, seed)[done:]
    chosen: list[int] = []
    open_ = np.array(first)
    for point in table[left].min(axis=0) + unit * np.ptp(table[left], axis=0):
        if not len(open_):
            break
        nearest = int(np.argmin(np.sum((table[open_] - point) ** 2, axis=1)))
        chosen.append(int(open_[nearest]))
        open_ = np.delete(open_, nearest)
    return chosen


def _representatives(table: Floats, left: Ints) -> list[int]:
    """One index for each distinct point among the free candidates, in table order."""
    first: list[int] = left[first_of_each(np.round(table[left], 9))].tolist()
    return first


def _in_region(situation: Situation, kind: Kind, count: int, seed: int) -> list[Floats]:
    if situation.region is None:
        return []
    taken = np.round(situation.taken(), 9)
    taken = taken[first_of_each(taken)]
    done = len(taken)
    chosen: list[Floats] = []
    for rows in _blocks(situation, kind, done + count, seed):
        at = np.round(situation.space.coordinates(rows), 9)
        new = _unlike(taken, at, count - len(chosen))
        chosen.extend(rows[new])
        if len(chosen) == count:
            break
        taken = np.vstack([taken, at[new]])
    return chosen


def _unlike(taken: Floats, points: Floats, most: int) -> Ints:
    """Shape (at most `most`,): the first of `points` (m, d) that are none of `taken` (n, d), nor of those before."""
    if len(points) > _FEW:
        first = first_of_each(np.vstack([taken, points])) - len(taken)
        return first[first >= 0][:most]
    new = (i for i in first_of_each(points) if not np.any(np.all(taken == points[i], axis=1)))
    return np.fromiter(itertools.islice(new, most), dtype=np.int64)


def _blocks(situation: Situation, kind: Kind, count: int, seed: int) -> Iterator[Floats]:
    region = situation.region
    if region is None:
        return
    if kind == "grid":
        yield from _grid(situation)
        return
    for attempt in range(4):  # small discrete spaces fill up, and later draws find what is left
        if kind == "lhs" and not region.tied.any():
            yield from _settled(region, _sequence("lhs", len(region.low), count, seed + attempt))
        elif kind == "random" and not region.tied.any():
            dice = np.random.default_rng([seed, count, attempt])
            yield from _settled(region, dice.random((count, len(region.low))))
        else:
            yield region.draw(count << (2 * attempt), seed + attempt + (count if kind == "random" else 0))


def _settled(region: Region, unit: Floats) -> Iterator[Floats]:
    """Points of the unit cube in the region, a few first: of as many as were ever asked, mostly the first is new."""
    few = len(unit) if len(region.constraints) else _FEW
    for part in (unit[:few], unit[few:]):
        if len(part):
            yield region.settle(region.scale(part))


def _grid(situation: Situation) -> Iterator[Floats]:
    region = situation.region
    if region is None:
        return
    p = len(region.low)
    for levels in (2, 3, 5, 9, 17, 33):
        if levels**p > 200_000:
            return
        unit = np.array(list(itertools.product(np.linspace(0, 1, levels), repeat=p)))
        rows = region.scale(np.minimum(unit, 1 - 1e-12))
        yield region.settle(rows[region.holds(rows)] if len(region.constraints) and levels > 2 else rows)


def _sequence(kind: Kind, dimensions: int, count: int, seed: int) -> Floats:
    if kind == "lhs":
        return np.asarray(scipy.stats.qmc.LatinHypercube(dimensions, rng=np.random.default_rng(seed)).random(count))
    sobol = scipy.stats.qmc.Sobol(dimensions, rng=np.random.default_rng(seed))
    return np.asarray(sobol.random(1 << max(count - 1, 1).bit_length())[:count])
