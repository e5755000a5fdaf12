"""Points inside a polytope that may be flat or thin: its affine hull, its analytic centre, and hit-and-run from there.

Hit-and-run (Smith 1984, Operations Research 32:1296) draws a direction at random and then a point of the chord. In a
polytope far thinner one way than another nearly every direction leaves it at once, so directions are drawn from the
Dikin ellipsoid about the analytic centre, as thin as the polytope is (Nesterov & Nemirovskii 1994, section 2.1.1).
Inequalities that leave next to no thickness are taken for equations, and the walk stays in what they span.
"""

from __future__ import annotations

import numpy as np
import scipy

from yosegi.planner.space import Floats, Truths

FLAT = 1e-6
"""Greatest slack of an inequality, in widths of a parameter, below which it is taken for an equation: the digits to
which an open space is searched."""
_NEWTON = 60


class Polytope:
    """The points u of [0, 1]ᵈ with G u <= h and E u = e, bounds included in G and h.

    Args:
        G: shape (m, d).
        h: shape (m,).
        E: shape (k, d).
        e: shape (k,).

    Attributes:
        centre: shape (d,), the analytic centre of its affine hull's interior; None where it is empty.
        free: the dimension of its affine hull.
    """

    def __init__(self, G: Floats, h: Floats, E: Floats, e: Floats) -> None:
        size = np.maximum(np.linalg.norm(G, axis=1), 1e-300)
        self._G, self._h = G / size[:, None], h / size
        self.centre: Floats | None = None
        self.free = 0
        every = np.ones(len(h), dtype=bool)
        begin, radius = self._chebyshev(E, e, every)
        thick = every
        if begin is not None and radius <= 10 * FLAT:
            thick = np.array([self._greatest_slack(i, E, e) > FLAT for i in range(len(h))])
            begin, _ = self._chebyshev(E, e, thick)
        if begin is not None:
            self._span(begin, np.vstack([E, self._G[~thick]]), thick)

    def _chebyshev(self, E: Floats, e: Floats, thick: Truths) -> tuple[Floats | None, float]:
        """The point farthest from the nearest of the `thick` inequalities (m,), and how far; None without a point."""
        d = self._G.shape[1]
        found = scipy.optimize.linprog(
            np.r_[np.zeros(d), -1.0],
            A_ub=np.c_[self._G, thick.astype(float)],
            b_ub=self._h,
            A_eq=np.c_[E, np.zeros(len(E))] if len(E) else None,
            b_eq=e if len(E) else None,
            bounds=[(None, None)] * d + [(0, 1)],
        )
        return (np.asarray(found.x[:-1]), float(found.x[-1])) if found.success else (None, 0.0)

    def _greatest_slack(self, i: int, E: Floats, e: Floats) -> float:
        """How far the polytope reaches from the i-th inequality."""
        equal = (E, e) if len(E) else (None, None)
        found = scipy.optimize.linprog(self._G[i], self._G, self._h, *equal, bounds=[(None, None)] * self._G.shape[1])
        return float(self._h[i] - found.fun) if found.success else 0.0

    def _span(self, begin: Floats, E: Floats, thick: Truths) -> None:
        """The affine hull's basis, the analytic centre in it by Newton's method, and the ellipsoid there."""
        basis = scipy.linalg.null_space(E, rcond=1e-10) if len(E) else np.eye(len(begin))
        self._G, self._h = self._G[thick], self._h[thick]
        self.free = basis.shape[1]
        self._directions, at = basis, begin
        if not self.free:
            self.centre = at
            return
        A = self._G @ basis
        for _ in range(_NEWTON):
            slack = self._h - self._G @ at
            scaled = A / slack[:, None]
            hessian, gradient = scaled.T @ scaled, scaled.sum(axis=0)
            move = np.linalg.lstsq(hessian, -gradient, rcond=1e-14)[0]
            decrement = float(np.sqrt(max(-gradient @ move, 0.0)))
            at = at + basis @ move / (1.0 + decrement)  # damped: never leaves the polytope
            if decrement < 1e-6:
                break
        scaled = A / (self._h - self._G @ at)[:, None]
        values, vectors = np.linalg.eigh(scaled.T @ scaled)
        self.centre = at
        self._directions = basis @ (vectors / np.sqrt(np.maximum(values, 1e-12 * values[-1])))

    def walk(self, start: Floats, rng: np.random.Generator, steps: int = 0, scale: float = np.inf) -> Floats:
        """Shape (n, d): hit-and-run from `start` (n, d), every row a chain of its own.

        Args:
            start: points inside.
            rng: source of randomness.
            steps: of each chain; by default enough to forget the start.
            scale: standard deviation of a step's length; without it a step goes anywhere on the chord.
        """
        at = start.copy()
        if not self.free:
            return at
        for _ in range(steps or 4 * self.free + 16):
            direction = rng.normal(size=(len(at), self.free)) @ self._directions.T
            direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-300)
            speed, room = direction @ self._G.T, np.maximum(self._h - at @ self._G.T, 0.0)
            with np.errstate(divide="ignore", invalid="ignore"):
                reach = np.where(np.abs(speed) > 1e-15, room / speed, np.inf)
            ahead = np.min(np.where(speed > 1e-15, reach, np.inf), axis=1)
            behind = np.max(np.where(speed < -1e-15, reach, -np.inf), axis=1)
            t = behind + (ahead - behind) * rng.random(len(at))
            if np.isfinite(scale):
                t = np.clip(rng.normal(0.0, scale, len(at)), behind, ahead)
            at += np.where(np.isfinite(t), t, 0.0)[:, None] * direction
        return at
