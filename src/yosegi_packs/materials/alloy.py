"""What both sources of the ageing question take and give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from yosegi.core.capability import Infeasible, quantity
from yosegi_packs.materials.systems import MASSES

__all__ = ["MG_SHARE", "Ageing", "Magnesium", "Silicon", "Temperature", "Window", "answer"]

Magnesium = Annotated[float, quantity("%", ge=0.1, le=2.0, resolution=0.01)]
Silicon = Annotated[float, quantity("%", ge=0.1, le=2.0, resolution=0.01)]
Temperature = Annotated[float, quantity("K", ge=400, le=550, resolution=1)]
Window = Annotated[float, quantity("K", ge=-300, le=300, resolution=1)]

MG_SHARE: Final = 2 * MASSES["MG"] / (2 * MASSES["MG"] + MASSES["SI"])
"""Mass fraction of magnesium in Mg₂Si: 0.634, so that magnesium to silicon is 1.73 by mass."""


@dataclass(frozen=True)
class Ageing:
    """What an alloy holds once aged to equilibrium, and whether it can be solution-treated.

    Args:
        silicide: Mg₂Si at the ageing temperature, mass %. What a campaign maximises.
        solvus: above it no solid but fcc is left.
        solidus: above it liquid is there.
        window: solidus − solvus: the room a solution treatment has; below 0 melting begins before all is dissolved.
        silicon: free silicon at the ageing temperature, mass %.
    """

    silicide: Annotated[float, quantity("%", ge=0, le=10)]
    solvus: Annotated[float, quantity("K", ge=0)]
    solidus: Annotated[float, quantity("K", ge=0)]
    window: Annotated[float, quantity("K")]
    silicon: Annotated[float, quantity("%", ge=0, le=10)]


def answer(silicide: float, solvus: float, solidus: float, silicon: float, least_window: float) -> Ageing:
    """The answer, or why there is none.

    Raises:
        Infeasible: the window is narrower than asked.
    """
    window = round(solidus - solvus, 2)
    if window < least_window:
        raise Infeasible(
            f"the single-phase window is {window:.1f} K wide (solvus {solvus:.1f} K, solidus {solidus:.1f} K), "
            f"and {least_window:g} K are asked"
        )
    return Ageing(round(silicide, 5), round(solvus, 2), round(solidus, 2), window, round(silicon, 5))
