"""What is sought, as a score for every point: one objective, a front of several, a boundary, or knowledge itself.

Every aim has the same shape, so that one search serves them all. Batches and pending points are handled by imagining
that a running measurement says what is expected of it (Ginsbourger, Le Riche & Carraro 2010; for confidence bounds
Desautels, Krause & Burdick 2014): the mean stays, the doubt goes, and the next point is another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from yosegi.planner.acquisition import (
    entropy,
    expected_hypervolume_improvement,
    log_expected_improvement,
    log_target_improvement,
    pareto,
)
from yosegi.planner.classes import Classes
from yosegi.planner.gp import GP, Hyper, fit
from yosegi.planner.limits import Limits, kept
from yosegi.planner.objective import Objective
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats, Ints
from yosegi.planner.surrogate import Surrogate, learn

EASE, EASE_SD, EASE_ROWS = 0.2, 3.0, 4096
"""In a table, improvement is counted from a little above the best measured loss.

By `EASE` standard deviations of the outcome, at most `EASE_SD` of the prediction there. Plain expected improvement
trusts the spread of the prediction near the best and looks too far away for the next best; this found the best recipes
of real tables sooner. Where neighbours are closer than the answer is known (an open space, a table of more than
`EASE_ROWS`) a search would circle about its best, and improvement is counted from the best itself.
"""
APART, APART_ROWS = 2.0, 400
"""In a table of at most `APART_ROWS` rows, a recipe differs from the process by `APART` times what it takes for noise.

No row is measured twice, and the best is the best as measured, so a recipe may be better than its neighbours say by as
much as they differ. Improvement of the process alone avoids the neighbours of what is measured, and on tables whose
best recipes stand beside poor ones it needed more experiments than drawing at random. Twice the noise rather than once
leans further to what is expected to be good, and less to what is least known. In longer tables no difference was clear.

There, too, the process stands about the mean that it estimates itself (`GP.levelled`). A search measures mostly what is
good; about the average of that, all it has not looked at seems good, and it was drawn from one corner to the next. In
longer tables that was the better way to search.
"""
TINY = 1e-300
LATE = 5
"""Measurements a parameter after which a table is searched by the confidence bound, one standard deviation wide.

By then the first good recipe is mostly found, and the bound finds the rest of the best sooner.
"""


class Aim(Protocol):
    """What a planner seeks next."""

    @property
    def outcomes(self) -> dict[str, Surrogate]:
        """What is believed of each outcome, by name."""

    @property
    def limits(self) -> Limits:
        """What a point must keep."""

    def score(self, P: Floats) -> Floats:
        """Shape (m,): how much a measurement by the first source at P (m, d) is wanted; the order is what counts."""

    def gain(self, P: Floats) -> Floats:
        """Shape (m,): what is expected to be gained at P (m, d), see `Expected.gain`."""

    def imagine(self, P: Floats, source: Ints) -> Aim:
        """The aim after measurements at P (m, d) by `source` (m,) that say what is expected of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Improve:
    """One objective to make small, large, or equal to a target.

    Args:
        objective: which.
        surrogate: what is believed of it.
        limits: what a point must keep.
        best: smallest loss of a measured point that keeps the constraints, as measured, or as believed where its noise
            is stated; None while there is none.
        worst: largest such loss, which stands for the best while there is none.
        ease: how far above the best improvement is counted from when points are compared, in the outcome's unit.
        late: whether points are compared by the confidence bound instead.
        apart: standard deviation of one recipe of a short table about what the process says there; none in an open
            space, whose best is the best of what lies under the noise.
    """

    objective: Objective
    surrogate: Surrogate
    limits: Limits
    best: float | None
    worst: float
    ease: float = 0.0
    late: bool = False
    apart: float = 0.0

    @property
    def outcomes(self) -> dict[str, Surrogate]:
        """The one outcome, and the bounded ones."""
        return {self.objective.name: self.surrogate} | {c.name: s for c, s in self.limits.bounds}

    def score(self, P: Floats) -> Floats:
        """Log expected improvement on a loss a little above the best, limits included.

        Until something keeps the constraints, the probability of keeping them alone; late in a table, the log of the
        confidence bound's distance from the worst.
        """
        if self.best is None:
            return self.limits.log_weight(P)
        mean, sd = self.surrogate.posterior(P)
        if self.late:
            sd = np.hypot(sd, self.apart)
            return np.asarray(np.log(np.maximum(self.worst - self.loss(mean) + sd, TINY)) + self.limits.log_weight(P))
        return self.improvement(mean, sd) + self.limits.log_weight(P)

    def gain(self, P: Floats) -> Floats:
        """Expected improvement on the best, in the objective's unit."""
        plain = replace(self, ease=0.0, apart=0.0).improvement(*self.surrogate.posterior(P))
        return np.asarray(np.exp(plain + self.limits.log_probability(P)))

    def improvement(self, mean: Floats, sd: Floats) -> Floats:
        """Log expected improvement of a recipe ~ N(mean, sd² + apart²), any shape, on a loss `ease` above the best."""
        sd = np.hypot(sd, self.apart)
        best = (self.worst if self.best is None else self.best) + np.minimum(self.ease, EASE_SD * sd)
        if self.objective.goal == "target":
            out = log_target_improvement(mean, sd, float(self.objective.target or 0.0), best)
        else:
            out = log_expected_improvement(self.loss(mean), sd, best)
        return out

    def imagine(self, P: Floats, source: Ints) -> Improve:
        """After measurements that say what is expected."""
        return replace(self, surrogate=self.surrogate.imagine(P, source), limits=self.limits.imagine(P, source))

    def loss(self, mean: Floats) -> Floats:
        """What is to be made small, of predicted outcomes of any shape."""
        if self.objective.goal == "target":
            return np.asarray(np.abs(mean - float(self.objective.target or 0.0)))
        return -mean if self.objective.goal == "maximise" else mean


def improve(situation: Situation, objective: Objective) -> Improve | None:
    """The aim of a single objective; None while too little is measured."""
    alone = situation.table is not None and len(situation.table) <= APART_ROWS and len(situation.problem.sources) == 1
    levelled = alone and objective.goal != "target"
    surrogate = learn(situation, objective.name, objective.noise, objective.goal != "maximise", levelled=levelled)
    if surrogate is None:
        return None
    value, error = situation.outcome(objective.name)
    measured = np.isfinite(value) & (situation.source == 0)
    short = situation.table is not None and len(situation.table) <= EASE_ROWS
    ease = EASE * float(surrogate.gp.scale[0]) if short else 0.0
    noisy = objective.noise is not None or bool(np.isfinite(error[measured]).any())
    apart = APART * surrogate.gp.noise_sd() if alone and not noisy else 0.0
    aim = Improve(objective, surrogate, Limits.of(situation), None, 0.0, ease, apart=apart)
    loss = aim.loss(surrogate.posterior(situation.X[measured])[0] if noisy else value[measured])
    good = kept(situation)[measured]
    even = not situation.problem.sources[0].price.per  # a bound is no gain, so it cannot be weighed against costs
    late = short and even and int(measured.sum()) >= LATE * len(situation.problem.parameters)
    if not len(loss):  # nothing but an earlier campaign, whose best is what is to be improved on
        loss, good = aim.loss(surrogate.gp.outcomes), np.ones(surrogate.gp.n, dtype=bool)
    return replace(aim, best=float(loss[good].min()) if good.any() else None, worst=float(loss.max()), late=late)


@dataclass(frozen=True, slots=True, eq=False)
class Front:
    """Two or three objectives: the hypervolume under the front of measured points."""

    objectives: tuple[Objective, ...]
    surrogates: tuple[Surrogate, ...]
    limits: Limits
    front: Floats
    reference: Floats

    @property
    def outcomes(self) -> dict[str, Surrogate]:
        """Every outcome."""
        own = {o.name: s for o, s in zip(self.objectives, self.surrogates, strict=True)}
        return own | {c.name: s for c, s in self.limits.bounds}

    def score(self, P: Floats) -> Floats:
        """Log of the gain; far from any gain, the order of the means decides."""
        losses, sd = self.losses(P)
        gain = expected_hypervolume_improvement(losses, sd, self.front, self.reference)
        out = np.log(np.maximum(gain, TINY))
        return np.asarray(out + self.limits.log_weight(P))

    def gain(self, P: Floats) -> Floats:
        """Expected growth of the hypervolume, in the product of the objectives' units."""
        losses, sd = self.losses(P)
        gain = expected_hypervolume_improvement(losses, sd, self.front, self.reference)
        return np.asarray(gain * np.exp(self.limits.log_probability(P)))

    def imagine(self, P: Floats, source: Ints) -> Front:
        """After measurements that say what is expected; the front takes them in."""
        losses, _ = self.losses(P[source == 0])
        return replace(
            self,
            surrogates=tuple(s.imagine(P, source) for s in self.surrogates),
            limits=self.limits.imagine(P, source),
            front=pareto(np.vstack([self.front, losses])),
        )

    def losses(self, P: Floats) -> tuple[Floats, Floats]:
        """Mean and sd of the losses, shapes (m, objectives); a distance to a target is taken as normal."""
        means, sds = [], []
        for o, s in zip(self.objectives, self.surrogates, strict=True):
            mean, sd = s.posterior(P)
            means.append({"maximise": -mean, "target": np.abs(mean - float(o.target or 0.0))}.get(o.goal, mean))
            sds.append(sd)
        return np.stack(means, axis=1), np.stack(sds, axis=1)


def front(situation: Situation) -> Front | None:
    """The aim of several objectives; None while too little is measured of any."""
    objectives = situation.problem.objectives
    learned = [learn(situation, o.name, o.noise, o.goal != "maximise") for o in objectives]
    surrogates = tuple(s for s in learned if s is not None)
    if len(surrogates) < len(objectives):
        return None
    measured = np.stack([situation.outcome(o.name)[0] for o in objectives], axis=1)
    whole = np.isfinite(measured).all(axis=1) & (situation.source == 0)
    bare = Front(
        objectives, surrogates, Limits.of(situation), np.empty((0, len(objectives))), np.zeros(len(objectives))
    )
    losses, _ = bare.losses(situation.X[whole])
    if not len(losses):
        return None
    good = losses[kept(situation)[whole]]
    reference = _reference(objectives, losses)
    return replace(bare, front=pareto(good) if len(good) else good, reference=reference)


def _reference(objectives: tuple[Objective, ...], losses: Floats) -> Floats:
    """Stated, else a tenth of the range beyond the worst measured; by the front alone its ends would count nothing."""
    low, high = losses.min(axis=0), losses.max(axis=0)
    inferred = high + 0.1 * np.where(high > low, high - low, np.maximum(np.abs(high), 1e-12))
    stated = [o.loss(o.reference) if o.reference is not None else np.nan for o in objectives]
    return np.where(np.isnan(stated), inferred, np.asarray(stated, dtype=float))


@dataclass(frozen=True, slots=True, eq=False)
class Boundary:
    """A map of labels: measure where the label is least certain (Terayama et al. 2019, least certain phase first)."""

    classes: Classes
    limits: Limits

    @property
    def outcomes(self) -> dict[str, Surrogate]:
        """A label has no mean."""
        return {}

    def score(self, P: Floats) -> Floats:
        """Entropy of the label, plus a little for what no measurement is near; while one label is known, that alone."""
        spread = self.classes.spread(P)
        doubt = entropy(self.classes.probabilities(P)) if len(self.classes.labels) > 1 else 0.0
        out = doubt + 0.1 * spread
        return np.asarray(np.log(np.maximum(out, TINY)) + self.limits.log_weight(P))

    def gain(self, P: Floats) -> Floats:
        """Entropy of the label, in nats."""
        return entropy(self.classes.probabilities(P))

    def imagine(self, P: Floats, source: Ints) -> Boundary:
        """After measurements that say what is expected."""
        return Boundary(self.classes.condition(P), self.limits.imagine(P, source))


def boundary(situation: Situation, objective: Objective) -> Boundary | None:
    """The aim of a map of labels; None while nothing is labelled."""
    found = [(i, o.outcomes.get(objective.name)) for i, o in enumerate(situation.ended)]
    seen = [(i, str(label)) for i, label in found if label is not None and label == label]
    if not seen:
        return None
    at = np.array([i for i, _ in seen])
    classes = Classes.of(situation.X[at], [label for _, label in seen], situation.space.groups)
    return Boundary(classes, Limits.of(situation))


@dataclass(frozen=True, slots=True, eq=False)
class Explore:
    """Knowledge of one outcome everywhere, or of the space itself: measure where the doubt is largest."""

    name: str | None
    process: Surrogate | GP
    limits: Limits

    @property
    def outcomes(self) -> dict[str, Surrogate]:
        """The explored outcome, if there is one."""
        return {self.name: self.process} if self.name and isinstance(self.process, Surrogate) else {}

    def score(self, P: Floats) -> Floats:
        """Log of the standard deviation, limits included."""
        return np.asarray(np.log(self.process.posterior(P)[1]) + self.limits.log_weight(P))

    def gain(self, P: Floats) -> Floats:
        """Variance that a measurement would remove, in the outcome's unit squared (a share without an outcome)."""
        return np.asarray(self.process.posterior(P)[1] ** 2)

    def imagine(self, P: Floats, source: Ints) -> Explore:
        """After measurements at P."""
        if isinstance(self.process, Surrogate):
            process: Surrogate | GP = self.process.imagine(P, source)
        else:
            process = self.process.condition(P, np.zeros(len(P)))
        return replace(self, process=process, limits=self.limits.imagine(P, source))


def explore(situation: Situation, objective: Objective | None) -> Explore | None:
    """The aim of exploration; without an outcome a process of fixed length scale says what is far from everything."""
    limits = Limits.of(situation)
    if objective is not None:
        surrogate = learn(situation, objective.name, objective.noise)
        return None if surrogate is None else Explore(objective.name, surrogate, limits)
    if not len(situation.X):
        return None
    groups = situation.space.groups
    blank = fit(situation.X, np.zeros(len(situation.X)), groups, standard=(0.0, 1.0))
    even = Hyper(np.full_like(blank.hyper.length, 0.5 * np.sqrt(len(blank.hyper.length))), np.full(1, 1e-4), np.ones(1))
    return Explore(None, blank.with_hyper(even), limits)


def aim_of(situation: Situation) -> Aim | None:
    """What the problem seeks, learned from its history; None while too little is measured for a model."""
    objectives = situation.problem.objectives
    if not objectives:
        return explore(situation, None)
    if len(objectives) > 1:
        return front(situation)
    goal = objectives[0].goal
    if goal == "boundary":
        return boundary(situation, objectives[0])
    return explore(situation, objectives[0]) if goal == "explore" else improve(situation, objectives[0])
