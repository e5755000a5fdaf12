"""How far the end of a cantilever bends under a load at its end: Gere and Goodno, Mechanics of Materials, table H-1."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from yosegi.core.capability import Fidelity, capability, quantity

__all__ = ["Bent", "closed", "elements"]

STEEL = 210e9  # Pa
LOAD = 1000.0  # N

Length = Annotated[float, quantity("m", ge=0.1, le=3, resolution=0.01)]
Side = Annotated[float, quantity("mm", ge=5, le=200, resolution=1)]


@dataclass(frozen=True)
class Bent:
    """Where the end of the beam is."""

    deflection: Annotated[float, quantity("mm", ge=0)]


@capability(
    "beam.closed@1",
    kind="simulation",
    effect="pure",
    field="mechanics",
    cost={"node_h": "0.001"},
    time_limit=10,
    simulated=True,
    fidelity=Fidelity(of="deflection", level="Euler-Bernoulli, closed form", noise="none", bias="small deflections"),
)
def closed(length: Length, side: Side) -> Bent:
    """Deflection of a square steel cantilever under 1 kN at its end, in closed form.

    F L³ / (3 E I) with I = a⁴ / 12.

    Args:
        length: of the beam.
        side: of its square section.
    """
    return Bent(1e3 * LOAD * length**3 / (3 * STEEL * (side / 1e3) ** 4 / 12))


@capability(
    "beam.elements@1",
    kind="simulation",
    effect="pure",
    field="mechanics",
    cost={"node_h": "0.01"},
    time_limit=60,
    simulated=True,
    fidelity=Fidelity(of="deflection", level="16 Euler-Bernoulli elements", noise="1e-6", bias="small deflections"),
)
def elements(length: Length, side: Side) -> Bent:
    """Deflection of a square steel cantilever under 1 kN at its end, by finite elements.

    Cubic elements (Bathe, Finite Element Procedures, section 5.4), which are exact at their nodes for a load at a node.

    Args:
        length: of the beam.
        side: of its square section.
    """
    count = 16
    step, inertia = length / count, (side / 1e3) ** 4 / 12
    one = np.array(
        [
            [12, 6 * step, -12, 6 * step],
            [6 * step, 4 * step**2, -6 * step, 2 * step**2],
            [-12, -6 * step, 12, -6 * step],
            [6 * step, 2 * step**2, -6 * step, 4 * step**2],
        ]
    )
    stiffness = np.zeros((2 * count + 2, 2 * count + 2))
    for element in range(count):
        at = slice(2 * element, 2 * element + 4)
        stiffness[at, at] += STEEL * inertia / step**3 * one
    load = np.zeros(2 * count + 2)
    load[-2] = LOAD
    moved = np.linalg.solve(stiffness[2:, 2:], load[2:])  # the first node is held
    return Bent(1e3 * float(moved[-2]))
