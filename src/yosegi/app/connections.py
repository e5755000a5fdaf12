"""Connections of strangers: so many at once, and no longer than an honest caller needs to say what it wants.

A server in front (TLS) has limits of its own; these hold where there is none, and behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger("yosegi.server")

HEADERS_WITHIN = 20.0
"""Seconds in which the head of a request must be whole, from the connection or from its first byte."""
BODY_WITHIN = 60.0
"""Seconds that may pass between two parts of a body."""
MOST_OF_ADDRESS = 256
"""Connections from one address, but from this machine, where a server in front is."""
LEFT_FREE = 256
"""Files that may be open for the ledger, workers and peers, whoever connects."""
MOST_FILES = 65_536
TOLD_EVERY = 60.0
"""Seconds between two lines that say that no connection can be taken."""
BACKLOG = 16
"""Connections that are taken in one go, some 0.1 ms each, before anybody else is answered.

Python tries as often to take one where there is no file left for it."""
_LOOPBACK = ("127.0.0.1", "::1", "")


def most_connections() -> int:
    """How many connections there may be, once this process may have as many files open as it is allowed to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        wanted = soft if soft != resource.RLIM_INFINITY else MOST_FILES
    else:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        wanted = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(wanted // 2, wanted - LEFT_FREE)


@dataclass
class ConnectionLimits:
    """The connections of one server.

    Args:
        most: at once, from everywhere.
        most_of_address: at once from one address that is not this machine's.
    """

    most: int
    most_of_address: int = MOST_OF_ADDRESS
    headers_within: float = HEADERS_WITHIN
    body_within: float = BODY_WITHIN
    open: Counter[str] = field(default_factory=Counter)

    def take(self, address: str) -> bool:
        """Whether a connection from an address is taken; one that is counts until `give_back`."""
        if self.open.total() >= self.most:
            return False
        if address not in _LOOPBACK and self.open[address] >= self.most_of_address:
            return False
        self.open[address] += 1
        return True

    def give_back(self, address: str) -> None:
        """A connection has ended."""
        self.open[address] -= 1
        if self.open[address] <= 0:
            del self.open[address]


class LimitedConnection(asyncio.Protocol):
    """One connection: what the server makes of it, within the limits.

    Args:
        inner: the server's own protocol for it.
    """

    def __init__(self, limits: ConnectionLimits, inner: asyncio.Protocol) -> None:
        self._limits, self._inner = limits, inner
        self._transport: asyncio.Transport | None = None
        self._taken: str | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take it, or end it at once."""
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        if not isinstance(transport, asyncio.Transport) or not self._limits.take(address):
            transport.close()
            return
        self._transport, self._taken = transport, address
        self._inner.connection_made(transport)
        self._wait(self._limits.headers_within)

    def data_received(self, data: bytes) -> None:
        """A part of a request."""
        if self._transport is None:
            return
        begins = not self._awaits_head() or self._timer is None
        self._inner.data_received(data)
        if self._reads_body():
            self._wait(self._limits.body_within)
        elif not self._awaits_head():
            self._stop_waiting()
        elif begins:
            self._wait(self._limits.headers_within)

    def _cycle(self) -> Any:
        return getattr(self._inner, "cycle", None)

    def _awaits_head(self) -> bool:
        """Whether no request is being answered: the next one's head is not whole."""
        cycle = self._cycle()
        return cycle is None or bool(cycle.response_complete)

    def _reads_body(self) -> bool:
        cycle = self._cycle()
        return cycle is not None and not cycle.response_complete and bool(cycle.more_body)

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self._reads_body() and getattr(getattr(self._inner, "flow", None), "read_paused", False):
            # The site does not read, as when its disk is full: its caller is not to blame.
            self._wait(self._limits.body_within)
        elif self._transport is not None and (self._awaits_head() or self._reads_body()):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self._stop_waiting()
        if self._taken is not None:
            self._limits.give_back(self._taken)
            self._taken = None
            self._inner.connection_lost(exc)

    def eof_received(self) -> bool | None:
        """The other end sends no more."""
        return self._inner.eof_received() if self._transport is not None else None

    def pause_writing(self) -> None:
        """The other end reads too slowly."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """It reads again."""
        self._inner.resume_writing()


def limited(limits: ConnectionLimits, protocol: Callable[..., asyncio.Protocol]) -> Callable[..., asyncio.Protocol]:
    """The server's protocol within limits."""
    return lambda *args, **options: LimitedConnection(limits, protocol(*args, **options))


class SeldomTold:
    """Tells once a minute that no connection can be taken, and not each time that it is tried."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic, self._again, self._times = monotonic, 0.0, 0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """See `asyncio.loop.set_exception_handler`."""
        if "socket.accept()" not in str(context.get("message")):
            loop.default_exception_handler(context)
            return
        self._times += 1
        if (now := self._monotonic()) >= self._again:
            log.error("no connection can be taken (%d times): %s", self._times, context.get("exception"))
            self._again, self._times = now + TOLD_EVERY, 0
