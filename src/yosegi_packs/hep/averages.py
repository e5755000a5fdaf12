"""What LEP measured in hadronic Z decays, and which particles it counted as stable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEP", "STABLE", "Average"]

STABLE: Final = 90.0
"""Proper decay length cτ in mm above which a particle counts as stable: c times 3e-10 s, LEP's convention.

OPAL (Abbiendi et al., Eur. Phys. J. C 40, 287 (2005)) treats particles that live longer than 3e-10 s as stable. Thus
the products of K0S (cτ = 26.8 mm), Λ (78.9 mm) and the other strange baryons (24 to 87 mm) count, and those of charged
pions, charged kaons, K0L and muons (3.7 m and more) do not. No hadron lives between 88 mm and 3.7 m, so that the 1e-9 s
(300 mm) of other LEP papers selects the same particles. The 10 mm usual at the LHC does not: it leaves K0S and Λ
undecayed and lowers the charged multiplicity by two.
"""


@dataclass(frozen=True, slots=True)
class Average:
    """A measured mean per hadronic Z decay.

    Args:
        name: of the observable.
        value: measured.
        error: its uncertainty, statistical and systematic.
        particles: PDG codes counted, of either sign; empty for what is not a count of one species.
    """

    name: str
    value: float
    error: float
    particles: tuple[int, ...] = ()


LEP: Final = (
    # Particle Data Group, Z boson listings (2022), data block S044CHG: average of OPAL, DELPHI, L3, ALEPH and Mark II,
    # scale factor 2.1.
    Average("charged", 20.76, 0.16),
    # Abbiendi et al. (OPAL), Eur. Phys. J. C 40, 287 (2005): first moments at 91 GeV, from HEPData's tables as Rivet
    # 2.7.2 carries them (reference data OPAL_2004_S6132243, d15, d17, d21 and d23, x01-y01): of 1 - T, of the
    # C-parameter, of T_major and of the sphericity, all of charged and neutral particles.
    Average("one_minus_thrust", 0.06671, 0.00068),
    Average("c_parameter", 0.2646, 0.0023),
    Average("thrust_major", 0.1757, 0.0013),
    Average("sphericity", 0.0742, 0.0020),
    # Particle Data Group, Phys. Lett. B 667, 1 (2008), table 40.1, √s ≈ 91 GeV, from Rivet 2.7.2 (reference data
    # PDG_HADRON_MULTIPLICITIES: d01, d02, d03, d04, d38, d39, d19, d20 and d44 at 91 GeV). The listings of 2022 differ
    # by less than the errors: 17.03 ± 0.16 pions, 2.24 ± 0.04 charged and 2.039 ± 0.025 neutral kaons.
    Average("pions", 17.02, 0.19, (211,)),
    Average("neutral_pions", 9.42, 0.32, (111,)),
    Average("charged_kaons", 2.228, 0.059, (321,)),
    Average("neutral_kaons", 2.049, 0.026, (130, 310)),
    Average("protons", 1.050, 0.032, (2212,)),
    Average("lambdas", 0.3915, 0.0065, (3122,)),
    Average("excited_kaons", 0.738, 0.024, (313,)),
    Average("phis", 0.0963, 0.0032, (333,)),
    Average("xis", 0.0258, 0.0010, (3312,)),
)


def values() -> NDArray[np.float64]:
    """The measured means, shape (14,)."""
    return np.array([average.value for average in LEP])


def variances(model_error: float) -> NDArray[np.float64]:
    """Squared uncertainties, shape (14,): of the measurement, and a flat share of the value for the model."""
    return np.array([average.error**2 + (model_error * average.value) ** 2 for average in LEP])
