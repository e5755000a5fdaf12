"""What is wanted: objectives, constraints on outcomes, sources and what they cost, and when to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yosegi.planner.errors import BadProblem
from yosegi.planner.parameter import Cost, Values

Goal = Literal["minimise", "maximise", "target", "boundary", "explore"]


@dataclass(frozen=True, slots=True)
class Objective:
    """One outcome and what is wanted of it.

    Args:
        name: the outcome's name in the history.
        goal: `minimise`, `maximise`, `target` (come as near as possible to `target`), `boundary` (the outcome is a
            label; map where it changes, most uncertain next) or `explore` (learn the outcome everywhere).
        target: the wanted value for `target`, in `unit`.
        noise: standard deviation of one measurement, in `unit`, where it is known; else it is learned.
        unit: UCUM unit, `1` for none.
        reference: with two or three objectives, the worst value of interest, in `unit`; else taken from the history.
    """

    name: str
    goal: Goal = "minimise"
    target: float | None = None
    noise: float | None = None
    unit: str = "1"
    reference: float | None = None

    def __post_init__(self) -> None:
        """Refuse a target without a value and the reverse."""
        if (self.goal == "target") != (self.target is not None):
            raise BadProblem(f"objective {self.name}", "goal `target` and a target value go together")
        if self.noise is not None and not self.noise >= 0:
            raise BadProblem(f"objective {self.name}", "noise is a standard deviation, zero or above")

    def loss(self, value: float) -> float:
        """What is to be made small: the value, its negative, or its distance from the target, in `unit`."""
        if self.goal == "target":
            return abs(value - (self.target or 0.0))
        return -value if self.goal == "maximise" else value


@dataclass(frozen=True, slots=True)
class OutcomeConstraint:
    """A bound that an outcome must keep for a point to count, e.g. q_min at least 1; learned like an objective.

    Args:
        name: the outcome's name in the history.
        at_least: in `unit`.
        at_most: in `unit`.
        noise: standard deviation of one measurement, in `unit`, where it is known; else it is learned.
        unit: UCUM unit, `1` for none.
    """

    name: str
    at_least: float | None = None
    at_most: float | None = None
    noise: float | None = None
    unit: str = "1"

    def __post_init__(self) -> None:
        """Refuse a bound that bounds nothing."""
        if self.at_least is None and self.at_most is None:
            raise BadProblem(f"outcome constraint {self.name}", "needs at_least or at_most")

    def holds(self, value: float) -> bool:
        """Whether a measured value keeps the bound; a missing value (NaN) does not."""
        above = value >= self.at_least if self.at_least is not None else value == value
        return above and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True, slots=True)
class Caution:
    """How the bounds on outcomes are kept during the search, and not only by its answer.

    Args:
        begin: points known to keep all bounds; measured first.
        probability: with which every point asked of the first source must be believed to keep all bounds.
        reach: how far a point may be from one that was measured and kept them, as a share of each parameter's range
            (in its logarithm where the parameter is logarithmic). Also what is believed of the bounded outcomes before
            anything is measured: they change little within a reach, see `margin`.
        again: after so many measurements the best of them is measured once more, since what is measured drifts; None
            for never.

    Raises:
        BadProblem: a value that means nothing.
    """

    begin: tuple[Values, ...]
    probability: float = 0.98
    reach: float = 0.15
    again: int | None = None

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        if not self.begin:
            raise BadProblem("caution", "needs a point that is known to keep the bounds")
        if not (0.5 <= self.probability < 1.0 and self.reach > 0.0 and (self.again is None or self.again > 1)):
            raise BadProblem("caution", "probability is from 0.5 to below 1, reach above 0, again above 1")


@dataclass(frozen=True, slots=True)
class Source:
    """One way to answer the question: a cheap simulation, a costly experiment.

    Args:
        name: its name in history and proposals.
        cost: what one measurement costs, a number or a `Cost` that depends on the point; all sources in one unit.
    """

    name: str = ""
    cost: float | Cost = 1.0

    @property
    def price(self) -> Cost:
        """The cost as a `Cost`."""
        return self.cost if isinstance(self.cost, Cost) else Cost(float(self.cost))


@dataclass(frozen=True, slots=True)
class Stop:
    """When a campaign has done enough. Every field left out never stops it.

    Args:
        target: stop when the single objective's best measured loss is this good, in the objective's unit.
        budget: stop when the costs in the history sum to this, in the sources' unit.
        trials: stop after this many completed measurements.
        least_gain: stop when the expected gain per unit of cost, in the objective's unit per unit of cost, is below
            this for the best next point.
    """

    target: float | None = None
    budget: float | None = None
    trials: int | None = None
    least_gain: float | None = None
