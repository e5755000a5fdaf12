"""A dynamic fed-batch run: a strain grows with air, then ferments fed glucose without.

The static optimisation approach of dynamic flux balance (Mahadevan, Edwards & Doyle, Biophys. J. 83:1331, 2002, after
Varma & Palsson, Appl. Environ. Microbiol. 60:3724, 1994). In each step of length Δt, with biomass X in g and amounts G
(glucose) and P (succinate) in mmol in a volume V in L, the cells may take up glucose by at most

    u = min(u_max · c / (K + c), G / (X · Δt)),   c = G / V   in mmol/(g·h)

and flux balance gives growth μ(u) and succinate p(u), so that X, G, P, V change by μX, feed − uX, pX and the feed's
volume. Succinate is the least at the largest growth, glucose the least at both, so the answer is unique.

Not in it: regulation, transfer of oxygen, toxicity of acids, and uptake again of what was excreted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cobra

from yosegi.core.capability import Infeasible
from yosegi_packs.bio.balance import LEAST_GROWTH, Environment, optimum, prepare
from yosegi_packs.bio.cells import Cell

GLUCOSE_GRAMS, SUCCINATE_GRAMS = 0.180156, 0.118088
"""Grams in a mmol of glucose and of succinic acid."""

UPTAKE = {True: 10.5, False: 18.5}
"""Largest uptake of glucose with (True) and without oxygen, mmol/(g·h), as Varma & Palsson (1994) have it."""

OXYGEN = 15.0
"""Largest uptake of oxygen, mmol/(g·h), from the same paper."""

SATURATION = 0.015
"""K in mmol/L, as Mahadevan et al. (2002) take it."""

GRID = 0.01
"""mmol/(g·h). Uptake is rounded down to it, so that a flux balance is solved once for each uptake met."""

SLACK = 1e-6
"""Share by which an optimum is let go when the next aim is sought; the solver's tolerance is a tenth of it."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What a gram of biomass does in an hour: growth in 1/h, glucose and succinate in mmol/(g·h)."""

    growth: float
    glucose: float
    succinate: float


@dataclass(frozen=True, slots=True)
class Broth:
    """What is in the reactor: biomass in g, glucose and succinate in mmol, volume in L."""

    biomass: float
    glucose: float
    succinate: float
    volume: float


@dataclass(frozen=True, slots=True)
class Plan:
    """How the run is led.

    Args:
        switch: when the air is turned off and the feed on, h.
        duration: when the run ends, h.
        feed: glucose fed from then on, g/h.
        strength: glucose in the feed, g/L.
        step: Δt in h.
    """

    switch: float
    duration: float
    feed: float
    strength: float = 500.0
    step: float = 0.05


STARVING = Rates(0.0, 0.0, 0.0)
"""Cells whose maintenance cannot be met: they do nothing, and do not die."""


def rates_of(
    model: cobra.Model, cell: Cell, knockouts: Sequence[str], glucose: float, oxygen: float, known: dict[int, Rates]
) -> Rates:
    """Growth, then least succinate, then least glucose; nothing where maintenance cannot be met.

    Args:
        model: as `load(cell)` gives it; left as it was.
        cell: how the model names things.
        knockouts: reactions of the core model to take out.
        glucose: the most taken up, mmol/(g·h).
        oxygen: the most taken up, mmol/(g·h).
        known: what was found before for the same strain and oxygen, by uptake in units of `GRID`; added to.
    """
    place = math.floor(glucose / GRID + 1e-9)
    if place not in known:
        with model:
            prepare(model, cell, knockouts, Environment(place * GRID, oxygen))
            known[place] = _solve(model, cell)
    return known[place]


def _solve(model: cobra.Model, cell: Cell) -> Rates:
    growth, succinate, glucose = (
        model.reactions.get_by_id(name) for name in (cell.biomass, "EX_succ_e", "EX_glc__D_e")
    )
    rate = optimum(model, "largest growth")
    if math.isnan(rate):
        return STARVING
    growth.lower_bound = max(0.0, rate) * (1 - SLACK)
    model.objective, model.objective_direction = succinate, "min"
    acid = optimum(model, "least succinate")
    succinate.upper_bound = max(0.0, acid) * (1 + SLACK) + SLACK
    model.objective, model.objective_direction = glucose, "max"  # uptake is a negative flux
    taken = -optimum(model, "least glucose")
    return Rates(max(0.0, rate), taken, max(0.0, acid))


def ferment(model: cobra.Model, cell: Cell, knockouts: Sequence[str], plan: Plan, start: Broth) -> Broth:
    """Lead a run to its end by explicit steps; what is in the reactor then.

    Raises:
        Infeasible: the strain does not grow with air.
        SolverStopped: the solver gave up.
    """
    aerobic: dict[int, Rates] = {}
    anaerobic: dict[int, Rates] = {}
    first = rates_of(model, cell, knockouts, UPTAKE[True], OXYGEN, aerobic)
    if first.growth < LEAST_GROWTH:
        raise Infeasible(f"{' '.join(knockouts)} grows by {first.growth:.4f} 1/h with air, below {LEAST_GROWTH} 1/h")

    def aired(uptake: float) -> Rates:
        return rates_of(model, cell, knockouts, uptake, OXYGEN, aerobic)

    def airless(uptake: float) -> Rates:
        return rates_of(model, cell, knockouts, uptake, 0.0, anaerobic)

    steps = round(plan.duration / plan.step)
    broth = start
    for number in range(steps):
        with_air = number * plan.step < plan.switch - 1e-9
        broth = advance(broth, plan, aired if with_air else airless, with_air)
    return broth


def advance(broth: Broth, plan: Plan, respond: Callable[[float], Rates], with_air: bool) -> Broth:
    """One step of `plan.step` hours; `respond` gives the rates at an uptake in mmol/(g·h)."""
    fed = 0.0 if with_air else plan.feed * plan.step
    concentration = broth.glucose / broth.volume
    offered = min(
        UPTAKE[with_air] * concentration / (SATURATION + concentration), broth.glucose / (broth.biomass * plan.step)
    )
    rates = respond(offered)
    hours = broth.biomass * plan.step
    return Broth(
        biomass=broth.biomass + rates.growth * hours,
        glucose=max(0.0, broth.glucose - rates.glucose * hours) + fed / GLUCOSE_GRAMS,
        succinate=broth.succinate + rates.succinate * hours,
        volume=broth.volume + fed / plan.strength,
    )
