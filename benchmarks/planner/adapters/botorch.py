"""BoTorch: its default Gaussian process (`SingleTaskGP`) and log expected improvement at every point on offer.

Balandat et al. 2020 (NeurIPS); Ament et al. 2023 (NeurIPS) for the acquisition function; Hvarfner et al. 2024 (ICML)
for the prior of the length scales.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.planner.adapters._choice import AdapterChoice, require
from yosegi.planner.history import Observation, Pending
from yosegi.planner.problem import Problem
from yosegi.planner.proposal import Proposal
from yosegi.planner.space import Floats

_AT_ONCE = 2048  # points whose posterior is held in memory


@dataclass(frozen=True, slots=True)
class BoTorch:
    """BoTorch as a planner; what is running is fantasised."""

    name: str = "botorch"

    def suggest(
        self, problem: Problem, history: Sequence[Observation], *, pending: Sequence[Pending], count: int, seed: int
    ) -> list[Proposal]:
        """Up to `count` proposals, as `yosegi.planner.suggest`.

        Raises:
            MissingLibrary: BoTorch is not installed.
            Unsupported: the problem has what BoTorch is not asked here.
        """
        torch = require(self.name, "torch", "torch")
        require(self.name, "botorch", "botorch")
        choice = AdapterChoice.of(self.name, problem, history, pending, seed)
        if not choice.ready:
            return choice.begin("BoTorch", count)
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")  # its advice on scaling and jitter is not the campaign's
            torch.manual_seed(choice.seed)
            model = _fit(torch, choice)
            chosen = _choose(torch, choice, model, min(count, len(choice.points)))
            mean, sd = _predict(torch, model, choice.points[chosen])
        return choice.proposals(chosen, "BoTorch's log expected improvement is greatest here", mean, sd)


def _fit(torch: Any, choice: AdapterChoice) -> Any:
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from gpytorch.mlls import ExactMarginalLogLikelihood

    # outcomes are standardised already; BoTorch's own transform does not take constant ones
    model = SingleTaskGP(torch.as_tensor(choice.x), torch.as_tensor(choice.y)[:, None], outcome_transform=None)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return model


def _choose(torch: Any, choice: AdapterChoice, model: Any, count: int) -> list[int]:
    """One at a time, those chosen before counting as running (sequential greedy, Wilson et al. 2018)."""
    from botorch.acquisition import LogExpectedImprovement, qLogExpectedImprovement

    best, points = float(choice.y.max()), torch.as_tensor(choice.points)
    chosen: list[int] = []
    for _ in range(count):
        running = np.vstack([choice.situation.pending, choice.points[chosen]])
        if len(running):
            acquisition = qLogExpectedImprovement(model, best_f=best, X_pending=torch.as_tensor(running))
        else:
            acquisition = LogExpectedImprovement(model, best_f=best)
        with torch.no_grad():
            values = torch.cat([acquisition(part[:, None, :]) for part in points.split(_AT_ONCE)])
        values[chosen] = -torch.inf
        chosen.append(int(values.argmax()))
    return chosen


def _predict(torch: Any, model: Any, points: Floats) -> tuple[Floats, Floats]:
    with torch.no_grad():
        posterior = model.posterior(torch.as_tensor(points))
    return posterior.mean[:, 0].numpy(), posterior.variance[:, 0].sqrt().numpy()
