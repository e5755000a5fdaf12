"""One outcome as the planner believes it: a Gaussian process over every source that passes the gate.

The gate: sources other than the first, and earlier campaigns, are dropped where their learned correlation with it is
nil, or where they make predictions of the first source's own measurements, left out one at a time, worse. Their bias is
unknown; a source that does not help costs experiments. An earlier campaign that does not even predict itself is dropped
at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from yosegi.planner.gp import GP, Prior, fit, spread_of
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats, Ints
from yosegi.planner.transfer import Aligned, align, extra_groups, widened

OUTCOME = Prior(length_sd=0.5, common_sd=1.0, noise_mean=-4.0)
ADDITIVE = 0.3
"""Prior and additive share of an outcome's process.

Of few measurements, free length scales and little noise make a process far too sure of itself, and leaving one out does
not show it, since the scales were learned from the one left out: on 23 laboratory tables, 10 measurements each, the
log density of the others was lower by a nat a measurement than with these.
"""
WIDER = 1.15, 5.0
"""How many times wider the spread is that is announced after n measurements: the first and the second over n.

Measured on 23 laboratory tables, where the best of few expectations was wrong by this much more than it said.
"""
MARGIN = 0.1
"""Nats for each measurement of the first source by which predictions may be worse, and beyond which they are clearly
better: the check itself is as noisy.

The model already weighs a source by its learned correlation. A stricter gate closes to good sources by chance, and,
since it picks what luck favours, does not keep bad ones out.
"""
RELATED = 0.3
"""A learned correlation below this is none: a tenth of the variance."""
CLOSE = 0.7
"""A learned correlation below this proves nothing: less than half of the variance."""
ITSELF = 0.15
"""Least share of an earlier campaign's variance that it must predict of itself; shuffled outcomes give up to 0.1."""
FEW = 3
"""With fewer measurements a source says nothing."""
ALIKE = 5
"""Measurements that the spread of an earlier campaign is worth as a guess of the present one's."""


@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """A process over the present space, widened where an earlier campaign has more parameters.

    Args:
        gp: the process; its sources are the problem's, then the earlier campaigns.
        present: shape (extra,), where the present campaign stands in the added dimensions.
        used: for each source of the process, whether it passed the gate (the first always does).
        proven: for each, whether it makes predictions of the first one's measurements clearly better.
        names: of the sources of the process.
    """

    gp: GP
    present: Floats
    used: tuple[bool, ...]
    proven: tuple[bool, ...]
    names: tuple[str, ...]

    def at(self, P: Floats) -> Floats:
        """P (m, d) in the process's coordinates."""
        return P if not len(self.present) else widened(P, self.present)

    def posterior(self, P: Floats) -> tuple[Floats, Floats]:
        """Mean and sd of the noiseless outcome of the first source at P (m, d), in its unit."""
        return self.gp.posterior(self.at(P))

    def announced(self, P: Floats) -> tuple[Floats, Floats]:
        """Mean and sd of what a measurement by the first source at P (m, d) will give, in its unit, to tell people.

        Noise is in it, and `WIDER` for what the process does not know of itself; to compare points `posterior` serves.
        """
        mean, sd = self.posterior(P)
        own = max(int(np.sum(self.gp.data.source == 0)), 1)
        return mean, (WIDER[0] + WIDER[1] / own) * np.hypot(sd, self.gp.noise_sd())

    def index(self, source: int) -> int | None:
        """The process's own index of a source, None where the gate dropped it."""
        return sum(self.used[:source]) if self.used[source] else None

    def effect(self, felt: Floats, asked: Floats, source: int) -> tuple[Floats, Floats]:
        """What an answer of `source`, which passed the gate, does to the first source, see `GP.effect`."""
        return self.gp.effect(self.at(felt), self.at(asked), self.index(source) or 0)

    def imagine(self, P: Floats, source: Ints) -> Surrogate:
        """After measurements at P (m, d) by `source` (m,) that say what is expected of them."""
        gp = self.gp
        for s in np.unique(source):
            index = self.index(int(s))
            if index is not None:
                X = self.at(P[source == s])
                gp = gp.condition(X, gp.posterior(X, index)[0], index)
        return replace(self, gp=gp)


@dataclass(frozen=True, slots=True, eq=False)
class _Training:
    """Everything measured of one outcome, in the widened coordinates."""

    X: Floats
    y: Floats
    error: Floats
    source: Ints
    noise: Floats
    groups: Ints
    present: Floats
    names: tuple[str, ...]
    standard: tuple[float, float] | None
    """Of the first source's outcomes, where an earlier campaign says what they are like."""

    def fit(self, used: tuple[bool, ...]) -> GP:
        keep = np.array(used)[self.source]
        names = np.flatnonzero(used)
        alone = len(names) == 1
        X, groups = self.X[keep], self.groups
        if alone and len(self.present):
            own = X.shape[1] - len(self.present)
            X, groups = X[:, :own], groups[:own]
        gp = fit(
            X,
            self.y[keep],
            groups,
            source=np.searchsorted(names, self.source[keep]),
            sources=len(names),
            error=self.error[keep],
            noise=self.noise[names],
            standard=self.standard,
            prior=OUTCOME,
            additive=ADDITIVE,
        )
        return gp

    def predicts_itself(self, s: int) -> bool:
        """Whether an earlier campaign's measurements say anything of each other, and so may say something of others."""
        own = self.source == s
        found = fit(self.X[own], self.y[own], self.groups, error=self.error[own], prior=OUTCOME, additive=ADDITIVE)
        return r_squared(found) >= ITSELF

    def surrogate(self, gp: GP, used: tuple[bool, ...], proven: frozenset[int]) -> Surrogate:
        clearly = tuple(s in proven for s in range(len(used)))
        return Surrogate(gp, self.present if sum(used) > 1 else np.empty(0), used, clearly, self.names)


def learn(
    situation: Situation, outcome: str, noise: float | None, minimise: bool = True, *, levelled: bool = False
) -> Surrogate | None:
    """What the history says of an outcome; None where the first source has fewer than two measurements of it.

    Args:
        situation: the question and its history.
        outcome: which.
        noise: stated standard deviation of one measurement; None where it is learned.
        minimise: whether less of it is better, for how an earlier campaign's is read.
        levelled: whether the process of one source, without earlier campaigns, stands about the mean that it estimates
            itself, see `GP.levelled`.
    """
    training = _collect(situation, outcome, noise, minimise)
    count, first = len(training.names), len(situation.problem.sources)
    measured = [int(np.sum(training.source == s)) for s in range(count)]
    alone = (True,) + (False,) * (count - 1)
    if measured[0] < 2 and not any(measured[first:]):
        return None
    used, found = alone, training.fit(alone) if measured[0] else None
    proven: set[int] = set()
    for s in range(1, count):
        if measured[s] < FEW or (s >= first and not training.predicts_itself(s)):
            continue
        trial = tuple(u or i == s for i, u in enumerate(used))
        joint = training.fit(trial)
        gain = np.inf if found is None else (log_predictive(joint) - log_predictive(found)) / measured[0]
        related = abs(float(joint.hyper.correlation[-1]))
        if found is None or (gain > -MARGIN and related >= RELATED):
            used, found = trial, joint
            proven |= {s} if gain > MARGIN and related >= CLOSE else set()
    if used == alone and training.standard is not None and measured[0]:
        found = replace(training, standard=None).fit(alone)  # it says nothing of level and spread either
    if found is None:
        return None
    return training.surrogate(found.levelled() if levelled and count == 1 else found, used, frozenset(proven))


def log_predictive(gp: GP) -> float:
    """Σ log density of the first source's measurements, each given all other data (Rasmussen & Williams, eq. 5.10)."""
    mean, sd = gp.leave_one_out()
    own = gp.data.source == 0
    y = gp.offset[0] + gp.scale[0] * gp.data.y[own]
    z = (y - mean[own]) / sd[own]
    return float(-0.5 * z @ z - np.log(sd[own]).sum())


def r_squared(gp: GP) -> float:
    """Share of the first source's variance that leave-one-out predictions explain; below zero, worse than the mean."""
    mean, _ = gp.leave_one_out()
    own = gp.data.source == 0
    y = gp.offset[0] + gp.scale[0] * gp.data.y[own]
    spread = float(np.sum((y - y.mean()) ** 2))
    return 1.0 - float(np.sum((y - mean[own]) ** 2)) / spread if spread > 0 else 0.0


def _collect(situation: Situation, outcome: str, noise: float | None, minimise: bool) -> _Training:
    y, error = situation.outcome(outcome)
    measured = np.isfinite(y)
    problem = situation.problem
    earlier = [(e.name, align(situation.space, e, outcome, minimise)) for e in problem.earlier]
    found: list[tuple[str, Aligned]] = [(name, a) for name, a in earlier if a is not None]
    extra = sum(len(a.present) for _, a in found)
    present = np.concatenate([a.present for _, a in found]) if found else np.empty(0)
    X = [widened(situation.X[measured], present)]
    before = 0
    for _, a in found:
        own = a.X.shape[1] - len(a.present)
        block = widened(a.X[:, :own], present)
        block[:, own + before : own + before + len(a.present)] = a.X[:, own:]
        before += len(a.present)
        X.append(block)
    first = len(problem.sources)
    stated = np.full(first + len(found), np.nan)
    stated[0] = np.nan if noise is None else noise
    return _Training(
        np.vstack(X),
        np.concatenate([y[measured], *(a.y for _, a in found)]),
        np.concatenate([error[measured], *(a.error for _, a in found)]),
        np.concatenate([situation.source[measured], *(np.full(len(a.y), first + i) for i, (_, a) in enumerate(found))]),
        stated,
        extra_groups(situation.space.groups, extra),
        present,
        tuple(s.name or "this campaign" for s in problem.sources) + tuple(name for name, _ in found),
        _expected(y[measured & (situation.source == 0)], found[0][1].y) if found else None,
    )


def _expected(own: Floats, earlier: Floats) -> tuple[float, float]:
    """Mean and deviation of few outcomes, an earlier campaign's as a prior: worth one and `ALIKE` measurements."""
    mean, sd = spread_of(earlier)
    middle = (mean + own.sum()) / (1 + len(own))
    return middle, float(np.sqrt((ALIKE * sd**2 + np.sum((own - middle) ** 2)) / (ALIKE + len(own))))
