"""Titania on its way from brookite to rutile: kinetics of the transformation, and what a diffractometer sees of it.

Published: first-order kinetics with 60 kcal/mol and 10¹³/h (Rao, Yoganarasimhan and Faeth, Trans. Faraday Soc. 57:504,
1961, abstract); cells of rutile (a 4.593, c 2.959 Å) and brookite (5.4558, 9.1819, 5.1429 Å, setting Pcab), as the
encyclopaedias have them; Bragg's law; Scherrer's formula with 0.9 (Nachr. Ges. Wiss. Göttingen 1918, p. 98). Of the
twin alone: how crystallites grow, and what a mixture of equal masses shows.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = [
    "BROOKITE_121",
    "RUTILE_110",
    "bragg_angle",
    "bragg_spacing",
    "rutile_share",
    "scherrer_size",
    "scherrer_width",
    "transformed",
]

GAS: Final = 1.987204e-3
"""kcal/(mol·K)."""

BARRIER: Final = 60.0
"""kcal/mol."""

FACTOR: Final = 1.0e13
"""Per hour."""

WAVELENGTH: Final = 1.5406
"""Å, copper Kα₁."""

SHAPE: Final = 0.9
RUTILE_A: Final = 4.593
RUTILE_110: Final = RUTILE_A / math.sqrt(2.0)
"""Å, spacing of the planes of the strongest reflection of rutile."""

_BROOKITE: Final = (5.4558, 9.1819, 5.1429)
BROOKITE_121: Final = 1.0 / math.sqrt(sum((i / edge) ** 2 for i, edge in zip((1, 2, 1), _BROOKITE, strict=True)))
"""Å, of a reflection of brookite that no other phase covers."""

EQUAL_MASSES: Final = 2.0
"""Counts of rutile (110) over those of brookite (121) in a mixture of equal masses: of the twin, not of nature. A
laboratory measures its own (the method of reference intensity ratios)."""


def transformed(temperature: float, hours: float, barrier: float = BARRIER, factor: float = FACTOR) -> float:
    """Mass fraction of rutile after a hold, from pure brookite: 1 − e^(−kt), k = A e^(−E/RT).

    Args:
        temperature: in K.
        hours: of the hold.
        barrier: E, kcal/mol.
        factor: A, per hour.

    Example:
        >>> round(transformed(1000.0, 1.0), 2)
        0.54
    """
    return -math.expm1(-factor * math.exp(-barrier / (GAS * temperature)) * hours)


def bragg_angle(spacing: float) -> float:
    """2θ in degrees of the first order of planes so many Å apart: λ = 2d sin θ.

    Example:
        >>> round(bragg_angle(RUTILE_110), 2), round(bragg_angle(BROOKITE_121), 2)
        (27.44, 30.8)
    """
    return 2.0 * math.degrees(math.asin(WAVELENGTH / (2.0 * spacing)))


def bragg_spacing(angle: float) -> float:
    """Spacing in Å of the planes that reflect at 2θ in degrees."""
    return WAVELENGTH / (2.0 * math.sin(math.radians(angle / 2.0)))


def scherrer_width(size: float, angle: float) -> float:
    """Width at half height in degrees 2θ of crystallites of a size in nm: Kλ / (D cos θ)."""
    return math.degrees(SHAPE * 0.1 * WAVELENGTH / (size * math.cos(math.radians(angle / 2.0))))


def scherrer_size(width: float, angle: float) -> float:
    """Size in nm of crystallites whose reflection is so wide, in degrees 2θ, without the instrument's own width."""
    return SHAPE * 0.1 * WAVELENGTH / (math.radians(width) * math.cos(math.radians(angle / 2.0)))


def rutile_share(rutile: float, brookite: float, equal_masses: float = EQUAL_MASSES) -> float:
    """Mass fraction of rutile from the counts of both reflections.

    Args:
        rutile: counts of (110).
        brookite: counts of (121).
        equal_masses: the first over the second in a mixture of equal masses.
    """
    return rutile / (rutile + equal_masses * brookite)
