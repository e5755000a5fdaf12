"""Retrospective runs: the planner asks, the published table answers, until there is nothing left to find."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache

import numpy as np

from benchmarks.planner.datasets import Pool, load
from benchmarks.planner.planners import COMPETITORS
from benchmarks.planner.record import Run
from yosegi.planner import Candidates, Objective, Observation, Problem, Proposal

STARTS = 5
"""Random recipes that every planner is given before it is asked."""

BATCH = 4
"""Proposals a call in the study of batches."""


@cache
def problem_of(pool_name: str) -> Problem:
    """The pool as a planner is asked about it: a finite table and one objective."""
    pool = load(pool_name)
    table = Candidates.of({name: pool.x[:, j] for j, name in enumerate(pool.parameters)})
    goal = Objective(pool.objective, "maximise" if pool.maximise else "minimise")
    return Problem(parameters=table.parameters(), objectives=(goal,), candidates=table, starts=STARTS)


def starts_of(pool: Pool, seed: int, count: int = STARTS) -> list[int]:
    """The same random recipes for every planner, decided by the seed and the size of the pool."""
    return np.random.default_rng([seed, len(pool)]).permutation(len(pool))[:count].tolist()


def observe(pool: Pool, row: int) -> Observation:
    """What measuring that recipe gave."""
    values = dict(zip(pool.parameters, pool.x[row].tolist(), strict=True))
    return Observation(values, {pool.objective: float(pool.y[row])})


def finished(pool: Pool, order: Sequence[int]) -> bool:
    """Whether the best recipe and 80 % of the top 5 % are found: no metric asks for more."""
    found = set(order)
    top = pool.top(0.05)
    return int(np.argmax(pool.utility)) in found and len(top & found) >= 0.8 * len(top)


def study_of(count: int) -> str:
    """The name of the study in which that many are proposed at a time."""
    return "single" if count == 1 else "batch"


def ended(pool: Pool, order: Sequence[int], until: str) -> bool:
    """Whether the run is over: `finished`, or until `first` the first of the top 1 % found."""
    return finished(pool, order) if until == "all" else bool(pool.top(0.01) & set(order))


def run(data: str, name: str, seed: int, horizon: int, count: int = 1, until: str = "all") -> Run:
    """One run on one pool.

    Args:
        data: name of the pool.
        name: of the competitor.
        seed: decides the starts and the planner's own random numbers.
        horizon: the most measurements, the starts among them.
        count: proposals a call; all are measured before the next call.
        until: `all`, or `first` to end at the first of the top 1 %.
    """
    pool, problem = load(data), problem_of(data)
    competitor = COMPETITORS[name]
    planner = competitor.load()
    order = starts_of(pool, seed)
    history = [observe(pool, row) for row in order]
    seconds: list[float] = []
    limit = min(horizon, len(pool))
    while len(order) < limit and not ended(pool, order, until):
        wanted = min(count, limit - len(order))
        began = time.perf_counter()
        proposals = planner.suggest(problem, history, pending=(), count=wanted, seed=seed)
        seconds.append(round(time.perf_counter() - began, 5))
        rows = new_rows(name, proposals, order)
        order.extend(rows)
        history.extend(observe(pool, row) for row in rows)
    done, version = finished(pool, order), competitor.version()
    return Run(study_of(count), data, name, seed, STARTS, order, seconds, count, done, version, until)


def new_rows(name: str, proposals: Sequence[Proposal], order: Sequence[int]) -> list[int]:
    """The proposals' rows in the table.

    Raises:
        RuntimeError: the planner proposed nothing, something twice, or what was measured before.
    """
    rows = [int(p.candidate) if p.candidate is not None else -1 for p in proposals]
    if not rows or set(rows) & set(order) or len(set(rows)) < len(rows) or min(rows) < 0:
        raise RuntimeError(f"{name} proposed {rows} after {list(order)}: not new candidates of the table")
    return rows


def seeds(text: str) -> range:
    """The seeds of `20` (how many) or `20-39` (which)."""
    first, _, last = text.partition("-")
    return range(int(first), int(last) + 1) if last else range(int(first))
