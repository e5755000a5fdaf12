"""How far a dispensed volume may be from the one asked for."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from yosegi_packs.labs._library import Floats

STEP: Final = 0.5
"""Microlitres: the finest step of the dispensing drive; every volume is rounded to it."""

_NOMINAL: Final = np.array([5.0, 10.0, 20.0, 100.0, 200.0])
_SYSTEMATIC: Final = np.array([2.5, 1.2, 1.0, 0.8, 0.8]) / 100.0
_RANDOM: Final = np.array([1.5, 0.8, 0.5, 0.3, 0.3]) / 100.0
"""Maximum permissible errors of single-channel piston pipettes by nominal volume, uL: the rows of ISO 8655-2:2022 that
an open calibration program cites. Rows below 5 uL were found in no source: what is smaller errs as 5 uL do."""


def systematic_error(volume: ArrayLike) -> Floats:
    """The most a volume may be off on average, as a share of it; interpolated in the logarithm of the volume."""
    return _between(volume, _SYSTEMATIC)


def random_error(volume: ArrayLike) -> Floats:
    """Coefficient of variation of a dispensed volume; interpolated in the logarithm of the volume."""
    return _between(volume, _RANDOM)


def dispensable(volume: ArrayLike) -> Floats:
    """The volume that the drive can dispense nearest to the one asked for, uL."""
    return np.asarray(np.round(np.asarray(volume) / STEP) * STEP)


def _between(volume: ArrayLike, table: Floats) -> Floats:
    return np.asarray(np.interp(np.log(np.maximum(volume, _NOMINAL[0])), np.log(_NOMINAL), table))
