"""Optuna (Akiba et al. 2019, KDD): its tree-structured Parzen estimator (Watanabe 2023) and its Gaussian process.

Optuna samples a box, not a table or a polytope. There, the point on offer that lies nearest to Optuna's own (in scaled
coordinates) is proposed.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchmarks.planner.adapters._choice import LEAST, AdapterChoice, require
from yosegi.planner.history import Observation, Pending, Status
from yosegi.planner.parameter import Level, Parameter, Values
from yosegi.planner.problem import Problem
from yosegi.planner.proposal import Expected, Proposal

_SAYS = {"tpe": "Optuna's TPE", "gp": "Optuna's Gaussian process"}


@dataclass(frozen=True, slots=True)
class Optuna:
    """One of Optuna's samplers as a planner; what is running is told as running trials."""

    sampler: Literal["tpe", "gp"] = "tpe"

    @property
    def name(self) -> str:
        """`optuna-tpe` or `optuna-gp`."""
        return f"optuna-{self.sampler}"

    def suggest(
        self, problem: Problem, history: Sequence[Observation], *, pending: Sequence[Pending], count: int, seed: int
    ) -> list[Proposal]:
        """Up to `count` proposals, as `yosegi.planner.suggest`.

        Raises:
            MissingLibrary: Optuna is not installed.
            Unsupported: the problem has what Optuna is not asked here.
        """
        library = require(self.name, "optuna", "optuna")
        if self.sampler == "gp":
            require(self.name, "torch", "torch")
        answers: list[Proposal] = []
        while len(answers) < count:
            running = [*pending, *(Pending(p.values, p.source) for p in answers)]
            choice = AdapterChoice.of(self.name, problem, history, running, seed)
            found = self._one(library, choice, history, running)
            if not found:
                break
            answers += found
        return answers

    def _one(
        self, library: Any, choice: AdapterChoice, history: Sequence[Observation], running: Sequence[Pending]
    ) -> list[Proposal]:
        if not choice.ready:
            return choice.begin(_SAYS[self.sampler], 1)
        kinds = {"tpe": library.samplers.TPESampler, "gp": library.samplers.GPSampler}
        with _quiet(library):
            study = library.create_study(
                sampler=kinds[self.sampler](seed=choice.seed, n_startup_trials=LEAST), direction="maximize"
            )
            space = {p.name: _distribution(library, p) for p in choice.situation.space.parameters}
            study.add_trials(list(_trials(library, space, choice, history, running)))
            asked = study.ask(space).params
        return [_serve(choice, asked, _SAYS[self.sampler])]


def _serve(choice: AdapterChoice, asked: Values, says: str) -> Proposal:
    """The point on offer nearest to what was asked; in an open box without constraints the point itself."""
    space, region = choice.situation.space, choice.situation.region
    row = space.rows([asked])
    nothing = np.array([np.nan])
    if region is not None and not region.constraints:
        settled = region.settle(row)
        at, taken = space.coordinates(settled), choice.situation.taken()
        if not len(taken) or np.abs(taken - at).max(axis=1).min() > 0:
            expected = Expected(cost=float(choice.situation.cost(0, settled)[0]))
            return choice.situation.proposal(settled[0], None, 0, f"{says} asks for this point", expected)
    distance = np.sqrt(((choice.points - space.coordinates(row)) ** 2).sum(axis=1))
    nearest = int(np.argmin(distance))
    reason = f"nearest to the point that {says} asks for, {distance[nearest]:.2g} away in scaled coordinates"
    return choice.proposals([nearest], reason, nothing, nothing)[0]


def _trials(
    library: Any,
    space: dict[str, Any],
    choice: AdapterChoice,
    history: Sequence[Observation],
    running: Sequence[Pending],
) -> Iterator[Any]:
    """The history as Optuna's trials; a point outside the bounds is not told, as Optuna refuses it."""
    make, states, objective = library.trial.create_trial, library.trial.TrialState, choice.objective
    for o in history:
        params, value = _inside(choice, o.values), o.value(objective.name)
        if params is None or o.status not in (Status.DONE, Status.INFEASIBLE):
            continue
        if o.status is Status.INFEASIBLE:
            yield make(params=params, distributions=space, state=states.FAIL)
        elif np.isfinite(value):
            yield make(params=params, distributions=space, value=-objective.loss(value))
    for p in running:
        if (params := _inside(choice, p.values)) is not None:
            yield make(params=params, distributions=space, state=states.RUNNING)


def _distribution(library: Any, p: Parameter) -> Any:
    kinds = library.distributions
    if p.discrete:
        return kinds.CategoricalDistribution(p.levels)
    low, high = float(p.low or 0.0), float(p.high or 0.0)
    if p.kind == "integer":
        return kinds.IntDistribution(round(low), round(high), log=p.log)
    return kinds.FloatDistribution(low, high, log=p.log)


def _inside(choice: AdapterChoice, values: Values) -> dict[str, Level] | None:
    """The point by parameter name, None when a value is missing or beyond its bounds."""
    out: dict[str, Level] = {}
    for p in choice.situation.space.parameters:
        value = values.get(p.name)
        if value is None or (p.discrete and value not in p.levels):
            return None
        if not p.discrete and not float(p.low or 0.0) <= float(value) <= float(p.high or 0.0):
            return None
        out[p.name] = int(value) if p.kind == "integer" else value
    return out


@contextlib.contextmanager
def _quiet(library: Any) -> Iterator[None]:
    """Optuna logs every study and warns of what is experimental; the caller's settings come back afterwards."""
    verbosity = library.logging.get_verbosity()
    library.logging.set_verbosity(library.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        library.logging.set_verbosity(verbosity)
