"""An earlier campaign to learn from: what it saves where it is of kin, and what it costs where it is not.

The planner begins with nothing but the earlier campaign, and is compared with itself without it. `oer-…` are two plates
of catalysts that share four of their six elements (Rohr et al. 2020); `shuffled` is the other plate with its outcomes
permuted, from which nothing can be learned; `kin` is the same recipes as another instrument would see them: scaled,
shifted, and with a smooth bias that leaves a correlation of 0.9; `unrelated` is a smooth function of the same recipes
that predicts itself and has a correlation of nil with what is sought.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from benchmarks.planner import loop, sources
from benchmarks.planner.datasets import load
from benchmarks.planner.planners import COMPETITORS
from benchmarks.planner.record import Run
from yosegi.planner import Earlier, Observation

VARIANTS = {
    "oer-3496": ("none", "oer-3851", "shuffled"),
    "oer-3851": ("none", "oer-3496"),
    "crossed-barrel": ("none", "kin", "unrelated"),
}
_CORRELATION = {"kin": 0.9, "unrelated": 0.0}
_MEASURED = 100
"""Recipes of the earlier campaign, drawn at random."""


def names() -> list[str]:
    """Every target with each of its earlier campaigns."""
    return [f"{target}:{kind}" for target, kinds in VARIANTS.items() for kind in kinds]


def earlier(target: str, kind: str, seed: int) -> tuple[Earlier, ...]:
    """The earlier campaign of that kind."""
    if kind == "none":
        return ()
    other = {"shuffled": "oer-3851", "kin": target, "unrelated": target}.get(kind, kind)
    pool, rng = load(other), np.random.default_rng([seed, 30])
    y = pool.y
    if kind in _CORRELATION:
        y = 0.6 * sources.cheap(pool, _CORRELATION[kind], seed) + 0.3 * pool.y.std()
    if kind == "shuffled":
        y = rng.permutation(y)
    rows = rng.permutation(len(pool))[:_MEASURED].tolist()
    outcome = load(target).objective
    seen = tuple(
        Observation(dict(zip(pool.parameters, pool.x[r].tolist(), strict=True)), {outcome: float(y[r])}) for r in rows
    )
    return (Earlier(loop.problem_of(other).parameters, seen, name=kind),)


def run(name: str, seed: int, horizon: int) -> Run:
    """One run until the first of the top 1 %.

    Args:
        name: target and earlier campaign, as `names` lists them.
        seed: decides the planner and the earlier campaign.
        horizon: the most measurements.
    """
    target, _, kind = name.partition(":")
    pool = load(target)
    problem = replace(loop.problem_of(target), earlier=earlier(target, kind, seed), starts=None)
    planner = COMPETITORS["yosegi"].load()
    order: list[int] = []
    seconds: list[float] = []
    top = pool.top(0.01)
    while not top & set(order) and len(order) < horizon:
        began = time.perf_counter()
        proposals = planner.suggest(problem, [loop.observe(pool, r) for r in order], pending=(), count=1, seed=seed)
        seconds.append(round(time.perf_counter() - began, 5))
        order += loop.new_rows("yosegi", proposals, order)
    done = bool(top & set(order))
    version = COMPETITORS["yosegi"].version()
    return Run("transfer", name, "yosegi", seed, 0, order, seconds, 1, done, version, "first")
