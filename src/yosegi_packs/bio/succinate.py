"""Capabilities: succinate coupled to growth, on the core model (cheap) and on the genome-scale model (costly)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from yosegi.core.capability import Fidelity, capability, quantity
from yosegi_packs.bio.balance import DECIMALS, Environment, couple
from yosegi_packs.bio.cells import CORE, GENOME, Cell, Excretion, load
from yosegi_packs.bio.strains import Knockout, strain

Uptake = Annotated[float, quantity("mmol/(g.h)", ge=0.5, le=20, resolution=0.1)]
Oxygen = Annotated[float, quantity("mmol/(g.h)", ge=0, le=20, resolution=0.1)]
Share = Annotated[float, quantity("1", ge=0.5, le=1, resolution=0.01)]


@dataclass(frozen=True)
class Succinate:
    """What a strain does.

    Args:
        coupled_yield: growth × least succinate ÷ glucose offered, 1/h: the biomass-product coupled yield of Patil et
            al., BMC Bioinformatics 6:308 (2005), with the succinate that growth forces. What a campaign maximises.
        growth: largest growth rate, 1/h.
        succinate_least: least succinate at the stated growth.
        succinate_most: most succinate at the stated growth.
        yield_least: moles of succinate for a mole of glucose offered, at the least; 12/7 is the most that carbon and
            electrons allow (7 glucose + 6 CO2 → 12 succinate + 6 water).
    """

    coupled_yield: Annotated[float, quantity("1/h", ge=0)]
    growth: Annotated[float, quantity("1/h", ge=0)]
    succinate_least: Annotated[float, quantity("mmol/(g.h)", ge=0)]
    succinate_most: Annotated[float, quantity("mmol/(g.h)", ge=0)]
    yield_least: Annotated[float, quantity("1", ge=0)]


@capability(
    "succinate.core@1",
    kind="simulation",
    effect="pure",
    field="biotechnology",
    cost={"node_h": "0.001"},
    time_limit=120,
    simulated=True,
    fidelity=Fidelity(
        of="coupled_yield",
        level="core model, 95 reactions",
        noise="none",
        bias="lacks most by-paths; calls dead what the genome-scale model grows",
    ),
)
def core(
    first: Knockout,
    second: Knockout,
    third: Knockout,
    oxygen: Oxygen = 0.0,
    glucose: Uptake = 10.0,
    growth_share: Share = 0.95,
    excretion: Excretion = "mixed-acid",
) -> Succinate:
    """Succinate coupled to growth, simulated on the core model of E. coli.

    Takes up to three reactions out of the core model (Orth, Fleming & Palsson 2010), maximises growth by flux balance
    on glucose minimal medium, and asks for the least and the most succinate at a stated share of that growth. A strain
    whose least is above zero cannot grow without making succinate, so selection for growth keeps it producing.

    Args:
        first: a reaction to take out, or none. The order of the three makes no difference, nor does naming one twice.
        second: another, or none.
        third: another, or none.
        oxygen: the most oxygen taken up; 0 is fermentation.
        glucose: the most glucose taken up.
        growth_share: share of the largest growth at which succinate is asked for.
        excretion: mixed-acid lets only products of mixed-acid fermentation out; any is the model as published.

    Raises:
        Infeasible: the strain does not grow by 0.01 1/h.
        SolverStopped: the linear solver ended without an answer.
    """
    return _answer(CORE, strain(first, second, third), Environment(glucose, oxygen), growth_share, excretion)


@capability(
    "succinate.genome@1",
    kind="simulation",
    effect="pure",
    field="biotechnology",
    cost={"node_h": "0.01"},
    time_limit=300,
    simulated=True,
    fidelity=Fidelity(
        of="coupled_yield",
        level="genome-scale model iJO1366, flux variability",
        noise="none",
        bias="no regulation and no kinetics",
    ),
)
def genome(
    first: Knockout,
    second: Knockout,
    third: Knockout,
    oxygen: Oxygen = 0.0,
    glucose: Uptake = 10.0,
    growth_share: Share = 0.95,
    excretion: Excretion = "mixed-acid",
) -> Succinate:
    """Succinate coupled to growth, simulated on the genome-scale model iJO1366.

    The same question as `succinate.core@1`, put to all known metabolism of E. coli K-12 MG1655 (Orth et al. 2011):
    growth by flux balance, then the range of succinate by flux variability (Mahadevan & Schilling 2003). A reaction of
    the core model is taken out with every reaction that stands for it here (`FRD7` is `FRD2` and `FRD3`).

    Args:
        first: a reaction to take out, or none. The order of the three makes no difference, nor does naming one twice.
        second: another, or none.
        third: another, or none.
        oxygen: the most oxygen taken up; 0 is fermentation.
        glucose: the most glucose taken up.
        growth_share: share of the largest growth at which succinate is asked for.
        excretion: mixed-acid lets only products of mixed-acid fermentation out; any is the model as published.

    Raises:
        Infeasible: the strain does not grow by 0.01 1/h.
        SolverStopped: the linear solver ended without an answer.
    """
    return _answer(GENOME, strain(first, second, third), Environment(glucose, oxygen), growth_share, excretion)


def _answer(
    cell: Cell, knockouts: tuple[Knockout, ...], environment: Environment, share: float, excretion: Excretion
) -> Succinate:
    found = couple(load(cell, excretion), cell, knockouts, environment, share)
    yield_least = found.least / environment.glucose
    return Succinate(
        coupled_yield=round(found.growth * yield_least, DECIMALS),
        growth=found.growth,
        succinate_least=found.least,
        succinate_most=found.most,
        yield_least=round(yield_least, DECIMALS),
    )
