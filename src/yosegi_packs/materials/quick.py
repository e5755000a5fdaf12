"""Capability: the ageing question by a solubility product, the cheap source; it needs no library and no database."""

from __future__ import annotations

import math
from typing import Final

from scipy.optimize import brentq

from yosegi.core.capability import Fidelity, capability
from yosegi_packs.materials.alloy import MG_SHARE, Ageing, Magnesium, Silicon, Temperature, Window, answer
from yosegi_packs.materials.phases import FIELD

__all__ = ["ageing_quick", "solubility_product"]

MELTING: Final = 933.473
"""K. Aluminium, a fixed point of the International Temperature Scale of 1990 (Preston-Thomas, Metrologia 27:3)."""

POINTS: Final = ((856.65, 1.91), (473.15, 0.08))
"""K and mass % Mg₂Si in aluminium. The most, at the end of the pseudo-eutectic reaction at 583.5 °C: Zhang, Fan, Wang
and Zhou, Mater. Sci. Technol. (2001), abstract. 0.08 % at 200 °C: Wikipedia, "Aluminium–magnesium–silicon
alloys", which gives the first point as well."""


def _cube(silicide: float) -> float:
    """(% Mg)²(% Si) of dissolved Mg₂Si."""
    return (MG_SHARE * silicide) ** 2 * (1.0 - MG_SHARE) * silicide


(_HOT, _MOST), (_COLD, _LEAST) = POINTS
SLOPE: Final = (math.log10(_cube(_MOST)) - math.log10(_cube(_LEAST))) / (1.0 / _COLD - 1.0 / _HOT)
OFFSET: Final = math.log10(_cube(_MOST)) + SLOPE / _HOT


def solubility_product(temperature: float) -> float:
    """(% Mg)²(% Si) in mass % in equilibrium with Mg₂Si, through `POINTS`: log₁₀ K = A − B/T.

    Args:
        temperature: in K.

    Example:
        >>> round(solubility_product(856.65), 3)
        1.025
    """
    return float(10.0 ** (OFFSET - SLOPE / temperature))


@capability(
    "alloy.ageing-quick@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.001"},
    time_limit=60,
    simulated=True,
    fidelity=Fidelity(
        of="silicide",
        level="solubility product",
        noise="none",
        bias="knows no free silicon, no Al3Mg2 and no ternary eutectic: too hopeful where Mg : Si is far from 1.73",
    ),
)
def ageing_quick(
    magnesium: Magnesium, silicon: Silicon, temperature: Temperature = 448.0, least_window: Window = 30.0
) -> Ageing:
    """Mg2Si in an aged Al-Mg-Si alloy, by a solubility product (simulated).

    (% Mg)²(% Si) = 10^(A − B/T), through the two published solubilities of Mg₂Si in aluminium, solved for the Mg₂Si
    at the ageing temperature and for the solvus. The solidus is a straight line from the melting point of aluminium to
    the end of the pseudo-eutectic (583.5 °C, 1.91 % Mg₂Si).

    Args:
        magnesium: content, mass %.
        silicon: content, mass %.
        temperature: of ageing, held until equilibrium.
        least_window: narrowest range between solvus and solidus that a solution treatment can hold.

    Raises:
        Infeasible: the window is narrower than `least_window`.
    """
    most = min(magnesium / MG_SHARE, silicon / (1.0 - MG_SHARE))
    product = magnesium**2 * silicon
    solvus = SLOPE / (OFFSET - math.log10(product))
    solidus = MELTING - (MELTING - _HOT) * most / _MOST

    def excess(silicide: float) -> float:
        left_mg, left_si = magnesium - MG_SHARE * silicide, silicon - (1.0 - MG_SHARE) * silicide
        return left_mg**2 * left_si - solubility_product(temperature)

    silicide = 0.0 if excess(0.0) <= 0.0 else float(brentq(excess, 0.0, most, xtol=1e-9))
    return answer(silicide, solvus, solidus, 0.0, least_window)
