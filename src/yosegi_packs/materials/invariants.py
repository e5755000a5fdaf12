"""Capability: the invariant reactions of Al–Zn, by mapping its phase diagram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from yosegi.core.capability import Fidelity, capability, quantity
from yosegi.core.errors import YosegiError
from yosegi_packs.materials.diagram import diagram
from yosegi_packs.materials.phases import BIAS, FIELD
from yosegi_packs.materials.systems import AL_ZN, System


class DiagramIncomplete(YosegiError):
    """The mapping ended without the reactions that the system has."""

    code = "diagram_incomplete"

    def __init__(self, system: str, found: tuple[str, ...]) -> None:
        self.system, self.found = system, found
        has = ", ".join(found) or "none"
        super().__init__(f"the map of {system} lacks a reaction or the miscibility gap; three phases meet in: {has}")


@dataclass(frozen=True)
class Invariants:
    """The two invariant reactions of Al–Zn and the top of its miscibility gap; compositions in mole % zinc.

    Args:
        eutectic: liquid → fcc + hcp.
        eutectic_liquid: composition of the liquid.
        eutectic_fcc: composition of the fcc solid.
        eutectic_hcp: composition of the hcp solid.
        eutectoid: zinc-rich fcc → aluminium-rich fcc + hcp (monotectoid).
        eutectoid_parent: composition of the fcc that decomposes.
        eutectoid_fcc: composition of the fcc that forms.
        eutectoid_hcp: composition of the hcp that forms.
        critical: highest temperature at which two fcc phases coexist, to the map's step.
    """

    eutectic: Annotated[float, quantity("K", ge=0)]
    eutectic_liquid: Annotated[float, quantity("%", ge=0, le=100)]
    eutectic_fcc: Annotated[float, quantity("%", ge=0, le=100)]
    eutectic_hcp: Annotated[float, quantity("%", ge=0, le=100)]
    eutectoid: Annotated[float, quantity("K", ge=0)]
    eutectoid_parent: Annotated[float, quantity("%", ge=0, le=100)]
    eutectoid_fcc: Annotated[float, quantity("%", ge=0, le=100)]
    eutectoid_hcp: Annotated[float, quantity("%", ge=0, le=100)]
    critical: Annotated[float, quantity("K", ge=0)]


@capability(
    "alloy.invariants@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.02"},
    time_limit=600,
    simulated=True,
    fidelity=Fidelity(of="eutectic", level="CALPHAD, an Mey 1993", noise="none", bias=BIAS),
)
def invariants() -> Invariants:
    """Invariant reactions of the Al–Zn phase diagram (simulated).

    Follows the lines of zero phase fraction between 400 and 1000 K by pycalphad's mapping, with the assessment of
    an Mey, Z. Metallkd. 84:451 (1993).

    Raises:
        DiagramIncomplete: the mapping lost a line.
    """
    return mapped(AL_ZN)


def mapped(system: System) -> Invariants:
    """The invariants of Al–Zn by one of its databases.

    Raises:
        DiagramIncomplete: the mapping lost a line.
    """
    lines, points = diagram(system)
    by_phases = {frozenset(point.zinc): point for point in points}
    eutectic = by_phases.get(frozenset(("fcc", "hcp", "liquid")))
    eutectoid = by_phases.get(frozenset(("fcc", "hcp")))
    gap = [line.temperature.max() for line in lines if line.phases == ("fcc", "fcc")]
    if eutectic is None or eutectoid is None or not gap:
        raise DiagramIncomplete(system.name, tuple(" + ".join(sorted(found)) for found in by_phases))
    return Invariants(
        eutectic=round(eutectic.temperature, 3),
        eutectic_liquid=eutectic.zinc["liquid"][0],
        eutectic_fcc=eutectic.zinc["fcc"][0],
        eutectic_hcp=eutectic.zinc["hcp"][0],
        eutectoid=round(eutectoid.temperature, 3),
        eutectoid_parent=eutectoid.zinc["fcc"][-1],
        eutectoid_fcc=eutectoid.zinc["fcc"][0],
        eutectoid_hcp=eutectoid.zinc["hcp"][0],
        critical=round(float(max(gap)), 3),
    )
