"""Calibrating a π pulse against the coherence limit: one question, answered by formulas and by a master equation."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Annotated, Any, Final

from yosegi.core.capability import Fidelity, Infeasible, capability, quantity
from yosegi.core.errors import Unavailable
from yosegi_packs.quantum.memory import FIELD, Coherence, coherent
from yosegi_packs.quantum.transmon import Pulse, coherence_limit, first_order

__all__ = ["Gate", "drag", "drag_quick", "evolved", "library"]

Duration = Annotated[float, quantity("ns", ge=4, le=100, resolution=0.1)]
Derivative = Annotated[float, quantity("1", ge=-1, le=3, resolution=0.001)]
Detuning = Annotated[float, quantity("MHz", ge=-60, le=60, resolution=0.01)]
Amplitude = Annotated[float, quantity("1", ge=0.8, le=1.2, resolution=0.0001)]
Anharmonicity = Annotated[float, quantity("MHz", ge=-500, le=-50)]

LEVELS: Final = 5
"""Of the transmon; one more changes the error by less than half a per cent of itself from 8 ns on (a test holds it)."""

TOLERANCES: Final = {"atol": 1e-10, "rtol": 1e-8, "nsteps": 100_000}


@dataclass(frozen=True)
class Gate:
    """How well a pulse flips a qubit.

    Args:
        log10_error: of `error`: what a campaign minimises.
        error: 1 − the average fidelity with X over all states of the qubit, leakage included.
        leakage: the population that leaves the qubit, averaged over its states: L₁ of Wood and Gambetta, Phys. Rev. A
            97:032306 (2018).
        limit: the error of a qubit that only waits as long.
        excess: error over limit; 1 is the best that the coherence times allow.
    """

    log10_error: Annotated[float, quantity("1", le=0)]
    error: Annotated[float, quantity("1", ge=0, le=1)]
    leakage: Annotated[float, quantity("1", ge=0, le=1)]
    limit: Annotated[float, quantity("1", ge=0, le=1)]
    excess: Annotated[float, quantity("1", ge=0)]


def _gate(error: float, leakage: float, limit: float) -> Gate:
    error, leakage = min(max(error, 1e-12), 1.0), min(max(leakage, 0.0), 1.0)
    return Gate(math.log10(error), error, leakage, limit, error / limit)


def library() -> Any:
    """The library qutip (Lambert et al., "QuTiP 5", Phys. Rep. 1153:1, 2026), imported once a process.

    Raises:
        Unavailable: the extra is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its plots want matplotlib
        try:
            import qutip
        except ImportError as error:
            todo = "pip install 'yosegi[quantum-pulse]'"
            raise Unavailable("gate.drag@1", f"qutip is not installed ({error})", todo) from None
    return qutip


def evolved(pulse: Pulse, rates: tuple[float, float], levels: int = LEVELS) -> tuple[float, float]:
    """The average gate error of a pulse, and its leakage, by the Lindblad master equation.

    Energy is lost by √(1/T1) a, phase by √(2/Tφ) a†a. The six eigenstates of the Pauli operators stand for all states:
    they are a 2-design, so that their mean is the average over the sphere.

    Args:
        pulse: on the transmon.
        rates: 1/T1 and 1/Tφ, per ns; 0 for none.
        levels: how many of the transmon's are kept.
    """
    qutip = library()
    lower = qutip.destroy(levels)
    count = lower.dag() * lower
    hamiltonian = [
        pulse.delta * count + 0.5 * pulse.alpha * lower.dag() * lower.dag() * lower * lower,
        [0.5 * (lower + lower.dag()), lambda t: float(pulse.in_phase(t))],
        [0.5j * (lower.dag() - lower), lambda t: float(pulse.quadrature(t))],
    ]
    losses = [math.sqrt(rate) * operator for rate, operator in zip(rates, (lower, math.sqrt(2.0) * count), strict=True)]
    zero, one = qutip.basis(levels, 0), qutip.basis(levels, 1)
    within, flip = zero * zero.dag() + one * one.dag(), zero * one.dag() + one * zero.dag()
    starts = [zero, one, *((zero + phase * one).unit() for phase in (1, -1, 1j, -1j))]
    kept = fidelity = 0.0
    for start in starts:
        span = [0.0, pulse.duration]
        end = qutip.mesolve(hamiltonian, start * start.dag(), span, losses, options=TOLERANCES).states[-1]
        wanted = flip * start
        fidelity += qutip.expect(end, wanted) / len(starts)
        kept += qutip.expect(within, end) / len(starts)
    return 1.0 - float(fidelity), 1.0 - float(kept)


def _physical(t1: float, t2: float) -> None:
    if t2 > 2.0 * t1:
        raise Infeasible(f"T2 is {t2:g} µs and cannot exceed 2·T1, {2.0 * t1:g} µs")


@capability(
    "gate.drag@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.01"},
    time_limit=300,
    simulated=True,
    fidelity=Fidelity(
        of="log10_error",
        level="Lindblad master equation, five levels",
        noise="none",
        bias="no distortion of the pulse, no thermal excitation, white noise alone",
    ),
    constraints=[coherent()],
)
def drag(
    duration: Duration,
    derivative: Derivative,
    detuning: Detuning,
    t1: Coherence,
    t2: Coherence,
    amplitude: Amplitude = 1.0,
    anharmonicity: Anharmonicity = -200.0,
) -> Gate:
    """Error of a pi pulse with derivative removal on a transmon, by a master equation (simulated).

    A raised cosine with its derivative in quadrature (Motzoi et al., Phys. Rev. Lett. 103:110501, 2009) on five levels
    of an anharmonic oscillator with relaxation and dephasing, by qutip. A short pulse leaks into the third level and
    shifts the phase, a long one waits for decoherence; derivative, detuning and amplitude trade the first two.

    Args:
        duration: of the pulse.
        derivative: λ, the share of the quadrature that removes leakage to first order.
        detuning: the qubit's frequency minus the drive's.
        t1: energy relaxation time.
        t2: coherence time, at most 2·T1.
        amplitude: area of the envelope over π.
        anharmonicity: frequency of the transition 1 to 2 minus that of 0 to 1.

    Raises:
        Infeasible: T2 exceeds 2·T1.
        Unavailable: qutip is not installed.
    """
    _physical(t1, t2)
    pulse = Pulse(duration, derivative, detuning, amplitude, anharmonicity)
    rates = (1e-3 / t1, max(0.0, 1e-3 / t2 - 0.5e-3 / t1))
    return _gate(*evolved(pulse, rates), coherence_limit(duration, t1, t2))


@capability(
    "gate.drag-quick@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.001"},
    time_limit=60,
    simulated=True,
    fidelity=Fidelity(
        of="log10_error",
        level="first order in drive over anharmonicity, plus the coherence limit",
        noise="none",
        bias="too hopeful below 12 ns, where higher orders leak and turn",
    ),
    constraints=[coherent()],
)
def drag_quick(
    duration: Duration,
    derivative: Derivative,
    detuning: Detuning,
    t1: Coherence,
    t2: Coherence,
    amplitude: Amplitude = 1.0,
    anharmonicity: Anharmonicity = -200.0,
) -> Gate:
    """Error of a pi pulse with derivative removal on a transmon, by first-order formulas (simulated).

    Leakage and the turn of the qubit's phase to first order in the drive over the anharmonicity, with the published
    error of a qubit that waits; the formulas are in `yosegi_packs.quantum.transmon`. Needs no library.

    Args:
        duration: of the pulse.
        derivative: λ, the share of the quadrature that removes leakage to first order.
        detuning: the qubit's frequency minus the drive's.
        t1: energy relaxation time.
        t2: coherence time, at most 2·T1.
        amplitude: area of the envelope over π.
        anharmonicity: frequency of the transition 1 to 2 minus that of 0 to 1.

    Raises:
        Infeasible: T2 exceeds 2·T1.
    """
    _physical(t1, t2)
    coherent_error, leakage = first_order(Pulse(duration, derivative, detuning, amplitude, anharmonicity))
    limit = coherence_limit(duration, t1, t2)
    return _gate(coherent_error + limit, leakage, limit)
