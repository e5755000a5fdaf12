"""A cheap source beside the experiment: what it saves when it agrees, and what it costs when it does not.

The cheap source answers at every recipe ρ z + √(1 − ρ²) w, z the objective and w a smooth random function of the
recipe, both of mean 0 and deviation 1 over the pool and w orthogonal to z: its correlation with the objective is ρ
exactly, and its bias is smooth, as a simulation's is. One call costs 1/20 of an experiment. The random starts are
measured by both.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from benchmarks.planner import loop
from benchmarks.planner.datasets import MAIN, Floats, Pool, load
from benchmarks.planner.planners import COMPETITORS
from benchmarks.planner.record import Run
from yosegi.planner import Observation, Source

CORRELATIONS = (0.95, 0.8, 0.0)
ALONE = "alone"
PRICE = 0.05
_LENGTH = 0.5  # of w, in widths of a parameter
_FEATURES = 200
_MOST_CALLS = 400


def cheap(pool: Pool, correlation: float, seed: int) -> Floats:
    """What the cheap source answers, shape (n,), in the objective's unit."""
    z = (pool.y - pool.y.mean()) / pool.y.std()
    unit = (pool.x - pool.x.min(axis=0)) / np.where(np.ptp(pool.x, axis=0) > 0, np.ptp(pool.x, axis=0), 1.0)
    rng = np.random.default_rng([seed, 20])
    waves = unit @ rng.normal(0.0, 1.0 / _LENGTH, (unit.shape[1], _FEATURES)) + rng.uniform(0, 2 * np.pi, _FEATURES)
    w = np.cos(waves) @ rng.normal(size=_FEATURES)
    w -= w.mean()
    w -= z * (w @ z) / (z @ z)
    answer: Floats = correlation * z + np.sqrt(1 - correlation**2) * w / w.std()
    return pool.y.mean() + pool.y.std() * answer


def names() -> list[str]:
    """Every pool, alone and with each cheap source."""
    return [f"{data}:{kind}" for data in MAIN for kind in (ALONE, *(f"{c:g}" for c in CORRELATIONS))]


def run(name: str, seed: int, horizon: int) -> Run:
    """One run until an experiment finds one of the top 1 %.

    Args:
        name: pool and correlation, as `names` lists them.
        seed: decides starts, planner and the cheap source's bias.
        horizon: the most that is spent, in experiments.
    """
    data, _, kind = name.partition(":")
    pool, problem = load(data), loop.problem_of(data)
    planner = COMPETITORS["yosegi"].load()
    order = loop.starts_of(pool, seed)
    history = [loop.observe(pool, row) for row in order]
    calls, top, answers = 0, pool.top(0.01), pool.y
    if kind != ALONE:
        answers = cheap(pool, float(kind), seed)
        problem = replace(problem, sources=(Source("experiment", 1.0), Source("simulation", PRICE)))
        history += [_simulate(pool, answers, row) for row in order]
        calls = len(order)
    seconds: list[float] = []
    while not top & set(order) and len(order) + calls * PRICE < horizon and calls < _MOST_CALLS:
        began = time.perf_counter()
        [proposal] = planner.suggest(problem, history, pending=(), count=1, seed=seed)
        seconds.append(round(time.perf_counter() - began, 5))
        row = int(proposal.candidate or 0)
        if proposal.source == "simulation":
            calls += 1
            history.append(_simulate(pool, answers, row))
        else:
            order.append(row)
            history.append(loop.observe(pool, row))
    cost = round(len(order) + calls * PRICE, 6)
    done = bool(top & set(order))
    extra = {"cost": cost, "calls": calls}
    version = COMPETITORS["yosegi"].version()
    return Run("sources", name, "yosegi", seed, loop.STARTS, order, seconds, 1, done, version, "first", extra)


def _simulate(pool: Pool, answers: Floats, row: int) -> Observation:
    return replace(loop.observe(pool, row), outcomes={pool.objective: float(answers[row])}, source="simulation")
