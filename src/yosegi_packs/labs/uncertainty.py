"""How sure a measured colour difference is, from the stated errors of pipette and reader."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from yosegi_packs.labs._library import Floats
from yosegi_packs.labs.colour import delta_e, lab, xyz
from yosegi_packs.labs.dyes import ASSUMED, absorbance
from yosegi_packs.labs.pipetting import random_error

READER: float = 0.003
"""Absorbance: the repeatability that the reader's maker states."""

_DRAWS = np.random.default_rng(0).standard_normal((256, 5))


def standard_error(measured: ArrayLike, volumes: ArrayLike, target: ArrayLike) -> float:
    """One standard deviation of the colour difference between a mixture and a target.

    Each liquid's random error and the reader's are carried into CIELAB along the slopes of the assumed dyes; 256 fixed
    normal draws of them about the measured colour give the spread (JCGM 101:2008, clause 7). A linear rule would give
    zero at a perfect match, where the difference has a kink.

    Args:
        measured: L*, a* and b*, shape (3,).
        volumes: microlitres asked for, shape (4,).
        target: L*, a* and b* to match, shape (3,).
    """
    asked = np.asarray(volumes, dtype=float)
    slopes = np.stack([*_liquid_steps(asked), _reader_step(asked)])
    seen = np.asarray(measured) + _DRAWS @ slopes
    return float(np.std(delta_e(seen, target), ddof=1))


def _liquid_steps(asked: Floats) -> Floats:
    """Change of colour when one liquid is off by one standard deviation, shape (4, 3)."""
    step = np.diag(asked * random_error(asked))
    more, less = (lab(xyz(10.0 ** -absorbance(asked + sign * step, ASSUMED))) for sign in (1.0, -1.0))
    return np.asarray((more - less) / 2.0)


def _reader_step(asked: Floats) -> Floats:
    """Change of colour when the reader is off by one standard deviation, shape (3,)."""
    seen = absorbance(asked, ASSUMED)
    more, less = (lab(xyz(10.0 ** -(seen + sign * READER))) for sign in (1.0, -1.0))
    return np.asarray((more - less) / 2.0)
