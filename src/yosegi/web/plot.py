"""The convergence plot: where each value, the best so far and the target stand in a drawing. No markup."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from yosegi.campaign import Campaign, Trial

WIDTH, HEIGHT = 760.0, 320.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 16.0, 16.0, 40.0
LOG_FROM = 25.0
"""The ratio of the largest to the smallest value from which a logarithmic axis shows more."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One value, in pixels of the drawing, and as it is read."""

    x: float
    y: float
    trial: int
    value: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and what is written there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Everything the drawing needs.

    Args:
        done: values of the first source; of those that would lie on one another `dots` has two.
        others: a path of one short stroke a value of the other sources.
    """

    done: int
    dots: tuple[Dot, ...]
    others: str
    best: str
    best_now: Dot | None
    target: Tick | None
    xs: tuple[Tick, ...]
    ys: tuple[Tick, ...]
    log: bool
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


@dataclass
class ValuedTrials:
    """The trials of one campaign that have a value, in the order of their numbers; each is read once, at its end."""

    _read: int = 0
    _numbers: list[int] = field(default_factory=list)
    _trials: list[Trial] = field(default_factory=list)

    def of(self, campaign: Campaign) -> Sequence[Trial]:
        """Those that the campaign has now."""
        for number in campaign.ended_order[self._read :]:
            trial = campaign.trial(number)
            if trial.value is not None and math.isfinite(trial.value):
                place = bisect(self._numbers, number)
                self._numbers.insert(place, number)
                self._trials.insert(place, trial)
        self._read = len(campaign.ended_order)
        return self._trials


def convergence(campaign: Campaign, valued: Sequence[Trial]) -> Plot | None:
    """The plot of a campaign; None before the first value.

    Args:
        campaign: whose.
        valued: its trials that have a value, in the order of their numbers.
    """
    first = campaign.spec.source[0].name
    main = [t for t in valued if t.source == first]
    if not valued:
        return None
    target = _target(campaign)
    values = [float(t.value or 0.0) for t in valued] + ([] if target is None else [target])
    scale, ys, log = _vertical(values)
    x, xs = _horizontal(len(campaign.trials))
    dots = tuple(Dot(x(t.number), scale(float(t.value or 0.0)), t.number, float(t.value or 0.0)) for t in main)
    leaders = _leaders(campaign, dots)
    others = [
        Dot(x(t.number), scale(float(t.value or 0.0)), t.number, float(t.value or 0.0))
        for t in valued
        if t.source != first
    ]
    return Plot(
        done=len(main),
        dots=_thinned(dots),
        others="".join(f"M{dot.x} {dot.y}h.01" for dot in _thinned(others)),
        best=_staircase(leaders, x(len(campaign.trials))),
        best_now=leaders[-1] if leaders else None,
        target=None if target is None else Tick(scale(target), f"{target:.4g}"),
        xs=xs,
        ys=ys,
        log=log,
    )


def _thinned(dots: Sequence[Dot]) -> tuple[Dot, ...]:
    """Of several values in one column of pixels the highest and the lowest; all, where there are few."""
    if len(dots) <= WIDTH:
        return tuple(dots)
    columns: dict[int, list[Dot]] = {}
    for dot in dots:
        kept = columns.setdefault(round(dot.x), [dot])
        kept[:] = sorted({min(*kept, dot, key=_height), max(*kept, dot, key=_height)}, key=lambda one: one.trial)
    return tuple(dot for kept in columns.values() for dot in kept)


def _height(dot: Dot) -> tuple[float, int]:
    return dot.y, dot.trial


def _target(campaign: Campaign) -> float | None:
    goal = campaign.spec.main
    return goal.target if goal.goal == "target" else campaign.spec.stop.target


def _leaders(campaign: Campaign, dots: Sequence[Dot]) -> list[Dot]:
    """The values that were the best when they came, in order."""
    goal = campaign.spec.main

    def badness(dot: Dot) -> float:
        if goal.goal == "target":
            return abs(dot.value - (goal.target or 0.0))
        return dot.value if goal.goal == "minimise" else -dot.value

    leaders: list[Dot] = []
    for dot in dots:
        if not leaders or badness(dot) < badness(leaders[-1]):
            leaders.append(dot)
    return leaders


def _staircase(leaders: Sequence[Dot], end: float) -> str:
    if not leaders:
        return ""
    path = f"M{leaders[0].x} {leaders[0].y}" + "".join(f"H{dot.x}V{dot.y}" for dot in leaders[1:])
    return f"{path}H{end}"


def _horizontal(trials: int) -> tuple[Callable[[float], float], tuple[Tick, ...]]:
    span = WIDTH - LEFT - RIGHT

    def x(number: float) -> float:
        return round(LEFT + span * (number - 0.5) / max(trials, 1), 1)

    step = max(1, round(_nice(trials / 8)))
    return x, tuple(Tick(x(n), str(n)) for n in range(step, trials + 1, step))


def _vertical(values: Sequence[float]) -> tuple[Callable[[float], float], tuple[Tick, ...], bool]:
    low, high = min(values), max(values)
    log = low > 0 and high / low >= LOG_FROM
    if log:
        low, high = math.log10(low), math.log10(high)
    pad = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    low, high = (0.0 if not log and 0 <= low < high / 2 else low - pad), high + pad
    span = HEIGHT - TOP - BOTTOM

    def y(value: float) -> float:
        place = math.log10(value) if log else value
        return round(HEIGHT - BOTTOM - span * (place - low) / (high - low), 1)

    marks = _decades(low, high) if log else _even(low, high)
    return y, tuple(Tick(y(mark), f"{mark:.6g}") for mark in marks), log


def _decades(low: float, high: float) -> list[float]:
    every = [m * 10.0**e for e in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
    return [mark for mark in every if low <= math.log10(mark) <= high]


def _even(low: float, high: float) -> list[float]:
    step = _nice((high - low) / 4)
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _nice(step: float) -> float:
    """1, 2 or 5 times a power of ten, the nearest above."""
    if step <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(step))
    kind: tuple[Literal[1, 2, 5, 10], ...] = (1, 2, 5, 10)
    return next(m * power for m in kind if m * power >= step * 0.999)
