"""Bivariate bicycle codes: their check matrices, logical operators and the circuit that measures their checks.

Bravyi, Cross, Gambetta, Maslov, Rall and Yoder, Nature 627, 778 (2024), arXiv:2308.07915. With the cyclic shifts
x = S_l ⊗ 1 and y = 1 ⊗ S_m, a code is given by A and B, sums of three powers of x or y each: its checks are
H_X = [A | B] and H_Z = [Bᵀ | Aᵀ], on l·m "left" and l·m "right" qubits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import stim
from numpy.typing import NDArray

from yosegi_packs.quantum.noise import Basis

__all__ = ["CODES", "BicycleCode", "bicycle_circuit"]

Bits = NDArray[np.uint8]
Power = tuple[int, int]
"""Exponents of x and y."""

X_ORDER: Final = (None, 1, 4, 3, 5, 0, 2)
Z_ORDER: Final = (3, 5, 0, 1, 2, 4, None)
"""With which of its six neighbours an X and a Z check interacts in each of seven steps (ibid., Methods): 0 to 2 are on
the left (by A for X checks, by Bᵀ for Z checks), 3 to 5 on the right (by B, by Aᵀ)."""


@dataclass(frozen=True)
class BicycleCode:
    """One code.

    Args:
        l: order of x.
        m: order of y.
        a: the three terms of A.
        b: the three terms of B.
        distance: published; an upper bound holds for the circuit.
    """

    l: int  # noqa: E741 - the paper's letter
    m: int
    a: tuple[Power, Power, Power]
    b: tuple[Power, Power, Power]
    distance: int

    @property
    def half(self) -> int:
        """Qubits on each side, and checks of each kind: l·m."""
        return self.l * self.m

    @property
    def data_qubits(self) -> int:
        """N."""
        return 2 * self.half

    @property
    def logical_qubits(self) -> int:
        """K = n - rank H_X - rank H_Z."""
        return self.data_qubits - sum(_reduced(h)[1] for h in self.checks())

    def checks(self) -> tuple[Bits, Bits]:
        """H_X and H_Z, each of shape (n/2, n)."""
        a, b = (self._sum(terms) for terms in (self.a, self.b))
        return np.hstack([a, b]), np.hstack([b.T, a.T])

    def logicals(self, basis: Basis) -> Bits:
        """A basis of the logical operators of one kind, modulo the checks of that kind; shape (k, n)."""
        own, other = self.checks() if basis == "x" else self.checks()[::-1]
        return _independent(_kernel(other), own)

    def neighbour(self, check: int, number: int, basis: Basis) -> int:
        """The data qubit with which a check interacts as its neighbour of that number, right after left."""
        power = (self.a + self.b if basis == "x" else self.b + self.a)[number]
        sign = 1 if basis == "x" else -1
        i, j = divmod(check, self.m)
        at = (i + sign * power[0]) % self.l * self.m + (j + sign * power[1]) % self.m
        return at + (self.half if number >= 3 else 0)

    def _sum(self, terms: tuple[Power, ...]) -> Bits:
        total = np.zeros((self.half, self.half), dtype=np.uint8)
        for x, y in terms:
            total ^= np.kron(
                np.roll(np.eye(self.l, dtype=np.uint8), x, 1), np.roll(np.eye(self.m, dtype=np.uint8), y, 1)
            )
        return total


CODES: Final = {
    "72": BicycleCode(6, 6, ((3, 0), (0, 1), (0, 2)), ((0, 3), (1, 0), (2, 0)), 6),
    "90": BicycleCode(15, 3, ((9, 0), (0, 1), (0, 2)), ((0, 0), (2, 0), (7, 0)), 10),
    "108": BicycleCode(9, 6, ((3, 0), (0, 1), (0, 2)), ((0, 3), (1, 0), (2, 0)), 10),
    "144": BicycleCode(12, 6, ((3, 0), (0, 1), (0, 2)), ((0, 3), (1, 0), (2, 0)), 12),
}
"""By number of data qubits, from the paper's table of polynomials."""


def _shift(size: int, by: int) -> Bits:
    return np.roll(np.eye(size, dtype=np.uint8), by, 1)


def bicycle_circuit(code: BicycleCode, rounds: int, basis: Basis, error: float) -> stim.Circuit:
    """A memory experiment of one logical basis under the paper's circuit noise.

    Each CNOT is followed by one of fifteen Pauli errors with probability `error`, each wait of a data qubit by one of
    three, each reset and measurement flips with it. The first preparation and the last measurement of the data qubits
    are without error, as are two more rounds in the paper: the last readout of the data gives the checks once more.
    Detectors and observables are those of the basis that is kept.
    """
    half, n = code.half, code.data_qubits
    data, x_checks, z_checks = range(n), range(n, n + half), range(n + half, n + 2 * half)
    kept = x_checks if basis == "x" else z_checks
    circuit = stim.Circuit()
    circuit.append("RX" if basis == "x" else "R", data)
    circuit.append("R", z_checks)
    circuit.append("X_ERROR", z_checks, error)
    offset = 0 if basis == "z" else half
    for number in range(rounds):
        _one_round(circuit, code, error)
        for i, _ in enumerate(kept):
            # Z checks are measured first in a round, then X checks.
            latest = -2 * half + offset + i
            circuit.append(
                "DETECTOR", [stim.target_rec(latest), *([stim.target_rec(latest - 2 * half)] if number else [])]
            )
    circuit.append("MX" if basis == "x" else "M", data)
    checks = code.checks()[0 if basis == "x" else 1]
    for i in range(half):
        latest = -n - 2 * half + offset + i
        circuit.append(
            "DETECTOR", [stim.target_rec(latest), *(stim.target_rec(int(q) - n) for q in np.flatnonzero(checks[i]))]
        )
    for i, logical in enumerate(code.logicals(basis)):
        circuit.append("OBSERVABLE_INCLUDE", [stim.target_rec(int(q) - n) for q in np.flatnonzero(logical)], i)
    return circuit


def _one_round(circuit: stim.Circuit, code: BicycleCode, error: float) -> None:
    """Seven steps of CNOTs, X checks against Z checks shifted by one step; then what is left to measure and reset."""
    half, n = code.half, code.data_qubits
    x_checks, z_checks = list(range(n, n + half)), list(range(n + half, n + 2 * half))
    for by_x, by_z in zip(X_ORDER, Z_ORDER, strict=True):
        pairs: list[int] = []
        if by_x is None:
            circuit.append("RX", x_checks)
            circuit.append("Z_ERROR", x_checks, error)
        else:
            for i in range(half):
                pairs += [x_checks[i], code.neighbour(i, by_x, "x")]
        if by_z is None:
            circuit.append("X_ERROR", z_checks, error)
            circuit.append("M", z_checks)
        else:
            for i in range(half):
                pairs += [code.neighbour(i, by_z, "z"), z_checks[i]]
        circuit.append("CX", pairs)
        circuit.append("DEPOLARIZE2", pairs, error)
        waiting = sorted(set(range(n)) - set(pairs))
        if waiting:
            circuit.append("DEPOLARIZE1", waiting, error)
        circuit.append("TICK")
    circuit.append("Z_ERROR", x_checks, error)
    circuit.append("MX", x_checks)
    circuit.append("R", z_checks)
    circuit.append("X_ERROR", z_checks, error)
    circuit.append("DEPOLARIZE1", range(n), error)
    circuit.append("TICK")


def _reduced(matrix: Bits) -> tuple[Bits, int, list[int]]:
    """Row echelon form over GF(2), rank, and pivot columns."""
    work = matrix.copy()
    pivots: list[int] = []
    for column in range(work.shape[1]):
        row = len(pivots)
        if row == len(work):
            break
        found = np.flatnonzero(work[row:, column])
        if not found.size:
            continue
        work[[row, row + found[0]]] = work[[row + found[0], row]]
        others = work[:, column].astype(bool)
        others[row] = False
        work[others] ^= work[row]
        pivots.append(column)
    return work, len(pivots), pivots


def _kernel(matrix: Bits) -> Bits:
    """A basis of what the rows of a matrix are all orthogonal to, over GF(2)."""
    reduced, rank, pivots = _reduced(matrix)
    free = [c for c in range(matrix.shape[1]) if c not in set(pivots)]
    basis = np.zeros((len(free), matrix.shape[1]), dtype=np.uint8)
    for row, column in enumerate(free):
        basis[row, column] = 1
        basis[row, pivots] = reduced[:rank, column]
    return basis


def _independent(rows: Bits, of: Bits) -> Bits:
    """Those of the rows that are independent of each other and of the rows of another matrix."""
    stacked = np.vstack([of, rows]).T.copy()
    pivots = _reduced(stacked)[2]
    return rows[[p - len(of) for p in pivots if p >= len(of)]]
