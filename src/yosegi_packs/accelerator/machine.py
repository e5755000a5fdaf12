"""The ring that a campaign does not know: misaligned, drifting, with magnets that remember. Simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from yosegi_packs.accelerator.lattice import CELLS, CORRECTED, Floats, closed_orbit, storage_ring

KNOBS: Final = tuple(f"H{number + 1}" for number in range(len(CORRECTED)))
"""The correctors, as the process variables name them; kicks in microradians."""

LIMIT: Final = 250.0
"""Microradians: the drive range of each corrector."""

LOSS_LIMIT: Final = 1.0
"""Per cent of the beam an hour: what this ring's operators permit."""

MISALIGNMENT: Final = 1.0e-4
"""Metres, one standard deviation, of each quadrupole."""
GRADIENT: Final = 0.005
"""Relative error of each gradient, one standard deviation."""
SURVEY: Final = 0.5e-4
"""Metres, one standard deviation, by which the model's survey of the quadrupoles is wrong."""
WANDER: Final = 1.0e-5
"""Metres an hour, one standard deviation, by which each quadrupole drifts."""
REMANENCE: Final = 8.0
"""Microradians by which a corrector stays behind, depending on the way it came."""
SCRAPERS: Final = ((2, 3.0), (7, -3.0))
"""Cells with a scraper, and where its jaw is, mm."""
HALO: Final = 0.3
"""Millimetres: the 1/e length of the beam's halo."""
REST: Final = 0.2
"""Per cent an hour that is lost to the rest gas whatever the orbit."""


def loss_of(orbit: Floats) -> float:
    """Beam loss, per cent an hour, of an orbit at the monitors in mm, shape (CELLS,).

    An exponential halo meets two jaws: each takes exp(-distance/HALO) times 1000 per cent an hour. The lengths are
    chosen, not measured: at rest the loss is that of the gas, and a few millimetres cost the beam.
    """
    total = REST
    for cell, jaw in SCRAPERS:
        distance = (jaw - orbit[cell]) * np.sign(jaw)
        total += 1000.0 * float(np.exp(-max(distance, 0.0) / HALO))
    return min(total, 1000.0)


def rms(orbit: Floats) -> float:
    """Root mean square of an orbit at the monitors."""
    return float(np.sqrt(np.mean(orbit**2)))


class Optics:
    """A ring with given errors: its orbit is linear in the kicks, so it is computed by accelerator-toolbox once.

    Args:
        offsets: of the quadrupoles, m, shape (2 CELLS,).
        strengths: relative errors of the gradients, shape (2 CELLS,).
    """

    def __init__(self, offsets: Floats, strengths: Floats) -> None:
        step = 1e-5
        ring = storage_ring(offsets, strengths)
        self.rest = closed_orbit(ring, np.zeros(len(KNOBS)))
        moved = [closed_orbit(ring, step * row) for row in np.eye(len(KNOBS))]
        self.response = np.stack([(one - self.rest) / step for one in moved], axis=1)

    def orbit(self, kicks: Floats) -> Floats:
        """At the monitors, mm, for kicks in microradians, shape (4,)."""
        return np.asarray(1e3 * (self.rest + self.response @ (1e-6 * kicks)))


class Machine:
    """The ring itself, as a twin's model: its errors follow from the seed, and nobody is told.

    Args:
        seed: of the errors and of the drift.
    """

    def __init__(self, seed: int) -> None:
        dice = np.random.default_rng([seed, 1])
        self.offsets = dice.normal(0.0, MISALIGNMENT, 2 * CELLS)
        strengths = dice.normal(0.0, GRADIENT, 2 * CELLS)
        self.optics = Optics(self.offsets, strengths)
        # Where each quadrupole's drift moves the orbit, m/m, by superposition.
        bare = closed_orbit(storage_ring(strengths=strengths), np.zeros(len(KNOBS)))
        unit = np.eye(2 * CELLS) * 1e-5
        moved = [closed_orbit(storage_ring(row, strengths), np.zeros(len(KNOBS))) for row in unit]
        self._per_offset = np.stack([(one - bare) / 1e-5 for one in moved], axis=1)
        self._speed = dice.normal(0.0, WANDER / 3600.0, 2 * CELLS)
        self._last = np.zeros(len(KNOBS))
        self._behind = np.zeros(len(KNOBS))

    def orbit(self, kicks: Floats, seconds: float = 0.0) -> Floats:
        """At the monitors, mm, for kicks in microradians, after so many seconds of drift."""
        return np.asarray(self.optics.orbit(kicks) + 1e3 * self._per_offset @ (self._speed * seconds))

    def measure(self, actual: Mapping[str, float], seconds: float) -> Mapping[str, float]:
        """See `yosegi_packs.devices.twin.Model`: rms orbit in mm, loss in per cent an hour."""
        kicks = np.array([actual[name] for name in KNOBS])
        moved = kicks - self._last
        self._behind = np.where(np.abs(moved) > 1.0, -REMANENCE * np.sign(moved), self._behind)
        self._last = kicks
        orbit = self.orbit(kicks + self._behind, seconds)
        return {"ORBIT": rms(orbit), "LOSS": loss_of(orbit)}


def surveyed(seed: int) -> Optics:
    """The ring as its survey has it: the same errors, each known to within `SURVEY`, and ideal gradients."""
    dice = np.random.default_rng([seed, 1])
    offsets = dice.normal(0.0, MISALIGNMENT, 2 * CELLS)
    error = np.random.default_rng([seed, 2]).normal(0.0, SURVEY, 2 * CELLS)
    return Optics(offsets + error, np.zeros(2 * CELLS))
