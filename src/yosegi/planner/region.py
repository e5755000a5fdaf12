"""The open space: drawing points inside bounds and linear constraints, and bringing points onto the resolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy

from yosegi.planner.errors import NoFeasiblePoint
from yosegi.planner.parameter import Linear
from yosegi.planner.polytope import Polytope
from yosegi.planner.space import Floats, Space, Truths, first_of_each


class Region:
    """The feasible part of an open space.

    Args:
        space: the parameters.
        constraints: linear constraints between them.

    Raises:
        NoFeasiblePoint: nothing lies within bounds and constraints.
    """

    def __init__(self, space: Space, constraints: Sequence[Linear] = ()) -> None:
        self.space, self.constraints = space, tuple(constraints)
        ps = space.parameters
        self.low = np.array([0.0 if p.discrete else float(p.low or 0.0) for p in ps])
        self.high = np.array([len(p.levels) - 1.0 if p.discrete else float(p.high or 0.0) for p in ps])
        self.step = np.array([1.0 if p.discrete else (p.step or 0.0) for p in ps])
        self.log = np.array([p.log and not p.discrete for p in ps])
        self.tied = np.zeros(len(ps), dtype=bool)
        self._equations()
        self.log &= ~self.tied  # a sum is linear in the values, so tied parameters move linearly
        self._prepare()

    def _equations(self) -> None:
        names = [p.name for p in self.space.parameters]
        rows, least, most = [], [], []
        for c in self.constraints:
            row = np.array([float(c.coefficients.get(n, 0.0)) for n in names])
            self.tied |= row != 0
            rows.append(row)
            least.append(c.equals if c.equals is not None else (c.at_least if c.at_least is not None else -np.inf))
            most.append(c.equals if c.equals is not None else (c.at_most if c.at_most is not None else np.inf))
        self.rows = np.array(rows).reshape(len(rows), len(names))
        self.least, self.most = np.array(least, dtype=float), np.array(most, dtype=float)

    def _prepare(self) -> None:
        """The tied parameters as a polytope of values scaled to [0, 1]."""
        t: Truths = self.tied
        if not t.any():
            return
        width = (self.high - self.low)[t]
        scaled, shift = self.rows[:, t] * width, self.rows[:, t] @ self.low[t]
        equal = self.least == self.most
        upper, lower = np.isfinite(self.most) & ~equal, np.isfinite(self.least) & ~equal
        eye = np.eye(int(t.sum()))
        G = np.vstack([eye, -eye, scaled[upper], -scaled[lower]])
        h = np.concatenate(
            [np.ones(len(eye)), np.zeros(len(eye)), (self.most - shift)[upper], (shift - self.least)[lower]]
        )
        self._polytope = Polytope(G, h, scaled[equal], (self.least - shift)[equal])
        if self._polytope.centre is None:
            raise NoFeasiblePoint(tuple(str(c) for c in self.constraints))
        self._centre = self._polytope.centre

    def draw(self, count: int, seed: int) -> Floats:
        """Shape (at most count, p): distinct points spread over the region, on the resolution."""
        p = len(self.low)
        unit = scipy.stats.qmc.Sobol(p, seed=seed).random(1 << max(count - 1, 1).bit_length())[:count]
        if self.tied.any():
            unit[:, self.tied] = self._polytope.walk(np.tile(self._centre, (count, 1)), np.random.default_rng(seed))
        return self.settle(self.scale(unit))

    def near(self, rows: Floats, scale: float, each: int, seed: int) -> Floats:
        """Shape (at most n·each, p): points around each of `rows` (n, p), moved by about `scale` of the width."""
        rng = np.random.default_rng(seed)
        unit = np.repeat(self._to_unit(rows), each, axis=0)
        move = rng.random(unit.shape) < max(0.5, 2.0 / unit.shape[1])
        jump = rng.normal(0.0, scale, unit.shape)
        discrete = np.array([q.discrete for q in self.space.parameters])
        moved = np.where(move, unit + jump, unit)
        relevel = discrete & (rng.random(unit.shape) < 0.3)
        moved = np.where(relevel, rng.random(unit.shape), np.where(discrete, unit, moved))
        moved = np.where(moved < 0, -moved, moved)
        moved = np.clip(np.where(moved > 1, 2 - moved, moved), 0, 1)
        if self.tied.any():
            moved[:, self.tied] = self._polytope.walk(unit[:, self.tied], rng, steps=2, scale=scale)
        return self.settle(self.scale(moved))

    def settle(self, rows: Floats) -> Floats:
        """Shape (at most n, p): the rows brought onto the resolution within the constraints, each once, in order."""
        out = self._round(rows)
        if len(self.constraints):
            out = self._repair(out)
            out = np.clip(out, self.low, self.high)
            out = out[self.holds(out)]
            if not len(out) and len(rows):
                out = self._nearest(rows[: min(4, len(rows))])
        if not len(out):
            return out
        return out[first_of_each(np.round(out, 12))]

    def holds(self, rows: Floats) -> Truths:
        """Shape (n,): whether bounds and constraints hold, to 1e-9 of the size of the terms."""
        slack = 1e-9 * np.maximum(1.0, self.high - self.low)
        inside = np.all((rows >= self.low - slack) & (rows <= self.high + slack), axis=1)
        if len(self.constraints):
            total = rows @ self.rows.T
            size = 1e-9 * np.maximum(1.0, np.abs(rows) @ np.abs(self.rows.T))
            inside &= np.all((total >= self.least - size) & (total <= self.most + size), axis=1)
        return np.asarray(inside)

    def _to_unit(self, rows: Floats) -> Floats:
        low, high, at = self.low.copy(), self.high.copy(), rows.copy()
        discrete = np.array([q.discrete for q in self.space.parameters])
        for j in np.flatnonzero(self.log):
            low[j], high[j], at[:, j] = np.log(low[j]), np.log(high[j]), np.log(at[:, j])
        unit = (at - low) / np.where(high > low, high - low, 1.0)
        return np.where(discrete, (rows + 0.5) / (self.high + 1.0), unit)

    def scale(self, unit: Floats) -> Floats:
        """Shape (n, p): parameter rows of points in the unit cube (n, p)."""
        out = self.low + unit * (self.high - self.low)
        for j in np.flatnonzero(self.log):
            out[:, j] = self.low[j] * (self.high[j] / self.low[j]) ** unit[:, j]
        for k, q in enumerate(self.space.parameters):
            if q.discrete:
                out[:, k] = np.minimum(np.floor(unit[:, k] * len(q.levels)), len(q.levels) - 1)
        return np.asarray(out)

    def _round(self, rows: Floats) -> Floats:
        """The nearest point of the grid that counts from `low`; without a resolution, six digits of the width."""
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        digits = 10.0 ** (np.floor(np.log10(width)) - 6)
        stepped = self.step > 0
        step = np.where(stepped, self.step, digits)
        last = np.floor((self.high - self.low) / step + 1e-9)
        on_grid = self.low + np.clip(np.round((rows - self.low) / step), 0, last) * step
        coarse = np.clip(np.round(rows / digits) * digits, self.low, self.high)
        fine = ~stepped & self.log
        return np.where(
            fine, _significant(rows, self.low, self.high), np.where(stepped, on_grid, np.where(self.tied, rows, coarse))
        )

    def _repair(self, rows: Floats) -> Floats:
        """Meet the constraints: parameters without a resolution take up the remainder, then greedy steps do."""
        out = rows.copy()
        free = self.tied & (self.step == 0)
        if free.any():
            out = self._take_up(out, free)
        movable = np.flatnonzero(self.tied & (self.step > 0))
        for _ in range(4 * len(movable)):
            bad = np.flatnonzero(~self.holds(out))
            if not len(bad):
                break
            best, chosen = self._violation(out[bad]), out[bad].copy()
            for j in movable:
                for sign in (1.0, -1.0):
                    trial = out[bad].copy()
                    trial[:, j] += sign * self.step[j]
                    within = (trial[:, j] <= self.high[j] + 1e-9) & (trial[:, j] >= self.low[j] - 1e-9)
                    # the coordinate that rounding moved furthest the other way would be first; the order of
                    # parameters serves as well, and is the same on every machine
                    worse = self._violation(trial)
                    better = within & (worse < best - 1e-12)
                    best, chosen = np.where(better, worse, best), np.where(better[:, None], trial, chosen)
            out[bad] = chosen
        return self._take_up(out, free) if free.any() else out

    def _take_up(self, rows: Floats, free: Truths) -> Floats:
        out = rows
        for _ in range(8):
            total = out @ self.rows.T
            gap = np.clip(total, self.least, self.most) - total
            if np.all(np.abs(gap) < 1e-12):
                break
            width = (self.high - self.low)[free]
            out = out.copy()
            out[:, free] += gap @ np.linalg.pinv(self.rows[:, free] * width).T * width
            out = np.clip(out, self.low, self.high)
        return out

    def _violation(self, rows: Floats) -> Floats:
        total = rows @ self.rows.T
        return np.asarray(np.sum(np.maximum(self.least - total, 0) + np.maximum(total - self.most, 0), axis=1))

    def _nearest(self, rows: Floats) -> Floats:
        """The nearest grid points by integer programming; slow, for grids that greedy steps do not reach."""
        p = len(self.low)
        step = np.where(self.step > 0, self.step, 1.0)
        last = np.where(self.step > 0, np.floor((self.high - self.low) / step + 1e-9), self.high - self.low)
        integral = np.r_[(self.step > 0).astype(float), np.zeros(p)]
        shift = self.rows @ self.low
        found = []
        for row in rows:
            aim = (row - self.low) / step
            eye = np.eye(p)
            answer = scipy.optimize.milp(
                np.r_[np.zeros(p), 1.0 / np.maximum(last, 1e-12)],
                integrality=integral,
                bounds=scipy.optimize.Bounds(np.zeros(2 * p), np.r_[last, np.full(p, np.inf)]),
                constraints=[
                    scipy.optimize.LinearConstraint(
                        np.c_[self.rows * step, np.zeros_like(self.rows)], self.least - shift, self.most - shift
                    ),
                    scipy.optimize.LinearConstraint(np.c_[eye, -eye], -np.inf, aim),
                    scipy.optimize.LinearConstraint(np.c_[eye, eye], aim, np.inf),
                ],
            )
            if answer.x is not None:
                at = answer.x[:p]
                at = np.where(self.step > 0, np.round(at), at)
                found.append(self.low + at * step)
        out = np.array(found).reshape(len(found), p)
        out = out[self.holds(out)]
        if not len(out):
            raise NoFeasiblePoint(tuple(str(c) for c in self.constraints))
        return out


def _significant(rows: Floats, low: Floats, high: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        size = 10.0 ** (np.floor(np.log10(np.abs(rows))) - 6)
    size = np.where(np.isfinite(size) & (size > 0), size, 1.0)
    return np.clip(np.round(rows / size) * size, low, high)
