"""What a model learned of a history, for people.

How well it predicts, how outcomes depend on each parameter, which of them matter, and how long a random search would
have taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from yosegi.planner.history import Observation
from yosegi.planner.objective import Objective
from yosegi.planner.parameter import Level, Values
from yosegi.planner.problem import Problem
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats
from yosegi.planner.surrogate import Surrogate, learn, r_squared

FEWEST = 4
"""Measurements of the first source from which a model says anything."""
POINTS = 11
"""Places along a parameter in one slice."""
SAMPLES = 512
"""Random points by which importance and the random search are judged."""


@dataclass(frozen=True, slots=True)
class ParityPoint:
    """One measurement, and what the model says of it from all others.

    Args:
        measured, predicted, sd: in the outcome's unit; `sd` is of a measurement, noise included.
    """

    measured: float
    predicted: float
    sd: float


@dataclass(frozen=True, slots=True)
class ParameterSlice:
    """The outcome along one parameter, the others as at the best point.

    Args:
        at: values of the parameter, in its unit.
        mean, sd: of the noiseless outcome there, in its unit.
        importance: total share of the model's variance that goes through this parameter, from 0 to 1 (Jansen 1999;
            Saltelli et al. 2010, eq. 20), over the space without its constraints or over the candidates.
    """

    parameter: str
    at: tuple[Level, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    importance: float


@dataclass(frozen=True, slots=True)
class LearnedOutcome:
    """One outcome as the model has it.

    Args:
        r_squared: share of the variance that leave-one-out predictions explain; below zero, worse than the mean.
        noise: standard deviation of one measurement, in its unit.
        covered: share of measurements within 1.64 sd of their leave-one-out prediction; 0.9 if the model is honest.
        best: mean and sd of the noiseless outcome at the best point; None where there is no one best.
    """

    name: str
    r_squared: float
    noise: float
    covered: float
    parity: tuple[ParityPoint, ...]
    slices: tuple[ParameterSlice, ...]
    best: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class RandomSearch:
    """How many random points the model expects until one is as good as the best: geometric, of its chance at each.

    Args:
        expected: the mean; infinity where the model sees no chance at all.
        low, high: between which it lies nine times of ten.
    """

    expected: float
    low: float
    high: float


def learned(problem: Problem, history: Sequence[Observation], best: Values | None, seed: int) -> list[LearnedOutcome]:
    """What is learned of each objective and limit of which enough is measured; labels are left out.

    Args:
        problem: the question.
        history: what has ended.
        best: the point through which slices go; the middle of what was measured if None.
        seed: the same arguments give the same answer.
    """
    situation = Situation.of(problem, history)
    found = []
    goals = [(o.name, o.noise, o.goal != "maximise") for o in problem.objectives if o.goal != "boundary"]
    for name, noise, minimise in [*goals, *((o.name, o.noise, True) for o in problem.outcome_constraints)]:
        value, _ = situation.outcome(name)
        if np.isfinite(value[situation.source == 0]).sum() < FEWEST:
            continue
        surrogate = learn(situation, name, noise, minimise)
        if surrogate is not None:
            found.append(_outcome(situation, name, surrogate, best, seed))
    return found


def random_search(problem: Problem, history: Sequence[Observation], value: float, seed: int) -> RandomSearch | None:
    """How long a random search would take to a point as good as `value`, by what the model has learned.

    The chance of one random point is the mean over the space of the probability that its noiseless outcome is at least
    as good. Limits are not asked of it, so it is flattered where there are some.

    Args:
        problem: with one objective that is to be made small, large or near a target.
        history: what has ended.
        value: of the objective, in its unit.
        seed: the same arguments give the same answer.
    """
    goal = problem.objectives[0]
    if len(problem.objectives) != 1 or goal.goal in ("boundary", "explore"):
        return None
    situation = Situation.of(problem, history)
    measured, _ = situation.outcome(goal.name)
    if np.isfinite(measured[situation.source == 0]).sum() < FEWEST:
        return None
    surrogate = learn(situation, goal.name, goal.noise, goal.goal != "maximise")
    if surrogate is None:
        return None
    mean, sd = surrogate.posterior(situation.space.coordinates(_random_rows(situation, SAMPLES, seed)))
    chance = float(np.mean(_as_good(goal, value, mean, np.maximum(sd, 1e-300))))
    if chance < 1e-6:
        return RandomSearch(math.inf, math.inf, math.inf)
    if chance > 1 - 1e-9:
        return RandomSearch(1.0, 1.0, 1.0)
    low, high = (max(1.0, math.ceil(math.log1p(-q) / math.log1p(-chance))) for q in (0.05, 0.95))
    return RandomSearch(1.0 / chance, low, high)


def _as_good(goal: Objective, value: float, mean: Floats, sd: Floats) -> Floats:
    if goal.goal == "target":
        middle = goal.target or 0.0
        reach = abs(value - middle)
        inside = scipy.special.ndtr((middle + reach - mean) / sd) - scipy.special.ndtr((middle - reach - mean) / sd)
        return np.asarray(inside, dtype=float)
    below = np.asarray(scipy.special.ndtr((value - mean) / sd), dtype=float)
    return 1.0 - below if goal.goal == "maximise" else below


def _outcome(situation: Situation, name: str, surrogate: Surrogate, best: Values | None, seed: int) -> LearnedOutcome:
    gp = surrogate.gp
    predicted, sd = gp.leave_one_out()
    own = gp.data.source == 0
    measured = gp.offset[0] + gp.scale[0] * gp.data.y[own]
    predicted, sd = predicted[own], sd[own]
    row = _row_of(situation, best)
    importance = _importance(situation, surrogate, seed)
    at_best = None
    if best is not None:
        mean, spread = surrogate.posterior(situation.space.coordinates(row[None, :]))
        at_best = float(mean[0]), float(spread[0])
    return LearnedOutcome(
        name,
        r_squared(gp),
        gp.noise_sd(),
        float(np.mean(np.abs(measured - predicted) <= 1.6449 * sd)),
        tuple(ParityPoint(*map(float, each)) for each in zip(measured, predicted, sd, strict=True)),
        tuple(
            replace(_slice(situation, surrogate, row, place), importance=float(importance[place]))
            for place in range(len(situation.space.parameters))
        ),
        at_best,
    )


def _row_of(situation: Situation, best: Values | None) -> Floats:
    """The row of the best point, or of the measurement nearest to the middle of all."""
    if best is not None:
        return np.asarray(situation.space.rows([best])[0])
    middle = np.median(situation.X, axis=0)
    nearest = int(np.argmin(np.sum((situation.X - middle) ** 2, axis=1)))
    return np.asarray(situation.space.rows([situation.ended[nearest].values])[0])


def _slice(situation: Situation, surrogate: Surrogate, row: Floats, place: int) -> ParameterSlice:
    p = situation.space.parameters[place]
    if p.discrete:
        numbers = np.arange(len(p.levels), dtype=float)
    elif p.log:
        numbers = np.geomspace(float(p.low or 1.0), float(p.high or 1.0), POINTS)
    else:
        numbers = np.linspace(float(p.low or 0.0), float(p.high or 0.0), POINTS)
    rows = np.tile(row, (len(numbers), 1))
    rows[:, place] = numbers
    mean, sd = surrogate.posterior(situation.space.coordinates(rows))
    at = tuple(situation.space.values(one)[p.name] for one in rows)
    return ParameterSlice(p.name, at, tuple(map(float, mean)), tuple(map(float, sd)), 0.0)


def _importance(situation: Situation, surrogate: Surrogate, seed: int) -> Floats:
    """Shape (p,): total-effect indices of the posterior mean, clipped to [0, 1]."""
    space = situation.space
    first, second = (_random_rows(situation, SAMPLES, seed + n) for n in (0, 1))
    base = surrogate.posterior(space.coordinates(first))[0]
    variance = float(np.var(base))
    out = np.zeros(len(space.parameters))
    for place in range(len(out)):
        mixed = first.copy()
        mixed[:, place] = second[:, place]
        other = surrogate.posterior(space.coordinates(mixed))[0]
        out[place] = float(np.mean((base - other) ** 2)) / (2 * variance) if variance > 0 else 0.0
    return np.clip(out, 0.0, 1.0)


def _random_rows(situation: Situation, count: int, seed: int) -> Floats:
    """Shape (count, p): candidates drawn at random, or points of the box, each parameter on its own."""
    rng = np.random.default_rng(seed)
    table = situation.problem.candidates
    if table is not None:
        return situation.space.table_rows(table, rng.integers(0, len(table), count))
    columns = []
    for p in situation.space.parameters:
        if p.discrete:
            columns.append(rng.integers(0, len(p.levels), count).astype(float))
            continue
        low, high = float(p.low or 0.0), float(p.high or 0.0)
        u = rng.random(count)
        columns.append(low * (high / low) ** u if p.log else low + (high - low) * u)
    return np.column_stack(columns)
