"""Where the points and curves of what a model learned stand in a drawing. No state, no markup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from yosegi.services.campaigns.schemas import LearnedDetail, SliceDetail

WIDTH, HEIGHT = 360.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 12.0, 12.0, 36.0
NINE_OF_TEN = 1.6449


@dataclass(frozen=True, slots=True)
class AxisTick:
    """A place on an axis and what is written there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class LearnedPlot:
    """Paths of a drawing: a line, a band or bars around it, and dots; with the ticks of both axes."""

    line: str
    band: str
    bars: str
    dots: tuple[tuple[float, float], ...]
    xs: tuple[AxisTick, ...]
    ys: tuple[AxisTick, ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def parity_plot(one: LearnedDetail) -> LearnedPlot:
    """Measured across, predicted from all others upwards, with nine tenths of what was expected; the diagonal."""
    reach = [(p.predicted - NINE_OF_TEN * p.sd, p.predicted + NINE_OF_TEN * p.sd) for p in one.parity]
    measured = [p.measured for p in one.parity]
    low, high = min([*measured, *(a for a, _ in reach)]), max([*measured, *(b for _, b in reach)])
    x, xs = _across(low, high)
    y, ys = _upwards(low, high)
    bars = "".join(f"M{x(p.measured)} {y(a)}V{y(b)}" for p, (a, b) in zip(one.parity, reach, strict=True))
    dots = tuple((x(p.measured), y(p.predicted)) for p in one.parity)
    return LearnedPlot(f"M{x(low)} {y(low)}L{x(high)} {y(high)}", "", bars, dots, xs, ys)


def slice_plot(part: SliceDetail) -> LearnedPlot:
    """The outcome along one parameter: its mean, and the band in which it lies nine times of ten."""
    levels = part.discrete
    places = [float(n) for n in range(len(part.at))] if levels else [float(at) for at in part.at]
    low = [m - NINE_OF_TEN * s for m, s in zip(part.mean, part.sd, strict=True)]
    high = [m + NINE_OF_TEN * s for m, s in zip(part.mean, part.sd, strict=True)]
    y, ys = _upwards(min(low), max(high))
    x, xs = _across(min(places), max(places))
    if levels:
        xs = tuple(AxisTick(x(place), str(at)[:12]) for place, at in zip(places, part.at, strict=True))
        dots = tuple((x(place), y(m)) for place, m in zip(places, part.mean, strict=True))
        bars = "".join(f"M{x(place)} {y(a)}V{y(b)}" for place, a, b in zip(places, low, high, strict=True))
        return LearnedPlot("", "", bars, dots, xs, ys)
    there = [f"{x(place)} {y(b)}" for place, b in zip(places, high, strict=True)]
    back = [f"{x(place)} {y(a)}" for place, a in reversed(list(zip(places, low, strict=True)))]
    line = "M" + "L".join(f"{x(place)} {y(m)}" for place, m in zip(places, part.mean, strict=True))
    return LearnedPlot(line, "M" + "L".join([*there, *back]) + "Z", "", (), xs, ys)


def _across(low: float, high: float) -> tuple[Callable[[float], float], tuple[AxisTick, ...]]:
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / span, 1)

    return x, _ticks(x, (low, (low + high) / 2, high))


def _upwards(low: float, high: float) -> tuple[Callable[[float], float], tuple[AxisTick, ...]]:
    pad = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
    bottom, span = low - pad, (high - low) + 2 * pad

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - bottom) / span, 1)

    return y, _ticks(y, (low, (low + high) / 2, high))


def _ticks(place: Callable[[float], float], values: Sequence[float]) -> tuple[AxisTick, ...]:
    return tuple(AxisTick(place(value), f"{value:.4g}") for value in dict.fromkeys(values))
