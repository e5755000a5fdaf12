"""What a site can publish of colour matching: a simulation, and a robot that mixes and measures. All simulated.

The functions import their physics when called, so that reading a contract costs nothing but this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from yosegi.core.capability import Context, Fidelity, LinearConstraint, capability, quantity, sample
from yosegi.core.errors import Invalid

if TYPE_CHECKING:
    from yosegi_packs.labs.robot import Robot

FIELD: Final = "autonomous laboratories"

Volume = Annotated[float, quantity("uL", ge=0, le=150, resolution=0.5)]
Lightness = Annotated[float, quantity("1", ge=0, le=100)]
Opponent = Annotated[float, quantity("1", ge=-128, le=128)]
Difference = Annotated[float, quantity("1", ge=0)]
SampleName = Annotated[str, sample()]

FULL_WELL: Final = LinearConstraint({"red": 1.0, "yellow": 1.0, "blue": 1.0, "water": 1.0}, equals=150.0)


@dataclass(frozen=True, slots=True)
class Match:
    """How a mixture looks, and how far that is from the target.

    Args:
        delta_e: CIEDE2000 colour difference to the target.
        L: lightness, 0 black to 100 clear.
        a: green to red.
        b: blue to yellow.
        standard_error: of delta_e, one standard deviation, random errors only.
    """

    delta_e: Difference
    L: Annotated[float, quantity("1")]
    a: Annotated[float, quantity("1")]
    b: Annotated[float, quantity("1")]
    standard_error: Difference


@dataclass(frozen=True, slots=True)
class Mixed:
    """A well that has been filled.

    Args:
        sample: its identity.
    """

    sample: SampleName


@capability(
    "colour.simulate@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    simulated=True,
    cost={"node_h": "0.001"},
    time_limit=60,
    constraints=[FULL_WELL],
    fidelity=Fidelity(
        of="delta_e",
        level="Beer-Lambert with assumed absorptivities",
        noise="none",
        bias="absorptivities are assumed; expect a few units of delta_e, up to some fifteen",
    ),
)
def simulate(
    red: Volume,
    yellow: Volume,
    blue: Volume,
    water: Volume,
    target_L: Lightness,
    target_a: Opponent,
    target_b: Opponent,
) -> Match:
    """Colour of three food dyes and water in a well, computed from assumed absorptivities (simulated).

    Absorbances of Allura Red AC, Tartrazine and Brilliant Blue FCF add up by the Beer-Lambert law over 0.44 cm of
    liquid; the transmitted light under CIE D65 becomes CIELAB for the 2 degree observer (CIE 15:2004), and CIEDE2000
    (Sharma, Wu and Dalal 2005, doi:10.1002/col.20070) says how far it looks from the target. Peaks and specific
    absorbances are those of Commission Regulation (EU) No 231/2012; the bands are Gaussians.

    Args:
        red: Allura Red AC, 0.45 mmol/L.
        yellow: Tartrazine, 0.45 mmol/L.
        blue: Brilliant Blue FCF, 0.09 mmol/L.
        water: fills the well to 150 uL.
        target_L: lightness to match.
        target_a: green to red, to match.
        target_b: blue to yellow, to match.
    """
    from yosegi_packs.labs.dyes import colour_of

    return _match(tuple(colour_of((red, yellow, blue, water)).tolist()), (target_L, target_a, target_b), 0.0)


@capability(
    "colour.mix@1",
    kind="robot",
    effect="consuming",
    field=FIELD,
    simulated=True,
    cost={"samples": "1", "instrument_h": "0.05"},
    time_limit=600,
    constraints=[FULL_WELL],
    on_revoked="safe_stop",
    safe_state="the transfer in hand is finished, the tip dropped and the arm at rest; the well is used up",
)
def mix(red: Volume, yellow: Volume, blue: Volume, water: Volume, context: Context) -> Mixed:
    """Fill one well with three food dyes and water (simulated Hamilton STARlet).

    Each liquid is brought by a fresh tip from its trough into the next free well of a 96-well plate, through
    PyLabRobot (Wierenga et al. 2023, doi:10.1016/j.device.2023.100111) on a simulated deck that tracks tips and
    volumes. A volume is rounded to 0.5 uL and errs as ISO 8655-2 permits. The well is used up whatever happens.

    Args:
        red: Allura Red AC, 0.45 mmol/L nominal.
        yellow: Tartrazine, 0.45 mmol/L nominal.
        blue: Brilliant Blue FCF, 0.09 mmol/L nominal.
        water: fills the well to 150 uL.
        context: the running task.

    Raises:
        OutOfWells: every well of every plate is used.
        AlreadyMixed: this task has had its well.
        StoppedSafely: the robot was told to stop.
    """
    robot = _robot(context)
    recipe = (red, yellow, blue, water)
    return Mixed(robot.mix(recipe, key=context.key, progress=context.progress, stopping=context.stopping))


@capability(
    "colour.measure@1",
    kind="instrument",
    effect="idempotent",
    field=FIELD,
    simulated=True,
    cost={"instrument_h": "0.01"},
    time_limit=60,
    fidelity=Fidelity(
        of="delta_e",
        level="measurement",
        noise="standard_error: pipetting (ISO 8655-2) and 0.003 absorbance of the reader, about 0.2 in all",
        bias="none known",
    ),
)
def measure(
    sample: SampleName,
    target_L: Lightness,
    target_a: Opponent,
    target_b: Opponent,
    context: Context,
) -> Match:
    """Colour of a mixed well, and its difference to the target (simulated plate reader).

    Transmission from 380 to 780 nm becomes CIELAB under D65 for the 2 degree observer; CIEDE2000 compares it with the
    target. A well is read once and its reading kept, so asking again gives the same answer.

    Args:
        sample: a well that was mixed here.
        target_L: lightness to match.
        target_a: green to red, to match.
        target_b: blue to yellow, to match.
        context: the running task.

    Raises:
        NotFound: no such sample on this robot.
        NotMeasurable: its well is not completely filled, or its plate is gone.
    """
    from yosegi_packs.labs.uncertainty import standard_error

    robot = _robot(context)
    seen, target = robot.measure(sample), (target_L, target_a, target_b)
    return _match(seen, target, standard_error(seen, robot.mixture(sample).volumes, target))


def _match(seen: tuple[float, ...], target: tuple[float, float, float], error: float) -> Match:
    from yosegi_packs.labs.colour import delta_e

    lightness, a, b = seen
    return Match(float(delta_e(seen, target)), lightness, a, b, error)


def _robot(context: Context) -> Robot:
    """The station's robot.

    Raises:
        Invalid: the task does not run in a station, which alone has a durable folder.
    """
    from yosegi_packs.labs.robot import robot_at

    if context.state is None:
        raise Invalid("colour.mix and colour.measure", "the robot has no state folder", "run them in a station")
    return robot_at(Path(context.state).resolve())
