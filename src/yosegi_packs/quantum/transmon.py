"""A transmon under a pulse: the envelope, the first-order formulas of its errors, and what coherence times cost.

In the frame that turns with the drive, with ħ = 1, the anharmonicity α (negative), and a the lowering operator,

    H(t) = δ a†a + (α/2) a†a†aa + Ω(t)/2 (a + a†) + Q(t)/2 i(a† − a),

where δ is the qubit's frequency minus the drive's. The envelope is a raised cosine, Ω(t) = A/2 (1 − cos 2πt/τ), whose
area Aτ/2 is the angle. Derivative removal (DRAG; Motzoi, Gambetta, Rebentrost and Wilhelm, Phys. Rev. Lett. 103:110501,
2009) adds Q(t) = −λ Ω′(t)/α. Krantz et al., Appl. Phys. Rev. 6:021318 (2019): λ = 1 removes leakage to first order,
λ = ½ the error of phase.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pulse", "coherence_limit", "first_order"]

Samples = NDArray[np.float64]

POINTS: Final = 257
"""Of the quadratures over a pulse; the integrands are smooth and vanish at both ends."""


class Pulse(NamedTuple):
    """One pulse on one transmon.

    Args:
        duration: τ, ns.
        drag: λ.
        detuning: δ/2π, the qubit's frequency minus the drive's, MHz.
        amplitude: the area of the envelope over π.
        anharmonicity: α/2π, MHz.
    """

    duration: float
    drag: float
    detuning: float
    amplitude: float
    anharmonicity: float

    @property
    def alpha(self) -> float:
        """α in rad/ns."""
        return 2e-3 * math.pi * self.anharmonicity

    @property
    def delta(self) -> float:
        """δ in rad/ns."""
        return 2e-3 * math.pi * self.detuning

    @property
    def height(self) -> float:
        """A in rad/ns."""
        return 2.0 * math.pi * self.amplitude / self.duration

    def in_phase(self, times: Samples) -> Samples:
        """Ω in rad/ns at times in ns."""
        return np.asarray(0.5 * self.height * (1.0 - np.cos(2.0 * math.pi * times / self.duration)))

    def quadrature(self, times: Samples) -> Samples:
        """Q in rad/ns at times in ns."""
        slope = math.pi * self.height / self.duration * np.sin(2.0 * math.pi * times / self.duration)
        return np.asarray(-self.drag / self.alpha * slope)

    def angle(self, times: Samples) -> Samples:
        """∫Ω from the start of the pulse, rad."""
        turns = 2.0 * math.pi * times / self.duration
        return np.asarray(0.5 * self.height * self.duration / (2.0 * math.pi) * (turns - np.sin(turns)))


def coherence_limit(duration: float, t1: float, t2: float) -> float:
    """The average gate error of a qubit that only waits: ½ − e^(−τ/T2)/3 − e^(−τ/T1)/6.

    It is d/(d+1) (1 − Tr S/d²) with d = 2 and the superoperator S of relaxation without excitation, whose trace is
    1 + 2e^(−τ/T2) + e^(−τ/T1): `RBUtils.coherence_limit` of Qiskit Experiments.

    Args:
        duration: in ns.
        t1: of energy, µs.
        t2: of coherence, µs.

    Example:
        >>> f"{coherence_limit(20.0, 68.0, 89.0):.3g}"
        '0.000124'
    """
    return -math.expm1(-1e-3 * duration / t2) / 3.0 - math.expm1(-1e-3 * duration / t1) / 6.0


def first_order(pulse: Pulse) -> tuple[float, float]:
    """Coherent error of a π pulse to first order in Ω/α, and the share of it that is leakage.

    - Leakage: the drive couples 1 and 2 by √2 Ω/2, at α from resonance. The quadrature cancels 1 − λ of its Fourier
      component there, and on average half of the population is in 1: L₁ = ¼ (1 − λ)² |∫Ω e^(iαt) dt|².
    - Phase: level 2 shifts the qubit by −Ω²/2α, the quadrature takes 2λ of that back: δ(t) = δ − (1 − 2λ) Ω²/2α. With
      the turning angle θ(t) it turns the gate by φ_z = ∫δ cos θ dt and φ_y = ∫δ sin θ dt; the amplitude by φ_x. A turn
      by φ costs φ²/6 of the average fidelity.

    At λ = 1 the phase is right for δ = −Ω²/2α, the detuning of Motzoi et al., (λ² − 4)Ω²/4α, for a transmon (λ there
    is √2).
    """
    times = np.linspace(0.0, pulse.duration, POINTS)
    drive, angle = pulse.in_phase(times), pulse.angle(times)
    component = np.trapezoid(drive * np.exp(1j * pulse.alpha * times), times)
    leakage = 0.25 * (1.0 - pulse.drag) ** 2 * abs(component) ** 2
    shift = pulse.delta - (1.0 - 2.0 * pulse.drag) * drive**2 / (2.0 * pulse.alpha)
    turned = (
        math.pi * (pulse.amplitude - 1.0),
        float(np.trapezoid(shift * np.sin(angle), times)),
        float(np.trapezoid(shift * np.cos(angle), times)),
    )
    return sum(turn * turn for turn in turned) / 6.0 + leakage, float(leakage)
