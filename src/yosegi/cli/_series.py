"""One parameter of a table against one outcome: what drawings, for terminals and as SVG, are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yosegi.cli._table import LabTable
    from yosegi.planner import Objective, Proposal

Prediction = tuple[float, float]
"""Predicted value and its standard deviation, in the outcome's unit."""


@dataclass(frozen=True, slots=True)
class Series:
    """One parameter against one outcome.

    Attributes:
        name: of the parameter.
        outcome: of the outcome.
        levels: the words of the parameter in the order of their places 0, 1, …, the best first, then what is proposed,
            then what failed, then what was never tried; empty for numbers.
        measured: place on the parameter and measured value.
        failed: places where a recipe failed.
        proposed: place on the parameter and what is predicted there, if anything.
        low: lowest place in the table.
        high: highest place in the table.
        loss: of a value of the outcome: small is good.
    """

    name: str
    outcome: str
    levels: tuple[str, ...]
    measured: Sequence[tuple[float, float]]
    failed: Sequence[float]
    proposed: Sequence[tuple[float, Prediction | None]]
    low: float
    high: float
    loss: Callable[[float], float]

    def share(self, place: float) -> float:
        """Where a place lies between low and high, 0 to 1."""
        return (place - self.low) / (self.high - self.low) if self.high > self.low else 0.5

    def at(self, place: int) -> list[float]:
        """What was measured at a place."""
        return [value for p, value in self.measured if p == place]

    def best(self, values: Sequence[float]) -> float:
        """The value of least loss."""
        return min(values, key=self.loss)


def series_of(table: LabTable, goal: Objective, proposals: Sequence[Proposal]) -> list[Series]:
    """One series a parameter."""
    return [_one(table, name, goal, proposals) for name in table.parameters]


def _one(table: LabTable, name: str, goal: Objective, proposals: Sequence[Proposal]) -> Series:
    column = table.parameters[name]
    outcome = table.outcomes[goal.name]
    failed = {str(column[row]) for row in table.failed()}
    levels = _levels(column, outcome, goal, {str(p.values[name]) for p in proposals}, failed)
    order = {level: float(place) for place, level in enumerate(levels)}

    def place(cell: object) -> float:
        return order[cell] if isinstance(cell, str) else float(str(cell))

    places = [place(cell) for cell in column]
    return Series(
        name,
        goal.name,
        levels,
        [(p, v) for p, v in zip(places, outcome, strict=True) if v is not None],
        [places[row] for row in table.failed()],
        [(place(p.values[name]), _predicted(p, goal)) for p in proposals],
        min(places),
        max(places),
        goal.loss,
    )


def _levels(
    column: Sequence[float] | Sequence[str],
    outcome: Sequence[float | None],
    goal: Objective,
    proposed: set[str],
    failed: set[str],
) -> tuple[str, ...]:
    best: dict[str, float] = {}
    words = [c for c in column if isinstance(c, str)]
    for level, value in zip(words, outcome, strict=False):
        if value is not None:
            best[level] = min(best.get(level, float("inf")), goal.loss(value))
    return tuple(
        sorted(set(words), key=lambda w: (w not in best, best.get(w, 0.0), w not in proposed, w not in failed, w))
    )


def _predicted(proposal: Proposal, goal: Objective) -> Prediction | None:
    mean, sd = proposal.expected.mean.get(goal.name), proposal.expected.sd.get(goal.name)
    return None if mean is None or sd is None else (mean, sd)
