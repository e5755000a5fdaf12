"""A Bluesky plan inside a task: the run engine in the station's worker, its documents an object of the task.

What a plan moves is set, read back and verified as everywhere (`Devices`); what it reads is measured anew. A plan that
is stopped or fails gets to make its own clean-up messages first, then the devices are put back; it is never run again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from bluesky import Msg, RunEngine
from bluesky.protocols import Reading
from bluesky.utils import FailedStatus
from event_model import DataKey
from ophyd_async.core import AsyncStatus

from yosegi.core.capability import Context, Stopped
from yosegi_packs.devices.channels import device_loop
from yosegi_packs.devices.devices import Devices
from yosegi_packs.devices.errors import DeviceError

FILE: Final = "documents.jsonl"
MEDIA_TYPE: Final = "application/x-ndjson"

Plan = Generator[Msg, Any, Any]
T = TypeVar("T")


class Readable:
    """A variable as a plan reads it (bluesky's `Readable`)."""

    parent = None

    def __init__(self, devices: Devices, name: str) -> None:
        self._devices, self._variable = devices, devices.variable(name)
        self.name = name
        self.hints = {"fields": [name]}

    async def read(self) -> dict[str, Reading[float]]:
        """One new measurement, with the IOC's time and severity."""
        found = await _on_devices(self._devices.measure(self.name))
        return {
            self.name: {"value": found.value, "timestamp": found.time, "alarm_severity": min(int(found.severity), 2)}
        }

    async def describe(self) -> dict[str, DataKey]:
        """What a reading is: its source and unit."""
        variable = self._variable
        return {self.name: {"source": variable.readback, "dtype": "number", "shape": [], "units": variable.unit}}

    async def read_configuration(self) -> dict[str, Any]:
        """Nothing is configured."""
        return {}

    async def describe_configuration(self) -> dict[str, Any]:
        """Nothing is configured."""
        return {}


class Movable(Readable):
    """A variable as a plan moves it (bluesky's `Movable`)."""

    def set(self, value: float) -> AsyncStatus[None]:
        """Bring it to a value; done when its readback says so."""
        return AsyncStatus(_on_devices(self._devices.move({self.name: float(value)})))

    async def locate(self) -> dict[str, float]:
        """Where it is."""
        value = (await _on_devices(self._devices.measure(self.name))).value
        return {"setpoint": value, "readback": value}


@dataclass(frozen=True, slots=True)
class PlanRun:
    """What came of a plan.

    Args:
        documents: the file of its documents, one JSON array `[name, document]` a line, in their order.
        events: how many events there are.
        exit_status: as its stop document says.
    """

    documents: Path
    events: int
    exit_status: str


def run_plan(plan: Plan, context: Context, metadata: Mapping[str, Any] | None = None) -> PlanRun:
    """Run a plan to its end.

    Args:
        plan: made of `Readable` and `Movable` of open `Devices`.
        context: of the task; its key goes into the start document as `yosegi_key`.
        metadata: what else goes there.

    Raises:
        Stopped: told to stop; the plan has made its own clean-up messages.
        DeviceError: what a device raised.
        Exception: what the plan raised.
    """
    path = context.folder / FILE
    counted = {"event": 0}
    status = ""
    with path.open("w", encoding="utf-8") as file:

        def keep(name: str, document: Any) -> None:
            nonlocal status
            counted[name] = counted.get(name, 0) + 1
            status = str(document.get("exit_status", status))
            file.write(json.dumps([name, document], default=_plain, allow_nan=False) + "\n")
            file.flush()

        engine = RunEngine(context_managers=[])
        try:
            engine(stoppable(plan, context), keep, **{"yosegi_key": context.key, **(metadata or {})})
        except FailedStatus as error:
            if isinstance(error.__cause__, DeviceError | Stopped):
                raise error.__cause__ from None
            raise
    return PlanRun(path, counted["event"], status)


def stoppable(plan: Plan, context: Context) -> Plan:
    """The plan, which is told by an exception at its next message if the task is to stop; it may clean up and end."""
    told, message = False, next(plan, None)
    while message is not None:
        try:
            if context.stop_requested and not told:
                told = True
                raise Stopped(f"before {message.command!r} of the plan")
            reply = yield message
        except GeneratorExit:
            plan.close()
            raise
        except BaseException as error:  # noqa: BLE001 - ours or the engine's: it is the plan's to catch
            told = told or isinstance(error.__cause__, Stopped)  # a device heard it first
            try:
                message = plan.throw(error)
            except StopIteration as end:
                return end.value
        else:
            try:
                message = plan.send(reply)
            except StopIteration as end:
                return end.value


async def _on_devices(work: Coroutine[Any, Any, T]) -> T:
    """Await something of the devices' loop on the run engine's."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, device_loop()))


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as JSON has them."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return str(value)
