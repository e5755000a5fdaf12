"""The plain recipe that a planner must beat: one Gaussian process, Matérn 5/2, a length scale a column, log EI.

Choices stand as indicator columns. The hyper-parameters maximise their posterior under the priors of Hvarfner, Hellsten
& Nardi 2024, as BoTorch's default model has them. Written apart from `yosegi.planner`, whose model it does not share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy

from benchmarks.planner.datasets import Floats
from yosegi.planner import Observation, Pending, Problem, Proposal


@dataclass(frozen=True, slots=True)
class Plain:
    """Expected improvement of one Gaussian process over a table, one proposal at a time."""

    name: str = "plain"

    def suggest(
        self, problem: Problem, history: Sequence[Observation], *, pending: Sequence[Pending], count: int, seed: int
    ) -> list[Proposal]:
        """One proposal: the unmeasured candidate with the greatest log expected improvement."""
        table, places = _table(problem)
        at = [places[tuple(o.values.values())] for o in history]
        y = np.array([problem.objectives[0].loss(o.value(problem.objectives[0].name)) for o in history])
        y = (y - y.mean()) / (y.std() or 1.0)
        X, free = table[at], np.setdiff1d(np.arange(len(table)), at)
        begin = np.r_[np.zeros(X.shape[1]), -4.0]
        found = scipy.optimize.minimize(
            _cost, begin, (X, y), jac=True, method="L-BFGS-B", bounds=[(-7, 7)] * len(begin)
        )
        length, noise = np.exp(found.x[:-1]), np.exp(found.x[-1])
        L = np.linalg.cholesky(_kernel(X, X, length) + (noise + 1e-6) * np.eye(len(y)))
        v = scipy.linalg.solve_triangular(L, _kernel(X, table[free], length), lower=True)
        mean = v.T @ scipy.linalg.solve_triangular(L, y, lower=True)
        sd = np.sqrt(np.maximum(1 - np.sum(v * v, axis=0), 1e-10))
        z = (y.min() - mean) / sd
        tail = np.maximum(scipy.special.erfcx(-np.minimum(z, -1) / np.sqrt(2)) * np.sqrt(np.pi / 2), 1e-300)
        far = np.log1p(np.maximum(np.minimum(z, -1) * tail, -1 + 1e-12)) + scipy.stats.norm.logpdf(z)
        with np.errstate(divide="ignore", invalid="ignore"):
            near = np.log(scipy.stats.norm.pdf(z) + z * scipy.special.ndtr(z))
        row = int(free[np.argmax(np.where(z > -1, near, far) + np.log(sd))])
        values = {} if problem.candidates is None else problem.candidates.row(row)
        return [Proposal(values, candidate=str(row))]


def _kernel(A: Floats, B: Floats, length: Floats) -> Floats:
    r = np.sqrt(5 * scipy.spatial.distance.cdist(A / length, B / length, "sqeuclidean"))
    return np.asarray((1 + r + r**2 / 3) * np.exp(-r))


def _cost(t: Floats, X: Floats, y: Floats) -> tuple[float, Floats]:
    """Minus the log posterior of log length scales and log noise, and its gradient."""
    length, noise, d = np.exp(t[:-1]), np.exp(t[-1]), X.shape[1]
    apart = ((X[:, None] - X[None]) / length) ** 2
    r = np.sqrt(5 * apart.sum(axis=2))
    K = (1 + r + r**2 / 3) * np.exp(-r) + (noise + 1e-6) * np.eye(len(y))
    inverse = np.linalg.inv(K)
    alpha = inverse @ y
    W = np.outer(alpha, alpha) - inverse
    slope = np.einsum("ij,ijk->k", W * (5 / 3) * (1 + r) * np.exp(-r), apart)
    mean, sd = np.r_[np.full(d, np.sqrt(2) + np.log(d) / 2), -4.0], np.r_[np.full(d, np.sqrt(3)), 1.0]
    value = 0.5 * y @ alpha + 0.5 * np.linalg.slogdet(K)[1] + 0.5 * np.sum(((t - mean) / sd) ** 2)
    return float(value), -0.5 * np.r_[slope, noise * np.trace(W)] + (t - mean) / sd**2


@lru_cache(maxsize=4)
def _table(problem: Problem) -> tuple[Floats, dict[tuple[object, ...], int]]:
    """Columns scaled to [0, 1], choices as indicators, and the place of every recipe."""
    if problem.candidates is None:
        raise ValueError("the plain recipe chooses from a table")
    columns = []
    for p in problem.parameters:
        column = problem.candidates.columns[p.name]
        if p.discrete:
            columns += [(column == level).astype(float) for level in p.levels]
        else:
            columns.append((column - column.min()) / (np.ptp(column) or 1.0))
    keys = [tuple(problem.candidates.row(i).values()) for i in range(len(problem.candidates))]
    return np.column_stack(columns), {key: i for i, key in enumerate(keys)}
