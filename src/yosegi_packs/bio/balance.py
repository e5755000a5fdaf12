"""Flux balance of one strain: how fast it grows, and how little and how much succinate it can make while it does.

Flux balance (Orth, Thiele & Palsson, Nat. Biotechnol. 28:245, 2010) is the linear programme: maximise growth μ subject
to S·v = 0 and l ≤ v ≤ u. Its optimal flux vector is rarely unique, so the succinate of *one* optimum says little.
Flux variability (Mahadevan & Schilling, Metab. Eng. 5:264, 2003) asks for the least and the most succinate at a growth
of at least f·μ. What the strain makes at the least is what growth forces it to make: that is growth coupling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cobra

from yosegi.core.capability import Infeasible
from yosegi.core.errors import YosegiError
from yosegi_packs.bio.cells import Cell

LEAST_GROWTH = 0.01
"""1/h. A strain that doubles in more than 69 hours is not a culture."""

DECIMALS = 6
"""Answers are rounded here: the solver's tolerance is 1e-7, and the same task must give the same answer."""


class SolverStopped(YosegiError):
    """The linear solver ended without an answer, neither an optimum nor a proof that there is none."""

    code = "solver_stopped"

    def __init__(self, model: str, aim: str, status: str) -> None:
        self.model, self.aim, self.status = model, aim, status
        super().__init__(f"the solver stopped on {model} ({aim}) with status {status}: nothing is known; try again")


@dataclass(frozen=True, slots=True)
class Environment:
    """What the medium offers; everything else is the models' minimal medium.

    Args:
        glucose: the most glucose taken up, mmol/(g·h).
        oxygen: the most oxygen taken up, mmol/(g·h); 0 is without oxygen.
    """

    glucose: float = 10.0
    oxygen: float = 0.0


@dataclass(frozen=True, slots=True)
class Coupling:
    """Growth and succinate of a strain.

    Args:
        growth: the largest growth rate, 1/h.
        least: least succinate excreted at the stated growth, mmol/(g·h).
        most: most succinate excreted at the stated growth, mmol/(g·h).
    """

    growth: float
    least: float
    most: float


def optimum(model: cobra.Model, aim: str) -> float:
    """The optimum of the model's present objective, or NaN where no flux vector satisfies the constraints.

    Args:
        model: with objective and bounds set.
        aim: what is sought, for the message.

    Raises:
        SolverStopped: the solver gave up.
    """
    value = float(model.slim_optimize(error_value=math.nan))
    status = str(model.solver.status)
    if status not in ("optimal", "infeasible"):
        raise SolverStopped(model.id, aim, status)
    return value if status == "optimal" else math.nan


def prepare(model: cobra.Model, cell: Cell, knockouts: Sequence[str], environment: Environment) -> None:
    """Set the medium and take the reactions out. Call within `with model:`."""
    model.reactions.get_by_id("EX_glc__D_e").lower_bound = -environment.glucose
    model.reactions.get_by_id("EX_o2_e").lower_bound = -environment.oxygen
    for knockout in knockouts:
        for reaction in cell.reactions(knockout):
            model.reactions.get_by_id(reaction).knock_out()


def couple(
    model: cobra.Model, cell: Cell, knockouts: Sequence[str], environment: Environment, fraction: float
) -> Coupling:
    """Growth, and the range of succinate at `fraction` of it or more.

    Args:
        model: as `load(cell, ...)` gives it; left as it was.
        cell: how the model names things.
        knockouts: reactions of the core model to take out.
        environment: the medium.
        fraction: of the largest growth, above 0 and at most 1.

    Raises:
        Infeasible: the strain does not grow by `LEAST_GROWTH`.
        SolverStopped: the solver gave up.
    """
    with model:
        prepare(model, cell, knockouts, environment)
        growth = optimum(model, "largest growth")
        if not growth >= LEAST_GROWTH:
            rate = "no flux meets its maintenance" if math.isnan(growth) else f"grows by {max(0.0, growth):.4f} 1/h"
            raise Infeasible(f"{' '.join(knockouts) or 'the wild type'} {rate}, below {LEAST_GROWTH} 1/h")
        # A hair below the optimum where all of it is asked: the bound must not exceed what the solver can reach.
        model.reactions.get_by_id(cell.biomass).lower_bound = growth * min(fraction, 1 - 1e-6)
        model.objective = model.reactions.get_by_id("EX_succ_e")
        model.objective_direction = "min"
        least = optimum(model, "least succinate")
        model.objective_direction = "max"
        most = optimum(model, "most succinate")
    if math.isnan(least) or math.isnan(most):
        raise SolverStopped(model.id, "succinate at the stated growth", "infeasible after a feasible optimum")
    return Coupling(_rounded(growth), _rounded(least), _rounded(most))


def _rounded(flux: float) -> float:
    return max(0.0, round(flux, DECIMALS))
