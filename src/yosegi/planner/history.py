"""What has happened: measurements, failures, and what is still running."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from yosegi.planner.parameter import Level, Parameter, Values

HUGE = 1e100
"""What lies beyond is a fault of an instrument, not a measurement, and its square is no number."""


class Status(Enum):
    """How a measurement ended."""

    DONE = "done"
    """It gave outcomes (or some of them)."""
    INFEASIBLE = "infeasible"
    """The point has no answer: it is not asked again, and its neighbourhood is avoided."""
    TRANSIENT = "transient"
    """Something unrelated to the point went wrong: it may be asked again."""
    WITHDRAWN = "withdrawn"
    """It was taken back before it ran: it may be asked again; withdrawn twice by one source, not of that source."""
    REFUSED = "refused"
    """The source refused the point itself: it is not asked of that source again, nor are its nearest neighbours."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One ended measurement, proposed by anybody or by nobody.

    Args:
        values: the point, by parameter name, in the parameters' units.
        outcomes: measured value by outcome name, in the objectives' units; a label for a phase. Missing or NaN means
            that this outcome was not obtained.
        errors: standard error of a measured value, by outcome name, where known.
        source: the source that answered; empty for the problem's first.
        cost: what it did cost, where known, in the sources' unit.
        site: where it was measured.
        status: how it ended.
        again: whether the point may be asked again, since it gave some outcomes and others are still wanted of it.

    Example:
        >>> Observation({"theta": 30.0}, {"toughness": 1.2}).value("toughness")
        1.2
    """

    values: Values
    outcomes: Mapping[str, Level] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    cost: float | None = None
    site: str = ""
    status: Status = Status.DONE
    again: bool = False

    def value(self, name: str) -> float:
        """The measured number of an outcome, NaN where there is none (beyond ±1e100 there is none either)."""
        found = self.outcomes.get(name)
        if self.status is not Status.DONE or not isinstance(found, int | float):
            return math.nan
        return float(found) if abs(found) < HUGE else math.nan


@dataclass(frozen=True, slots=True)
class Pending:
    """A point proposed and not yet ended."""

    values: Values
    source: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier campaign to learn from, aligned with the present one by parameter name and unit, never by position.

    Args:
        parameters: its parameters; those whose name and unit the present problem shares are aligned, the others are
            kept as extra dimensions in which the present campaign stands at zero.
        observations: its measurements; outcomes are aligned by name.
        name: how explanations call it.
    """

    parameters: tuple[Parameter, ...]
    observations: tuple[Observation, ...]
    name: str = "earlier"
