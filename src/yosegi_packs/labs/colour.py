"""From a spectrum to a colour, and from two colours to how different they look. Pure functions on arrays.

Every function takes leading dimensions as they come: shape (..., n) in, shape (...) or (..., 3) out.
Tables and formulae of the CIE are those of the `colour-science` library.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from yosegi_packs.labs._library import Floats, daylight, delta_e_2000, observer, xyz_to_lab

WAVELENGTHS: Floats = np.arange(380.0, 785.0, 5.0)
"""Nanometres; CIE 15:2004, section 7.1, allows 380-780 nm at 5 nm for most purposes."""

_POWER = daylight(WAVELENGTHS)
_WEIGHTS = _POWER[:, None] * observer(WAVELENGTHS)
_WEIGHTS = 100.0 * _WEIGHTS / _WEIGHTS[:, 1].sum()
_WHITE = _WEIGHTS.sum(axis=0)
_WHITE_XY = _WHITE[:2] / _WHITE.sum()


def xyz(transmittance: ArrayLike) -> Floats:
    """Tristimulus values of light that passed a medium, under D65, for the 2 degree observer; 100 is clear.

    X = k Σ S(λ) τ(λ) x̄(λ) Δλ and alike for Y and Z, with k = 100 / Σ S(λ) ȳ(λ) Δλ (CIE 15:2004, section 7.1).

    Args:
        transmittance: share of light let through at each of `WAVELENGTHS`, shape (..., wavelengths), from 0 to 1.

    Returns:
        X, Y and Z, shape (..., 3).
    """
    return np.asarray(transmittance, dtype=np.float64) @ _WEIGHTS


def lab(tristimulus: ArrayLike) -> Floats:
    """CIELAB (CIE 15:2004, section 8.2.1), the white being D65 through nothing.

    Args:
        tristimulus: X, Y and Z with Y = 100 for white, shape (..., 3).

    Returns:
        L*, a* and b*, shape (..., 3).
    """
    return cast(Floats, xyz_to_lab(np.asarray(tristimulus) / 100.0, _WHITE_XY))


def delta_e(one: ArrayLike, other: ArrayLike) -> Floats:
    """CIEDE2000 colour difference, all parametric factors 1 (Sharma, Wu and Dalal 2005, doi:10.1002/col.20070).

    One is about the smallest difference that is seen side by side; two is what a good print keeps to.

    Args:
        one: L*, a* and b*, shape (..., 3).
        other: the same, of a shape that broadcasts.

    Returns:
        The difference, shape (...).
    """
    return cast(Floats, np.asarray(delta_e_2000(np.asarray(one), np.asarray(other)), dtype=np.float64))
