"""Which source to ask: expected gain for cost, one question ahead.

An experiment at x promises EI(x) for what it costs. A cheaper source is worth asking first where its answer is expected
to raise what the experiment after it promises by more than the answer costs:

    E over the answer y of max over x' of EI(x' | y) / (cost of the experiment at x' + cost of the answer)

against max EI(x') / cost(x'). It is the knowledge gradient for cost (Frazier, Powell & Dayanik 2009; Poloczek, Wang &
Frazier 2017) with improvement in place of the mean, over the points that promise most. So a cheap source is asked while
it still sorts the candidates, and no longer.

One question ahead is too short a sight where a source is known to agree: many cheap answers together are worth what no
single one is. A source that proved to predict the first one well is therefore also asked where the improvement there,
times the share of the variance that its answer removes, is more for what it costs (after the augmented expected
improvement of Huang, Allen, Notz & Miller 2006, Structural and Multidisciplinary Optimization 32:369, eq. 8).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from yosegi.planner.aim import Aim, Improve
from yosegi.planner.space import Floats, Truths

ASKED, WEIGHED = 48, 192
"""Most points that a cheaper source is considered at, and most at which its answer is felt."""
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
_LOG_WEIGHTS = np.log(_WEIGHTS / _WEIGHTS.sum())


def by_source(aim: Aim, P: Floats, costs: Floats, free: Truths) -> Floats:
    """Shape (m, sources): how much a measurement at P (m, d) by each source is wanted.

    With one source of constant cost it is the aim's own score. Sources that the gate dropped are never wanted.

    Args:
        aim: what is sought.
        P: shape (m, d), points.
        costs: shape (m, sources), what a measurement costs.
        free: shape (m, sources), whether it may be asked; where not, it is never wanted.
    """
    out = np.full(costs.shape, -np.inf)
    even = bool(np.ptp(costs[:, 0]) == 0)
    first = aim.score(P)
    out[:, 0] = np.where(free[:, 0], first if even and costs.shape[1] == 1 else first - np.log(costs[:, 0]), -np.inf)
    if costs.shape[1] == 1 or not isinstance(aim, Improve) or aim.best is None or not np.isfinite(out[:, 0]).any():
        return out
    order = np.argsort(-out[:, 0], kind="stable")
    felt = order[: min(WEIGHED, int(np.isfinite(out[:, 0]).sum()))]
    plain = replace(aim, ease=0.0, late=False)
    at_once = np.max(plain.score(P[felt]) - np.log(costs[felt, 0]))
    for s in range(1, costs.shape[1]):
        if aim.surrogate.used[s]:
            asked = felt[free[felt, s]][:ASKED]
            ahead = _ahead(plain, P[felt], costs[felt, 0], P[asked], costs[asked, s], s)
            if aim.surrogate.proven[s]:
                ahead = np.maximum(ahead, plain.score(P[asked]) - np.log(costs[asked, s]) + _says(plain, P[asked], s))
            ahead = ahead + plain.limits.log_answer(P[asked], s) - plain.limits.reluctance(P[asked], s)
            out[asked, s] = out[order[0], 0] + ahead - at_once
    return out


def _says(aim: Improve, asked: Floats, source: int) -> Floats:
    """Log share of the first source's variance at each of `asked` that an answer of `source` there removes."""
    shift, left = (each.diagonal() for each in aim.surrogate.effect(asked, asked, source))
    return np.asarray(np.log(np.maximum(shift**2, 1e-300)) - np.log(shift**2 + left**2))


def _ahead(aim: Improve, felt: Floats, price: Floats, asked: Floats, fee: Floats, source: int) -> Floats:
    """Log expected gain for cost of the best experiment at `felt` once `source` has answered at each of `asked`."""
    mean, _ = aim.surrogate.posterior(felt)
    shift, left = aim.surrogate.effect(felt, asked, source)
    less = aim.limits.log_weight(felt)[:, None] - np.log(price[:, None] + fee)
    best = [np.max(aim.improvement(mean[:, None] + z * shift, left) + less, axis=0) for z in _NODES]
    return np.asarray(np.logaddexp.reduce(np.stack(best) + _LOG_WEIGHTS[:, None], axis=0))
