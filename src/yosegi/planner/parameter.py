"""What may be varied: parameters with their bounds, levels, unit and resolution, and linear constraints over them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from yosegi.planner.errors import BadProblem

Kind = Literal["continuous", "integer", "ordinal", "categorical"]
Level = str | int | float | bool
Values = Mapping[str, Level]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that may be varied.

    Args:
        name: its name; parameters of two campaigns are the same when name and unit are.
        kind: continuous, integer, ordinal (ordered levels) or categorical (levels without order).
        low: smallest value, in `unit`; may be left out where a candidate table gives it.
        high: largest value, in `unit`.
        levels: the levels of an ordinal (in order) or categorical parameter.
        unit: UCUM unit, `1` for none.
        log: whether steps are ratios (temperatures of an anneal are not, concentrations often are); needs `low` > 0.
        resolution: the smallest step the instrument can make, in `unit`, counted from `low`; proposals lie on it.

    Raises:
        BadProblem: the fields contradict each other.
    """

    name: str
    kind: Kind = "continuous"
    low: float | None = None
    high: float | None = None
    levels: tuple[Level, ...] = ()
    unit: str = "1"
    log: bool = False
    resolution: float | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.discrete:
            self._need(len(self.levels) > 0, "has no levels")
            self._need(len(set(self.levels)) == len(self.levels), "has a level twice")
            return
        self._need(not self.levels, f"is {self.kind} and has levels")
        if self.low is not None and self.high is not None:
            self._need(math.isfinite(self.low) and math.isfinite(self.high), "has a bound that is not finite")
            self._need(self.low <= self.high, f"has low {self.low} above high {self.high}")
        if self.log and self.low is not None:
            self._need(self.low > 0, "is on a log scale and reaches zero or below")
        if self.resolution is not None:
            self._need(math.isfinite(self.resolution) and self.resolution > 0, "needs a resolution above zero")

    def _need(self, condition: bool, why: str) -> None:
        if not condition:
            raise BadProblem(f"parameter {self.name}", why)

    @property
    def discrete(self) -> bool:
        """Whether it has levels rather than bounds."""
        return self.kind in ("ordinal", "categorical")

    @property
    def step(self) -> float | None:
        """The step proposals lie on: the resolution, 1 for an integer without one, else None."""
        if self.kind == "integer":
            return max(1.0, float(round(self.resolution or 1.0)))
        return self.resolution if self.kind == "continuous" else None

    @classmethod
    def continuous(
        cls, name: str, low: float, high: float, *, unit: str = "1", log: bool = False, resolution: float | None = None
    ) -> Parameter:
        """A real number between two bounds."""
        return cls(name, "continuous", low, high, unit=unit, log=log, resolution=resolution)

    @classmethod
    def integer(cls, name: str, low: int, high: int, *, unit: str = "1", log: bool = False) -> Parameter:
        """A whole number between two bounds, both allowed."""
        return cls(name, "integer", low, high, unit=unit, log=log)

    @classmethod
    def ordinal(cls, name: str, levels: Sequence[Level], *, unit: str = "1") -> Parameter:
        """Levels in an order; numbers keep their distances, words are taken as equally far apart."""
        return cls(name, "ordinal", levels=tuple(levels), unit=unit)

    @classmethod
    def categorical(cls, name: str, levels: Sequence[Level]) -> Parameter:
        """Levels without an order."""
        return cls(name, "categorical", levels=tuple(levels))


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear constraint Σ coefficientᵢ · valueᵢ over continuous and integer parameters, in their own units.

    Args:
        coefficients: coefficient by parameter name.
        equals: what the sum must be; excludes the other two.
        at_least: the least the sum may be.
        at_most: the most the sum may be.

    Example:
        >>> str(Linear({"acid": 1, "base": 1}, at_most=150))
        'acid + base <= 150'
    """

    coefficients: Mapping[str, float]
    equals: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        """Refuse a constraint that constrains nothing or itself contradicts."""
        bounds = [b for b in (self.equals, self.at_least, self.at_most) if b is not None]
        if not bounds or not self.coefficients or not all(math.isfinite(b) for b in bounds):
            raise BadProblem("linear constraint", "needs coefficients and a finite equals, at_least or at_most")
        if self.equals is not None and len(bounds) > 1:
            raise BadProblem("linear constraint", "has both equals and at_least or at_most")

    def __str__(self) -> str:
        """The constraint as it would be written by hand."""
        terms = " + ".join(name if c == 1 else f"{c:g} {name}" for name, c in self.coefficients.items())
        if self.equals is not None:
            return f"{terms} = {self.equals:g}"
        left = f"{self.at_least:g} <= " if self.at_least is not None else ""
        return left + terms + (f" <= {self.at_most:g}" if self.at_most is not None else "")

    def total(self, values: Values) -> float:
        """Σ coefficientᵢ · valueᵢ at a point."""
        return sum(c * float(values[name]) for name, c in self.coefficients.items())

    def holds(self, values: Values, tolerance: float = 1e-9) -> bool:
        """Whether a point satisfies it, within `tolerance` relative to the size of the terms."""
        total = self.total(values)
        slack = tolerance * max(1.0, sum(abs(c * float(values[n])) for n, c in self.coefficients.items()))
        if self.equals is not None:
            return abs(total - self.equals) <= slack
        low = self.at_least is None or total >= self.at_least - slack
        return low and (self.at_most is None or total <= self.at_most + slack)


def simplex(names: Sequence[str], total: float = 1.0) -> Linear:
    """The constraint of a mixture: the named parameters sum to `total`."""
    return Linear(dict.fromkeys(names, 1.0), equals=total)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one measurement costs: `base` + Σ perᵢ · valueᵢ, over parameters or numeric columns of the candidates."""

    base: float = 1.0
    per: Mapping[str, float] = field(default_factory=dict)
