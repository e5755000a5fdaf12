"""The physical error rate below which a larger surface code is a better one, with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from yosegi.core.capability import Context, Fidelity, Infeasible, LinearConstraint, capability, quantity
from yosegi_packs.quantum.counts import Counts
from yosegi_packs.quantum.memory import FIELD, NOISE
from yosegi_packs.quantum.noise import uniform
from yosegi_packs.quantum.sample import sample_memory

__all__ = ["Crossing", "Threshold", "fit_crossing", "threshold"]

RESAMPLES: Final = 200
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """Where the curves of logical against physical error cross.

    Args:
        threshold: p_th of the finite-size-scaling fit.
        standard_error: from resampling the counts.
        lower: 2.5 % quantile of the resampled fits.
        upper: 97.5 % quantile.
        exponent: ν of the fit.
        misfit: χ² per degree of freedom of the fit; far above 1, the scan is too wide or the codes too small for it.
        crossing_small: where the two smaller codes cross, by straight lines in logit P against ln p.
        crossing_large: where the two larger codes cross; its distance to `crossing_small` shows the finite-size drift.
        error_rates: physical error rates scanned.
        logical_errors: logical error per shot of d rounds, distance by distance.
        shots: shots taken in all.
    """

    threshold: Annotated[float, quantity("1", gt=0, lt=1)]
    standard_error: Annotated[float, quantity("1", ge=0)]
    lower: Annotated[float, quantity("1", ge=0)]
    upper: Annotated[float, quantity("1", le=1)]
    exponent: Annotated[float, quantity("1")]
    misfit: Annotated[float, quantity("1", ge=0)]
    crossing_small: Annotated[float, quantity("1")]
    crossing_large: Annotated[float, quantity("1")]
    error_rates: list[Annotated[float, quantity("1", ge=0, le=1)]]
    logical_errors: list[list[Annotated[float, quantity("1", ge=0, le=1)]]]
    shots: Annotated[int, quantity("1", ge=1)]


@dataclass(frozen=True, slots=True)
class Crossing:
    """A fit of P = A + B x + C x², x = (p - p_th) d^(1/ν)."""

    point: float
    exponent: float
    misfit: float


@capability(
    "qec.threshold@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.25"},
    time_limit=900,
    simulated=True,
    fidelity=Fidelity(of="threshold", level="three codes of at most distance 11", noise=NOISE, bias="finite size"),
    constraints=[LinearConstraint({"highest": 1.0, "lowest": -1.0}, at_least=1e-4)],
)
def threshold(
    lowest: Annotated[float, quantity("1", ge=1e-4, le=0.05)],
    highest: Annotated[float, quantity("1", ge=1e-4, le=0.05)],
    largest_distance: Annotated[Literal[7, 9, 11], quantity("1")] = 9,
    points: Annotated[int, quantity("1", ge=4, le=30)] = 7,
    shots: Annotated[int, quantity("1", ge=1000, le=100_000)] = 20_000,
    context: Context | None = None,
) -> Threshold:
    """Threshold of the surface code under depolarising circuit noise (simulated).

    Scans the physical error rate p at three distances (the largest and the two odd ones below it) under standard
    depolarising noise: every gate, wait, reset and readout errs with probability p. A shot is d rounds. The threshold
    is p_th in the finite-size scaling P = A + B x + C x², x = (p - p_th) d^(1/ν), of Wang, Harrington and Preskill,
    Ann. Phys. 303, 31 (2003), fitted by least squares weighted by the counts, its error by resampling them.

    Published for matching on this noise: 0.57 % (Fowler et al., Phys. Rev. A 86, 032324 (2012)) and 0.502(1) %
    (Stephens, Phys. Rev. A 89, 022321 (2014)); up to 1.1 % under milder noise or with correlated decoding. Small
    codes cross a little higher than large ones; `crossing_small` and `crossing_large` show by how much.

    Args:
        lowest: lowest physical error rate of the scan.
        highest: highest physical error rate of the scan.
        largest_distance: of the three codes.
        points: error rates, evenly spaced.
        shots: at each point and distance.
        context: of the task; its key seeds the shots.

    Raises:
        Infeasible: the codes do not cross within the scan.
    """
    distances = (largest_distance - 4, largest_distance - 2, largest_distance)
    rates = np.linspace(lowest, highest, points)
    seed = context.seed if context else 0
    seeds = np.random.SeedSequence(seed).generate_state(3 * points, np.uint32)
    failures = np.array(
        [
            [
                sample_memory(d, d, shots, uniform(float(p)), int(seeds[i * points + j])).failures
                for j, p in enumerate(rates)
            ]
            for i, d in enumerate(distances)
        ]
    )
    fit = fit_crossing(distances, rates, failures, shots)
    pairs = [_pair(rates, failures[i], failures[i + 1], shots) for i in (0, 1)]
    if not lowest < fit.point < highest or not all(map(math.isfinite, pairs)):
        raise Infeasible(
            f"codes of distance {distances[0]} to {distances[2]} do not cross between {lowest:.2%} and {highest:.2%}"
        )
    generator = np.random.default_rng(seed)
    again = np.array(
        [
            fit_crossing(distances, rates, generator.binomial(shots, failures / shots), shots).point
            for _ in range(RESAMPLES)
        ]
    )
    low, high = np.quantile(again, [0.025, 0.975])
    return Threshold(
        threshold=fit.point,
        standard_error=float(again.std(ddof=1)),
        lower=float(low),
        upper=float(high),
        exponent=fit.exponent,
        misfit=fit.misfit,
        crossing_small=pairs[0],
        crossing_large=pairs[1],
        error_rates=rates.tolist(),
        logical_errors=(failures / shots).tolist(),
        shots=3 * points * shots,
    )


def fit_crossing(distances: tuple[int, ...], rates: Floats, failures: NDArray[np.integer], shots: int) -> Crossing:
    """Finite-size scaling of failure counts.

    Args:
        distances: of the codes, shape (n,).
        rates: physical error rates, shape (m,).
        failures: counts, shape (n, m).
        shots: at each point.
    """
    observed = failures / shots
    spread = np.array([[Counts(int(k), shots).standard_error for k in row] for row in failures])
    size = np.array(distances, dtype=float)[:, None]
    unit = float(rates.mean())

    def residuals(v: Floats) -> Floats:
        x = (rates / unit - v[0]) * size ** (1.0 / v[1])
        misses: Floats = (v[2] + v[3] * x + v[4] * x * x - observed) / spread
        return misses.ravel()

    middle = float(observed.mean())
    start = _pair(rates, failures[0], failures[-1], shots) / unit
    start = start if 0.3 < start < 3.0 else 1.0
    low, high = [0.1, 0.3, 0.0, 0.0, -np.inf], [10.0, 10.0, 1.0, np.inf, np.inf]
    fit = least_squares(residuals, [start, 1.5, middle, middle / 2.0, 0.0], bounds=(low, high))
    return Crossing(float(fit.x[0]) * unit, float(fit.x[1]), float(2.0 * fit.cost / (observed.size - 5)))


def _pair(rates: Floats, small: NDArray[np.integer], large: NDArray[np.integer], shots: int) -> float:
    """Where two codes cross, by straight lines through logit P against ln p; not a number where they do not."""
    p = [(counts + 0.5) / (shots + 1.0) for counts in (small, large)]
    slope, offset = np.polyfit(np.log(rates), np.log(p[1] / (1 - p[1])) - np.log(p[0] / (1 - p[0])), 1)
    return math.exp(-offset / slope) if slope > 0.0 and abs(offset / slope) < 50.0 else math.nan
