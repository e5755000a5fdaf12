"""Which source to ask: expected gain for cost.

A measurement at a cheaper source is worth the expected improvement times how much it says about the first source, over
what it costs: the augmented expected improvement of Huang, Allen, Notz & Miller 2006 (Structural and Multidisciplinary
Optimization 32:369, eq. 8), with the share of the first source's variance that it removes (the squared posterior
correlation at that point) where they take the correlation, which asks a cheap source for longer than it pays.
"""

from __future__ import annotations

import numpy as np

from yosegi.planner.aim import Aim, Improve
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats


def by_source(situation: Situation, aim: Aim, P: Floats, costs: Floats) -> Floats:
    """Shape (m, sources): how much a measurement at P (m, d) by each source is wanted, for costs (m, sources).

    With one source of constant cost it is the aim's own score. Sources that the gate dropped are never wanted.
    """
    count = len(situation.problem.sources)
    even = bool(np.ptp(costs[:, 0]) == 0)
    if count == 1 and even:
        return aim.score(P)[:, None]
    if not isinstance(aim, Improve):
        out = np.full((len(P), count), -np.inf)
        out[:, 0] = aim.score(P) - (0.0 if even else np.log(costs[:, 0]))
        return out
    out = np.repeat(aim.score(P)[:, None], count, axis=1) - np.log(costs)
    for s in range(1, count):
        with np.errstate(divide="ignore"):
            out[:, s] += 2.0 * np.log(aim.surrogate.correlation(P, s))
    return out
