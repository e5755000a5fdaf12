"""Capability: the ageing question by CALPHAD, the costly source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from yosegi.core.capability import Fidelity, capability
from yosegi_packs.materials.alloy import Ageing, Magnesium, Silicon, Temperature, Window, answer
from yosegi_packs.materials.equilibrium import Share, equilibrium
from yosegi_packs.materials.phases import BIAS, FIELD
from yosegi_packs.materials.systems import AL_MG_SI

__all__ = ["ageing", "solidus", "solvus"]

HOTTEST: Final = 935.0
"""K, above the melting point of aluminium: some liquid is always there."""

FINEST: Final = 0.05
"""K, to which solvus and solidus are found."""


def solvus(contents: Mapping[str, float], coldest: float) -> float:
    """The temperature above which no solid but fcc is left, in K; `coldest` where none is there either.

    Args:
        contents: mass % of magnesium and silicon, as `MG` and `SI`.
        coldest: where the search begins, in K.

    Raises:
        EquilibriumNotFound: the minimiser gave up.
    """
    return _switch(contents, coldest, lambda found: not any(one.phase not in ("fcc", "liquid") for one in found))


def solidus(contents: Mapping[str, float], coldest: float) -> float:
    """The temperature above which liquid is there, in K.

    Args:
        contents: mass % of magnesium and silicon, as `MG` and `SI`.
        coldest: where the search begins, in K.

    Raises:
        EquilibriumNotFound: the minimiser gave up.
    """
    return _switch(contents, coldest, lambda found: any(one.phase == "liquid" for one in found))


def _switch(contents: Mapping[str, float], coldest: float, true: Callable[[Sequence[Share]], bool]) -> float:
    """Where something false becomes true on heating, by bisection."""
    low, high = coldest, HOTTEST
    if true(equilibrium(AL_MG_SI, contents, low)):
        return low
    while high - low > FINEST:
        middle = 0.5 * (low + high)
        if true(equilibrium(AL_MG_SI, contents, middle)):
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


@capability(
    "alloy.ageing@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.01"},
    time_limit=300,
    simulated=True,
    fidelity=Fidelity(of="silicide", level="CALPHAD, COST 507", noise="none", bias=BIAS),
)
def ageing(
    magnesium: Magnesium, silicon: Silicon, temperature: Temperature = 448.0, least_window: Window = 30.0
) -> Ageing:
    """Mg2Si in an aged Al-Mg-Si alloy, by CALPHAD (simulated).

    The equilibrium of the alloy at the ageing temperature with the database COST 507 (EUR 18499, 1998), and by
    bisection the solvus and the solidus between which a solution treatment must lie. Ageing makes metastable precursors
    of Mg₂Si first; what is given is what they can come to.

    Args:
        magnesium: content, mass %.
        silicon: content, mass %.
        temperature: of ageing, held until equilibrium.
        least_window: narrowest range between solvus and solidus that a solution treatment can hold.

    Raises:
        Infeasible: the window is narrower than `least_window`.
        EquilibriumNotFound: the minimiser gave up.
    """
    contents = {"MG": magnesium, "SI": silicon}
    mass = {share.phase: 100.0 * share.mass for share in equilibrium(AL_MG_SI, contents, temperature)}
    upper = solidus(contents, temperature)
    lower = solvus(contents, temperature)
    return answer(mass.get("Mg2Si", 0.0), lower, upper, mass.get("diamond", 0.0), least_window)
