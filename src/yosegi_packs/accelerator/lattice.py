"""A small storage ring of FODO cells in accelerator-toolbox, and the thin-lens formulae that it is checked with."""

from __future__ import annotations

from typing import Final

import at
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CELLS: Final = 12
CELL: Final = 6.0
"""Metres of one cell: half a focusing quadrupole, bend, defocusing quadrupole, bend, half a focusing one."""
QUADRUPOLE: Final = 0.3
"""Metres."""
STRENGTH: Final = 1.22
"""1/m²: tunes near 3.41 and 2.14 (the whole numbers by counting)."""
ENERGY: Final = 1.5e9
"""eV."""
CORRECTED: Final = (0, 3, 6, 9)
"""Cells that begin with a horizontal corrector; their kicks are `H1` to `H4`."""


def thin_phase_advance(cell: float, focal: float) -> float:
    """Phase advance of a symmetric thin-lens FODO cell, radians: sin(mu/2) = L/(4f).

    Half the trace of the cell's matrix is cos(mu) = 1 - L^2/(8 f^2). Stable where f is at least L/4: B. Holzer, Lattice
    design in high-energy particle accelerators, in: CERN Accelerator School, Intermediate Accelerator
    Physics, eq. 13.

    Args:
        cell: length L of the whole cell, m.
        focal: focal length f of each quadrupole, m.

    Raises:
        ValueError: there is no stable motion.
    """
    sine = cell / (4.0 * focal)
    if sine > 1.0:
        raise ValueError(f"no stable motion: the focal length {focal:g} m is below a quarter of the cell, {cell:g} m")
    return 2.0 * float(np.arcsin(sine))


def thin_chromaticity(cell: float, focal: float) -> float:
    """Natural chromaticity dQ/(dp/p) of one thin-lens FODO cell: -tan(mu/2)/pi.

    From its definition, -1/(4 pi) times the integral of strength times beta, with beta = L (1 ± sin(mu/2)) / sin(mu) at
    the two lenses; the test holds it against the toolbox's own, which tracks particles off momentum.
    """
    return -float(np.tan(thin_phase_advance(cell, focal) / 2.0)) / np.pi


def thin_fodo(cell: float, focal: float) -> at.Lattice:
    """The same cell in accelerator-toolbox with quadrupoles of a tenth of a millimetre and drifts, no bends."""
    length = 1e-4
    strength = 1.0 / (focal * length)
    half = at.Quadrupole("QF", length / 2.0, strength)
    other = at.Quadrupole("QD", length, -strength)
    drift = at.Drift("D", cell / 2.0 - length)
    return at.Lattice([half, drift, other, drift, half.deepcopy()], energy=ENERGY, periodicity=1)


def storage_ring(offsets: Floats | None = None, strengths: Floats | None = None) -> at.Lattice:
    """The ring: `CELLS` cells with a monitor at each focusing quadrupole and correctors in `CORRECTED`.

    Args:
        offsets: horizontal misalignment of each quadrupole, m, shape (2 CELLS,), in the order of the beam; zero if
            None.
        strengths: relative error of each quadrupole's gradient, shape (2 CELLS,); zero if None.
    """
    offsets = np.zeros(2 * CELLS) if offsets is None else offsets
    strengths = np.zeros(2 * CELLS) if strengths is None else strengths
    bend = (CELL - 2.0 * QUADRUPOLE) / 2.0
    elements: list[at.Element] = []
    for number in range(CELLS):
        if number in CORRECTED:
            elements.append(at.Corrector(f"H{CORRECTED.index(number) + 1}", 0.0, [0.0, 0.0]))
        for kind, sign in ((0, 1.0), (1, -1.0)):
            quadrupole = at.Quadrupole(
                "QF" if kind == 0 else "QD", QUADRUPOLE, sign * STRENGTH * (1.0 + strengths[2 * number + kind])
            )
            at.shift_elem(quadrupole, float(offsets[2 * number + kind]))
            dipole = at.Dipole("B", bend, np.pi / CELLS, 0.0)
            monitor = [at.Monitor(f"M{number + 1}")] if kind == 0 else []
            elements += [*monitor, quadrupole, dipole]
    return at.Lattice(elements, energy=ENERGY, periodicity=1)


def closed_orbit(ring: at.Lattice, kicks: Floats) -> Floats:
    """Horizontal closed orbit at the monitors, m, shape (CELLS,).

    Args:
        ring: of `storage_ring`.
        kicks: of the correctors, rad, shape (4,).
    """
    for element in ring:
        if isinstance(element, at.Corrector):
            element.KickAngle = [float(kicks[int(element.FamName[1:]) - 1]), 0.0]
    _, orbit = at.find_orbit4(ring, refpts=at.Monitor)
    return np.asarray(orbit[:, 0], dtype=np.float64)


def tunes(ring: at.Lattice) -> tuple[float, float]:
    """Fractional horizontal and vertical tune."""
    found = at.get_tune(ring)
    return float(found[0]), float(found[1])
