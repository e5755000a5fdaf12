"""How near an answer is to the best there is: for tests and for a report after the fact, since it reads the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from yosegi_packs.labs._library import Floats
from yosegi_packs.labs.colour import delta_e
from yosegi_packs.labs.dyes import FILL
from yosegi_packs.labs.truth import Truth

TARGET: Final = (52.0, -10.0, 45.0)
"""L*, a* and b* of the target of the demonstration: an olive green."""

GOOD_ENOUGH: Final = 2.0
"""CIEDE2000 at which the demonstration stops."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best recipe of a robot.

    Args:
        volumes: microlitres of red, yellow, blue and water.
        delta_e: CIEDE2000 to the target, on average over wells.
    """

    volumes: tuple[float, float, float, float]
    delta_e: float


def best_recipe(truth: Truth, target: ArrayLike = TARGET) -> Best:
    """The recipe that comes nearest to a target, on average over wells.

    The best of 4096 recipes spread evenly is refined by Nelder and Mead's simplex search.

    Args:
        truth: of the robot.
        target: L*, a* and b* to match, shape (3,).
    """
    start = random_recipes(4096, seed=0)
    first = start[int(np.argmin(delta_e(truth.colour(start), target)))]

    def miss(dyes: Floats) -> float:
        volumes = np.append(dyes, FILL - dyes.sum())
        outside = -np.minimum(volumes, 0.0).sum()
        return float(delta_e(truth.colour(np.maximum(volumes, 0.0)), target)) + 10.0 * float(outside)

    found = minimize(miss, first[:3], method="Nelder-Mead", options={"xatol": 0.01, "fatol": 1e-4, "maxiter": 1000})
    red, yellow, blue = np.maximum(found.x, 0.0).tolist()
    return Best((red, yellow, blue, max(0.0, FILL - red - yellow - blue)), float(found.fun))


def random_search(
    truth: Truth, target: ArrayLike = TARGET, *, searches: int = 20, limit: int = 288, below: float = GOOD_ENOUGH
) -> tuple[int | None, ...]:
    """Experiments that random searches need on the same robot, each on fresh plates.

    Args:
        truth: of the robot.
        target: L*, a* and b* to match, shape (3,).
        searches: how many searches, each with its own seed.
        limit: wells that a search may use.
        below: CIEDE2000 at which a search stops.

    Returns:
        For each search the experiments up to and with the first below the mark; None if no well was.
    """
    return tuple(_one_search(truth, target, seed, limit, below) for seed in range(searches))


def random_recipes(count: int, *, seed: int) -> Floats:
    """Recipes spread evenly over all mixtures that fill a well, uL, shape (count, 4)."""
    return np.random.default_rng(seed).dirichlet(np.ones(4), count) * FILL


def _one_search(truth: Truth, target: ArrayLike, seed: int, limit: int, below: float) -> int | None:
    seen = [truth.reading(well, recipe) for well, recipe in enumerate(random_recipes(limit, seed=seed))]
    hits = np.flatnonzero(delta_e(np.stack(seen), target) < below)
    return int(hits[0]) + 1 if hits.size else None
