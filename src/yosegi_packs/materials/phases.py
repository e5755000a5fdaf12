"""Capability: the equilibrium phases of an aluminium alloy at a temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from yosegi.core.capability import Fidelity, Infeasible, LinearConstraint, capability, quantity
from yosegi_packs.materials.equilibrium import equilibrium, label
from yosegi_packs.materials.systems import AL_MG_SI, AL_ZN

__all__ = ["FIELD", "Phases", "phases"]

FIELD = "advanced materials"
BIAS = "equilibrium: no kinetics and no metastable precipitates"

Temperature = Annotated[float, quantity("K", ge=298.15, le=1200, resolution=0.1)]


@dataclass(frozen=True)
class Phases:
    """What an alloy is made of in equilibrium.

    Args:
        label: names of the phases in alphabetical order, joined by ` + `; `fcc + fcc` is a miscibility gap.
        count: of the phases.
        names: of the phases, the largest first.
        shares: of each phase, in mole % of atoms.
        solute: mole % of atoms other than aluminium, in each phase.
    """

    label: str
    count: Annotated[int, quantity("1", ge=1, le=4)]
    names: tuple[str, ...]
    shares: tuple[Annotated[float, quantity("%", ge=0, le=100.001)], ...]
    solute: tuple[Annotated[float, quantity("%", ge=-0.001, le=100.001)], ...]


@capability(
    "alloy.phases@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.01"},
    time_limit=300,
    simulated=True,
    fidelity=Fidelity(of="label", level="CALPHAD, an Mey 1993 and COST 507", noise="none", bias=BIAS),
    constraints=[LinearConstraint({"zinc": 1, "magnesium": 1, "silicon": 1}, at_most=100.0)],
)
def phases(
    temperature: Temperature,
    zinc: Annotated[float, quantity("%", ge=0, le=100, resolution=0.01)] = 0.0,
    magnesium: Annotated[float, quantity("%", ge=0, le=10, resolution=0.001)] = 0.0,
    silicon: Annotated[float, quantity("%", ge=0, le=20, resolution=0.001)] = 0.0,
) -> Phases:
    """Equilibrium phases of an aluminium alloy with zinc, or with magnesium and silicon (simulated).

    The least Gibbs energy at 1 atm by the CALPHAD method: Al–Zn by an Mey, Z. Metallkd. 84:451 (1993); Al–Mg–Si by
    COST 507 (EUR 18499, 1998). All contents are in mass %, the rest is aluminium.

    Args:
        temperature: of the alloy, held until equilibrium.
        zinc: content; above 0, magnesium and silicon must be 0.
        magnesium: content.
        silicon: content.

    Raises:
        Infeasible: zinc together with magnesium or silicon, which neither database was assessed for here.
        EquilibriumNotFound: the minimiser gave up.
    """
    if zinc > 0.0 and magnesium + silicon > 0.0:
        raise Infeasible("zinc together with magnesium or silicon is not offered; set one side to 0")
    system, contents = (AL_ZN, {"ZN": zinc}) if zinc > 0.0 else (AL_MG_SI, {"MG": magnesium, "SI": silicon})
    found = equilibrium(system, contents, temperature)
    return Phases(
        label=label(found),
        count=len(found),
        names=tuple(share.phase for share in found),
        shares=tuple(round(100.0 * share.moles, 5) for share in found),
        solute=tuple(round(100.0 * (1.0 - share.composition.get("AL", 0.0)), 5) for share in found),
    )
