"""Shots of a memory experiment, decoded: how many came back with the wrong logical value."""

from __future__ import annotations

from typing import Final

import pymatching

from yosegi_packs.quantum.circuit import memory_circuit
from yosegi_packs.quantum.counts import Counts
from yosegi_packs.quantum.noise import Basis, Noise

__all__ = ["decode_shots", "sample_memory"]

BATCH: Final = 20_000
"""Shots held in memory at once; at distance 11 and 50 rounds they take 15 MB."""
BASES: Final[tuple[Basis, Basis]] = ("x", "z")


def sample_memory(distance: int, rounds: int, shots: int, noise: Noise, seed: int) -> Counts:
    """Failures of both logical bases, half of the shots each, pooled.

    The mean over the two bases is what experiments quote (Google Quantum AI, Nature 638, 920 (2025)). Under biased
    noise the bases differ; pooling equal halves makes the binomial interval a little too wide, never too narrow.
    """
    halves = (shots - shots // 2, shots // 2)
    return sum(
        (
            decode_shots(distance, rounds, count, basis, noise, seed * 2 + number)
            for number, (basis, count) in enumerate(zip(BASES, halves, strict=True))
            if count
        ),
        start=Counts(0, 0),
    )


def decode_shots(distance: int, rounds: int, shots: int, basis: Basis, noise: Noise, seed: int) -> Counts:
    """Sample one basis and decode by minimum-weight perfect matching on the circuit's own error model.

    The matching does not use correlations between X and Z errors (sparse blossom: Higgott and Gidney, Quantum 9, 1600
    (2025)). The same seed gives the same shots on one build of stim; another instruction set may give others.
    """
    circuit = memory_circuit(distance, rounds, basis, noise)
    # The decoder's weights take the Paulis of one channel for independent, an error of second order in p; the shots
    # themselves are sampled exactly.
    model = circuit.detector_error_model(decompose_errors=True, approximate_disjoint_errors=True)
    matching = pymatching.Matching.from_detector_error_model(model)
    sampler = circuit.compile_detector_sampler(seed=seed % 2**63)
    failures, left = 0, shots
    while left:
        batch = min(left, BATCH)
        detections, flips = sampler.sample(batch, separate_observables=True, bit_packed=True)
        guesses = matching.decode_batch(detections, bit_packed_shots=True, bit_packed_predictions=True)
        failures += int((guesses != flips).any(axis=1).sum())
        left -= batch
    return Counts(failures, shots)
