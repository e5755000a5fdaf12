"""A complete table measured once more, in the order in which the planner would have asked for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from yosegi.planner import Observation, Problem, suggest

STARTS = 5
"""Recipes drawn at random before the planner is asked."""


@dataclass(frozen=True, slots=True)
class Found:
    """How soon the best of a table is found.

    Attributes:
        share: the part of the recipes that counts as the best.
        recipes: how many that is, at least two.
        counts: measurements until the first of them, one a repetition, the random starts among them.
        expected_random: the mean of random search without replacement, (N + 1) / (K + 1) for K good among N.
    """

    share: float
    recipes: int
    counts: tuple[int, ...]
    expected_random: float

    @property
    def mean(self) -> float:
        """Mean over the repetitions."""
        return sum(self.counts) / len(self.counts)

    @property
    def saved(self) -> float:
        """Measurements saved against random search, on average."""
        return self.expected_random - self.mean


def retrospect(
    problem: Problem,
    measured: Sequence[Observation],
    seeds: Iterable[int],
    shares: Sequence[float] = (0.01, 0.05),
) -> list[Found]:
    """Measurements to the first recipe of the best `shares`, from random starts, by the planner and at random.

    Args:
        problem: one objective; its candidates are the recipes.
        measured: one observation a row of the candidates, in their order.
        seeds: one a repetition; each draws its own random starts.
        shares: parts of the recipes, rounded up, at least two recipes each.
    """
    loss = np.array([problem.objectives[0].loss(o.value(problem.objectives[0].name)) for o in measured])
    order = np.argsort(loss, kind="stable")
    tops = [set(order[: max(2, math.ceil(round(share * len(loss), 9)))].tolist()) for share in shares]
    asked = replace(problem, starts=STARTS)
    sequences = [_sequence(asked, measured, min(tops, key=len), seed) for seed in seeds]
    return [
        Found(share, len(top), tuple(_first(s, top) for s in sequences), (len(loss) + 1) / (len(top) + 1))
        for share, top in zip(shares, tops, strict=True)
    ]


def _sequence(problem: Problem, measured: Sequence[Observation], top: set[int], seed: int) -> list[int]:
    """Rows in the order in which they are measured, until one of the top is."""
    rows = [int(r) for r in np.random.default_rng([seed, len(measured)]).permutation(len(measured))[:STARTS]]
    while not top & set(rows):
        [proposal] = suggest(problem, [measured[r] for r in rows], seed=seed)
        rows.append(int(proposal.candidate or 0))
    return rows


def _first(rows: Sequence[int], top: set[int]) -> int:
    return next(place for place, row in enumerate(rows, start=1) if row in top)
