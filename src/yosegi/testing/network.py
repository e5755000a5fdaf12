"""A network in one process: sites are called by address, with a delay, and with whatever faults a test asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from yosegi.core.errors import Unavailable, YosegiError

Handler = Callable[[bytes], Awaitable[bytes]]


class Fault(StrEnum):
    """What may become of one call."""

    NONE = "none"
    LOST = "lost"
    """It never arrives."""
    ANSWER_LOST = "answer_lost"
    """It arrives and is handled; the answer does not come back."""
    REPEATED = "repeated"
    """It arrives twice."""
    LATE = "late"
    """It arrives after its caller has given up."""


@dataclass
class Network:
    """Everybody's transport. `fault` is asked at each call, with its number and address."""

    delay: float = 0.001
    fault: Callable[[int, str], Fault] = lambda number, address: Fault.NONE
    calls: int = 0
    _handlers: dict[str, Handler] = field(default_factory=dict)
    _down: set[str] = field(default_factory=set)
    _late: set[asyncio.Task[bytes]] = field(default_factory=set)

    def listen(self, address: str, handler: Handler) -> None:
        """Serve an address, from its beginning, e.g. `http://riken`."""
        self._handlers[address] = handler

    def part(self, *addresses: str) -> None:
        """These are out of reach until `heal`."""
        self._down.update(addresses)

    def heal(self) -> None:
        """Everybody can be reached again."""
        self._down.clear()

    async def call(self, address: str, body: bytes, *, timeout: float) -> bytes:
        """See `yosegi.core.transport.Transport`."""
        self.calls += 1
        fault = self.fault(self.calls, address)
        await asyncio.sleep(self.delay)
        host = "/".join(address.split("/", 3)[:3])
        handler = self._handlers.get(host)
        if fault is Fault.LOST or handler is None or host in self._down:
            raise Unavailable(address, "out of reach")
        if fault is Fault.LATE:
            self._keep(asyncio.create_task(self._later(handler, body)))
            raise Unavailable(address, "no answer in time")
        try:
            async with asyncio.timeout(timeout):
                if fault is Fault.REPEATED:
                    self._keep(asyncio.create_task(self._later(handler, body)))
                answer = await handler(body)
        except TimeoutError:
            raise Unavailable(address, "no answer in time") from None
        await asyncio.sleep(self.delay)
        if fault is Fault.ANSWER_LOST or host in self._down:
            raise Unavailable(address, "the answer was lost")
        return answer

    async def _later(self, handler: Handler, body: bytes) -> bytes:
        await asyncio.sleep(3.0)
        try:
            return await handler(body)
        except YosegiError:
            return b""

    def _keep(self, task: asyncio.Task[bytes]) -> None:
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def close(self) -> None:
        """Nothing to close."""
