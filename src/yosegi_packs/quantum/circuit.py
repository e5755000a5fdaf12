"""The memory experiment of a rotated surface code as a stim circuit with noise at every location."""

from __future__ import annotations

from collections.abc import Iterable

import stim

from yosegi_packs.quantum.noise import Basis, Noise, Pauli

__all__ = ["memory_circuit", "qubits"]


def qubits(distance: int) -> int:
    """Physical qubits of a rotated surface code: d² data and d² - 1 measure qubits."""
    return 2 * distance * distance - 1


def memory_circuit(distance: int, rounds: int, basis: Basis, noise: Noise) -> stim.Circuit:
    """Prepare a logical state, extract all stabilisers `rounds` times, measure it.

    The layout and the order of gates are stim's `surface_code:rotated_memory_*` (Tomita and Svore, Phys. Rev. A 90,
    062320 (2014); Gidney, Quantum 5, 497 (2021)); the noise is ours, so that waiting, reading and gates can have
    channels of their own. In each layer the qubits without a gate wait.

    Args:
        distance: of the code.
        rounds: of syndrome extraction, at least 2.
        basis: of the logical state that is kept.
        noise: the channels.
    """
    clean = stim.Circuit.generated(f"surface_code:rotated_memory_{basis}", distance=distance, rounds=rounds)
    everyone = sorted(clean.get_final_qubit_coordinates())
    return _noisy(clean, everyone, noise)


def _noisy(clean: stim.Circuit, everyone: list[int], noise: Noise) -> stim.Circuit:
    """The circuit with noise; the resonators still hold photons at the first layer of a cycle."""
    out, lit = stim.Circuit(), True
    for step in clean:
        if isinstance(step, stim.CircuitRepeatBlock):
            out.append(stim.CircuitRepeatBlock(step.repeat_count, _noisy(step.body_copy(), everyone, noise)))
            continue
        touched = [target.value for target in step.targets_copy() if target.is_qubit_target]
        rest = [q for q in everyone if q not in touched]
        match step.name:
            case "R" | "RX":
                out.append(step)
                _flip(out, step.name, touched, noise.reset)
            case "H":
                out.append(step)
                _channel(out, touched, noise.gate1)
                _channel(out, rest, noise.idle1)
                if lit and noise.dephase > 0.0:
                    out.append("Z_ERROR", touched, noise.dephase)
                lit = False
            case "CX":
                out.append(step)
                out.append("PAULI_CHANNEL_2", touched, noise.gate2)
                _channel(out, touched, noise.decay2)
                _channel(out, rest, noise.idle2)
            case "MR":
                out.append("MR", touched, noise.measure)
                _flip(out, "R", touched, noise.reset)
                _channel(out, rest, noise.idle_readout)
                lit = True
            case "M" | "MX":
                out.append(step.name, touched, noise.measure)
            case _:
                out.append(step)
    return out


def _channel(out: stim.Circuit, targets: Iterable[int], channel: Pauli) -> None:
    if any(channel):
        out.append("PAULI_CHANNEL_1", targets, channel)


def _flip(out: stim.Circuit, reset: str, targets: Iterable[int], error: float) -> None:
    """A reset that leaves the wrong state: the Pauli that flips the basis it resets in."""
    if error > 0.0:
        out.append("Z_ERROR" if reset == "RX" else "X_ERROR", targets, error)
