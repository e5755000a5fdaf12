"""Capabilities: a simulated fed-batch run for succinate, on the core model (cheap) and on iJO1366 (costly)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from yosegi.core.capability import Fidelity, capability, quantity
from yosegi_packs.bio.balance import DECIMALS
from yosegi_packs.bio.cells import CORE, GENOME, Cell, load
from yosegi_packs.bio.reactor import GLUCOSE_GRAMS, SUCCINATE_GRAMS, Broth, Plan, ferment
from yosegi_packs.bio.strains import Knockout, strain

START = Broth(biomass=0.1, glucose=20.0 / GLUCOSE_GRAMS, succinate=0.0, volume=1.0)
"""A litre with 20 g of glucose, seeded with 0.1 g of cells."""

Switch = Annotated[float, quantity("h", ge=2, le=20, resolution=0.25)]
Duration = Annotated[float, quantity("h", ge=24, le=96, resolution=1)]
Feed = Annotated[float, quantity("g/h", ge=0, le=10, resolution=0.1)]


@dataclass(frozen=True)
class Harvest:
    """What is in the reactor at the end.

    Args:
        productivity: succinic acid for a litre of broth and an hour of the whole run. What a campaign maximises.
        titre: succinic acid in the broth.
        mass_yield: grams of succinic acid for a gram of glucose given, left over or not.
        biomass: dry cells in the broth.
        glucose_left: glucose in the broth.
    """

    productivity: Annotated[float, quantity("g/(L.h)", ge=0)]
    titre: Annotated[float, quantity("g/L", ge=0)]
    mass_yield: Annotated[float, quantity("g/g", ge=0)]
    biomass: Annotated[float, quantity("g/L", ge=0)]
    glucose_left: Annotated[float, quantity("g/L", ge=0)]


@capability(
    "fedbatch.core@1",
    kind="simulation",
    effect="pure",
    field="biotechnology",
    cost={"node_h": "0.005"},
    time_limit=300,
    simulated=True,
    fidelity=Fidelity(of="productivity", level="core model", noise="none", bias="lacks most by-paths"),
)
def fedbatch_core(
    first: Knockout, second: Knockout, third: Knockout, switch: Switch, feed: Feed, duration: Duration
) -> Harvest:
    """Fed-batch succinate by a strain, simulated on the core model of E. coli.

    Dynamic flux balance (Mahadevan et al. 2002) of a litre with 20 g of glucose and 0.1 g of cells: growth with air
    until the switch, then fermentation of glucose fed as 500 g/L. Oxygen transfer, toxicity and regulation are not
    modelled, so productivities are upper bounds.

    Args:
        first: a reaction to take out, or none. The order of the three makes no difference, nor does naming one twice.
        second: another, or none.
        third: another, or none.
        switch: when the air is turned off and the feed on.
        feed: glucose fed from then on.
        duration: when the run ends.

    Raises:
        Infeasible: the strain does not grow with air.
        SolverStopped: the linear solver ended without an answer.
    """
    return _run(CORE, strain(first, second, third), Plan(switch, duration, feed))


@capability(
    "fedbatch.genome@1",
    kind="simulation",
    effect="pure",
    field="biotechnology",
    cost={"node_h": "0.05"},
    time_limit=900,
    simulated=True,
    fidelity=Fidelity(of="productivity", level="genome-scale model iJO1366", noise="none", bias="no regulation"),
)
def fedbatch_genome(
    first: Knockout, second: Knockout, third: Knockout, switch: Switch, feed: Feed, duration: Duration
) -> Harvest:
    """Fed-batch succinate by a strain, simulated on the genome-scale model iJO1366.

    The same run as `fedbatch.core@1` with all known metabolism of E. coli K-12 MG1655 (Orth et al. 2011).

    Args:
        first: a reaction to take out, or none. The order of the three makes no difference, nor does naming one twice.
        second: another, or none.
        third: another, or none.
        switch: when the air is turned off and the feed on.
        feed: glucose fed from then on.
        duration: when the run ends.

    Raises:
        Infeasible: the strain does not grow with air.
        SolverStopped: the linear solver ended without an answer.
    """
    return _run(GENOME, strain(first, second, third), Plan(switch, duration, feed))


def _run(cell: Cell, knockouts: tuple[Knockout, ...], plan: Plan) -> Harvest:
    end = ferment(load(cell), cell, knockouts, plan, START)
    acid = end.succinate * SUCCINATE_GRAMS
    given = START.glucose * GLUCOSE_GRAMS + plan.feed * (plan.duration - plan.switch)
    return Harvest(
        productivity=round(acid / end.volume / plan.duration, DECIMALS),
        titre=round(acid / end.volume, DECIMALS),
        mass_yield=round(acid / given, DECIMALS),
        biomass=round(end.biomass / end.volume, DECIMALS),
        glucose_left=round(end.glucose * GLUCOSE_GRAMS / end.volume, DECIMALS),
    )
