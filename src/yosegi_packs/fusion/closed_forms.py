"""Closed forms that every tokamak code must agree with: used to state limits, and to test torax against."""

from __future__ import annotations

import math
from typing import Final

ELECTRON: Final = 1.602176634e-19
"""C, exact (SI)."""

ALPHA_SHARE: Final = 3.5 / 17.6
"""Of the fusion power that alphas carry in D + T → ⁴He (3.5 MeV) + n (14.1 MeV)."""


def greenwald_density(current: float, minor_radius: float) -> float:
    """The density limit n_G = I / (π a²) in 10²⁰ m⁻³: Greenwald et al., Nucl. Fusion 28:2199 (1988).

    Args:
        current: of the plasma, MA.
        minor_radius: a, m.

    Example:
        >>> round(greenwald_density(15.0, 2.0), 3)
        1.194
    """
    return current / (math.pi * minor_radius**2)


def ipb98y2(
    current: float,
    field: float,
    density: float,
    power: float,
    major_radius: float,
    minor_radius: float,
    elongation: float,
    mass: float = 2.5,
) -> float:
    """Thermal energy confinement time of ELMy H-modes in s, IPB98(y,2).

    τ = 0.0562 I^0.93 B^0.15 P^−0.69 n^0.41 M^0.19 R^1.97 ε^0.58 κ^0.78: ITER Physics Basis, chapter 2, Nucl. Fusion
    39:2175 (1999), equation 20.

    Args:
        current: of the plasma, MA.
        field: toroidal, at R, T.
        density: line average of electrons, 10¹⁹ m⁻³.
        power: lost by transport, MW.
        major_radius: R, m.
        minor_radius: a, m.
        elongation: κ, area of the cross-section over πa².
        mass: of the ions, u.
    """
    return float(
        0.0562
        * current**0.93
        * field**0.15
        * power**-0.69
        * density**0.41
        * mass**0.19
        * major_radius**1.97
        * (minor_radius / major_radius) ** 0.58
        * elongation**0.78
    )


def coulomb_logarithm(temperature: float, density: float) -> float:
    """The Coulomb logarithm of electrons with ions above 10 Z² eV: 24 − ln(√n / T), n in cm⁻³ (NRL Plasma Formulary).

    Args:
        temperature: of the electrons, eV.
        density: of the electrons, m⁻³.
    """
    return 24.0 - math.log(math.sqrt(1e-6 * density) / temperature)


def transverse_resistivity(temperature: float, density: float, charge: float) -> float:
    """Resistivity across a strong magnetic field, in Ω·m: 4√(2π)/3 · Z e² √m lnΛ / ((4πε₀)² T^1.5).

    Spitzer and Härm, Phys. Rev. 89:977 (1953).

    Args:
        temperature: of the electrons, eV.
        density: of the electrons, m⁻³.
        charge: effective charge Z of the ions.
    """
    mass, vacuum = 9.1093837139e-31, 8.8541878188e-12  # kg and F/m, CODATA 2022
    thermal = (temperature * ELECTRON) ** 1.5 * (4.0 * math.pi * vacuum) ** 2
    braking = charge * ELECTRON**2 * math.sqrt(mass) * coulomb_logarithm(temperature, density)
    return float(4.0 * math.sqrt(2.0 * math.pi) / 3.0 * braking / thermal)


def spitzer_resistivity(temperature: float, density: float, charge: float) -> float:
    """Resistivity along the field where no particles are trapped, in Ω·m.

    The transverse one times F(Z) = (1 + 1.198 Z + 0.222 Z²) / (1 + 2.966 Z + 0.753 Z²), the fit of Hirshman, Hawryluk
    and Birge, Nucl. Fusion 17:611 (1977), to Spitzer and Härm.

    Args:
        temperature: of the electrons, eV.
        density: of the electrons, m⁻³.
        charge: effective charge Z of the ions.
    """
    fit = (1.0 + 1.198 * charge + 0.222 * charge**2) / (1.0 + 2.966 * charge + 0.753 * charge**2)
    return transverse_resistivity(temperature, density, charge) * fit
