"""A model to compute on a cluster: a chain of quantum spins whose neighbours, and next neighbours, repel each other.

H = Σ S_i·S_{i+1} + r Σ S_i·S_{i+2}, spin ½, periodic, J₁ = 1. At r = ½ its ground state is known exactly, with energy
-3/8 a site (C. K. Majumdar and D. K. Ghosh, J. Math. Phys. 10, 1388 (1969)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import eigsh

from yosegi.core.capability import Context, capability, quantity


@dataclass(frozen=True)
class GroundState:
    """The ground state of a chain."""

    energy: Annotated[float, quantity("1")]


def hamiltonian(sites: int, ratio: float) -> csr_array:
    """The chain's Hamiltonian in the basis of up and down spins, of shape (2^sites, 2^sites), in units of J₁.

    S_i·S_j is ¼ for parallel spins and -¼ for others, which it also exchanges with ½.
    """
    states = np.arange(2**sites)
    rows, columns, values = [], [], []
    for distance, strength in ((1, 1.0), (2, ratio)):
        for site in range(sites):
            other = (site + distance) % sites
            differ = (states >> site & 1) != (states >> other & 1)
            rows += [states, states[differ]]
            columns += [states, states[differ] ^ (1 << site | 1 << other)]
            values += [strength * np.where(differ, -0.25, 0.25), np.full(int(differ.sum()), 0.5 * strength)]
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return csr_array(entries, shape=(2**sites, 2**sites))


@capability(
    "chain.ground_state@1", kind="simulation", effect="pure", field="quantum magnetism", simulated=True,
    cost={"node_h": "0.1"}, time_limit=120,
)  # fmt: skip
def ground_state(
    ratio: Annotated[float, quantity("1", ge=0, le=1)], sites: Annotated[int, quantity("1", ge=4, le=16)],
    context: Context,
) -> GroundState:  # fmt: skip
    """Find the energy a site of the chain's ground state, by Lanczos iteration.

    Example:
        >>> from pathlib import Path
        >>> here = Context("task", 1, Path())
        >>> round(ground_state.function(0.5, 8, here).energy, 9)
        a chain of 8 spins at ratio 0.5
        -0.375
    """
    print(f"a chain of {sites} spins at ratio {ratio:g}", flush=True)
    matrix = hamiltonian(sites, ratio)
    context.progress(0.5, f"{matrix.nnz} entries")
    start = np.random.default_rng(1).standard_normal(matrix.shape[0])
    (lowest,) = eigsh(matrix, k=1, which="SA", v0=start, return_eigenvectors=False)
    return GroundState(float(lowest) / sites)
