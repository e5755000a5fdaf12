"""PHYSBO (Motoyama et al. 2022, Comput. Phys. Commun. 278, 108405), which NIMO calls for laboratories in Japan.

Its exact Gaussian process (`num_rand_basis=0`) and expected improvement; columns are centred and scaled as its manual
asks.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.planner.adapters._choice import AdapterChoice, require
from yosegi.planner.history import Observation, Pending
from yosegi.planner.problem import Problem
from yosegi.planner.proposal import Proposal


@dataclass(frozen=True, slots=True)
class Physbo:
    """PHYSBO as a planner; what is running is not proposed again, and PHYSBO learns nothing else of it."""

    name: str = "physbo"

    def suggest(
        self, problem: Problem, history: Sequence[Observation], *, pending: Sequence[Pending], count: int, seed: int
    ) -> list[Proposal]:
        """Up to `count` proposals, as `yosegi.planner.suggest`.

        Raises:
            MissingLibrary: PHYSBO is not installed.
            Unsupported: the problem has what PHYSBO is not asked here.
        """
        library = require(self.name, "physbo", "physbo")
        choice = AdapterChoice.of(self.name, problem, history, pending, seed)
        if not choice.ready or np.ptp(choice.y) == 0.0:
            return choice.begin("PHYSBO", count)
        everything = np.vstack([choice.x, choice.points])
        centre, spread = everything.mean(axis=0), everything.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        measured, offered = (choice.x - centre) / spread, (choice.points - centre) / spread
        with _contained(choice.seed):
            policy = library.search.discrete.Policy(test_X=offered)
            policy.write(np.full(len(measured), -1), choice.y, X=measured)
            wanted = min(count, len(offered))
            chosen = policy.bayes_search(max_num_probes=1, num_search_each_probe=wanted, score="EI", is_disp=False)
            at = offered[chosen]
            mean, variance = np.ravel(policy.get_post_fmean(at)), np.ravel(policy.get_post_fcov(at))
        reason = "PHYSBO's expected improvement is greatest here"
        return choice.proposals(np.asarray(chosen).tolist(), reason, mean, np.sqrt(np.maximum(variance, 0.0)))


@contextlib.contextmanager
def _contained(seed: int) -> Iterator[None]:
    """PHYSBO prints, and draws from NumPy's global generator: neither reaches the caller."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        np.random.set_state(before)
