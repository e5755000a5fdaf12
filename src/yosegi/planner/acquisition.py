"""What a measurement is worth: expected improvement, upper confidence bounds, feasibility, hypervolume.

Losses are made small throughout. Everything is a logarithm where products could underflow.
"""

from __future__ import annotations

import math

import numpy as np
import scipy

from yosegi.planner.space import Floats

_LOG_ROOT_TAU = 0.5 * math.log(2 * math.pi)


def log_h(z: Floats) -> Floats:
    """The logarithm of φ(z) + z Φ(z), any shape, accurate for z far below zero.

    Ament, Daulton, Eriksson, Balandat & Bakshy 2023 (LogEI), eq. 9: with u = -z it is φ(u)(1 - u R(u)), R the Mills
    ratio √(π/2) erfcx(u/√2); beyond u = 10⁴ its series 1/u² is exact to rounding.
    """
    z = np.clip(np.asarray(z, dtype=float), -1e100, 1e100)
    out = np.empty_like(z)
    near = z > -1
    a = z[near]
    out[near] = np.log(np.exp(-0.5 * a * a - _LOG_ROOT_TAU) + a * scipy.special.ndtr(a))
    u = -z[~near]
    inner = np.minimum(u, 1e4)
    tail = np.log1p(-inner * math.sqrt(math.pi / 2) * scipy.special.erfcx(inner / math.sqrt(2)))
    out[~near] = -0.5 * u * u - _LOG_ROOT_TAU + np.where(u < 1e4, tail, -2 * np.log(np.maximum(u, 1.0)))
    return out


def log_expected_improvement(mean: Floats, sd: Floats, best: Floats | float) -> Floats:
    """Log E[max(best - Y, 0)] for Y ~ N(mean, sd²), any shape; logarithm of the loss's unit."""
    return np.asarray(log_h((best - mean) / sd) + np.log(sd))


def log_target_improvement(mean: Floats, sd: Floats, target: float, best: Floats | float) -> Floats:
    """Log E[max(best - |Y - target|, 0)] for Y ~ N(mean, sd²), any shape.

    The improvement is a triangle of half-width `best`, a sum of three hinges; far from it the nearest hinge is the sum.
    """
    away = np.abs(mean - target)
    best = np.maximum(best, 1e-9 * sd)  # where the target is met already, improvement is a matter of doubt alone
    near, middle, far = (best - away) / sd, -away / sd, (-best - away) / sd
    h_near = log_h(near)
    with np.errstate(divide="ignore"):
        rest = np.log1p(-np.minimum(2 * np.exp(log_h(middle) - h_near) - np.exp(log_h(far) - h_near), 1.0 - 1e-12))
    return np.asarray(h_near + rest + np.log(sd))


def log_between(mean: Floats, sd: Floats, low: float | None, high: float | None) -> Floats:
    """Log P(low <= Y <= high) for Y ~ N(mean, sd²), any shape; None is no bound."""
    if high is None:
        return np.asarray(scipy.special.log_ndtr((mean - (low if low is not None else -math.inf)) / sd))
    if low is None:
        return np.asarray(scipy.special.log_ndtr((high - mean) / sd))
    flip = mean < (low + high) / 2  # so that the difference is taken in the lower tail, where it is accurate
    a = np.where(flip, mean - high, low - mean) / sd
    b = np.where(flip, mean - low, high - mean) / sd
    upper = scipy.special.log_ndtr(b)
    return np.asarray(upper + np.log1p(-np.exp(np.minimum(scipy.special.log_ndtr(a) - upper, -1e-15))))


def entropy(probabilities: Floats) -> Floats:
    """-Σ p log p over the last axis, in nats."""
    safe = np.maximum(probabilities, 1e-300)
    return np.asarray(-np.sum(probabilities * np.log(safe), axis=-1))


def pareto(losses: Floats) -> Floats:
    """The rows of losses (n, m) that no other row dominates, each once, in ascending order: shape (k, m)."""
    points = np.unique(losses, axis=0)
    keep = [not np.any(np.all(points <= p, axis=1) & np.any(points < p, axis=1)) for p in points]
    return np.asarray(points[np.array(keep, dtype=bool)])


def hypervolume(losses: Floats, reference: Floats) -> float:
    """Volume between the front of losses (n, m), m of 1 to 3, and a reference point (m,)."""
    edges, heights = _cells(losses, reference)
    widths = [np.diff(e) for e in edges]
    depth = reference[-1] - heights
    for w in widths[:1]:
        depth = depth * _finite(w).reshape(-1, *([1] * (depth.ndim - 1)))
    if len(widths) > 1:
        depth = depth * _finite(widths[1])
    return float(depth.sum())


def expected_hypervolume_improvement(mean: Floats, sd: Floats, front: Floats, reference: Floats) -> Floats:
    """Expected growth of the hypervolume by Y ~ N(mean, diag sd²), shapes (n, m), m of 2 or 3: shape (n,).

    Space is cut into cells along all but the last objective; in a cell the front is a step of constant height, so the
    improvement is a product of one-dimensional ones (Emmerich, Yang, Deutz, Wang & Fonseca 2016).
    """
    edges, heights = _cells(front, reference)
    strips = [_strip(mean[:, j], sd[:, j], edge) for j, edge in enumerate(edges)]
    levels, inverse = np.unique(heights, return_inverse=True)
    last = np.exp(log_h((levels[None, :] - mean[:, -1:]) / sd[:, -1:])) * sd[:, -1:]
    inverse = inverse.reshape(heights.shape)
    if len(edges) == 1:
        return np.asarray(np.einsum("ni,ni->n", strips[0], last[:, inverse]))
    out = np.zeros(len(mean))
    for i in range(heights.shape[0]):
        out += strips[0][:, i] * np.einsum("nj,nj->n", strips[1], last[:, inverse[i]])
    return out


def _strip(mean: Floats, sd: Floats, edges: Floats) -> Floats:
    """E[length of Y's improvement within each strip], shape (n, strips): E[(b - max(Y, a))⁺] by differences."""
    below = np.where(np.isfinite(edges), edges, 0.0)[None, :]
    value = np.exp(log_h((below - mean[:, None]) / sd[:, None])) * sd[:, None]
    value[:, ~np.isfinite(edges)] = 0.0
    return np.diff(value, axis=1)


def _cells(front: Floats, reference: Floats) -> tuple[list[Floats], Floats]:
    """Edges along all but the last objective, and the front's height in each cell."""
    inside = pareto(front[np.all(front < reference, axis=1)]) if len(front) else front
    edges = [np.r_[-np.inf, np.unique(inside[:, j]), reference[j]] for j in range(len(reference) - 1)]
    shape = tuple(len(e) - 1 for e in edges)
    heights = np.full(shape, reference[-1])
    for p in inside:
        corner = tuple(slice(int(np.searchsorted(e, p[j])), None) for j, e in enumerate(edges))
        heights[corner] = np.minimum(heights[corner], p[-1])
    return edges, heights


def _finite(widths: Floats) -> Floats:
    return np.where(np.isfinite(widths), widths, 0.0)
