"""Whether a put has taken effect: a pure function of what was asked for and what has been read since.

Two things that were measured on real soft IOCs are the reason that a put's own answer counts for nothing here: a put
that a record refuses, or limits to its drive range, completes as if it had succeeded, on Channel Access and on PV
Access; and a readback may be one that was measured before the put.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from yosegi_packs.devices.variable import Reading, Severity, Variable


class PutVerdict(StrEnum):
    """What is known of a put."""

    WAIT = "wait"
    """Not there yet."""
    REACHED = "reached"
    """The readback is within tolerance and was measured after the put."""
    REFUSED = "refused"
    """The setpoint never became what was put."""
    MOVED = "moved"
    """The setpoint was what was put, and is something else now."""
    ALARM = "alarm"
    """The setpoint or its readback is in an alarm worse than permitted."""


CONFIRMATIONS = 2
"""New readings in a row within tolerance that a periodic readback needs: one may be on its way through."""


def judge(
    variable: Variable, wanted: float, before: Reading, setpoints: Sequence[Reading], readings: Sequence[Reading]
) -> PutVerdict:
    """What is known of a put of `wanted`.

    Args:
        variable: what was put to.
        wanted: the value that was put.
        before: the readback just before the put.
        setpoints: the setpoint as read since the put, oldest first, at least one.
        readings: the readback as read since the put, oldest first.
    """
    worst = variable.worst_severity
    taken = [abs(one.value - wanted) <= variable.deadband for one in setpoints]
    if not taken[-1]:
        return PutVerdict.MOVED if any(taken) else PutVerdict.REFUSED
    new = fresh(variable, before, readings, wanted)
    if setpoints[-1].severity > worst or (readings and readings[-1].severity > worst):
        return PutVerdict.ALARM
    needed = CONFIRMATIONS if variable.processing == "periodic" else 1
    if len(new) >= needed and all(within(variable, wanted, one) for one in new[-needed:]):
        return PutVerdict.REACHED
    return PutVerdict.WAIT


def fresh(
    variable: Variable, before: Reading, readings: Sequence[Reading], wanted: float | None = None
) -> list[Reading]:
    """Those of the readings that were measured after `before`, each measurement once, oldest first.

    Times of one process variable are compared with each other alone, so no two clocks have to agree. A readback that
    is measured only as it changes is not measured again where it is already at what is wanted; there the reading
    before counts.
    """
    found: list[Reading] = []
    last = before.time
    for one in readings:
        if one.time > last:
            found.append(one)
            last = one.time
    if not found and variable.processing == "on_change" and readings:
        at_rest = wanted is None or within(variable, wanted, before)
        return [readings[-1]] if at_rest else []
    return found


def within(variable: Variable, wanted: float, reading: Reading) -> bool:
    """Whether a reading is a valid one within tolerance of what is wanted."""
    return reading.severity <= min(variable.worst_severity, Severity.MAJOR) and (
        abs(reading.value - wanted) <= variable.tolerance
    )
