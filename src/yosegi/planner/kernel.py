"""The Matérn kernel of smoothness 5/2 with a length scale for each parameter, and what its derivatives need.

k(r) = (1 + r + r²/3) exp(-r) with r = √5 |x - x'| / ℓ (Rasmussen & Williams 2006, eq. 4.17). With z = x / ℓ its
derivative along log ℓₖ is g(r) (zₖ - zₖ')² where g(r) = (5/3)(1 + r) exp(-r), so that a weighted sum over all pairs is
matrix products alone and no array of shape (n, n, d) is needed.
"""

from __future__ import annotations

import numpy as np

from yosegi.planner.space import Floats


def scaled_distance(A: Floats, B: Floats) -> Floats:
    """√5 times the Euclidean distance between the rows of A (n, d) and B (m, d): shape (n, m)."""
    squared = (-10.0 * A) @ B.T
    squared += 5.0 * np.einsum("ij,ij->i", A, A)[:, None]
    squared += 5.0 * np.einsum("ij,ij->i", B, B)[None, :]
    np.maximum(squared, 0.0, out=squared)
    return np.asarray(np.sqrt(squared, out=squared))


def matern52(r: Floats) -> Floats:
    """Correlation at scaled distances r, any shape."""
    out = r * (1.0 / 3.0)
    out += 1.0
    out *= r
    out += 1.0
    out *= np.exp(-r)
    return out


def matern52_with_slope(r: Floats) -> tuple[Floats, Floats]:
    """Correlation k(r) and g(r) = -k'(r) · 5/r, see the module; both of the shape of r."""
    decay = np.exp(-r)
    linear = 1.0 + r
    return (linear + r * r / 3.0) * decay, (5.0 / 3.0) * linear * decay


def summed_slope(Z: Floats, G: Floats) -> Floats:
    """Σᵢⱼ Gᵢⱼ (zᵢₖ - zⱼₖ)² for every coordinate k, G (n, n) symmetric, Z (n, d): shape (d,)."""
    return np.asarray(2.0 * (np.einsum("ik,i->k", Z * Z, G.sum(axis=1)) - np.einsum("ik,ik->k", Z, G @ Z)))
