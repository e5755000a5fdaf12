"""Ax (Olson et al. 2025, AutoML): its default Bayesian model, whose acquisition function is asked at every candidate.

Ax proposes points of a search space, not rows of a table. Its adapter evaluates the acquisition function it would have
optimised at given points, which is what is done here at every free candidate.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from ax.adapter.registry import Generators
from ax.core.arm import Arm
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.metric import Metric
from ax.core.objective import Objective
from ax.core.observation import ObservationFeatures
from ax.core.optimization_config import OptimizationConfig
from ax.core.parameter import ParameterType, RangeParameter
from ax.core.search_space import SearchSpace

from yosegi.planner import Observation, Pending, Problem, Proposal
from yosegi.planner.situation import Situation

logging.getLogger("ax").setLevel(logging.ERROR)

_METRIC = "outcome"


@cache
def _space(problem: Problem) -> SearchSpace:
    table = problem.candidates
    if table is None:
        raise ValueError("Ax is given a table here")
    columns = {name: np.asarray(table.columns[name], dtype=float) for name in problem.names}
    return SearchSpace(
        [RangeParameter(n, ParameterType.FLOAT, float(c.min()), float(c.max())) for n, c in columns.items()]
    )


def _experiment(problem: Problem, history: Sequence[Observation]) -> tuple[Experiment, Data]:
    objective = problem.objectives[0]
    wanted = f"-{_METRIC}" if objective.goal == "minimise" else _METRIC
    config = OptimizationConfig(Objective(wanted, metric_name_to_signature={_METRIC: _METRIC}))
    experiment = Experiment(
        search_space=_space(problem), optimization_config=config, tracking_metrics=[Metric(_METRIC)]
    )
    trial = experiment.new_batch_trial()
    trial.add_arms_and_weights([Arm(dict(o.values), name=f"0_{i}") for i, o in enumerate(history)])
    trial.mark_running(no_runner_required=True)
    rows = [
        {"trial_index": 0, "arm_name": f"0_{i}", "metric_name": _METRIC, "mean": o.value(objective.name), "sem": np.nan}
        for i, o in enumerate(history)
    ]
    data = Data(df=pd.DataFrame([{**row, "metric_signature": _METRIC} for row in rows]))
    experiment.attach_data(data)
    trial.mark_completed()
    return experiment, data


@dataclass(frozen=True, slots=True)
class Ax:
    """A new experiment a call, given the whole history in one trial."""

    name: str = "ax"

    def suggest(
        self, problem: Problem, history: Sequence[Observation], *, pending: Sequence[Pending], count: int, seed: int
    ) -> list[Proposal]:
        """The next recipe."""
        if pending or count != 1:
            raise ValueError("the benchmark asks Ax for one at a time")
        torch.manual_seed(1000 * seed + len(history))
        situation = Situation.of(problem, history)
        free = np.flatnonzero(situation.free())
        table = situation.space.table(problem.candidates) if problem.candidates is not None else np.zeros((0, 0))
        points = [ObservationFeatures(dict(zip(problem.names, row, strict=True))) for row in table[free].tolist()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            experiment, data = _experiment(problem, history)
            adapter: Any = Generators.BOTORCH_MODULAR(experiment=experiment, data=data)
            values = adapter.evaluate_acquisition_function(points)
        index = int(free[int(np.argmax(values))])
        return [situation.proposal(table[index], index, 0, "Ax", Proposal({}).expected)]


PLANNER = Ax()
