"""BayBE (Fitzner et al. 2025, Digital Discovery 4, 1991): its Bayesian recommender over a discrete search space."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from baybe import Campaign
from baybe.objectives import SingleTargetObjective
from baybe.parameters import NumericalDiscreteParameter
from baybe.recommenders import BotorchRecommender
from baybe.searchspace import SearchSpace
from baybe.targets import NumericalTarget

from yosegi.planner import Observation, Pending, Problem, Proposal

_OUTCOME = "outcome"


@cache
def _parts(problem: Problem) -> tuple[Any, Any, dict[tuple[float, ...], int]]:
    """The search space, the objective, and the row of each recipe; made once a table."""
    table = problem.candidates
    if table is None:
        raise ValueError("BayBE is given a table")
    frame = pd.DataFrame({name: np.asarray(table.columns[name], dtype=float) for name in problem.names})
    parameters = [NumericalDiscreteParameter(n, values=sorted(set(frame[n]))) for n in problem.names]
    space = SearchSpace.from_dataframe(frame, parameters)
    target = NumericalTarget(_OUTCOME, minimize=problem.objectives[0].goal == "minimise")
    rows = {tuple(row): i for i, row in enumerate(frame.itertuples(index=False, name=None))}
    return space, SingleTargetObjective(target), rows


@dataclass(frozen=True, slots=True)
class BayBE:
    """A new campaign a call, given the whole history; measured recipes are not recommended again."""

    name: str = "baybe"

    def suggest(
        self, problem: Problem, history: Sequence[Observation], *, pending: Sequence[Pending], count: int, seed: int
    ) -> list[Proposal]:
        """The next recipes."""
        if pending:
            raise ValueError("the benchmark gives BayBE nothing that is running")
        space, objective, rows = _parts(problem)
        torch.manual_seed(1000 * seed + len(history))
        campaign = Campaign(
            space,
            objective,
            BotorchRecommender(),
            allow_recommending_already_measured=False,
            allow_recommending_already_recommended=False,
        )
        outcome = problem.objectives[0].name
        measured = [{**o.values, _OUTCOME: o.value(outcome)} for o in history]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            campaign.add_measurements(pd.DataFrame(measured))
            found = campaign.recommend(count)
        chosen = [rows[tuple(float(r[n]) for n in problem.names)] for _, r in found.iterrows()]
        return [
            Proposal(dict(r[list(problem.names)]), candidate=str(i))
            for i, (_, r) in zip(chosen, found.iterrows(), strict=True)
        ]


PLANNER = BayBE()
