"""The smallest number of physical qubits that keeps a logical qubit as well as asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Final

from yosegi.core.capability import Context, Fidelity, Infeasible, capability, quantity
from yosegi_packs.quantum.circuit import qubits
from yosegi_packs.quantum.memory import (
    BIAS,
    FIELD,
    NOISE,
    Bias,
    Coherence,
    GateTime,
    ReadoutTime,
    RingdownTime,
    Shots,
    coherent,
    memory,
)
from yosegi_packs.quantum.scaling import fit_suppression, smallest_distance

__all__ = ["Footprint", "footprint"]

DISTANCES: Final = (3, 5, 7)
LARGEST: Final = 101


@dataclass(frozen=True)
class Footprint:
    """The code that meets the target.

    Args:
        suppression: Λ.
        suppression_error: its standard error.
        distance: smallest odd distance whose predicted error meets the target.
        physical_qubits: qubits of that code, 2d² - 1.
        qubits_safe: qubits of the smallest code that meets the target with 97.5 % confidence.
        error_per_cycle: predicted error per cycle at `distance`.
        log10_qubits: logarithm of the qubits on the line through the fit, not rounded to a whole code: what a planner
            minimises.
        log10_qubits_error: its standard error.
        extrapolated: whether the distance lies beyond those simulated.
    """

    suppression: Annotated[float, quantity("1", gt=1)]
    suppression_error: Annotated[float, quantity("1", ge=0)]
    distance: Annotated[int, quantity("1", ge=3)]
    physical_qubits: Annotated[int, quantity("1", ge=17)]
    qubits_safe: Annotated[int, quantity("1", ge=17)]
    error_per_cycle: Annotated[float, quantity("1", ge=0, le=0.5)]
    log10_qubits: Annotated[float, quantity("1")]
    log10_qubits_error: Annotated[float, quantity("1", ge=0)]
    extrapolated: bool


@capability(
    "qec.footprint@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.1"},
    time_limit=900,
    simulated=True,
    fidelity=Fidelity(of="log10_qubits", level="fit to distances 3, 5 and 7", noise=NOISE, bias=BIAS),
    constraints=[coherent()],
)
def footprint(
    target: Annotated[float, quantity("1", ge=1e-15, le=1e-2)],
    readout_time: ReadoutTime,
    ringdown_time: RingdownTime,
    gate_time: GateTime,
    t1: Coherence,
    t2: Coherence,
    bias: Bias = 0.5,
    shots: Shots = 100_000,
    context: Context | None = None,
) -> Footprint:
    """Smallest number of physical qubits for a target logical error (simulated).

    Simulates distances 3, 5 and 7 at the given hardware, fits ln ε(d) = ln C - ½(d + 1) ln Λ, and reads off the
    smallest odd distance whose error per cycle meets the target. A target below what distance 7 reaches is an
    extrapolation along that line, as in the projection of Google Quantum AI, Nature 638, 920 (2025): it assumes that
    nothing rare and correlated takes over, which in their repetition codes of distance 29 did, once in 3e9 cycles.

    Args:
        target: logical error per cycle wanted.
        readout_time: integration time of the readout.
        ringdown_time: wait for the readout resonator to empty.
        gate_time: duration of the two-qubit gate.
        t1: energy relaxation time of every qubit.
        t2: coherence time of every qubit, at most 2·T1.
        bias: η = p_Z / (p_X + p_Y) of the gates' control errors.
        shots: experiments at each of the three distances.
        context: of the task; its key seeds the shots.

    Raises:
        Infeasible: the hardware is above threshold (Λ ≤ 1 within two standard errors), or the code would be larger
            than distance 101.
    """
    runs = [
        memory(d, readout_time, t1, t2, ringdown_time, gate_time, bias, 10, shots, context=context) for d in DISTANCES
    ]
    ln10 = math.log(10.0)
    fit = fit_suppression(
        DISTANCES, [r.log10_error * ln10 for r in runs], [r.log10_standard_error * ln10 for r in runs]
    )
    if fit.factor - 2.0 * fit.factor_error <= 1.0:
        raise Infeasible(
            f"errors do not fall with distance: Λ is {fit.factor:.2f} ± {fit.factor_error:.2f}, "
            "so that no number of qubits reaches the target"
        )
    best, spread = fit.log_error(7)
    distance = smallest_distance(math.exp(best), 7, fit.factor, target)
    if distance > LARGEST:
        raise Infeasible(f"the target needs distance {distance} at Λ = {fit.factor:.2f}; {LARGEST} is the largest here")
    safe = distance
    while _upper(fit.log_error(safe)) > math.log(target) and safe < LARGEST:
        safe += 2
    # The distance, as a real number, at which the line crosses the target, and how far its error moves it.
    exact = max(1.0, 7.0 + 2.0 * (best - math.log(target)) / fit.log_lambda)
    slack = 2.0 * fit.log_error(distance)[1] / fit.log_lambda if exact > 1.0 else spread
    log_qubits = math.log10(2.0 * exact**2 - 1.0)
    return Footprint(
        suppression=fit.factor,
        suppression_error=fit.factor_error,
        distance=distance,
        physical_qubits=qubits(distance),
        qubits_safe=qubits(safe),
        error_per_cycle=min(0.5, math.exp(fit.log_error(distance)[0])),
        log10_qubits=log_qubits,
        log10_qubits_error=4.0 * exact * slack / ((2.0 * exact**2 - 1.0) * ln10),
        extrapolated=distance > DISTANCES[-1],
    )


def _upper(log_error: tuple[float, float]) -> float:
    return log_error[0] + 1.96 * log_error[1]
