"""Where points live: values as people write them, a numeric row of the same, and the coordinates a kernel sees.

Three forms of one point, for p parameters:

- *values*: a mapping by parameter name, in the parameters' units;
- *row*: shape (p,), the numbers themselves, or the index of the level (-1 for an unknown one);
- *coordinates*: shape (d,), each parameter scaled to [0, 1]; a categorical takes one coordinate a level, scaled so
  that two different levels stand at distance 1. `groups` says which coordinates share a length scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from yosegi.planner.candidates import Candidates, Column
from yosegi.planner.parameter import Level, Parameter, Values
from yosegi.planner.problem import Problem

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

SAME = 1e-9
"""Two points are the same when no scaled coordinate differs by more than this."""


@dataclass(frozen=True, slots=True)
class Space:
    """Parameters with resolved bounds, and the way between the three forms of a point."""

    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, problem: Problem) -> Space:
        """The space of a problem; with candidates, bounds are the table's extremes, since nothing lies outside."""
        if problem.candidates is None:
            return cls(problem.parameters)
        return cls(tuple(_bounded(p, problem.candidates) for p in problem.parameters))

    @property
    def groups(self) -> Ints:
        """Shape (d,): the parameter each coordinate belongs to."""
        widths = [len(p.levels) if p.kind == "categorical" else 1 for p in self.parameters]
        return np.repeat(np.arange(len(widths)), widths)

    def rows(self, points: Iterable[Values]) -> Floats:
        """Shape (n, p); NaN where a value is missing or not a number."""
        asked = list(points)
        found = [_numbers(p, [values.get(p.name) for values in asked]) for p in self.parameters]
        return np.array(found, dtype=float).reshape(len(self.parameters), len(asked)).T.copy()

    def table(self, candidates: Candidates) -> Floats:
        """Shape (rows, p) of a candidate table, column by column."""
        return self.table_rows(candidates, np.arange(len(candidates)))

    def table_rows(self, candidates: Candidates, index: Ints) -> Floats:
        """Shape (len(index), p): some rows of a candidate table, one as often as it is named."""
        out = np.empty((len(index), len(self.parameters)))
        for j, p in enumerate(self.parameters):
            out[:, j] = _column(p, candidates.columns[p.name][index])
        return out

    def coordinates(self, rows: Floats) -> Floats:
        """Shape (n, d) of rows (n, p); a missing number stands in the middle, an unknown level apart from all."""
        blocks = []
        for p, column in zip(self.parameters, rows.T, strict=True):
            if p.kind == "categorical":
                blocks.append((column[:, None] == np.arange(len(p.levels))) * math.sqrt(0.5))
            else:
                blocks.append(np.nan_to_num(_scaled(p, column), nan=0.5)[:, None])
        return np.hstack(blocks) if blocks else np.empty((len(rows), 0))

    def steps(self, coordinates: Floats) -> Floats:
        """Shape (n, d): one step of the resolution at each of `coordinates` (n, d), in the same; zero without one."""
        out = np.zeros_like(coordinates)
        for j, p in zip(np.unique(self.groups, return_index=True)[1], self.parameters, strict=True):
            low, high = float(p.low or 0.0), float(p.high or 0.0)
            if p.step is None or high <= low:
                continue
            if p.log:
                at = low * (high / low) ** np.clip(coordinates[:, j], 0, 1)
                out[:, j] = np.log1p(p.step / at) / math.log(high / low)
            else:
                out[:, j] = p.step / (high - low)
        return out

    def values(self, row: Floats) -> dict[str, Level]:
        """One row as people write it, numbers to twelve digits."""
        return {p.name: _value(p, float(number)) for p, number in zip(self.parameters, row, strict=True)}


def match(coordinates: Floats, points: Floats) -> list[Ints]:
    """For each of `points` (m, d) the indices in `coordinates` (n, d) that are the same point.

    A one-dimensional projection sorts the many once, so that each of the few is found by bisection.
    """
    weights = np.sqrt(np.arange(2, coordinates.shape[1] + 2))  # irrational, so that distinct grids rarely collide
    projected = coordinates @ weights
    order = np.argsort(projected, kind="stable")
    ordered = projected[order]
    reach = SAME * weights.sum()
    found = []
    for point in points:
        centre = float(point @ weights)
        near = order[np.searchsorted(ordered, centre - reach) : np.searchsorted(ordered, centre + reach, "right")]
        found.append(np.sort(near[np.all(np.abs(coordinates[near] - point) <= SAME, axis=1)]))
    return found


def first_of_each(points: Floats) -> Ints:
    """Shape (k,): the indices of distinct rows (n, d), each where it stands first, in order."""
    if not len(points) or not points.shape[1]:
        return np.arange(min(len(points), 1))
    order = np.lexsort(points.T)  # stable: of equal rows the first stays first
    ordered = points[order]
    return np.sort(order[np.r_[True, np.any(ordered[1:] != ordered[:-1], axis=1)]])


def _bounded(p: Parameter, table: Candidates) -> Parameter:
    column = table.columns[p.name]
    if p.discrete:
        return p
    finite = column[np.isfinite(column)]
    return replace(p, low=float(finite.min()), high=float(finite.max())) if len(finite) else replace(p, low=0, high=0)


def _levels(p: Parameter) -> dict[Level, int]:
    return {level: i for i, level in enumerate(p.levels)}


def _numbers(p: Parameter, values: list[Any]) -> Floats:
    levels = _levels(p)
    if not p.discrete and set(map(type, values)) <= {int, float}:  # a campaign of weeks brings ten thousand
        column = np.array(values, dtype=float)
        return np.where(np.isfinite(column), column, np.nan)
    return np.array([_number(p, value, levels) for value in values], dtype=float)


def _number(p: Parameter, value: object, levels: dict[Level, int]) -> float:
    if p.discrete:
        return float(levels.get(value, -1)) if isinstance(value, str | int | float) else -1.0
    if isinstance(value, int | float | np.number) and math.isfinite(value):
        return float(value)
    return math.nan


def _column(p: Parameter, column: Column) -> Floats:
    if not p.discrete:
        return column.astype(float)
    levels = _levels(p)
    kinds, inverse = np.unique(column, return_inverse=True) if column.dtype.kind in "iuf" else _kinds(column)
    codes = np.array([levels.get(k, -1) for k in kinds.tolist()], dtype=float)
    return codes[inverse]


def _kinds(column: Column) -> tuple[Column, Ints]:
    seen: dict[Level, int] = {}
    inverse = np.fromiter((seen.setdefault(v, len(seen)) for v in column.tolist()), dtype=np.int64, count=len(column))
    kinds = np.empty(len(seen), dtype=object)
    kinds[:] = list(seen)
    return kinds, inverse


def _scaled(p: Parameter, column: Floats) -> Floats:
    if p.kind == "ordinal":
        marks = _marks(p.levels)
        return np.where(column >= 0, marks[np.nan_to_num(column).astype(np.int64)], np.nan)
    low, high = float(p.low or 0.0), float(p.high or 0.0)
    if p.log:
        with np.errstate(invalid="ignore", divide="ignore"):
            column, low, high = np.log(column), math.log(low), math.log(high)
        column = np.where(np.isfinite(column), column, np.nan)
    return (column - low) / (high - low) if high > low else np.where(np.isnan(column), np.nan, column - low)


def _marks(levels: Sequence[Level]) -> Floats:
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in levels)
    marks = np.array([float(v) for v in levels] if numeric else range(len(levels)), dtype=float)
    width = float(np.ptp(marks))
    return (marks - marks.min()) / width if width > 0 else np.zeros(len(levels))


def _value(p: Parameter, number: float) -> Level:
    if p.discrete:
        return p.levels[int(number)]
    if p.kind == "integer":
        return round(number)
    low, high = (-math.inf if p.low is None else p.low), (math.inf if p.high is None else p.high)
    return min(max(float(f"{number:.12g}"), float(low)), float(high))
