"""Logical memory of a bivariate bicycle code: twelve logical qubits in a block, and what they cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import numpy as np
import stim
from ldpc.bposd_decoder import BpOsdDecoder
from scipy.sparse import csc_matrix

from yosegi.core.capability import Context, Fidelity, capability, quantity
from yosegi_packs.quantum.bicycle import CODES, bicycle_circuit
from yosegi_packs.quantum.counts import Counts
from yosegi_packs.quantum.memory import FIELD, NOISE, Shots
from yosegi_packs.quantum.noise import Basis
from yosegi_packs.quantum.sample import BASES

__all__ = ["BlockMemory", "block_memory", "decode_block"]

ITERATIONS: Final = 100
OSD_ORDER: Final = 7


@dataclass(frozen=True)
class BlockMemory:
    """What the shots of a memory experiment say of a block of logical qubits.

    Args:
        error_per_cycle: probability that any logical qubit of the block errs in a cycle, in either basis.
        standard_error: of `error_per_cycle`, from the counts.
        log10_error: log10 of it, from the posterior means of both counts; finite even if no shot failed.
        log10_standard_error: its posterior standard deviation.
        unencoded_error: that any of as many bare qubits errs in a cycle, 1 - (1 - p)^k; where both are equal lies the
            pseudo-threshold.
        logical_qubits: k of the code.
        physical_qubits: data and check qubits, 2n.
        failures: shots with a wrong logical value.
        shots: shots taken.
    """

    error_per_cycle: Annotated[float, quantity("1", ge=0, le=1)]
    standard_error: Annotated[float, quantity("1", ge=0)]
    log10_error: Annotated[float, quantity("1", le=0)]
    log10_standard_error: Annotated[float, quantity("1", ge=0)]
    unencoded_error: Annotated[float, quantity("1", ge=0, le=1)]
    logical_qubits: Annotated[int, quantity("1", ge=1)]
    physical_qubits: Annotated[int, quantity("1", ge=1)]
    failures: Annotated[int, quantity("1", ge=0)]
    shots: Annotated[int, quantity("1", ge=1)]


@capability(
    "qec.block@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.25"},
    time_limit=900,
    simulated=True,
    fidelity=Fidelity(
        of="log10_error",
        level="the code asked for",
        noise=NOISE,
        bias="uniform depolarising noise; the decoder takes X and Z errors for independent",
    ),
)
def block_memory(
    code: Annotated[Literal["72", "90", "108", "144"], "data qubits"],
    error_rate: Annotated[float, quantity("1", ge=1e-4, le=0.02, resolution=1e-5)],
    rounds: Annotated[int, quantity("1", ge=1, le=24)] = 6,
    shots: Shots = 1_000,
    context: Context | None = None,
) -> BlockMemory:
    """Logical error per cycle of a bivariate bicycle code (simulated).

    Samples the code's syndrome circuit under depolarising circuit noise with stim, decodes it by belief propagation
    with ordered statistics (Roffe's ldpc), and counts. Codes, circuit, noise and pseudo-threshold are those of Bravyi
    et al., Nature 627, 778 (2024): [[72,12,6]], [[90,8,10]], [[108,8,10]], [[144,12,12]]. After n cycles a block has
    failed with probability 1 - (1 - p_L)^n (ibid., Methods).

    The price of a shot grows fast with code and error rate: 8 ms for 72 qubits at 0.3 %, 0.2 s for 144.

    Args:
        code: by its number of data qubits.
        error_rate: p, of every gate, wait, reset and measurement.
        rounds: cycles of error correction in a shot.
        shots: experiments, half of them in each logical basis.
        context: of the task; its key seeds the shots.
    """
    chosen = CODES[code]
    seed = context.seed if context else 0
    halves = (shots - shots // 2, shots // 2)
    counts = [
        decode_block(code, rounds, basis, error_rate, count, seed * 2 + number)
        for number, (basis, count) in enumerate(zip(BASES, halves, strict=True))
    ]
    survives = math.prod(1.0 - one.rate for one in counts)
    spread = math.hypot(*(one.standard_error * survives / max(1.0 - one.rate, 1e-12) for one in counts))
    slope = max(survives, 0.5 / shots) ** (1.0 / rounds - 1.0) / rounds
    # Of two small probabilities that add up, the logarithm of the sum is taken at both posterior means.
    typical = [math.exp(one.log[0]) for one in counts]
    log_error = math.hypot(*(one.log[1] * t for one, t in zip(counts, typical, strict=True))) / sum(typical)
    lasting = math.prod(1.0 - min(t, 1.0 - 0.5 / shots) for t in typical)
    return BlockMemory(
        error_per_cycle=1.0 - survives ** (1.0 / rounds),
        standard_error=spread * slope,
        log10_error=math.log10(-math.expm1(math.log(lasting) / rounds)),
        log10_standard_error=log_error / math.log(10.0),
        unencoded_error=-math.expm1(chosen.logical_qubits * math.log1p(-error_rate)),
        logical_qubits=chosen.logical_qubits,
        physical_qubits=2 * chosen.data_qubits,
        failures=sum(one.failures for one in counts),
        shots=shots,
    )


def decode_block(code: str, rounds: int, basis: Basis, error_rate: float, shots: int, seed: int) -> Counts:
    """Sample one basis and decode each shot by BP-OSD (Panteleev and Kalachev, Quantum 5, 585 (2021)).

    The same seed gives the same shots on one build of stim.
    """
    if not shots:
        return Counts(0, 0)
    circuit = bicycle_circuit(CODES[code], rounds, basis, error_rate)
    detectors, observables, chances = _matrices(circuit.detector_error_model())
    decoder = BpOsdDecoder(
        detectors,
        error_channel=chances,
        max_iter=ITERATIONS,
        bp_method="minimum_sum",
        ms_scaling_factor=0,  # grows with the iteration, as ldpc's authors advise
        osd_method="osd_cs",
        osd_order=OSD_ORDER,
    )
    sampler = circuit.compile_detector_sampler(seed=seed % 2**63)
    syndromes, flips = sampler.sample(shots, separate_observables=True)
    failures = 0
    for syndrome, flip in zip(syndromes.astype(np.uint8), flips, strict=True):
        guess = observables @ decoder.decode(syndrome) % 2
        failures += bool((guess != flip).any())
    return Counts(failures, shots)


def _matrices(model: stim.DetectorErrorModel) -> tuple[csc_matrix, csc_matrix, list[float]]:
    """Which detectors and which observables each error of a model flips, and how likely it is."""
    chances: list[float] = []
    hits: dict[bool, tuple[list[int], list[int]]] = {True: ([], []), False: ([], [])}
    for instruction in model.flattened():
        if instruction.type != "error":
            continue
        for target in instruction.targets_copy():
            rows, columns = hits[target.is_relative_detector_id()]
            rows.append(target.val)
            columns.append(len(chances))
        chances.append(instruction.args_copy()[0])

    def matrix(rows: list[int], columns: list[int], height: int) -> csc_matrix:
        return csc_matrix((np.ones(len(rows), dtype=np.uint8), (rows, columns)), shape=(height, len(chances)))

    return matrix(*hits[True], model.num_detectors), matrix(*hits[False], model.num_observables), chances
