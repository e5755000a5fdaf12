"""A complete table measured once more, in the order in which the planner would have asked for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from yosegi.planner import Observation, Problem, suggest

STARTS = 5
"""Recipes drawn at random before the planner is asked."""
PATIENCE = 3.0
"""A repetition ends after so many times the measurements that drawing at random needs on average."""


@dataclass(frozen=True, slots=True)
class Found:
    """How soon the best of a table is found.

    Attributes:
        share: the part of the recipes that counts as the best.
        recipes: how many that is, at least two; all that are as good as the last of them among them.
        of: how many recipes there are.
        counts: measurements until the first of them, one a repetition, the random starts among them.
        given_up: repetitions that ended before they found one; their count is where they ended.
    """

    share: float
    recipes: int
    of: int
    counts: tuple[int, ...]
    given_up: int = 0

    @property
    def expected_random(self) -> float:
        """The mean of random search without replacement, (N + 1) / (K + 1) for K good among N."""
        return (self.of + 1) / (self.recipes + 1)

    @property
    def mean(self) -> float:
        """Mean over the repetitions."""
        return sum(self.counts) / len(self.counts)

    @property
    def saved(self) -> float:
        """Measurements saved against random search, on average; below zero, so many more were needed."""
        return self.expected_random - self.mean

    @property
    def interval(self) -> tuple[float, float]:
        """Student's 95 % interval of what is saved; without bounds for one repetition."""
        n = len(self.counts)
        if n < 2:
            return -math.inf, math.inf
        half = float(scipy.special.stdtrit(n - 1, 0.975) * np.std(self.counts, ddof=1) / math.sqrt(n))
        return self.saved - half, self.saved + half


def retrospect(
    problem: Problem,
    measured: Sequence[Observation],
    seeds: Iterable[int],
    shares: Sequence[float] = (0.01, 0.05),
    tell: Callable[[int], None] = lambda _: None,
) -> list[Found]:
    """Measurements to the first recipe of the best `shares`, from random starts, by the planner and at random.

    Args:
        problem: one objective; its candidates are the recipes.
        measured: one observation a row of the candidates, in their order; a failure counts as the worst.
        seeds: one a repetition; each draws its own random starts.
        shares: parts of the recipes, rounded up, at least two recipes each, and all that are as good.
        tell: is told after each measurement how many the repetition has made.

    Raises:
        KeyboardInterrupt: before the first repetition ended; later the answer is of those that did.
    """
    values = [o.value(problem.objectives[0].name) for o in measured]
    loss = np.array([problem.objectives[0].loss(v) if v == v else math.inf for v in values])
    tops = [_top(loss, share) for share in shares]
    asked = replace(problem, starts=STARTS)
    smallest = min(tops, key=len)
    limit = max(STARTS + 1, math.ceil(PATIENCE * (len(loss) + 1) / (len(smallest) + 1)))
    sequences: list[list[int]] = []
    try:
        for seed in seeds:
            sequences.append(_sequence(asked, measured, smallest, seed, limit, tell))
    except KeyboardInterrupt:
        if not sequences:
            raise
    return [_found(share, top, sequences, len(loss)) for share, top in zip(shares, tops, strict=True)]


def _top(loss: np.ndarray[tuple[int], np.dtype[np.float64]], share: float) -> set[int]:
    """The best recipes, ties with the last of them included, failures never."""
    count = max(2, math.ceil(round(share * len(loss), 9)))
    worst = np.sort(loss)[min(count, len(loss)) - 1]
    return {int(i) for i in np.flatnonzero((loss <= worst) & np.isfinite(loss))}


def _sequence(
    problem: Problem,
    measured: Sequence[Observation],
    top: set[int],
    seed: int,
    limit: int,
    tell: Callable[[int], None],
) -> list[int]:
    """Rows in the order in which they are measured, until one of the top is, or too many are."""
    rows = [int(r) for r in np.random.default_rng([seed, len(measured)]).permutation(len(measured))[:STARTS]]
    while not top & set(rows) and len(rows) < limit:
        proposals = suggest(problem, [measured[r] for r in rows], seed=seed)
        if not proposals:
            break
        rows.append(int(proposals[0].candidate or 0))
        tell(len(rows))
    return rows


def _found(share: float, top: set[int], sequences: Sequence[Sequence[int]], of: int) -> Found:
    first = [next((n for n, row in enumerate(rows, start=1) if row in top), None) for rows in sequences]
    counts = tuple(n or len(rows) for n, rows in zip(first, sequences, strict=True))
    return Found(share, len(top), of, counts, sum(n is None for n in first))
