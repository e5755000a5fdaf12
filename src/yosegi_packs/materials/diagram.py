"""The phase diagram of Al–Zn: lines of two phases in equilibrium and the invariants where they meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yosegi_packs.materials.equilibrium import PRESSURE
from yosegi_packs.materials.systems import System, database

LOW, HIGH = 400.0, 1000.0
"""K, between which the diagram is mapped."""

STEPS: Final = (5.0, 0.01)
"""K and mole fraction: the longest steps along a line; ends and invariants are solved for and do not depend on them."""


@dataclass(frozen=True, slots=True)
class Line:
    """Two phases in equilibrium over a range of temperatures.

    Args:
        phases: both, as in `System.phases`.
        temperature: in K, shape (n,).
        zinc: mole % in each of the two, shape (n,) each.
    """

    phases: tuple[str, str]
    temperature: NDArray[np.float64]
    zinc: tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Point:
    """Three phases in equilibrium, at one temperature by the phase rule.

    Args:
        temperature: in K.
        zinc: mole % in each phase, by name, ascending where a phase stands twice.
    """

    temperature: float
    zinc: Mapping[str, tuple[float, ...]]


def diagram(system: System) -> tuple[tuple[Line, ...], tuple[Point, ...]]:
    """Lines and invariants by pycalphad's mapping of zero-phase-fraction lines.

    Args:
        system: one with aluminium and zinc.
    """
    from pycalphad import variables as v
    from pycalphad.mapping import BinaryStrategy

    conditions = {v.T: (LOW, HIGH, STEPS[0]), v.X("ZN"): (0, 1, STEPS[1]), v.P: PRESSURE}
    strategy = BinaryStrategy(database(system.file), ["AL", "ZN", "VA"], sorted(system.phases), conditions)
    strategy.generate_automatic_starting_points()
    strategy.do_map()

    def named(phase: str) -> str:
        return system.phases[phase.split("#")[0]]

    lines = []
    for region in strategy.get_tieline_data(v.X("ZN"), v.T):
        one, other = region.data
        zinc = (100.0 * np.atleast_1d(one.x), 100.0 * np.atleast_1d(other.x))
        lines.append(Line((named(one.phase), named(other.phase)), np.atleast_1d(one.y).astype(float), zinc))
    return tuple(lines), tuple(_point(node.data, named) for node in strategy.get_invariant_data(v.X("ZN"), v.T))


def _point(data: Sequence[Any], named: Any) -> Point:
    zinc: dict[str, list[float]] = {}
    for one in data:
        zinc.setdefault(named(one.phase), []).append(round(100.0 * float(one.x), 4))
    return Point(float(data[0].y), {name: tuple(sorted(found)) for name, found in zinc.items()})
