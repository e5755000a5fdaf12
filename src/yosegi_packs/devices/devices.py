"""The devices of one task: connected, held, set and read, and left in a state that is known."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from yosegi.core.capability import Context, Stopped
from yosegi.core.errors import Invalid
from yosegi_packs.devices.channels import Wired, check_identity, wait_for
from yosegi_packs.devices.errors import DeviceError, PutRefused, Unsettled
from yosegi_packs.devices.fence import Fence, holder_name
from yosegi_packs.devices.journal import Journal
from yosegi_packs.devices.moves import check_holds, check_limits, check_untouched, new_readings, put_verified
from yosegi_packs.devices.network import EpicsNetwork
from yosegi_packs.devices.restoring import put_back
from yosegi_packs.devices.variable import Reading, Severity, Variable


class Devices:
    """Process variables that a task sets and reads, as a context manager.

    A value counts as set only when its readback is within tolerance and was measured after the put. Where each
    variable was is saved before the first put to it; if the task fails or is stopped, and with `restore` always, all
    are put back and verified. What remains unknown is told, and a later task puts nothing until a person has looked.

    Args:
        variables: what may be set and read.
        context: of the task; it must run in a station.
        simulated: whether the contract says that it is simulated.
        identity: a process variable that is 1 on a simulated device and 0 on a real one; a simulated capability needs
            one, so that it never meets the machine itself.
        holder: a string process variable for `Fence`; empty for none.
        restore: put everything back at the end of the task also when it went well.

    Example:
        with Devices([CURRENT, FIELD], context, simulated=True, identity="MAG:SIMULATED") as magnet:
            magnet.set({"current": 3.0})
            return Field(magnet.read("field").value)
    """

    def __init__(
        self,
        variables: Iterable[Variable],
        context: Context,
        *,
        simulated: bool,
        identity: str = "",
        holder: str = "",
        restore: bool = False,
    ) -> None:
        if context.state is None:
            raise Invalid("devices", "there is no durable folder", "run the capability in a station")
        if simulated and not identity:
            raise Invalid("devices", "a simulated one needs identity=", "name the process variable that says so")
        self._context, self._folder = context, Path(context.state)
        self._simulated, self._identity, self._holder = simulated, identity, holder
        self._restore = restore
        self._variables = {variable.name: variable for variable in variables}
        self._wired: dict[str, Wired] = {}
        self._set: dict[str, float] = {}
        self._fence: Fence | None = None

    def __enter__(self) -> Self:
        """Connect, and see that the devices are what they should be, free, and as they were left.

        Raises:
            DeviceError: they are not; nothing was put.
        """
        try:
            EpicsNetwork.load(self._folder).apply()
            self._journal = Journal(self._folder)
            self._begin()
        except Exception as error:
            error.effect = "none"  # type: ignore[attr-defined]
            raise
        return self

    def _begin(self) -> None:
        try:
            for act in self._journal.unsettled():
                raise Unsettled(act.variable, act.key, act.start, act.wanted)
            for variable in self._journal.saved_variables():
                key = self._journal.saved_for(variable.name)
                raise Unsettled(variable.name, key, self._journal.saved()[variable.name])
            wait_for(self._open())
        except BaseException:
            self._journal.close()
            raise

    async def _open(self) -> None:
        self._wired = {name: Wired(variable) for name, variable in self._variables.items()}
        await asyncio.gather(*(wired.connect() for wired in self._wired.values()))
        if self._identity:
            await check_identity(self._identity, simulated=self._simulated)
        if self._holder:
            self._fence = Fence(self._holder, holder_name(self._folder))
            await self._fence.claim()

    def set(self, values: Mapping[str, float]) -> None:
        """Bring variables to values, together, in steps where they are limited; each step verified.

        All values are held against all limits before anything is put.

        Raises:
            OutOfLimits: nothing was put.
            DeviceError: one was not verified; what is restored is said.
            Stopped: told to stop.
        """
        for _ in self.walk(values):
            pass

    def walk(self, values: Mapping[str, float]) -> Iterator[tuple[int, int]]:
        """As `set`, but gives way after each verified step, so that a caller may look whether to go on.

        Yields:
            Which step was made, from 1, and of how many.
        """
        for name, value in values.items():
            check_limits(self._find(name), value)
        ways = wait_for(self._ways({name: float(value) for name, value in values.items()}))
        count = max(map(len, ways.values()), default=1) - 1
        for number in range(1, count + 1):
            wait_for(self._advance({name: way for name, way in ways.items() if number < len(way)}, number))
            yield number, count

    async def move(self, values: Mapping[str, float]) -> None:
        """As `set`, on the loop of the devices (`channels.device_loop`)."""
        for name, value in values.items():
            check_limits(self._find(name), value)
        ways = await self._ways({name: float(value) for name, value in values.items()})
        for number in range(1, max(map(len, ways.values()), default=1)):
            await self._advance({name: way for name, way in ways.items() if number < len(way)}, number)

    async def measure(self, name: str) -> Reading:
        """As `read`, one measurement, on the loop of the devices."""
        return (await self._read(self._find(name), 1))[0]

    def variable(self, name: str) -> Variable:
        """One of the variables.

        Raises:
            DeviceError: there is none of that name.
        """
        return self._find(name).variable

    async def _ways(self, values: Mapping[str, float]) -> dict[str, list[float]]:
        """From where each variable is, which is saved, to where it shall be."""
        starts = {name: await check_untouched(self._wired[name], self._journal) for name in values}
        for name, start in starts.items():
            self._journal.save(self._context.key, self._variables[name], start)
        return {name: [starts[name], *self._variables[name].steps(starts[name], end)] for name, end in values.items()}

    async def _advance(self, moving: Mapping[str, list[float]], number: int) -> None:
        if self._context.stop_requested:
            raise Stopped("between two steps of a move")
        if self._fence is not None:
            await self._fence.check()
        ended = await asyncio.gather(
            *(self._step(name, way[number - 1], way[number]) for name, way in moving.items()), return_exceptions=True
        )
        for failure in ended:
            if failure is not None:
                raise failure

    async def _step(self, name: str, start: float, end: float) -> None:
        self._set[name] = end
        stopping = self._context.stopping
        try:
            await put_verified(self._wired[name], end, start, self._journal, self._context.key, stopping)
        except PutRefused as error:
            self._set[name] = error.kept
            raise

    def read(self, name: str, samples: int = 1) -> Reading:
        """The mean of new measurements, all made after this was called, while what was set stayed where it was put.

        Args:
            name: of a variable.
            samples: how many measurements.

        Returns:
            The mean, the time of the last, and the worst severity of them.

        Raises:
            StaleReading: no new measurement came in time.
            DeviceError: an alarm, a setting that drifted or was moved by another.
            Stopped: told to stop.
        """
        found = self.readings(name, samples)
        return Reading(
            sum(one.value for one in found) / len(found), found[-1].time, Severity(max(one.severity for one in found))
        )

    def readings(self, name: str, samples: int) -> list[Reading]:
        """As `read`, each measurement by itself."""
        return wait_for(self._read(self._find(name), samples))

    async def _read(self, wired: Wired, samples: int) -> list[Reading]:
        found = await new_readings(wired.variable, wired.readback, samples, self._context.stopping)
        for name, value in self._set.items():
            await check_holds(self._wired[name], value)
        return found

    def restore(self) -> None:
        """Put back everything that this task moved, and verify it.

        Raises:
            NotPutBack: something is not back.
            MovedByAnother: somebody else moved it meanwhile; it is left to them.
        """
        wait_for(self._put_back())

    async def _put_back(self) -> None:
        await put_back(self._journal, self._wired, self._set, self._context.key)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the devices in a known state, or say that they are not."""
        known = not self._set
        try:
            if (error is not None or self._restore) and self._set:
                self.restore()
            elif error is None:
                self._journal.forget_saved()
            known = True
            if self._fence is not None:
                wait_for(self._fence.release())
        except DeviceError as worse:
            if error is None:
                raise
            _say_more(error, str(worse))
        finally:
            self._journal.close()
            if error is not None:
                with contextlib.suppress(AttributeError):
                    error.effect = "none" if not self._set else "done" if known else ""  # type: ignore[attr-defined]
                if known and self._set:
                    _say_more(error, "everything is back where it was, verified")

    def _find(self, name: str) -> Wired:
        if name not in self._wired:
            raise DeviceError(name, f"is none of {', '.join(self._wired)}")
        return self._wired[name]


def _say_more(error: BaseException, text: str) -> None:
    if isinstance(error, Stopped):
        error.why = f"{error.why}; {text}"
        error.args = (f"stopped as asked: {error.why}",)
    elif isinstance(error, DeviceError):
        error.add(text)
