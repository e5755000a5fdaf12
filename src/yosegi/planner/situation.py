"""A problem and its history as arrays: what every planner starts from, ours and the adapters."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yosegi.planner.history import Observation, Pending, Status
from yosegi.planner.parameter import Cost
from yosegi.planner.problem import Problem
from yosegi.planner.proposal import Expected, Proposal
from yosegi.planner.region import Region
from yosegi.planner.space import Floats, Ints, Space, Truths, match


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """What is known and what may be asked.

    Args:
        problem: the question.
        space: its parameters with resolved bounds.
        ended: the usable observations (done or infeasible, every parameter given), in an order of their own.
        X: shape (n, d), their coordinates.
        source: shape (n,), index of their source.
        pending: shape (m, d), coordinates of what is running; `pending_source` (m,) its sources.
        refused: shape (k, d), coordinates that a source will not measure; `refused_source` (k,) which.
        left_out: how many observations could not be used (a parameter or the source is unknown).
        table: shape (rows, d), coordinates of the candidates, or None in an open space.
        region: the feasible part of an open space, or None with candidates.
    """

    problem: Problem
    space: Space
    ended: tuple[Observation, ...]
    X: Floats
    source: Ints
    pending: Floats
    pending_source: Ints
    refused: Floats
    refused_source: Ints
    left_out: int
    table: Floats | None
    region: Region | None

    @classmethod
    def of(cls, problem: Problem, history: Sequence[Observation], pending: Sequence[Pending] = ()) -> Situation:
        """Read a history; the order in which measurements ended makes no difference."""
        space = Space.of(problem)
        number = {s.name: i for i, s in enumerate(problem.sources)} | {"": 0}
        answers, others = _parted(history)
        known = [o for o in answers if o.source in number]
        rows = space.rows(o.values for o in known)
        source = np.array([number[o.source] for o in known], dtype=np.int64)
        whole: Truths = np.all(np.isfinite(rows), axis=1)
        if not whole.all():
            rows, source, known = rows[whole], source[whole], list(itertools.compress(known, whole))
        order = _canonical(rows, source, known)
        waiting = space.rows(p.values for p in pending)
        refused = _refused(others, number)
        return cls(
            problem,
            space,
            tuple(map(known.__getitem__, order)),
            space.coordinates(rows[order]),
            source[order],
            space.coordinates(waiting),
            np.array([number.get(p.source, 0) for p in pending], dtype=np.int64),
            space.coordinates(space.rows(o.values for o in refused)),
            np.array([number[o.source] for o in refused], dtype=np.int64),
            len(answers) - len(known),
            None if problem.candidates is None else space.coordinates(space.table(problem.candidates)),
            Region(space, problem.constraints) if problem.candidates is None else None,
        )

    def outcome(self, name: str) -> tuple[Floats, Floats]:
        """Measured values and standard errors of an outcome, shapes (n,), NaN where there is none."""
        value = np.array([o.value(name) for o in self.ended], dtype=float)
        error = np.array([o.errors.get(name, np.nan) for o in self.ended], dtype=float)
        return value, np.where(error >= 0, error, np.nan)

    @property
    def infeasible(self) -> Truths:
        """Shape (n,): whether the observation was a failure that belongs to the point."""
        return np.array([o.status is Status.INFEASIBLE for o in self.ended], dtype=bool)

    def taken(self, source: int = 0) -> Floats:
        """Coordinates that must not be asked again of a source: answered, infeasible or refused by it, or pending.

        What gave some outcomes and is wanted for others (`Observation.again`) may be.
        """
        done = ~np.array([o.again for o in self.ended], dtype=bool)
        own = [
            (self.X[done], self.source[done]),
            (self.pending, self.pending_source),
            (self.refused, self.refused_source),
        ]
        return np.vstack([X[s == source] for X, s in own])

    def free(self, source: int = 0) -> Truths:
        """Shape (rows,): which candidates may be asked of a source; rows with a missing number may not."""
        if self.table is None:
            return np.ones(0, dtype=bool)
        free: Truths = np.asarray(np.all(np.isfinite(self.table), axis=1))
        for same in match(self.table, self.taken(source)):
            free[same] = False
        return free

    def cost(self, source: int, rows: Floats, index: Ints | None = None) -> Floats:
        """Shape (n,): cost of points given as parameter rows (n, p), or as indices into the candidates."""
        price: Cost = self.problem.sources[source].price
        out = np.full(len(rows), price.base)
        for name, factor in price.per.items():
            table = self.problem.candidates
            if name in self.problem.names:
                out += factor * rows[:, self.problem.names.index(name)]
            elif table is not None and index is not None and name in table.columns:
                out += factor * table.columns[name][index].astype(float)
        return np.asarray(np.maximum(np.nan_to_num(out, nan=price.base), 1e-12))

    def proposal(self, row: Floats, index: int | None, source: int, reason: str, expected: Expected) -> Proposal:
        """A proposal for a parameter row (p,), or for the candidate at `index`."""
        table = self.problem.candidates
        name = self.problem.sources[source].name
        if table is None or index is None:
            return Proposal(self.space.values(row), name, reason, expected)
        values = table.row(index)
        return Proposal({n: values[n] for n in self.problem.names}, name, reason, expected, str(table.ids[index]))


def _parted(history: Sequence[Observation]) -> tuple[list[Observation], list[Observation]]:
    """What gave an answer or showed that there is none, and all else; in one pass, of ten thousand after weeks."""
    done, infeasible = Status.DONE, Status.INFEASIBLE
    answers, others = list[Observation](), list[Observation]()
    for o in history:
        (answers if o.status is done or o.status is infeasible else others).append(o)
    return answers, others


def _refused(history: Sequence[Observation], number: Mapping[str, int]) -> list[Observation]:
    """Points refused, or withdrawn twice by one source, each once; in an order of their own."""
    found: dict[tuple[object, ...], list[Observation]] = {}
    for o in history:
        if o.status in (Status.REFUSED, Status.WITHDRAWN) and o.source in number:
            found.setdefault((o.source, *sorted((k, str(v)) for k, v in o.values.items())), []).append(o)
    final = {k: f for k, f in found.items() if len(f) > 1 or f[0].status is Status.REFUSED}
    return [final[key][0] for key in sorted(final, key=str)]


def _canonical(rows: Floats, source: Ints, ended: Sequence[Observation]) -> list[int]:
    """An order that depends on what was measured, not on when."""

    def of_equals(i: int) -> tuple[object, ...]:
        return (ended[i].status.value, sorted((k, str(v)) for k, v in ended[i].outcomes.items()))

    # The last key counts most. What was measured is looked at only where the same was asked of the same source again.
    order = np.lexsort((source, *rows.T[::-1]))
    where = np.column_stack([rows, source])[order]
    new = np.flatnonzero(np.any(where[1:] != where[:-1], axis=1)) + 1
    found: list[int] = order.tolist()
    for begin, end in itertools.pairwise([0, *new.tolist(), len(found)]):
        if end - begin > 1:
            found[begin:end] = sorted(found[begin:end], key=of_equals)
    return found
