"""What runs are judged by. Definitions after Liang et al. 2021, npj Computational Materials 7, 188.

Counts of experiments include the random starts. A run that did not get there within its horizon counts as the horizon,
so that its mean is a lower bound; two planners are compared at the shorter of their horizons.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.planner.datasets import Floats, Pool, load
from benchmarks.planner.record import Run

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Goal:
    """A state of knowledge to be reached: `found` recipes of the best `share` of the pool."""

    title: str
    share: float
    found: float | None = None

    def needed(self, pool: Pool) -> int:
        """How many recipes of the top must be found: one, or that fraction of them."""
        return 1 if self.found is None else math.ceil(round(self.found * len(pool.top(self.share)), 9))

    def expected_random(self, pool: Pool) -> float:
        """Expected experiments of random search without replacement: k (N + 1) / (K + 1) to the k-th of K among N."""
        return self.needed(pool) * (len(pool) + 1) / (len(pool.top(self.share)) + 1)

    def reached(self, run: Run, pool: Pool) -> int | None:
        """Experiments until the goal, None if the run ended before."""
        top, needed = pool.top(self.share), self.needed(pool)
        for place, row in enumerate(run.order, start=1):
            needed -= row in top
            if not needed:
                return place
        return None


TOP_1 = Goal("first of the top 1 %", 0.01)
TOP_5 = Goal("first of the top 5 %", 0.05)
MOST = Goal("80 % of the top 5 %", 0.05, 0.8)
GOALS = (TOP_1, TOP_5, MOST)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over seeds and its 95 % bootstrap interval.

    Attributes:
        mean: the mean.
        low: 2.5th percentile of the resampled means.
        high: 97.5th percentile.
        seeds: how many runs.
        censored: how many of them ended before the goal.
    """

    mean: float
    low: float
    high: float
    seeds: int
    censored: int = 0

    def __str__(self) -> str:
        bound = "≥ " if self.censored else ""
        return f"{bound}{self.mean:.1f} ({self.low:.1f}–{self.high:.1f})"


def expected_first(rows: int, top: int, most: int) -> float:
    """Expected draws to the first of `top` among `rows` without replacement, `most` where it does not come by then."""
    drawn = np.arange(most)
    left = np.maximum(rows - top - drawn, 0) / np.maximum(rows - drawn, 1)
    return float(np.sum(np.cumprod(np.r_[1.0, left])[:most]))


def expected_best(values: Floats, drawn: int, known: float) -> float:
    """Expected greatest of `known` and `drawn` of the values (n,), drawn without replacement."""
    order = np.sort(values)[::-1]
    none = np.cumprod(np.r_[1.0, np.maximum(1.0 - drawn / np.arange(len(order), 0.0, -1.0), 0.0)])  # of the r best
    return float(-np.diff(none) @ np.maximum(order, known) + none[-1] * known)


def usable(runs: Sequence[Run], goal: Goal) -> list[Run]:
    """Runs that were not ended on purpose before they could reach the goal."""
    return [run for run in runs if run.until == "all" or goal.found is None]


def bootstrap(values: Sequence[float], censored: int = 0) -> Interval:
    """The mean and its percentile interval (Efron 1979), resampling seeds; the generator is seeded."""
    array = np.asarray(values, dtype=float)
    draws = np.random.default_rng(0).integers(0, len(array), (RESAMPLES, len(array)))
    low, high = np.percentile(array[draws].mean(axis=1), [2.5, 97.5])
    return Interval(float(array.mean()), float(low), float(high), len(array), censored)


def bootstrap_ratio(above: Sequence[float], below: Sequence[float]) -> Interval:
    """mean(above) / mean(below) of paired values, seeds resampled together."""
    a, b = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    draws = np.random.default_rng(0).integers(0, len(a), (RESAMPLES, len(a)))
    low, high = np.percentile(a[draws].mean(axis=1) / b[draws].mean(axis=1), [2.5, 97.5])
    return Interval(float(a.mean() / b.mean()), float(low), float(high), len(a))


def experiments(runs: Sequence[Run], goal: Goal) -> Interval:
    """Mean experiments to the goal, over the usable runs."""
    runs = usable(runs, goal)
    counts = [_count(run, goal, len(run.order)) for run in runs]
    missed = sum(goal.reached(run, load(run.data)) is None for run in runs)
    return bootstrap(counts, missed)


def difference(ours: Sequence[Run], theirs: Sequence[Run], goal: Goal) -> Interval | None:
    """Experiments of theirs less ours, over the seeds that both have: positive where ours needs fewer."""
    pairs = [(a, b) for a in usable(ours, goal) for b in usable(theirs, goal) if (a.seed, a.data) == (b.seed, b.data)]
    if not pairs:
        return None
    limits = [_limit(a, b, goal) for a, b in pairs]
    return bootstrap(
        [_count(b, goal, n) - _count(a, goal, n) for (a, b), n in zip(pairs, limits, strict=True)],
        sum(goal.reached(b, load(b.data)) is None for _, b in pairs),
    )


def _count(run: Run, goal: Goal, limit: int) -> float:
    return float(min(goal.reached(run, load(run.data)) or limit, limit))


def _limit(a: Run, b: Run, goal: Goal) -> int:
    """The shorter horizon; a run that reached the goal is known for ever after."""
    ends = [len(r.order) for r in (a, b) if goal.reached(r, load(r.data)) is None]
    return min(ends) if ends else max(len(a.order), len(b.order))


def acceleration(runs: Sequence[Run], goal: Goal) -> Interval:
    """AF: expected experiments of random search over the mean of ours; an upper bound where runs ended before."""
    expected = goal.expected_random(load(runs[0].data))
    found = experiments(runs, goal)
    return Interval(expected / found.mean, expected / found.high, expected / found.low, found.seeds, found.censored)


def enhancement(runs: Sequence[Run]) -> tuple[float, int]:
    """EF: the greatest ratio of the share of the top 5 % found to that of random search, n / N; and at which n.

    Looked for from the end of the starts until the first of the runs ends.
    """
    pool = load(runs[0].data)
    top = pool.top(0.05)
    last = min(len(run.order) for run in runs)
    found = np.array([np.cumsum([row in top for row in run.order[:last]]) for run in runs]) / len(top)
    factor = found.mean(axis=0) * len(pool) / np.arange(1, last + 1)
    begin = runs[0].starts
    at = begin + int(np.argmax(factor[begin:]))
    return float(factor[at]), at + 1


def regret(runs: Sequence[Run], length: int) -> Floats:
    """Shape (seeds, length): (best − best so far) / (best − worst) of the pool after each experiment.

    A run that ended because everything was found goes on at zero; one that ended at its horizon is NaN from there.
    """
    pool = load(runs[0].data)
    u = pool.utility
    out = np.full((len(runs), length), np.nan)
    for line, run in zip(out, runs, strict=True):
        best = np.maximum.accumulate(u[run.order])[:length]
        line[: len(best)] = (u.max() - best) / np.ptp(u)
        if run.finished:
            line[len(best) :] = 0.0
    return out


def curve(values: Floats, of: Callable[..., Floats] = np.nanmean) -> tuple[Floats, Floats, Floats]:
    """Mean and 95 % bootstrap band of the columns of `values`, shape (seeds, length)."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(values), (1000, len(values)))
    means = np.array([of(values[d], axis=0) for d in draws])
    return of(values, axis=0), np.percentile(means, 2.5, axis=0), np.percentile(means, 97.5, axis=0)
