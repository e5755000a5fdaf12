"""The queue before the sequencer: appends that wait together become durable together."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress

from yosegi.core.errors import Unavailable
from yosegi.ledger.entry import Entry
from yosegi.ledger.sequencer import Outcome, Request, Sequencer

_MOST_REQUESTS = 2048

_Waiting = tuple[Request, "asyncio.Future[list[Entry]]"]


class Queue:
    """Feeds the sequencer, from a thread of its own or inline.

    While one group is on its way to the disk the next gathers, so the longer a sync takes the more share one.

    Args:
        sequencer: where appends go.
        inline: commit each append at once, in the caller's thread: no thread and no waiting, for simulations.
    """

    def __init__(self, sequencer: Sequencer, *, inline: bool) -> None:
        self._sequencer = sequencer
        self._inline = inline
        self._waiting: deque[_Waiting] = deque()
        self._wake = threading.Condition()
        self.closed = False
        self._loop = asyncio.get_running_loop()
        self._watchers: set[asyncio.Future[None]] = set()
        self._thread = None if inline else threading.Thread(target=self._work, name="ledger", daemon=True)
        if self._thread is not None:
            self._thread.start()

    async def submit(self, request: Request) -> list[Entry]:
        """The entries of one request, once they are durable.

        Raises:
            YosegiError: it was refused, or the store failed; nothing of it is written.
        """
        if self.closed:
            raise Unavailable("the ledger", "it is closed", "open it again")
        if self._inline:
            outcome = self._sequencer.commit([request])[0]
            self._notify()
            return _unwrap(outcome)
        future: asyncio.Future[list[Entry]] = self._loop.create_future()
        with self._wake:
            self._waiting.append((request, future))
            self._wake.notify()
        return await future

    def news(self) -> asyncio.Future[None]:
        """Done when something more is durable than when this was called: no news is lost before it is awaited."""
        watcher = self._loop.create_future()
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return watcher

    def __len__(self) -> int:
        return len(self._waiting)

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        with self._wake:
            self.closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._notify()

    def _work(self) -> None:
        while group := self._next():
            outcomes = self._sequencer.commit([request for request, _ in group])
            # A loop that has ended has no one left to tell; what is durable stays so.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._deliver, group, outcomes)

    def _next(self) -> list[_Waiting]:
        with self._wake:
            while not self._waiting and not self.closed:
                self._wake.wait()
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_REQUESTS))]

    def _deliver(self, group: list[_Waiting], outcomes: list[Outcome]) -> None:
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        self._notify()

    def _notify(self) -> None:
        for watcher in tuple(self._watchers):
            if not watcher.done():
                watcher.set_result(None)


def _unwrap(outcome: Outcome) -> list[Entry]:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
