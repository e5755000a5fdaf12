"""The Matérn kernel of smoothness 5/2 with a length scale for each parameter, and what its derivatives need.

k(r) = (1 + r + r²/3) exp(-r) with r = √5 |x - x'| / ℓ (Rasmussen & Williams 2006, eq. 4.17). With z = x / ℓ its
derivative along log ℓₖ is g(r) (zₖ - zₖ')² where g(r) = (5/3)(1 + r) exp(-r), so that a weighted sum over all pairs is
matrix products alone and no array of shape (n, n, d) is needed.

An additive part is the mean of one such kernel a parameter (Duvenaud, Nickisch & Rasmussen 2011, first order): what
each parameter does by itself is learned from far fewer points than what they do together. Its length scales are those
of the whole, divided by the square root of the number of parameters, by which the whole's are longer.
"""

from __future__ import annotations

import numpy as np

from yosegi.planner.space import Floats, Ints


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


def correlation(A: Floats, B: Floats, groups: Ints, additive: float) -> Floats:
    """Correlation of the rows of A (n, d) and B (m, d), both in length scales: shape (n, m).

    Args:
        A: shape (n, d).
        B: shape (m, d).
        groups: shape (d,), the parameter of each coordinate.
        additive: the additive part's share, 0 to 1.
    """
    out = matern52(scaled_distance(A, B))
    parts = members(groups) if additive else ()
    if len(parts) > 1:
        out *= 1.0 - additive
        for columns in parts:
            alone = matern52(np.sqrt(len(parts), dtype=out.dtype) * scaled_distance(A[:, columns], B[:, columns]))
            alone *= additive / len(parts)
            out += alone
    return out


def correlation_with_slopes(Z: Floats, groups: Ints, additive: float) -> tuple[Floats, list[tuple[Floats, Ints]]]:
    """Correlation of the rows of Z (n, d), in length scales, and what its derivatives by log length scales need.

    Returns:
        Correlation (n, n), and pairs of a slope (n, n) and the coordinates it belongs to: the derivative by the log
        length scale of a coordinate k is the sum over its pairs of slope · (zₖ - zₖ')².
    """
    whole, slope = matern52_with_slope(scaled_distance(Z, Z))
    every = np.arange(Z.shape[1])
    parts = members(groups) if additive else ()
    if len(parts) < 2:
        return whole, [(slope, every)]
    whole *= 1.0 - additive
    slope *= 1.0 - additive
    slopes = [(slope, every)]
    for columns in parts:
        alone, own = matern52_with_slope(np.sqrt(len(parts)) * scaled_distance(Z[:, columns], Z[:, columns]))
        alone *= additive / len(parts)
        own *= additive
        whole += alone
        slopes.append((own, columns))
    return whole, slopes


def members(groups: Ints) -> tuple[Ints, ...]:
    """The coordinates of each parameter, from the parameter of each coordinate (d,)."""
    return tuple(np.flatnonzero(groups == j) for j in np.unique(groups))


def matern52_with_slope(r: Floats) -> tuple[Floats, Floats]:
    """Correlation k(r) and g(r) = -k'(r) · 5/r, see the module; both of the shape of r."""
    decay = np.exp(-r)
    linear = 1.0 + r
    return (linear + r * r / 3.0) * decay, (5.0 / 3.0) * linear * decay


def summed_slope(Z: Floats, G: Floats) -> Floats:
    """Σᵢⱼ Gᵢⱼ (zᵢₖ - zⱼₖ)² for every coordinate k, G (n, n) symmetric, Z (n, d): shape (d,)."""
    return np.asarray(2.0 * (np.einsum("ik,i->k", Z * Z, G.sum(axis=1)) - np.einsum("ik,ik->k", Z, G @ Z)))
