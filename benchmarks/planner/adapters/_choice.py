"""What all adapters do alike: read the problem into arrays, begin without a model, and put a choice into words."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.planner.adapters._errors import MissingLibrary, Unsupported
from yosegi.planner.design import place
from yosegi.planner.history import Observation, Pending
from yosegi.planner.objective import Objective
from yosegi.planner.problem import Problem
from yosegi.planner.proposal import Expected, Proposal
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats, Ints, match

LEAST = 2
"""Measurements below which no model is asked."""

DRAWN = 1024
"""Points of an open space that are weighed against each other."""


def require(planner: str, module: str, package: str) -> Any:
    """The module, imported now.

    Raises:
        MissingLibrary: its package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingLibrary(planner, package) from error


@dataclass(frozen=True, slots=True, eq=False)
class AdapterChoice:
    """Measured points and the points to choose from, in the coordinates of `yosegi.planner.space`.

    Attributes:
        situation: the problem and its history.
        objective: the single objective.
        x: measured points, shape (n, d).
        y: what is to be made large there, shape (n,): the objective's loss, negated, to mean 0 and deviation 1.
        centre: what was taken off the negated loss, in the objective's unit.
        scale: what it was divided by, in the objective's unit; 1 for constant outcomes.
        rows: points to choose from as parameter rows, shape (m, p); none of them measured or running.
        points: their coordinates, shape (m, d).
        index: their places in the candidates, shape (m,); None in an open space.
        seed: of 32 bits, for this step.
    """

    situation: Situation
    objective: Objective
    x: Floats
    y: Floats
    centre: float
    scale: float
    rows: Floats
    points: Floats
    index: Ints | None
    seed: int

    @classmethod
    def of(
        cls, planner: str, problem: Problem, history: Sequence[Observation], pending: Sequence[Pending], seed: int
    ) -> AdapterChoice:
        """Read the problem.

        Raises:
            Unsupported: it has more than one objective or source, or another goal.
        """
        objective = _objective(planner, problem)
        situation = Situation.of(problem, history, pending)
        values, _ = situation.outcome(objective.name)
        known = np.isfinite(values)
        gain = np.array([-objective.loss(v) for v in values[known].tolist()])
        centre, scale = (float(gain.mean()), float(gain.std()) or 1.0) if len(gain) else (0.0, 1.0)
        x, y = situation.X[known], (gain - centre) / scale
        step = int(np.random.SeedSequence([seed, len(situation.X), len(pending)]).generate_state(1)[0])
        rows, index = _offered(situation, y, step)
        return cls(
            situation, objective, x, y, centre, scale, rows, situation.space.coordinates(rows), index, step % 2**31
        )

    @property
    def ready(self) -> bool:
        """Whether there is enough for a model, and anything left to choose."""
        return len(self.x) >= LEAST and len(self.points) > 0

    def begin(self, planner: str, count: int) -> list[Proposal]:
        """The first points, before a model can speak: a scrambled Sobol sequence."""
        found = place(self.situation, "sobol", count, self.seed)
        because = f"{planner} has too few measurements for a model: "
        return [replace(p, reason=because + p.reason) for p in found]

    def proposals(self, chosen: Sequence[int], reason: str, mean: Floats, sd: Floats) -> list[Proposal]:
        """The chosen of `points`, with what the library predicts there, on the scale of `y`; NaN for no prediction."""
        answers = []
        for at, m, s in zip(chosen, mean.tolist(), sd.tolist(), strict=True):
            where = None if self.index is None else int(self.index[at])
            row, name = self.rows[at], self.objective.name
            cost = float(self.situation.cost(0, row[None], None if where is None else np.array([where]))[0])
            says, expected = reason, Expected(cost=cost)
            if np.isfinite(m):
                value, spread = self._value(m), s * self.scale
                says = f"{reason}; {name} {value:.4g} ± {spread:.2g} predicted"
                expected = Expected({name: value}, {name: spread}, cost=cost)
            answers.append(self.situation.proposal(row, where, 0, says, expected))
        return answers

    def _value(self, mean: float) -> float:
        """A prediction of `y` as the outcome; for a target, the nearer side is not known and the loss is given."""
        gain = mean * self.scale + self.centre
        return gain if self.objective.goal == "maximise" else -gain


def _objective(planner: str, problem: Problem) -> Objective:
    if len(problem.objectives) != 1 or problem.objectives[0].goal in ("boundary", "explore"):
        raise Unsupported(planner, "anything but one objective to minimise, maximise or bring to a target")
    if len(problem.sources) > 1 or problem.outcome_constraints or problem.earlier:
        raise Unsupported(planner, "further sources, outcome constraints or earlier campaigns")
    return problem.objectives[0]


def _offered(situation: Situation, y: Floats, seed: int) -> tuple[Floats, Ints | None]:
    """Free candidates; in an open space, points drawn everywhere and around the best three."""
    space, region = situation.space, situation.region
    if region is None:
        candidates = situation.problem.candidates
        free = np.flatnonzero(situation.free())
        table = np.zeros((0, len(space.parameters))) if candidates is None else space.table(candidates)[free]
        return table, free
    rows = region.draw(DRAWN, seed)
    if len(y) >= LEAST:
        best = _best(situation, y)
        rows = np.vstack([rows, region.near(best, 0.1, 64, seed), region.near(best, 0.02, 64, seed + 1)])
    _, first = np.unique(rows, axis=0, return_index=True)
    rows = rows[np.sort(first)]
    keep = np.ones(len(rows), dtype=bool)
    for same in match(space.coordinates(rows), situation.taken()):
        keep[same] = False
    return rows[keep], None


def _best(situation: Situation, y: Floats) -> Floats:
    """Parameter rows of the three best measured points, shape (at most 3, p)."""
    known = [o for o in situation.ended if np.isfinite(o.value(situation.problem.objectives[0].name))]
    return situation.space.rows(known[i].values for i in np.argsort(-y, kind="stable")[:3])
