"""Upper limits on the strength of a signal, by CLs: by formula, or by pseudo-experiments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

import numpy as np
import pyhf
from numpy.typing import NDArray

from yosegi.core.capability import Context, Fidelity, Infeasible, capability, quantity
from yosegi.core.errors import Invalid

__all__ = ["Limits", "LimitsToys", "asymptotic_cls", "counting_model", "limits", "limits_toys", "seeded", "toy_cls"]

FIELD = "particle physics"
SIZE: Final = 0.05
"""1 - CL: limits are at 95 %."""
LARGEST: Final = 1e4
"""Signal strength beyond which a limit is not searched."""
EDGE: Final = 9.9
"""Largest signal strength, in the model's own unit, that is fitted; pyhf's bound is 10."""
FLOOR: Final = 0.01
"""Smallest signal strength fitted, in that unit: at zero the test statistic is zero over zero."""

Yields = Annotated[list[Annotated[float, quantity("1", ge=0)]], quantity("1")]
Strength = Annotated[float, quantity("1", ge=0)]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """95 % CLs upper limits on the signal strength µ.

    Args:
        observed: from the data.
        expected: median without signal.
        expected_minus_2: the -2 σ edge of the expected band.
        expected_minus_1: the -1 σ edge.
        expected_plus_1: the +1 σ edge.
        expected_plus_2: the +2 σ edge.
    """

    observed: Strength
    expected: Strength
    expected_minus_2: Strength
    expected_minus_1: Strength
    expected_plus_1: Strength
    expected_plus_2: Strength


@dataclass(frozen=True)
class LimitsToys:
    """95 % CLs upper limits on the signal strength µ, from pseudo-experiments.

    Args:
        observed: from the data.
        observed_error: its standard error, from the binomial error of the p-values.
        expected: median without signal.
        toys: pseudo-experiments thrown in all.
    """

    observed: Strength
    observed_error: Strength
    expected: Strength
    toys: Annotated[int, quantity("1", ge=1)]


@capability(
    "hep.limits@1",
    kind="analysis",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.1"},
    time_limit=600,
    simulated=False,
    fidelity=Fidelity(
        of="observed", level="asymptotic formulae", noise="none", bias="grows below about ten expected events"
    ),
)
def limits(signal: Yields, background: Yields, uncertainty: Yields, observed: Yields) -> Limits:
    """Upper limits by CLs in the asymptotic approximation.

    A counting experiment in bins: signal µ·s over a background b with an uncorrelated uncertainty in each bin
    (HistFactory's shapesys). The test statistic is q̃, its distribution that of Cowan, Cranmer, Gross and Vitells,
    Eur. Phys. J. C 71, 1554 (2011), and the limit is the µ at which CLs = CLs+b / CLb (Read, J. Phys. G 28, 2693
    (2002)) falls to 5 %; computed with pyhf (Heinrich et al., JOSS 6, 2823 (2021)).

    Args:
        signal: events expected at µ = 1, in each bin.
        background: events expected without signal, in each bin.
        uncertainty: standard deviation of the background, in each bin; positive.
        observed: events seen, in each bin.

    Raises:
        Invalid: bins that do not match, or a background or uncertainty that is not positive.
        Infeasible: no signal, or no limit below µ = 10,000.
    """
    _check(signal, background, uncertainty, observed)
    unit = _unit(signal, background, uncertainty)
    while unit < LARGEST:
        model, data = counting_model([unit * s for s in signal], background, uncertainty, observed)
        if asymptotic_cls(EDGE, data, model).max() < SIZE:
            scan = pyhf.infer.intervals.upper_limits.toms748_scan
            seen, band = scan(data, model, FLOOR, EDGE, level=SIZE, rtol=1e-6)
            edges = [unit * float(limit) for limit in band]
            return Limits(unit * float(seen), edges[2], edges[0], edges[1], edges[3], edges[4])
        unit *= EDGE / 2.0
    raise Infeasible(f"no signal strength up to {LARGEST:g} is excluded")


@capability(
    "hep.limits-toys@1",
    kind="analysis",
    effect="pure",
    field=FIELD,
    cost={"node_h": "1"},
    time_limit=3600,
    simulated=False,
    fidelity=Fidelity(of="observed", level="pseudo-experiments", noise="binomial p-values", bias="none known"),
)
def limits_toys(
    signal: Yields,
    background: Yields,
    uncertainty: Yields,
    observed: Yields,
    toys: Annotated[int, quantity("1", ge=100, le=10_000)] = 1000,
    points: Annotated[int, quantity("1", ge=3, le=9)] = 5,
    context: Context | None = None,
) -> LimitsToys:
    """Upper limits by CLs with pseudo-experiments.

    As `hep.limits@1`, but the distribution of q̃ is sampled at several µ around the limit, and a straight line through
    ln CLs against µ, weighted by its errors, gives the crossing. Costs some thousand fits; needed where few events are
    expected, since there the asymptotic formulae do not hold.

    Args:
        signal: events expected at µ = 1, in each bin.
        background: events expected without signal, in each bin.
        uncertainty: standard deviation of the background, in each bin; positive.
        observed: events seen, in each bin.
        toys: pseudo-experiments under each hypothesis at each point.
        points: signal strengths sampled.
        context: of the task; its key seeds the pseudo-experiments.

    Raises:
        Invalid: bins that do not match, or a background or uncertainty that is not positive.
        Infeasible: no signal, or CLs does not cross 5 % near the limit.
    """
    _check(signal, background, uncertainty, observed)
    near = limits(signal, background, uncertainty, observed).observed
    unit = max(near, _unit(signal, background, uncertainty) / 4.0)
    model, data = counting_model([unit * s for s in signal], background, uncertainty, observed)
    with seeded(context.seed if context else 0):
        middle = _rough(data, model, max(100, toys // 5))
        scan = np.linspace(0.75, 1.3, points) * middle
        rows = [toy_cls(float(mu), data, model, toys) for mu in scan]
    value, error = _crossing(scan, [row[0] for row in rows], [row[1] for row in rows])
    median, _ = _crossing(scan, [row[2] for row in rows], [row[1] for row in rows])
    return LimitsToys(unit * value, unit * error, unit * median, 2 * toys * points)


def asymptotic_cls(mu: float, data: Any, model: Any) -> Floats:
    """CLs observed, and expected at -2 to +2 σ, at one signal strength; shape (6,)."""
    observed, band = pyhf.infer.hypotest(mu, data, model, test_stat="qtilde", return_expected_set=True)
    return np.array([float(observed), *(float(value) for value in band)])


def toy_cls(mu: float, data: Any, model: Any, toys: int) -> tuple[float, float, float]:
    """CLs from pseudo-experiments: observed, the standard error of its logarithm, and the median without signal.

    pyhf's own expected values call an option of `numpy.percentile` that NumPy 2.4 no longer has; its samples are
    used and the median is taken here.
    """
    calculator = pyhf.infer.calculators.ToyCalculator(data, model, ntoys=toys, test_stat="qtilde", track_progress=False)
    both, alone = (np.asarray(d.samples, dtype=float) for d in calculator.distributions(mu))
    seen = float(calculator.teststatistic(mu))

    def tails(statistic: float) -> tuple[float, float]:
        # A share of none would make CLs zero and its logarithm infinite: half a count is the least that is told.
        return tuple(max(float((sample >= statistic).mean()), 0.5 / toys) for sample in (both, alone))  # type: ignore[return-value]

    above, below = tails(seen)
    error = math.sqrt((1.0 - min(above, 1.0)) / (above * toys) + (1.0 - min(below, 1.0)) / (below * toys))
    expected = [tail[0] / tail[1] for tail in map(tails, alone)]
    return above / below, max(error, 1.0 / toys), float(np.median(expected))


def _check(signal: Yields, background: Yields, uncertainty: Yields, observed: Yields) -> None:
    """Bins that match and can be fitted."""
    sizes = sorted({len(values) for values in (signal, background, uncertainty, observed)})
    if len(sizes) != 1 or not signal:
        raise Invalid("counting experiment", f"lists of {sizes} bins", "give every list one number for each bin")
    if min(background) <= 0.0 or min(uncertainty) <= 0.0:
        raise Invalid("counting experiment", "a background or its uncertainty is not positive", "merge empty bins")
    if max(signal) <= 0.0:
        raise Infeasible("no bin expects any signal, so that no signal strength can be excluded")


def _unit(signal: Yields, background: Yields, uncertainty: Yields) -> float:
    """About the signal strength that will be excluded: the scale on which the fits are well conditioned.

    pyhf bounds µ to 0 to 10, so that the signal is given to it in this unit.
    """
    s, b, u = (np.asarray(values, dtype=float) for values in (signal, background, uncertainty))
    return float(2.0 / math.sqrt(float((s * s / (b + u * u)).sum())) + 3.0 / s.sum())


def counting_model(
    signal: Yields, background: Yields, uncertainty: Yields, observed: Yields
) -> tuple[Any, list[float]]:
    """The HistFactory model, and its data with the auxiliary measurements."""
    pyhf.set_backend("numpy")
    # The specification is built by pyhf itself, so that its validation (which calls a deprecated resolver) is left out.
    lists = list(signal), list(background), list(uncertainty)
    model = pyhf.simplemodels.uncorrelated_background(*lists, validate=False)
    return model, [*map(float, observed), *model.config.auxdata]


def _rough(data: Any, model: Any, toys: int) -> float:
    """Where CLs crosses 5 %, to about a fifth: the sampled limit may lie well off the asymptotic one."""
    mu = 1.0
    for _ in range(12):
        cls = toy_cls(mu, data, model, toys)[0]
        if 0.02 < cls < 0.12:
            # CLs falls about exponentially with µ; one step along that line.
            return mu * math.log(SIZE) / math.log(cls)
        mu *= 1.35 if cls >= SIZE else 0.75
        if mu > EDGE:
            break
    raise Infeasible("CLs from pseudo-experiments does not cross 5 % near the asymptotic limit")


def _crossing(scan: Floats, cls: list[float], errors: list[float]) -> tuple[float, float]:
    """Where a straight line through ln CLs, weighted by its errors, crosses 5 %; and the standard error of that."""
    weights = 1.0 / np.asarray(errors)
    centre = float(np.average(scan, weights=weights**2))
    (slope, offset), covariance = np.polyfit(scan - centre, np.log(cls) - math.log(SIZE), 1, w=weights, cov="unscaled")
    if slope >= 0.0:
        raise Infeasible("CLs does not fall with the signal strength; use more pseudo-experiments")
    shift = -offset / slope
    error = math.sqrt(covariance[1, 1] + shift**2 * covariance[0, 0] + 2.0 * shift * covariance[0, 1]) / abs(slope)
    return float(centre + shift), float(error)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator, which pyhf samples from, and put it back."""
    before = np.random.get_state()
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        np.random.set_state(before)
