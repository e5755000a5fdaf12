"""Capabilities: how much foreign protein a fed-batch run makes, by a plain model (cheap) and in a fermenter's twin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np

from yosegi.core.capability import Context, Fidelity, capability, quantity
from yosegi_packs.bio.recombinant import DURATION, PUMP, Feeds, Tank, tank_after

__all__ = ["Induced", "induction_fermenter", "induction_model", "plan_of"]

ASSAY: Final = 0.02
"""Relative standard deviation of the twin's protein assay: chosen, not measured."""

DECIMALS: Final = 6

Glucose = Annotated[float, quantity("L", ge=0.1, le=4.0, resolution=0.01)]
Exponent = Annotated[float, quantity("1/h", ge=0.0, le=1.2, resolution=0.01)]
Induction = Annotated[float, quantity("h", ge=0.0, le=9.5, resolution=0.05)]
Inducer = Annotated[float, quantity("L/h", ge=0.0, le=0.5, resolution=0.005)]


@dataclass(frozen=True)
class Induced:
    """What a run of ten hours leaves.

    Args:
        protein: foreign protein in the fermenter, in the model's own unit (a mass). What a campaign maximises.
        protein_error: standard error of `protein`.
        cells: dry cells in the broth.
        glucose_left: glucose in the broth.
        volume: of broth.
    """

    protein: Annotated[float, quantity("1", ge=0)]
    protein_error: Annotated[float, quantity("1", ge=0)]
    cells: Annotated[float, quantity("g/L", ge=0)]
    glucose_left: Annotated[float, quantity("g/L", ge=0)]
    volume: Annotated[float, quantity("L", ge=0)]


def plan_of(glucose: float, exponent: float, induction: float, inducer: float) -> Feeds:
    """An exponential feed of glucose that gives `glucose` litres in ten hours, and inducer from `induction` on.

    u₁(t) = F exp(k t) with F = glucose · k / (exp(10 k) - 1), and F = glucose / 10 at k = 0; the pump cuts it at 1 L/h,
    so that less is given where it is cut.
    """
    start = glucose * exponent / math.expm1(DURATION * exponent) if exponent > 0.0 else glucose / DURATION
    cut = math.log(PUMP / start) / exponent if 0.0 < start < PUMP and exponent > 0.0 else DURATION
    return Feeds(
        glucose=lambda time: min(PUMP, start * math.exp(exponent * time)),
        inducer=lambda time: inducer if time >= induction else 0.0,
        switches=(induction, cut),
    )


@capability(
    "induction.model@1",
    kind="simulation",
    effect="pure",
    field="biotechnology",
    cost={"node_h": "0.001"},
    time_limit=120,
    simulated=True,
    fidelity=Fidelity(
        of="protein", level="growth model, inducer harmless", noise="none", bias="too high where much inducer is given"
    ),
)
def induction_model(glucose: Glucose, exponent: Exponent, induction: Induction, inducer: Inducer) -> Induced:
    """Protein of a fed-batch run, by a model in which the inducer does not slow growth: the cheap source (simulated).

    The model of `induction.fermenter@1` as one has it before its cells have been shocked: growth on glucose and
    expression by the inducer, without shock and recovery.

    Args:
        glucose: feed (100 g/L) given in the ten hours.
        exponent: of the feed's growth over time; 0 is a constant feed.
        induction: when the inducer's feed (4 g/L) is turned on.
        inducer: rate of that feed.

    Raises:
        IntegratorStopped: the equations could not be integrated.
    """
    return _answer(tank_after(plan_of(glucose, exponent, induction, inducer), shocked=False), 0.0, 0)


@capability(
    "induction.fermenter@1",
    kind="simulation",
    effect="pure",
    field="biotechnology",
    cost={"node_h": "0.01"},
    time_limit=120,
    simulated=True,
    fidelity=Fidelity(of="protein", level="twin of a fermenter", noise="2 % of the protein, normal", bias="none known"),
)
def induction_fermenter(
    glucose: Glucose, exponent: Exponent, induction: Induction, inducer: Inducer, context: Context | None = None
) -> Induced:
    """Protein of a fed-batch run of ten hours in a fermenter's twin: the costly source (simulated).

    Recombinant E. coli of Lee and Ramirez (1994), with the parameter functions of Tholudur and Ramirez (1997): the
    inducer switches the protein on and slows growth, from which the cells recover. The assay of the protein has 2 %
    of noise, drawn from the task's seed. The best that any feeds allow is 6.164 (PSOPT's collection of problems).

    Args:
        glucose: feed (100 g/L) given in the ten hours.
        exponent: of the feed's growth over time; 0 is a constant feed.
        induction: when the inducer's feed (4 g/L) is turned on.
        inducer: rate of that feed.
        context: of the task; its key seeds the assay's noise.

    Raises:
        IntegratorStopped: the equations could not be integrated.
    """
    tank = tank_after(plan_of(glucose, exponent, induction, inducer))
    return _answer(tank, ASSAY, context.seed if context else 0)


def _answer(tank: Tank, assay: float, seed: int) -> Induced:
    protein = tank.protein * tank.volume
    shown = protein * (1.0 + assay * float(np.random.default_rng(seed).standard_normal()))
    return Induced(
        protein=round(max(0.0, shown), DECIMALS),
        protein_error=round(assay * protein, DECIMALS),
        cells=round(tank.cells, DECIMALS),
        glucose_left=round(max(0.0, tank.glucose), DECIMALS),
        volume=round(tank.volume, DECIMALS),
    )
