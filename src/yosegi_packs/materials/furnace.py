"""Capabilities: a furnace and a diffractometer, both simulated, and what published kinetics say of them beforehand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Final

from yosegi.core.capability import Context, Fidelity, capability, quantity, sample
from yosegi_packs.materials.phases import FIELD
from yosegi_packs.materials.titania import (
    bragg_spacing,
    rutile_share,
    scherrer_size,
    transformed,
)
from yosegi_packs.materials.twin_world import INSTRUMENT_WIDTH, Pattern, world_of

__all__ = ["Annealed", "Diffraction", "Kinetics", "anneal", "diffract", "expect"]

Temperature = Annotated[float, quantity("K", ge=850, le=1150, resolution=1)]
Hold = Annotated[float, quantity("h", ge=0.1, le=12, resolution=0.05)]
SampleName = Annotated[str, sample()]
Share = Annotated[float, quantity("1", ge=0, le=1)]

CALIBRATION: Final = 0.02
"""Of `EQUAL_MASSES`, one standard deviation: how well the laboratory knows it."""


@dataclass(frozen=True)
class Annealed:
    """A powder that has been heated.

    Args:
        sample: its identity.
    """

    sample: SampleName


@dataclass(frozen=True)
class Kinetics:
    """What is expected of a hold.

    Args:
        rutile: mass fraction.
        standard_error: of it; 0, for a formula has none.
    """

    rutile: Share
    standard_error: Annotated[float, quantity("1", ge=0)]


@dataclass(frozen=True)
class Diffraction:
    """What a scan says of a powder.

    Args:
        rutile: mass fraction, from the counts of both reflections.
        standard_error: of `rutile`, from counts and calibration.
        lattice_parameter: a of rutile, from where (110) lies; the goniometer's zero is not known.
        lattice_parameter_error: its standard error, from counts alone.
        crystallite_size: of rutile, by Scherrer's formula; above 100 nm the instrument's own width hides it.
        crystallite_size_error: its standard error, from counts alone.
        angle: of (110), 2θ.
        width: of (110) at half height, 2θ.
    """

    rutile: Share
    standard_error: Annotated[float, quantity("1", ge=0)]
    lattice_parameter: Annotated[float, quantity("Ao", gt=0)]
    lattice_parameter_error: Annotated[float, quantity("Ao", ge=0)]
    crystallite_size: Annotated[float, quantity("nm", ge=0, le=1000)]
    crystallite_size_error: Annotated[float, quantity("nm", ge=0)]
    angle: Annotated[float, quantity("deg", ge=0, le=180)]
    width: Annotated[float, quantity("deg", ge=0)]


@capability(
    "titania.expect@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.001"},
    time_limit=60,
    simulated=True,
    fidelity=Fidelity(
        of="rutile",
        level="published first-order kinetics",
        noise="none",
        bias="the frequency factor is published as an order of magnitude; no furnace shows its true temperature",
    ),
)
def expect(temperature: Temperature, hold: Hold) -> Kinetics:
    """Rutile in a brookite powder after a hold, by published kinetics (simulated).

    First order, 60 kcal/mol and 10¹³ per hour: Rao, Yoganarasimhan and Faeth, Trans. Faraday Soc. 57:504 (1961).

    Args:
        temperature: of the hold.
        hold: how long.
    """
    return Kinetics(transformed(temperature, hold), 0.0)


@capability(
    "furnace.anneal@1",
    kind="instrument",
    effect="consuming",
    field=FIELD,
    cost={"samples": "1", "instrument_h": "13"},
    time_limit=600,
    simulated=True,
    safe_state="the hold goes on to its end and the furnace cools; the powder is used up",
)
def anneal(temperature: Temperature, hold: Hold, context: Context) -> Annealed:
    """Heat a fresh brookite powder (simulated furnace).

    The true kinetics and the furnace's error are drawn when its world is made, and nobody is told. The hold takes no
    time here; an hour more than it is charged, for heating and cooling. The powder is used up whatever happens.

    Args:
        temperature: that the furnace is set to.
        hold: how long.
        context: the running task.

    Raises:
        AlreadyAnnealed: this task has had its sample.
    """
    name = world_of(context).anneal(temperature, hold, context.key)
    context.spend("samples", "1")
    context.spend("instrument_h", f"{hold + 1.0:.3f}")
    return Annealed(name)


@capability(
    "diffraction.measure@1",
    kind="instrument",
    effect="idempotent",
    field=FIELD,
    cost={"instrument_h": "0.5"},
    time_limit=60,
    simulated=True,
    fidelity=Fidelity(
        of="rutile",
        level="measurement",
        noise="standard_error: 40,000 counts, and 2 % of the calibration by equal masses",
        bias="the calibration's error is the same for all samples",
    ),
)
def diffract(sample: SampleName, context: Context) -> Diffraction:
    """Phases, cell and crystallite size of a titania powder (simulated diffractometer).

    Copper Kα₁; rutile (110) and brookite (121). Bragg's law gives the cell, Scherrer's formula the size of crystallites
    once the instrument's width is taken off, the counts the mass fraction. A sample shows the same each time.

    Args:
        sample: a powder that was annealed.
        context: the running task.

    Raises:
        NotFound: no such sample here.
        HoldCutOff: its hold was cut off.
    """
    return analysed(world_of(context).scan(sample))


def analysed(seen: Pattern) -> Diffraction:
    """What follows from a scan, by what the laboratory knows of its instrument."""
    share = rutile_share(seen.rutile, seen.brookite)
    counts = max(seen.rutile, 1.0)
    spread = 1.0 / counts + 1.0 / max(seen.brookite, 1.0) + CALIBRATION**2
    position = seen.width / (2.355 * math.sqrt(counts))
    spacing = bragg_spacing(seen.angle)
    own = math.sqrt(max(seen.width**2 - INSTRUMENT_WIDTH**2, 1e-6))
    size = min(scherrer_size(own, seen.angle), 1000.0)
    half = math.radians(seen.angle / 2.0)
    return Diffraction(
        rutile=share,
        standard_error=share * (1.0 - share) * math.sqrt(spread) + 1.0 / counts,
        lattice_parameter=math.sqrt(2.0) * spacing,
        lattice_parameter_error=math.sqrt(2.0) * spacing * math.radians(position / 2.0) / math.tan(half),
        crystallite_size=size,
        crystallite_size_error=size * 0.5 * 2.355 * position * seen.width / own**2,
        angle=seen.angle,
        width=seen.width,
    )
