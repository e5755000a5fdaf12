"""A process variable as a capability sees it: a setpoint with its readback, or a readback alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from yosegi.core.values import Value

PvName = Annotated[str, StringConstraints(pattern=r"^((ca|pva)://)?[A-Za-z0-9_\-+:\[\]<>;./{}]{1,200}$")]
"""A process variable with its protocol; Channel Access where none is said."""


class Severity(IntEnum):
    """EPICS alarm severities, in their order."""

    NONE = 0
    MINOR = 1
    MAJOR = 2
    INVALID = 3
    """The value means nothing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value as an IOC gave it.

    Args:
        value: in the variable's unit.
        time: of its measurement by the IOC's own clock, seconds since 1970; compared only with the same variable's.
        severity: of its alarm.
    """

    value: float
    time: float
    severity: Severity = Severity.NONE


class Variable(Value):
    """One thing that can be set and read back, or only read.

    Args:
        name: as the capability calls it.
        readback: the process variable that measures it.
        setpoint: the process variable that sets it; empty for a detector.
        unit: in UCUM.
        egu: what the IOC must say its unit is; empty to take any.
        low: the least that is put.
        high: the most that is put.
        tolerance: how far the readback may be from what was put and still count as reached.
        deadband: how far the setpoint may be from what was put and still be that value (an IOC rounds).
        step: the largest change in one put; a longer way is made in several, each verified. None for no limit.
        rate: the largest change per second, on average over a put. None for no limit.
        timeout: seconds for one put to be reached, and for a new reading to come.
        processing: `periodic` if the readback is measured at intervals whether it changes or not, so that one that is
            not is stale; `on_change` if it is measured anew only as it changes.
        worst: the worst alarm severity under which a reading counts.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,59}$")]
    readback: PvName
    setpoint: PvName | Literal[""] = ""
    unit: str
    egu: str = ""
    low: float = 0.0
    high: float = 0.0
    tolerance: float = Field(default=0.0, ge=0)
    deadband: float = Field(default=1e-9, ge=0)
    step: float | None = Field(default=None, gt=0)
    rate: float | None = Field(default=None, gt=0)
    timeout: float = Field(default=10.0, gt=0, le=3600)
    processing: Literal["periodic", "on_change"] = "periodic"
    worst: Literal["none", "minor", "major"] = "minor"

    @model_validator(mode="after")
    def _can_be_set(self) -> Self:
        if self.setpoint and not (self.low < self.high and self.tolerance > 0):
            raise ValueError(f"{self.name} can be set, and so needs low < high and a tolerance above 0")
        return self

    @property
    def worst_severity(self) -> Severity:
        """The worst severity under which a reading counts."""
        return Severity[self.worst.upper()]

    def steps(self, start: float, end: float) -> list[float]:
        """The values to put one after another on the way to `end`, none further than `step` from the one before."""
        if self.step is None or abs(end - start) <= self.step:
            return [end]
        count = int(-(-abs(end - start) // self.step))
        return [start + (end - start) * n / count for n in range(1, count)] + [end]
