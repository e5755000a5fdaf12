"""Set, wait, read back, verify: one variable at a time, each put in the journal before it is made."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

from yosegi.core.capability import Stopped
from yosegi_packs.devices.channels import Channel, Wired
from yosegi_packs.devices.errors import (
    DeviceError,
    Disconnected,
    InAlarm,
    MovedByAnother,
    NotReached,
    OutOfLimits,
    PutRefused,
    StaleReading,
)
from yosegi_packs.devices.journal import Journal
from yosegi_packs.devices.variable import Reading, Variable
from yosegi_packs.devices.verification import PutVerdict, fresh, judge, within

POLL: Final = 0.05
"""Seconds between two looks at a readback."""

Stopping = Callable[[], bool]


def check_limits(wired: Wired, value: float) -> None:
    """Hold a value against the limits of the variable and of its IOC.

    Raises:
        OutOfLimits: it may not be put.
        DeviceError: the variable cannot be set.
    """
    variable, said = wired.variable, wired.limits
    if wired.setpoint is None:
        raise DeviceError(variable.name, "can be read and not set")
    if not variable.low <= value <= variable.high:
        raise OutOfLimits(variable.name, value, variable.low, variable.high, variable.unit, "the capability")
    low = variable.low if said.low is None else said.low
    high = variable.high if said.high is None else said.high
    if low < high and not low <= value <= high:
        raise OutOfLimits(variable.name, value, low, high, variable.unit, "the IOC")


async def check_untouched(wired: Wired, journal: Journal) -> float:
    """The setpoint now, which must be where this station left it.

    Raises:
        MovedByAnother: it is not.
        Disconnected: it does not answer.
    """
    if wired.setpoint is None:
        raise DeviceError(wired.variable.name, "can be read and not set")
    found = (await wired.setpoint.read()).value
    left = journal.left_at(wired.variable.name)
    if left is not None and abs(found - left) > wired.variable.deadband:
        raise MovedByAnother(wired.variable.name, left, found, wired.variable.unit)
    return found


async def put_verified(
    wired: Wired, value: float, start: float, journal: Journal, key: str, stopping: Stopping
) -> None:
    """Put one value, and return when its readback is within tolerance and measured since.

    Args:
        wired: what is put to.
        value: within the limits.
        start: the setpoint before, for the journal.
        journal: where the put is noted before it is made.
        key: of the task.
        stopping: asked at each look; true ends the waiting.

    Raises:
        DeviceError: it was refused, or not reached, or is in alarm, stale, or moved by another; the journal says which.
        Stopped: told to stop meanwhile; what was put stays put.
    """
    variable, setpoint = wired.variable, wired.setpoint
    if setpoint is None:
        raise DeviceError(variable.name, "can be read and not set")
    before = await wired.readback.read()
    number = journal.begin(key, variable.name, variable.setpoint, start, value)
    began = time.monotonic()
    try:
        await _settle(wired, setpoint, value, before, stopping)
    except (DeviceError, Stopped) as error:
        journal.end(number, "failed", str(error))
        raise
    journal.end(number, "verified")
    if variable.rate is not None:
        await asyncio.sleep(max(0.0, abs(value - start) / variable.rate - (time.monotonic() - began)))


async def _settle(wired: Wired, setpoint: Channel, value: float, before: Reading, stopping: Stopping) -> None:
    """Put, and look until the verdict is final or the time is over."""
    variable = wired.variable
    end = time.monotonic() + variable.timeout
    putting = asyncio.ensure_future(setpoint.put(value, variable.timeout))
    setpoints: list[Reading] = []
    readings: list[Reading] = []
    try:
        while time.monotonic() < end:
            await asyncio.wait({putting}, timeout=POLL)
            if stopping():
                raise Stopped(f"while {variable.name} was on its way to {value:g} {variable.unit}")
            readings.append(await wired.readback.read())
            now = await setpoint.read()
            if not putting.done() and abs(now.value - value) > variable.deadband:
                continue  # not processed yet, so a setpoint of before says nothing
            setpoints.append(now)
            verdict = judge(variable, value, before, setpoints, readings)
            _raise_for(verdict, wired, value, setpoints, readings)
            if verdict is PutVerdict.REACHED and putting.done():
                return
        raise _late(wired, value, before, setpoints, readings)
    finally:
        putting.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await putting


def _raise_for(
    verdict: PutVerdict, wired: Wired, value: float, setpoints: list[Reading], readings: list[Reading]
) -> None:
    variable, found = wired.variable, setpoints[-1]
    if verdict is PutVerdict.REFUSED:
        raise PutRefused(variable.name, value, found.value, variable.unit)
    if verdict is PutVerdict.MOVED:
        raise MovedByAnother(variable.name, value, found.value, variable.unit)
    if verdict is PutVerdict.ALARM:
        of_setpoint = found.severity > variable.worst_severity
        pv, bad = (variable.setpoint, found) if of_setpoint else (variable.readback, readings[-1])
        raise InAlarm(variable.name, pv, bad.severity.name.lower())


def _late(
    wired: Wired, value: float, before: Reading, setpoints: list[Reading], readings: list[Reading]
) -> DeviceError:
    """Why it was not verified in time."""
    variable = wired.variable
    if not setpoints:
        return Disconnected(variable.name, variable.setpoint, variable.timeout)
    new = fresh(variable, before, readings, value)
    if not new:
        return StaleReading(variable.name, variable.readback, before.value, variable.timeout)
    was = any(within(variable, value, one) for one in new)
    return NotReached(variable.name, value, new[-1].value, variable.tolerance, variable.unit, was=was)


async def check_holds(wired: Wired, value: float) -> None:
    """A variable is still where it was put: nobody moved it, and its readback has not drifted away.

    Raises:
        MovedByAnother: the setpoint is another.
        InAlarm: the readback is in alarm.
        NotReached: the readback has left its tolerance.
    """
    variable = wired.variable
    if wired.setpoint is None:
        return
    setpoint, readback = await wired.setpoint.read(), await wired.readback.read()
    if abs(setpoint.value - value) > variable.deadband:
        raise MovedByAnother(variable.name, value, setpoint.value, variable.unit)
    if readback.severity > variable.worst_severity:
        raise InAlarm(variable.name, variable.readback, readback.severity.name.lower())
    if not within(variable, value, readback):
        raise NotReached(variable.name, value, readback.value, variable.tolerance, variable.unit, was=True)


async def new_readings(variable: Variable, channel: Channel, count: int, stopping: Stopping) -> list[Reading]:
    """So many measurements that were made after this was called.

    Raises:
        StaleReading: they did not come in time.
        InAlarm: one is in an alarm worse than permitted.
        Stopped: told to stop meanwhile.
    """
    before = await channel.read()
    found: list[Reading] = []
    end = time.monotonic() + variable.timeout
    while time.monotonic() < end:
        if stopping():
            raise Stopped(f"while {variable.name} was read")
        one = await channel.read()
        if variable.processing == "on_change" or one.time > (found[-1] if found else before).time:
            if one.severity > variable.worst_severity:
                raise InAlarm(variable.name, channel.pv, one.severity.name.lower())
            found.append(one)
            if len(found) == count:
                return found
            end = time.monotonic() + variable.timeout
        await asyncio.sleep(POLL)
    raise StaleReading(variable.name, channel.pv, before.value, variable.timeout)
