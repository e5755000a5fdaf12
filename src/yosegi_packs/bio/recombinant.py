"""A fed-batch fermentation of recombinant *E. coli* whose foreign protein an inducer switches on.

The model of Lee & Ramirez (1994) with the parameter functions of Tholudur & Ramirez (1997), as collections of test
problems for optimal control carry it: PROPT, "Lee-Ramirez Bioreactor", after Balsa-Canto, Banga, Alonso & Vassiliadis
(2001), case study II; PSOPT, `examples/bioreactor`. With volume V in L, cells X, glucose N, protein P and inducer I in
g/L, and feeds of glucose u₁ (100 g/L) and of inducer u₂ (4 g/L) in L/h,

    V' = u₁ + u₂                             n = N / (14.35 + N + N²/111.5)
    X' = g₁ X - (u₁ + u₂) X / V              g₁ = n (s + 0.22 r / (0.22 + I))
    N' = (100 u₁ - (u₁ + u₂) N) / V - g₁ X / 0.51
    P' = g₂ X - (u₁ + u₂) P / V              g₂ = 0.233 n (0.0005 + I) / (0.022 + I)
    I' = (4 u₂ - (u₁ + u₂) I) / V
    s' = -g₃ s,  r' = g₃ (1 - r)             g₃ = 0.09 I / (0.034 + I)

from V = 1, X = 0.1, N = 40, s = 1 and the rest 0, for ten hours. s and r are what the inducer leaves of growth: the
shock and the recovery. Protein is in the model's own unit, which its sources leave open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from yosegi.core.errors import YosegiError

__all__ = ["BEGIN", "DURATION", "PUMP", "Feeds", "IntegratorStopped", "Tank", "steady_growth", "tank_after"]

DURATION: Final = 10.0
"""h, of a run."""

PUMP: Final = 1.0
"""L/h, the most that either pump gives."""

GLUCOSE_FEED, INDUCER_FEED, CELLS_OF_GLUCOSE = 100.0, 4.0, 0.51
"""g/L in the two feeds, and grams of cells from a gram of glucose."""

Feed = Callable[[float], float]
Floats = NDArray[np.float64]


class IntegratorStopped(YosegiError):
    """The equations could not be integrated to the end of the run."""

    code = "integrator_stopped"

    def __init__(self, reached: float, why: str) -> None:
        self.reached, self.why = reached, why
        super().__init__(f"the integrator stopped after {reached:g} h: {why}; nothing is known of this run")


@dataclass(frozen=True, slots=True)
class Tank:
    """What is in the fermenter.

    Args:
        volume: in L.
        cells: in g/L.
        glucose: in g/L.
        protein: in the model's unit for a litre.
        inducer: in g/L.
        shock: share of growth that the inducer has not yet touched.
        recovery: share that has adapted to it.
    """

    volume: float
    cells: float
    glucose: float
    protein: float
    inducer: float
    shock: float
    recovery: float


BEGIN: Final = Tank(1.0, 0.1, 40.0, 0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Feeds:
    """The two feeds over time.

    Args:
        glucose: L/h at a time in h.
        inducer: L/h at a time in h.
        switches: times in h at which either jumps; the integration is cut there.
    """

    glucose: Feed
    inducer: Feed
    switches: tuple[float, ...] = ()

    @classmethod
    def steps(cls, glucose: tuple[float, ...], inducer: tuple[float, ...]) -> Feeds:
        """Constant in equal intervals of the run, as direct methods of optimal control have it."""

        def step(levels: tuple[float, ...]) -> Feed:
            return lambda time: levels[min(int(time / DURATION * len(levels)), len(levels) - 1)]

        edges = {DURATION * k / len(levels) for levels in (glucose, inducer) for k in range(1, len(levels))}
        return cls(step(glucose), step(inducer), tuple(sorted(edges)))


def tank_after(feeds: Feeds, shocked: bool = True) -> Tank:
    """The fermenter at the end of a run.

    Args:
        feeds: of glucose and inducer.
        shocked: False is the model without shock and recovery, in which the inducer does not slow growth.

    Raises:
        IntegratorStopped: no solution to the end.
    """
    state = np.array([getattr(BEGIN, name) for name in Tank.__slots__])
    cuts = sorted({0.0, DURATION, *(t for t in feeds.switches if 0.0 < t < DURATION)})
    for begin, end in pairwise(cuts):
        inside = 1e-9 * (end - begin)

        def slope(time: float, x: Floats, low: float = begin + inside, high: float = end - inside) -> list[float]:
            now = min(max(time, low), high)  # a feed is asked only within its interval, never at the jump
            return _slope(x, feeds.glucose(now), feeds.inducer(now), shocked)

        found = solve_ivp(slope, (begin, end), state, method="LSODA", rtol=1e-7, atol=1e-9)
        if not found.success:
            raise IntegratorStopped(float(found.t[-1]), str(found.message))
        state = found.y[:, -1]
    return Tank(*(float(value) for value in state))


def steady_growth(glucose: float) -> float:
    """n(N), the growth rate without inducer in 1/h; largest at N = √(14.35 · 111.5) = 40 g/L."""
    return glucose / (14.35 + glucose * (1.0 + glucose / 111.5))


def _slope(x: Floats, glucose_feed: float, inducer_feed: float, shocked: bool) -> list[float]:
    volume, cells, glucose, protein, inducer, shock, recovery = x
    base = steady_growth(max(0.0, glucose))
    growth = base * (shock + 0.22 * recovery / (0.22 + inducer)) if shocked else base
    expression = 0.233 * base * (0.0005 + inducer) / (0.022 + inducer)
    adapting = 0.09 * inducer / (0.034 + inducer)
    thinning = (glucose_feed + inducer_feed) / volume
    return [
        glucose_feed + inducer_feed,
        (growth - thinning) * cells,
        GLUCOSE_FEED * glucose_feed / volume - thinning * glucose - growth * cells / CELLS_OF_GLUCOSE,
        expression * cells - thinning * protein,
        INDUCER_FEED * inducer_feed / volume - thinning * inducer,
        -adapting * shock,
        adapting * (1.0 - recovery),
    ]
