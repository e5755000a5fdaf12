"""The question that both sources answer: its inputs, its outputs, and the limits that an answer must keep.

The scenario is torax's own example `iterhybrid_predictor_corrector` ("ITER hybrid scenario based (roughly) on van
Mulders NF 2021", i.e. van Mulders et al., Nucl. Fusion 61:086019, 2021): D-T, 5.3 T, R 6.2 m, a 2.0 m, QLKNN turbulent
transport, a prescribed pedestal of 4.5 keV.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, Literal, NamedTuple

from yosegi.core.capability import Infeasible, quantity

__all__ = ["LIMITS", "Limits", "Plan", "Scenario", "check"]

Power = Annotated[float, quantity("MW", ge=20, le=80, resolution=0.1)]
Radius = Annotated[float, quantity("1", ge=0.05, le=0.7, resolution=0.01)]
Density = Annotated[float, quantity("1", ge=0.5, le=1.0, resolution=0.005)]
Current = Annotated[float, quantity("MA", ge=9, le=14, resolution=0.05)]
Limits = Literal["enforced", "reported"]


class Plan(NamedTuple):
    """How the machine is run; units as in the capability."""

    power: float
    heating_radius: float
    density: float
    current: float
    drive_radius: float


@dataclass(frozen=True)
class Scenario:
    """The plasma at the end of the run.

    Args:
        fusion_power: what a campaign maximises.
        gain: Q: fusion power over auxiliary power.
        q_min: least safety factor; below 1 the core saws.
        greenwald_fraction: line-averaged electron density over I/(πa²).
        beta_n: normalised thermal β, %·m·T/MA.
        lh_ratio: power over the edge, over the L-H threshold of Martin et al., J. Phys. Conf. Ser. 123:012033 (2008).
        h98: energy confinement time over IPB98(y,2).
        confinement_time: of thermal energy.
        stored_energy: thermal.
        bootstrap_fraction: share of the current that the pressure gradient drives.
        drift: relative change of the fusion power over the last tenth of the run: how far it is from steady.
        steps: of the integration.
    """

    fusion_power: Annotated[float, quantity("MW", ge=0)]
    gain: Annotated[float, quantity("1", ge=0)]
    q_min: Annotated[float, quantity("1")]
    greenwald_fraction: Annotated[float, quantity("1", ge=0)]
    beta_n: Annotated[float, quantity("1", ge=0)]
    lh_ratio: Annotated[float, quantity("1")]
    h98: Annotated[float, quantity("1", ge=0)]
    confinement_time: Annotated[float, quantity("s", ge=0)]
    stored_energy: Annotated[float, quantity("MJ", ge=0)]
    bootstrap_fraction: Annotated[float, quantity("1")]
    drift: Annotated[float, quantity("1", ge=0)]
    steps: Annotated[int, quantity("1", ge=1)]


class Limit(NamedTuple):
    """A bound on an output, and why."""

    output: str
    holds: Callable[[float], bool]
    says: str


LIMITS: Final = (
    Limit("q_min", lambda q: q > 1.0, "above 1: no sawteeth, which is what makes the scenario hybrid"),
    Limit("greenwald_fraction", lambda n: n <= 1.0, "at most 1: Greenwald et al., Nucl. Fusion 28:2199 (1988)"),
    Limit("beta_n", lambda b: b <= 2.8, "at most 2.8: Troyon et al., Plasma Phys. Control. Fusion 26:209 (1984)"),
    # Above 1 the H-mode that the prescribed pedestal supposes can exist at all; 0.3 is the margin chosen here.
    Limit("lh_ratio", lambda ratio: ratio >= 1.3, "at least 1.3: or the prescribed pedestal has no H-mode to stand on"),
)
"""What an operator would hold a scenario to."""


def check(found: Scenario) -> None:
    """Refuse what breaks a limit.

    Raises:
        Infeasible: naming each limit that is broken, with the value.
    """
    broken = [
        f"{o} is {getattr(found, o):.3g}, must be {says}" for o, holds, says in LIMITS if not holds(getattr(found, o))
    ]
    if broken:
        raise Infeasible("; ".join(broken))
