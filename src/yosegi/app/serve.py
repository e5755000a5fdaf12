"""Serving a site: one process, its web face, its engines; ended cleanly by SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from yosegi.app.compose import compose, open_ledger
from yosegi.app.connections import BACKLOG, ConnectionLimits, SeldomTold, limited, most_connections
from yosegi.app.faces import make_faces
from yosegi.app.home import Home
from yosegi.app.local_address import url_of
from yosegi.app.logs import logging_to_stderr
from yosegi.app.settings import Settings
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Unavailable
from yosegi.core.sanitize import log_plainly
from yosegi.services.runtime import Site

WAITING = 1024
"""Connections that the system keeps waiting until they are taken."""


async def serve(home: Home, ready: Callable[[str], None] = lambda address: None) -> None:
    """Serve until told to stop.

    Args:
        home: the site's folder.
        ready: told the address once the site answers.

    Raises:
        Invalid, Locked, Corrupt, Unavailable: the site cannot be started; nothing stays locked or running.
        Stale, Corrupt: its ledger has stopped while it was served (decision record 0020).
    """
    log_plainly()
    settings = home.settings()
    with logging_to_stderr(settings.log.level, settings.log.form):
        await _listen_and_serve(home, settings, ready)


async def _listen_and_serve(home: Home, settings: Settings, ready: Callable[[str], None]) -> None:
    host, port = settings.host_and_port
    try:
        listener = listen(host, port)
    except Unavailable:
        # The likeliest listener is this very site, and its lock says so better than its port.
        (await open_ledger(home, settings, SystemClock())).close()
        raise
    with listener:
        await _serve(home, listener, lambda: ready(url_of(host, port)))


def listen(host: str, port: int) -> socket.socket:
    """A socket bound before anything is started, so that a port in use is said and not discovered.

    Raises:
        Unavailable: the address cannot be had.
    """
    # asyncio sends at once (TCP_NODELAY) only where a socket says that it is of TCP; without, the kernel may keep the
    # second half of an answer back for 40 ms. `socket.create_server` leaves it unsaid.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(WAITING)
        return listener
    except OSError as error:
        listener.close()
        todo = "end what listens there, or change `listen` in site.toml"
        raise Unavailable(f"address {host}:{port}", error.strerror or str(error), todo) from None


async def _serve(home: Home, listener: socket.socket, ready: Callable[[], None]) -> None:
    site = await compose(home)
    asyncio.get_running_loop().set_exception_handler(SeldomTold(site.clock.monotonic))
    limits = ConnectionLimits(most_connections())
    with _obeyed(), _set_aside():
        async with contextlib.AsyncExitStack() as closing:
            closing.push_async_callback(site.close)
            config = uvicorn.Config(
                make_faces(site, home.settings()),
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_keep_alive=60,
                timeout_graceful_shutdown=2,
                server_header=False,
                ws="none",
                http=limited(limits, AutoHTTPProtocol),  # type: ignore[arg-type]
                backlog=BACKLOG,
            )
            await _Server(config, site, ready).serve(sockets=[listener])
    if site.ledger.stopped is not None:
        raise site.ledger.stopped


class _Server(uvicorn.Server):
    """A server that starts its site once signals are obeyed, and ends when it is told to, or when the ledger has.

    It waits for what is under way once it has let go of whoever is only kept waiting.
    """

    def __init__(self, config: uvicorn.Config, site: Site, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._site, self._ready = site, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the site, then answer.

        Raises:
            YosegiError: the site cannot be started.
        """
        await self._site.start()
        self._site.supervisor.scope("server").spawn("end with the ledger", self._end_with_the_ledger)
        await super().startup(sockets)
        for listener in sockets or ():
            # As many may wait to be taken as before; only as many are taken in one go as uvicorn was told.
            listener.listen(WAITING)
        set_aside_what_lasts()
        self._ready()

    async def _end_with_the_ledger(self) -> None:
        await self._site.stopped.wait()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, in good order."""
        self._site.release_waiters()
        await super().shutdown(sockets)


def set_aside_what_lasts() -> None:
    """Take what a site is made of out of what the garbage collector looks through.

    The 200,000 objects of its modules last as long as the process. Each full collection looked through all of them, for
    0.12 s of a core, in which nobody was answered (`gc.freeze`).
    """
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def _set_aside() -> Iterator[None]:
    """Undo it for a process that goes on when its site has ended."""
    try:
        yield
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def _obeyed() -> Iterator[None]:
    """Let a server that ended because it was told to end with status 0.

    uvicorn raises the signal again once it has ended, for whoever handled it before: nobody has anything left to do.
    """
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
