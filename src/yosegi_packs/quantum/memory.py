"""Logical memory of a rotated surface code: one question, asked at three prices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from yosegi.core.capability import Context, Fidelity, Infeasible, LinearConstraint, capability, quantity
from yosegi_packs.quantum.circuit import qubits
from yosegi_packs.quantum.counts import Counts, per_cycle, per_cycle_slope
from yosegi_packs.quantum.noise import Hardware
from yosegi_packs.quantum.sample import sample_memory

__all__ = [
    "Bias",
    "Coherence",
    "Distance",
    "GateTime",
    "Memory",
    "ReadoutTime",
    "RingdownTime",
    "Rounds",
    "Shots",
    "coherent",
    "memory",
    "memory_large",
    "memory_small",
]

FIELD = "quantum information science"
BIAS = "Pauli twirl of the noise; no leakage, crosstalk or correlated errors"
NOISE = "binomial counts; Jeffreys intervals"

Distance = Annotated[Literal[3, 5, 7, 9, 11], quantity("1")]
ReadoutTime = Annotated[float, quantity("ns", ge=40, le=2000, resolution=1)]
RingdownTime = Annotated[float, quantity("ns", ge=0, le=1000, resolution=1)]
GateTime = Annotated[float, quantity("ns", ge=10, le=200, resolution=0.1)]
Coherence = Annotated[float, quantity("us", ge=1, le=10_000)]
Bias = Annotated[float, quantity("1", ge=0.5, le=1000)]
Rounds = Annotated[int, quantity("1", ge=2, le=50)]
Shots = Annotated[int, quantity("1", ge=100, le=1_000_000)]
Qubits = Annotated[int, quantity("1", ge=17, le=100_000)]


@dataclass(frozen=True)
class Memory:
    """What the shots of a memory experiment say.

    Args:
        error_per_cycle: ε with 1 - 2P = (1 - 2ε)^rounds, the mean of both logical bases.
        standard_error: of `error_per_cycle`, from the counts.
        lower: end of Jeffreys' 95 % interval.
        upper: the other end.
        log10_error: posterior mean of log10 ε, finite even if no shot failed; what a planner models best.
        log10_standard_error: its posterior standard deviation.
        failures: shots with the wrong logical value.
        shots: shots taken.
        physical_qubits: data and measure qubits, 2d² - 1.
        cycle_time: duration of one cycle.
    """

    error_per_cycle: Annotated[float, quantity("1", ge=0, le=0.5)]
    standard_error: Annotated[float, quantity("1", ge=0)]
    lower: Annotated[float, quantity("1", ge=0, le=0.5)]
    upper: Annotated[float, quantity("1", ge=0, le=0.5)]
    log10_error: Annotated[float, quantity("1", le=0)]
    log10_standard_error: Annotated[float, quantity("1", ge=0)]
    failures: Annotated[int, quantity("1", ge=0)]
    shots: Annotated[int, quantity("1", ge=1)]
    physical_qubits: Annotated[int, quantity("1", ge=17)]
    cycle_time: Annotated[float, quantity("ns", gt=0)]


def coherent() -> LinearConstraint:
    """T2 ≤ 2·T1: dephasing cannot be negative."""
    return LinearConstraint({"t1": 2.0, "t2": -1.0}, at_least=0.0)


def measured(counts: Counts, rounds: int, distance: int, cycle_time: float) -> Memory:
    """Counts of shots of several rounds as errors of one cycle."""
    lower, upper = (per_cycle(end, rounds) for end in counts.interval(0.95))
    log_shot, log_error = counts.log
    typical = per_cycle(math.exp(log_shot), rounds)
    stretch = per_cycle_slope(math.exp(log_shot), rounds) * math.exp(log_shot) / typical
    return Memory(
        error_per_cycle=per_cycle(counts.rate, rounds),
        standard_error=counts.standard_error * per_cycle_slope(counts.rate, rounds),
        lower=lower,
        upper=upper,
        log10_error=math.log10(typical),
        log10_standard_error=log_error * stretch / math.log(10.0),
        failures=counts.failures,
        shots=counts.shots,
        physical_qubits=qubits(distance),
        cycle_time=cycle_time,
    )


@capability(
    "qec.memory@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.25"},
    time_limit=900,
    simulated=True,
    fidelity=Fidelity(of="log10_error", level="the distance asked for", noise=NOISE, bias=BIAS),
    constraints=[coherent()],
)
def memory(
    distance: Distance,
    readout_time: ReadoutTime,
    t1: Coherence,
    t2: Coherence,
    ringdown_time: RingdownTime = 160.0,
    gate_time: GateTime = 30.0,
    bias: Bias = 0.5,
    rounds: Rounds = 10,
    shots: Shots = 20_000,
    qubit_budget: Qubits = 241,
    context: Context | None = None,
) -> Memory:
    """Logical error per cycle of a surface-code memory (simulated).

    Samples a rotated surface code under circuit noise with stim, decodes it by minimum-weight perfect matching, and
    counts. Three durations trade one error for another: a longer readout tells the states apart better but lets
    the data qubits decohere; a longer ring-down leaves fewer photons that dephase the measure qubits, at the same
    price; a longer two-qubit gate is less diabatic but decoheres more. Channels and their sources are in
    `yosegi_packs.quantum.noise`: Pauli-twirled T1 and T2 on whatever waits, overlap and decay in the readout.

    The error per cycle ε follows from the error P after n cycles by 1 - 2P = (1 - 2ε)^n, and the suppression factor
    is Λ = ε(d) / ε(d + 2), as in Google Quantum AI, Nature 614, 676 (2023) and 638, 920 (2025).

    Args:
        distance: code distance d; the patch takes 2d² - 1 qubits.
        readout_time: integration time of the readout.
        t1: energy relaxation time of every qubit.
        t2: coherence time of every qubit, at most 2·T1.
        ringdown_time: wait for the readout resonator to empty.
        gate_time: duration of the two-qubit gate.
        bias: η = p_Z / (p_X + p_Y) of the gates' control errors; 0.5 is depolarising.
        rounds: cycles of error correction in a shot.
        shots: experiments, half of them in each logical basis.
        qubit_budget: qubits at hand.
        context: of the task; its key seeds the shots.

    Raises:
        Infeasible: the patch needs more qubits than there are, or T2 exceeds 2·T1.
    """
    if qubits(distance) > qubit_budget:
        raise Infeasible(f"distance {distance} needs {qubits(distance)} qubits and the budget is {qubit_budget}")
    if t2 > 2.0 * t1:
        raise Infeasible(f"T2 is {t2:g} µs and cannot exceed 2·T1, {2.0 * t1:g} µs")
    hardware = Hardware(t1, t2, readout_time, ringdown_time, gate_time, bias)
    seed = context.seed if context else 0
    return measured(
        sample_memory(distance, rounds, shots, hardware.noise(), seed), rounds, distance, hardware.cycle_time
    )


@capability(
    "qec.memory-small@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.001"},
    time_limit=60,
    simulated=True,
    fidelity=Fidelity(of="log10_error", level="distance 3, 20,000 shots", noise=NOISE, bias=BIAS),
    constraints=[coherent()],
)
def memory_small(
    readout_time: ReadoutTime,
    ringdown_time: RingdownTime,
    gate_time: GateTime,
    t1: Coherence,
    t2: Coherence,
    bias: Bias = 0.5,
    context: Context | None = None,
) -> Memory:
    """Logical error per cycle at distance 3: the cheap source (simulated).

    `qec.memory@1` at distance 3 with 10 rounds and 20,000 shots. Its best durations are near those of a larger code
    but not the same: the larger code tolerates errors of the data qubits and of the readout in another proportion.

    Args:
        readout_time: integration time of the readout.
        ringdown_time: wait for the readout resonator to empty.
        gate_time: duration of the two-qubit gate.
        t1: energy relaxation time of every qubit.
        t2: coherence time of every qubit, at most 2·T1.
        bias: η = p_Z / (p_X + p_Y) of the gates' control errors.
        context: of the task; its key seeds the shots.

    Raises:
        Infeasible: T2 exceeds 2·T1.
    """
    return memory(3, readout_time, t1, t2, ringdown_time, gate_time, bias, 10, 20_000, context=context)


@capability(
    "qec.memory-large@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.02"},
    time_limit=300,
    simulated=True,
    fidelity=Fidelity(of="log10_error", level="distance 5 or 7, 100,000 shots", noise=NOISE, bias=BIAS),
    constraints=[coherent()],
)
def memory_large(
    readout_time: ReadoutTime,
    ringdown_time: RingdownTime,
    gate_time: GateTime,
    t1: Coherence,
    t2: Coherence,
    bias: Bias = 0.5,
    distance: Annotated[Literal[5, 7], quantity("1")] = 7,
    context: Context | None = None,
) -> Memory:
    """Logical error per cycle at distance 5 or 7: the costly source (simulated).

    `qec.memory@1` with 10 rounds and 100,000 shots, which resolve an error per cycle of 1e-4 to about 10 %.

    Args:
        readout_time: integration time of the readout.
        ringdown_time: wait for the readout resonator to empty.
        gate_time: duration of the two-qubit gate.
        t1: energy relaxation time of every qubit.
        t2: coherence time of every qubit, at most 2·T1.
        bias: η = p_Z / (p_X + p_Y) of the gates' control errors.
        distance: code distance.
        context: of the task; its key seeds the shots.

    Raises:
        Infeasible: T2 exceeds 2·T1.
    """
    return memory(distance, readout_time, t1, t2, ringdown_time, gate_time, bias, 10, 100_000, context=context)
