"""Halton's sequence (Numerische Mathematik 2, 84 (1960)), scrambled, as a proposer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import qmc

from yosegi.planner import BadProblem, Observation, Parameter, Pending, Problem, Proposal

MOST = 20_000
"""Points that are looked at for one that the constraints allow and nobody has."""


class Halton:
    """The next points of a Halton sequence that hold the constraints and are not taken."""

    name = "halton"

    def suggest(
        self, problem: Problem, history: Sequence[Observation], *, pending: Sequence[Pending], count: int, seed: int
    ) -> list[Proposal]:
        """Up to `count` points, in the order of the sequence; fewer where the first 20,000 hold no more that are free.

        Raises:
            BadProblem: a table of candidates, or a constraint that says equals: no point of a sequence holds it.
        """
        if problem.candidates is not None or any(linear.equals is not None for linear in problem.constraints):
            raise BadProblem("problem", "a Halton sequence neither fills a table nor holds an equality", "use gp")
        taken = {_key(problem, one.values) for one in (*history, *pending)}
        # One seed for the whole campaign: the seed given differs at each step, and a sequence must not start anew.
        sequence = qmc.Halton(len(problem.parameters), scramble=True, rng=np.random.default_rng(0))
        found: list[Proposal] = []
        for number, row in enumerate(sequence.random(MOST), 1):
            values = {p.name: _value(p, float(x)) for p, x in zip(problem.parameters, row, strict=True)}
            if _key(problem, values) in taken or not all(linear.holds(values) for linear in problem.constraints):
                continue
            taken.add(_key(problem, values))
            reason = f"point {number} of a Halton sequence, to cover the space evenly"
            found.append(Proposal(values, problem.target_source.name, reason))
            if len(found) == count:
                return found
        return found


def _value(parameter: Parameter, x: float) -> str | int | float | bool:
    """A coordinate between 0 and 1 in the parameter's own unit, on its resolution."""
    if parameter.discrete:
        return parameter.levels[min(int(x * len(parameter.levels)), len(parameter.levels) - 1)]
    low, high = float(parameter.low or 0.0), float(parameter.high or 0.0)
    value = low * (high / low) ** x if parameter.log else low + x * (high - low)
    if parameter.step:
        value = low + parameter.step * round((value - low) / parameter.step)
    value = min(high, max(low, value))
    return round(value) if parameter.kind == "integer" else float(f"{value:.12g}")


def _key(problem: Problem, values) -> tuple:
    return tuple(values.get(name) for name in problem.names)
