"""Capability: every strain of the stated set through one linear programme each, in one task, and the best of them.

A flux balance of a strain takes milliseconds, and a task of its own some hundred times that. Asked strain by strain, a
cheap model is therefore hardly cheaper than a costly one; asked once for all strains, it is. The screen ranks by

    growth × succinate ÷ glucose   at   max (growth - ε · succinate),   ε = 0.001,

one linear programme where `succinate.genome@1` solves three: among the flux vectors of (nearly) the largest growth it
takes the one with least succinate, so that what is found is forced at that growth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import cobra

from yosegi.core.capability import Context, Fidelity, capability, quantity
from yosegi_packs.bio.balance import DECIMALS, LEAST_GROWTH, Environment, optimum, prepare
from yosegi_packs.bio.cells import CORE, GENOME, Cell, load
from yosegi_packs.bio.strains import Strain, strains

__all__ = ["Screened", "Screening", "screen", "tilted_yield"]

TILT: Final = 1e-3
"""Growth given up for a mmol/(g·h) of succinate less: small against growth, large against the solver's tolerance."""

Kept = Annotated[int, quantity("1", ge=1, le=200)]
Largest = Annotated[int, quantity("1", ge=1, le=3)]
Screening = Literal["core", "genome"]


@dataclass(frozen=True)
class Screened:
    """The best strains of the screen, the best first.

    Args:
        strains: knock-outs of each, BiGG identifiers with a space between.
        coupled_yields: of each by the screen's programme, 1/h; equal ones stand in the order of the candidate list.
        screened: strains looked at.
        dead: of them, those that do not grow by 0.01 1/h.
    """

    strains: list[str]
    coupled_yields: Annotated[list[Annotated[float, quantity("1/h", ge=0)]], quantity("1/h")]
    screened: Annotated[int, quantity("1", ge=1)]
    dead: Annotated[int, quantity("1", ge=0)]


def tilted_yield(model: cobra.Model, cell: Cell, knockouts: Strain, environment: Environment) -> float:
    """Growth × succinate ÷ glucose at the optimum of the tilted objective, in 1/h; NaN where the strain is dead.

    Args:
        model: as `load(cell)` gives it; left as it was.
        cell: how the model names things.
        knockouts: reactions of the core model to take out.
        environment: the medium.

    Raises:
        SolverStopped: the solver gave up.
    """
    with model:
        prepare(model, cell, knockouts, environment)
        growth, acid = model.reactions.get_by_id(cell.biomass), model.reactions.get_by_id("EX_succ_e")
        model.objective = {growth: 1.0, acid: -TILT}
        if math.isnan(optimum(model, "growth less succinate")) or growth.flux < LEAST_GROWTH:
            return math.nan
        return max(0.0, float(growth.flux) * float(acid.flux) / environment.glucose)


@capability(
    "succinate.screen@1",
    kind="simulation",
    effect="pure",
    field="biotechnology",
    cost={"node_h": "0.05"},
    time_limit=600,
    simulated=True,
    fidelity=Fidelity(
        of="coupled_yields",
        level="one linear programme a strain",
        noise="none",
        bias="core: calls dead what grows on the genome scale; genome: at all of the growth, not at 95 %",
    ),
)
def screen(by: Screening = "core", largest: Largest = 3, keep: Kept = 20, context: Context | None = None) -> Screened:
    """Ranks all strains of up to three knock-outs by succinate forced at the largest growth, in one task (simulated).

    Without oxygen, 10 mmol/(g·h) of glucose, products of mixed-acid fermentation. What comes first is worth a
    task of `succinate.genome@1`; how well it predicts that is in docs/packs/bio.md.

    Args:
        by: the model: core takes three seconds for the 3,304 strains, genome half a minute.
        largest: most reactions taken out.
        keep: how many strains are told.
        context: of the task; told how far the screen is.

    Raises:
        SolverStopped: the linear solver ended without an answer.
    """
    cell = CORE if by == "core" else GENOME
    model, every = load(cell), list(strains(largest))
    found: list[float] = []
    for number, knockouts in enumerate(every):
        if context is not None and number % 500 == 0:
            context.progress(number / len(every), f"{number} of {len(every)} strains")
        found.append(round(tilted_yield(model, cell, knockouts, Environment()), DECIMALS))
    order = sorted(range(len(every)), key=lambda n: -math.inf if math.isnan(found[n]) else found[n], reverse=True)
    best = [n for n in order if not math.isnan(found[n])][:keep]
    return Screened(
        strains=[" ".join(every[n]) or "wild type" for n in best],
        coupled_yields=[found[n] for n in best],
        screened=len(every),
        dead=sum(math.isnan(one) for one in found),
    )
