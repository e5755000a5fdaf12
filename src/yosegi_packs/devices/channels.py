"""The wire: process variables over Channel Access or PV Access, through ophyd-async, each call within a time.

One event loop in a thread of its own serves the whole process, since both client libraries tie themselves to the loop
that first uses them.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from yosegi_packs.devices.errors import DeviceError, Disconnected, NotATwin
from yosegi_packs.devices.variable import Reading, Severity, Variable

CONTACT: Final = 5.0
"""Seconds in which a process variable must answer."""

T = TypeVar("T")


@functools.cache
def device_loop() -> asyncio.AbstractEventLoop:
    """The loop of the devices, which runs until the process ends."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="epics", daemon=True).start()
    return loop


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop of the devices and return what it returns."""
    return asyncio.run_coroutine_threadsafe(work, device_loop()).result()


def with_protocol(pv: str) -> str:
    """The name with its protocol."""
    return pv if "://" in pv else f"ca://{pv}"


@dataclass(frozen=True, slots=True)
class DriveLimits:
    """What an IOC says that it takes; None where it says nothing."""

    low: float | None
    high: float | None


class Channel:
    """One process variable that holds a number.

    Args:
        owner: the variable it belongs to, for messages.
        pv: with or without its protocol.
        writable: whether it is put to.
    """

    def __init__(self, owner: str, pv: str, *, writable: bool = False, kind: type = float) -> None:
        from ophyd_async.epics.core import epics_signal_r, epics_signal_rw

        self.owner, self.pv = owner, with_protocol(pv)
        make = epics_signal_rw if writable else epics_signal_r
        self._signal: Any = make(kind, self.pv, name=owner)

    async def connect(self) -> None:
        """Find it.

        Raises:
            Disconnected: it does not answer.
            DeviceError: it is of another type.
        """
        from ophyd_async.core import NotConnectedError

        try:
            await self._within(self._signal.connect(timeout=CONTACT), CONTACT + 1.0)
        except NotConnectedError:
            raise Disconnected(self.owner, self.pv, CONTACT) from None
        except TypeError as error:
            raise DeviceError(self.owner, f"{self.pv} cannot be used: {error}") from None

    async def read(self) -> Reading:
        """What the IOC says now.

        Raises:
            Disconnected: it does not answer.
        """
        found = (await self._within(self._signal.read(cached=False), CONTACT))[self.owner]
        severity = int(found.get("alarm_severity", 0))
        return Reading(
            float(found["value"]), float(found["timestamp"]), Severity(severity) if severity >= 0 else Severity.INVALID
        )

    async def text(self) -> str:
        """The value as text.

        Raises:
            Disconnected: it does not answer.
        """
        return str(await self._within(self._signal.get_value(cached=False), CONTACT))

    async def put(self, value: float | str, seconds: float) -> None:
        """Put, and wait until the IOC says that it has processed it, which proves nothing.

        Raises:
            Disconnected: it did not say so in time.
            Exception: of the client library, where the IOC denies the write.
        """
        await self._within(self._signal.set(value, timeout=None), seconds)

    async def describe(self) -> tuple[DriveLimits, str]:
        """The limits and the unit that the IOC states.

        Raises:
            Disconnected: it does not answer.
        """
        (key,) = (await self._within(self._signal.describe(), CONTACT)).values()
        control = key.get("limits", {}).get("control") or {}
        return DriveLimits(control.get("low"), control.get("high")), str(key.get("units") or "")

    async def _within(self, work: Any, seconds: float) -> Any:
        try:
            return await asyncio.wait_for(work, seconds)
        except TimeoutError:
            raise Disconnected(self.owner, self.pv, seconds) from None


class Wired:
    """A variable and its channels."""

    def __init__(self, variable: Variable) -> None:
        self.variable = variable
        self.readback = Channel(variable.name, variable.readback)
        self.setpoint = Channel(variable.name, variable.setpoint, writable=True) if variable.setpoint else None
        self.limits = DriveLimits(None, None)

    async def connect(self) -> None:
        """Find both, and hold what the IOC says of its unit against the variable.

        Raises:
            Disconnected: one does not answer.
            DeviceError: one is of another type, or in another unit.
        """
        await self.readback.connect()
        _, unit = await self.readback.describe()
        if self.setpoint is not None:
            await self.setpoint.connect()
            self.limits, unit = await self.setpoint.describe()
        if self.variable.egu and unit != self.variable.egu:
            raise DeviceError(
                self.variable.name, f"the IOC gives it in {unit!r}, and {self.variable.egu!r} is expected"
            )


async def check_identity(pv: str, *, simulated: bool) -> None:
    """Hold what the IOC says it is against what the contract says.

    Raises:
        NotATwin: they differ.
        Disconnected: it does not answer.
    """
    channel = Channel("identity", pv, kind=bool)
    await channel.connect()
    found = "simulated" if (await channel.read()).value else "real"
    said = "simulated" if simulated else "real"
    if found != said:
        raise NotATwin(pv, found, said)
