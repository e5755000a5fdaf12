"""Circuit noise of a superconducting surface code: from times and coherence to Pauli channels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Literal

__all__ = ["Basis", "Hardware", "Noise", "Pauli", "uniform"]

Basis = Literal["x", "z"]
"""Which logical operator a memory keeps."""

Pauli = tuple[float, float, float]
"""Probabilities of X, Y and Z after a location."""

GATE1_TIME = 25.0
"""Duration of a single-qubit gate, ns."""
GATE1_ERROR = 2e-4
"""Control error of a single-qubit gate, on top of decoherence."""
GATE2_FLOOR = 1.5e-3
"""Control error of a two-qubit gate that no longer gate removes."""
GATE2_RAMP = 4.0
"""Time in which the diabatic error of the two-qubit gate falls by e, ns."""
RESET_ERROR = 1e-3
"""Probability that the reset leaves a qubit excited."""
INTEGRATION = 60.0
"""Integration time at which the two readout signals are 2√2 standard deviations apart, ns."""
PHOTONS = 5.0
"""Photons in the readout resonator when the drive ends."""
RINGDOWN = 25.0
"""Photon lifetime 1/κ of the readout resonator, ns."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Pauli channels of each kind of location in one cycle of syndrome extraction.

    Args:
        gate1: after each single-qubit gate.
        gate2: after each two-qubit gate, the fifteen of `PAULI_CHANNEL_2`: IX, IY, IZ, XI, XX, ... ZZ.
        decay2: after each two-qubit gate, on each of its qubits (decoherence while it lasts).
        idle1: on qubits that wait for single-qubit gates.
        idle2: on qubits that wait for two-qubit gates.
        idle_readout: on data qubits while the others are read out, rung down and reset.
        measure: probability that a readout reports the wrong value.
        reset: probability that a reset leaves the wrong state.
        dephase: probability of Z on a measure qubit at the start of a cycle, from photons left in its resonator.
    """

    gate1: Pauli
    gate2: tuple[float, ...]
    decay2: Pauli
    idle1: Pauli
    idle2: Pauli
    idle_readout: Pauli
    measure: float
    reset: float
    dephase: float


@dataclass(frozen=True, slots=True)
class Hardware:
    """A transmon processor and how it is driven. Times in ns, coherence times in µs.

    Args:
        t1: energy relaxation time, µs.
        t2: coherence time, µs; at most 2·T1.
        readout_time: how long the readout signal is integrated, ns.
        ringdown_time: how long the resonator is left to empty before the next cycle, ns.
        gate_time: duration of the two-qubit gate, ns.
        bias: η = p_Z / (p_X + p_Y) of control errors; 1/2 is depolarising, large is dephasing alone.
    """

    t1: float
    t2: float
    readout_time: float
    ringdown_time: float
    gate_time: float
    bias: float

    @property
    def cycle_time(self) -> float:
        """Duration of one cycle of error correction, ns: two single-qubit layers, four two-qubit ones, the readout."""
        return 2 * GATE1_TIME + 4 * self.gate_time + self.readout_time + self.ringdown_time

    @property
    def assignment_error(self) -> float:
        """Probability that a readout reports the wrong value, averaged over the two states.

        Overlap of two Gaussian signals whose separation grows as the root of the integration time, ½ erfc √(t/τ),
        plus decay of the excited state in the first half of it, t / 4T1 on average (Gambetta et al., Phys. Rev. A 76,
        012325 (2007), boxcar filter; Walter et al., Phys. Rev. Applied 7, 054020 (2017)).
        """
        return assignment_error(self.readout_time, INTEGRATION, 1e3 * self.t1)

    def idle(self, time: float) -> Pauli:
        """The Pauli-twirled channel of relaxation and dephasing over a time in ns."""
        return twirled(time, 1e3 * self.t1, 1e3 * self.t2)

    def noise(self) -> Noise:
        """The Pauli channels of one cycle.

        The two-qubit gate errs by a floor and by a diabatic part that falls exponentially with its duration (the
        trend of Martinis and Geller, Phys. Rev. A 90, 022307 (2014); the numbers are those of no device). Photons
        left in the resonator, n₀ exp(-κt), dephase the measure qubit by ½(1 - exp(-n/2)): the rate 2χ Im(α₀α₁*) of
        Gambetta et al., Phys. Rev. A 74, 042318 (2006), integrated over the ring-down for 2χ = κ.
        """
        control2 = GATE2_FLOOR + math.exp(-self.gate_time / GATE2_RAMP)
        photons = PHOTONS * math.exp(-self.ringdown_time / RINGDOWN)
        return Noise(
            gate1=merged(biased1(GATE1_ERROR, self.bias), self.idle(GATE1_TIME)),
            gate2=biased2(control2, self.bias),
            decay2=self.idle(self.gate_time),
            idle1=self.idle(GATE1_TIME),
            idle2=self.idle(self.gate_time),
            idle_readout=self.idle(self.readout_time + self.ringdown_time),
            measure=self.assignment_error,
            reset=RESET_ERROR,
            dephase=-0.5 * math.expm1(-photons / 2.0),
        )


def uniform(error: float) -> Noise:
    """The standard depolarising circuit noise: every location of every layer errs with the same probability.

    Gates and waiting qubits depolarise, readouts and resets flip (Fowler et al., Phys. Rev. A 86, 032324 (2012),
    section VII; Stephens, Phys. Rev. A 89, 022321 (2014), "standard" model).
    """
    each: Pauli = (error / 3.0,) * 3
    none: Pauli = (0.0, 0.0, 0.0)
    return Noise(each, biased2(error, 0.5), none, each, each, each, measure=error, reset=error, dephase=0.0)


def twirled(time: float, t1: float, t2: float) -> Pauli:
    """Pauli twirl of amplitude damping and dephasing over a time (all in the same unit).

    p_X = p_Y = (1 - e^(-t/T1)) / 4 and p_Z = (1 - e^(-t/T2)) / 2 - p_X (Ghosh, Fowler and Geller, Phys. Rev. A 86,
    062318 (2012), eq. 10); p_Z is not negative as long as T2 ≤ 2·T1.
    """
    flip = -math.expm1(-time / t1) / 4.0
    return flip, flip, max(0.0, -math.expm1(-time / t2) / 2.0 - flip)


def assignment_error(time: float, integration: float, t1: float) -> float:
    """Error of a dispersive readout that integrates for a time (all in the same unit); see `Hardware`."""
    return min(0.5, 0.5 * math.erfc(math.sqrt(time / integration)) + time / (4.0 * t1))


def biased1(error: float, bias: float) -> Pauli:
    """A total error split into X, Y and Z with bias η = p_Z / (p_X + p_Y)."""
    across = error / (2.0 * (1.0 + bias))
    return across, across, error * bias / (1.0 + bias)


def biased2(error: float, bias: float) -> tuple[float, ...]:
    """A total error split over the fifteen two-qubit Paulis in stim's order, each weighted by its two factors.

    A factor weighs 1 for I and, for X, Y and Z, three times their share in `biased1`, so that all fifteen are equal
    at η = 1/2 (depolarising) and only IZ, ZI and ZZ are left at η → ∞.
    """
    weight = (1.0, *(3.0 * share for share in biased1(1.0, bias)))
    return tuple(error * weight[a] * weight[b] / 15.0 for a, b in product(range(4), repeat=2) if a or b)


def merged(first: Pauli, second: Pauli) -> Pauli:
    """Two Pauli channels one after the other."""
    p, q = (1.0 - sum(first), *first), (1.0 - sum(second), *second)
    # The product of Paulis a and b, up to phase, is a XOR b when I, X, Y, Z are written 00, 01, 11, 10.
    code = (0, 1, 3, 2)
    total = [0.0] * 4
    for a, b in product(range(4), repeat=2):
        total[code.index(code[a] ^ code[b])] += p[a] * q[b]
    return total[1], total[2], total[3]
