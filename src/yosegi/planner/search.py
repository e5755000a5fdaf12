"""Where an aim is highest: over a finite table, or in an open space.

Ties (to nine digits, below what builds differ by) go to the smaller candidate id in a table, and to the first point
drawn in an open space.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from yosegi.planner.aim import Aim
from yosegi.planner.region import Region
from yosegi.planner.situation import Situation
from yosegi.planner.sources import by_source
from yosegi.planner.space import Floats, Ints, Truths, match

BLOCK = 8192
"""Rows scored at a time, so that a million candidates need no more memory than some."""
SHORTLIST = 4096
"""Rows kept from a long table after scoring it once in single precision."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A point and a source: its parameter row (p,), its coordinates (d,), and its row in the table if it has one."""

    row: Floats
    at: Floats
    index: int | None
    source: int


class Field(Protocol):
    """What may still be chosen."""

    def best(self, aim: Aim) -> Choice | None:
        """The best point and source, None where nothing is left."""

    def take(self, choice: Choice) -> None:
        """Choose it no more."""

    def measured(self, source: int) -> list[Choice]:
        """Points that the first source has answered and `source` may still be asked."""


class Table:
    """The free rows of a candidate table."""

    def __init__(self, situation: Situation, aim: Aim) -> None:
        table, candidates = situation.table, situation.problem.candidates
        if table is None or candidates is None:
            raise ValueError("a table needs candidates")
        self.situation = situation
        sources = range(len(situation.problem.sources))
        free = np.stack([situation.free(s) for s in sources], axis=1)
        self.index: Ints = np.flatnonzero(free.any(axis=1))
        if len(self.index) > SHORTLIST:
            self.index = self.index[_shortlist(aim, table, self.index)]
            if len(situation.problem.sources) > 1:
                self.index = np.unique(np.concatenate([self.index, *match(table, situation.X)]))
        self.free: Truths = free[self.index]
        self.P: Floats = table[self.index]
        self.rows: Floats = situation.space.table_rows(candidates, self.index)
        self.ids = candidates.ids[self.index]

    def best(self, aim: Aim) -> Choice | None:
        """The best free row; rows that are the same point are one choice."""
        if not self.free.any():
            return None
        costs = np.stack([self.situation.cost(s, self.rows, self.index) for s in range(self.free.shape[1])], axis=1)
        values = by_source(aim, self.P, costs, self.free)
        tied = np.argwhere(_tied(values))
        i, s = min(tied.tolist(), key=lambda pair: (self.ids[pair[0]], pair[1]))
        return Choice(self.rows[i], self.P[i], int(self.index[i]), int(s))

    def take(self, choice: Choice) -> None:
        """Take out every row that is the same point, for that source."""
        self.free[match(self.P, choice.at[None, :])[0], choice.source] = False

    def measured(self, source: int) -> list[Choice]:
        """Rows that the first source has answered and `source` may still be asked."""
        known = match(self.P, self.situation.X[self.situation.source == 0])
        first = [int(same[0]) for same in known if len(same) and self.free[same[0], source]]
        return [Choice(self.rows[i], self.P[i], int(self.index[i]), source) for i in first]


class Open:
    """The open space, searched anew for every choice.

    A scrambled Sobol sequence (or hit-and-run points under constraints) gives starts; the best of them and the best
    measured points are then moved at random within shrinking distances, on the resolution and within the constraints.
    """

    DRAWN, EACH, KEPT, WEIGHED = 1024, 48, 10, 1024
    SCALES = (0.2, 0.1, 0.05, 0.025, 0.012, 0.006, 0.003)

    def __init__(self, situation: Situation, region: Region, seed: int) -> None:
        self.situation, self.region, self.seed = situation, region, seed
        self.taken = [situation.taken(s) for s in range(len(situation.problem.sources))]
        self.drawn = region.draw(self.DRAWN, seed)
        done = situation.space.rows(o.values for o in situation.ended)
        self.inside = done[region.holds(done)]

    def best(self, aim: Aim) -> Choice | None:
        """The best point found by what the first source would give there, and who is to be asked."""
        rows = np.vstack([self.drawn, self._around_best(aim)])
        score = self._score(aim, rows)
        for turn, scale in enumerate(self.SCALES):
            order = np.argsort(-score, kind="stable")[: self.KEPT]
            near = self.region.near(rows[order], scale, self.EACH, self.seed + 7 * turn + 1)
            rows, score = np.vstack([rows, near]), np.r_[score, self._score(aim, near)]
        if not np.isfinite(score).any():
            return None
        rows = rows[np.argsort(-score, kind="stable")[: self.WEIGHED]]
        P = self.situation.space.coordinates(rows)
        values = by_source(aim, P, self._costs(rows), self._free(P))
        i, s = np.argwhere(_tied(values))[0]
        return Choice(rows[i], P[i], None, int(s))

    def take(self, choice: Choice) -> None:
        """Leave it out of later choices of that source."""
        self.taken[choice.source] = np.vstack([self.taken[choice.source], choice.at])

    def measured(self, source: int) -> list[Choice]:
        """Points inside the region that the first source has answered and `source` has not."""
        P = self.situation.space.coordinates(self.inside)
        first = np.concatenate([np.zeros(0, np.int64), *match(P, self.situation.X[self.situation.source == 0])])
        taken = np.concatenate([np.zeros(0, np.int64), *match(P, self.taken[source])])
        return [Choice(self.inside[i], P[i], None, source) for i in np.setdiff1d(first, taken)]

    def _around_best(self, aim: Aim) -> Floats:
        if not len(self.inside):
            return self.drawn[:0]
        score = aim.score(self.situation.space.coordinates(self.inside))
        top = self.inside[np.argsort(-score, kind="stable")[:5]]
        return self.region.near(top, 0.05, self.EACH, self.seed + 101)

    def _score(self, aim: Aim, rows: Floats) -> Floats:
        """Shape (m,): how much the first source's answer is wanted, for cost; never where nobody may be asked."""
        if not len(rows):
            return np.empty(0)
        P = self.situation.space.coordinates(rows)
        score = aim.score(P) - np.log(self.situation.cost(0, rows))
        return np.where(self._free(P).any(axis=1), score, -np.inf)

    def _costs(self, rows: Floats) -> Floats:
        return np.stack([self.situation.cost(s, rows) for s in range(len(self.taken))], axis=1)

    def _free(self, P: Floats) -> Truths:
        """Shape (m, sources): who may be asked about P."""
        free = np.ones((len(P), len(self.taken)), dtype=bool)
        for s, taken in enumerate(self.taken):
            for same in match(P, taken):
                free[same, s] = False
        return free


def _tied(values: Floats) -> Truths:
    top = float(np.max(values))
    return values >= top - 1e-9 * (1.0 + abs(top))


def _shortlist(aim: Aim, table: Floats, index: Ints) -> Ints:
    """The rows with the highest scores, and a sparse even selection of the rest for later points of a batch."""
    score = np.empty(len(index))
    for start in range(0, len(index), BLOCK):
        block = index[start : start + BLOCK]
        score[start : start + BLOCK] = aim.score(cast("Floats", table[block].astype(np.float32)))
    top = np.argpartition(-score, SHORTLIST // 2)[: SHORTLIST // 2]
    even = np.linspace(0, len(index) - 1, SHORTLIST // 2).astype(np.int64)
    return np.unique(np.r_[top, even])
