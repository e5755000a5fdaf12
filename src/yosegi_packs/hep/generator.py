"""Hadronic Z decays from PYTHIA 8, event by event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pythia8mc
from numpy.typing import NDArray

from yosegi.core.errors import YosegiError
from yosegi_packs.hep.averages import LEP

__all__ = ["GeneratorRefused", "Sample", "averaged", "event_rows", "generate"]

BASE: Final = (
    "Print:quiet = on",
    "Beams:idA = 11",
    "Beams:idB = -11",
    "Beams:eCM = 91.1876",
    "PDF:lepton = off",  # no initial-state radiation, as in the corrected data
    "WeakSingleBoson:ffbar2gmZ = on",
    "23:onMode = off",
    "23:onIfAny = 1 2 3 4 5",
    "ParticleDecays:limitTau0 = on",
    "Random:setSeed = on",
)
LARGEST_SEED: Final = 900_000_000
LOST: Final = 0.01
"""Share of events that may fail before the sample is not to be trusted."""

COLUMNS: Final = {code: column for column, average in enumerate(LEP) for code in average.particles}
"""Where a particle is counted, by its PDG code."""

Floats = NDArray[np.float64]


class GeneratorRefused(YosegiError):
    """PYTHIA would not take a setting, would not start, or lost too many events."""

    code = "generator_refused"

    def __init__(self, what: str, why: str) -> None:
        self.what, self.why = what, why
        super().__init__(f"PYTHIA refused {what}: {why}; run the same settings with Print:quiet = off to see its log")


@dataclass(frozen=True, slots=True)
class Sample:
    """Sample means over events, and how well they are known.

    Args:
        events: that were kept.
        means: of the observables of `LEP`, shape (14,).
        covariance: of these means, shape (14, 14).
    """

    events: int
    means: Floats
    covariance: Floats


def generate(
    settings: Mapping[str, float],
    events: int,
    decay_length: float,
    seed: int,
    progress: Callable[[float, str], None] = lambda fraction, text: None,
) -> Sample:
    """Generate hadronic Z decays and average over them.

    Charged particles and species are counted among what the decay length leaves stable and, for species that decay,
    among all that were made (as the data are). The event shapes use all final particles but neutrinos: thrust T and
    T_major; the C-parameter, 3(λ₁λ₂ + λ₂λ₃ + λ₃λ₁) of the linear momentum tensor; the sphericity, 3/2 (λ₂ + λ₃) of the
    quadratic one.

    Args:
        settings: PYTHIA parameters by name.
        events: wanted, at least 2.
        decay_length: cτ in mm above which nothing decays.
        seed: any whole number.
        progress: told the fraction done.

    Raises:
        GeneratorRefused: a parameter or the start is refused, or more than one event in a hundred is lost.
    """
    return averaged(event_rows(settings, events, decay_length, seed, progress))


def averaged(rows: Floats) -> Sample:
    """Means over events and their covariance, from one row an event."""
    return Sample(len(rows), rows.mean(axis=0), np.cov(rows, rowvar=False) / len(rows))


def event_rows(
    settings: Mapping[str, float],
    events: int,
    decay_length: float,
    seed: int,
    progress: Callable[[float, str], None] = lambda fraction, text: None,
) -> Floats:
    """The observables of `LEP` event by event, shape (kept, 14); arguments and errors are those of `generate`."""
    pythia = _started(settings, decay_length, seed)
    shapes = (pythia8mc.Thrust(), pythia8mc.Sphericity(1.0), pythia8mc.Sphericity(2.0))
    rows = np.zeros((events, len(LEP)))
    kept = 0
    for number in range(events):
        if number % 500 == 0:
            progress(number / events, f"{number} events")
        if not pythia.next() or not all(shape.analyze(pythia.event) for shape in shapes):
            continue
        _fill(rows[kept], pythia.event, *shapes)
        kept += 1
    if kept < max(2.0, (1.0 - LOST) * events):
        raise GeneratorRefused("to make events", f"{events - kept} of {events} failed")
    return rows[:kept]


def _fill(row: Floats, event: Any, thrust: Any, linear: Any, quadratic: Any) -> None:
    for index in range(event.size()):
        column = COLUMNS.get(event[index].idAbs())
        if column is not None:
            row[column] += 1.0
    first, second, third = (linear.eigenValue(axis) for axis in (1, 2, 3))
    row[:5] = (
        event.nFinal(True),
        1.0 - thrust.thrust(),
        3.0 * (first * second + second * third + third * first),
        thrust.tMajor(),
        quadratic.sphericity(),
    )


def _started(settings: Mapping[str, float], decay_length: float, seed: int) -> Any:
    """A generator ready to make events, with the Monash 2013 tune beneath the settings."""
    pythia = pythia8mc.Pythia("", False)
    chosen = [f"{name} = {value:.12g}" for name, value in settings.items()]
    where = (f"ParticleDecays:tau0Max = {decay_length:.12g}", f"Random:seed = {1 + seed % LARGEST_SEED}")
    for line in (*BASE, *where, *chosen):
        if not pythia.readString(line):
            raise GeneratorRefused(f"the setting {line!r}", "unknown, or out of its range")
    if not pythia.init():
        raise GeneratorRefused("to start", "initialisation failed with these settings")
    return pythia
