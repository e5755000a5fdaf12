"""The queue before the sequencer: appends that wait together become durable together."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from yosegi.core.clock import Clock
from yosegi.core.errors import Unavailable
from yosegi.ledger.entry import Entry
from yosegi.ledger.sequencer import AppendRequest, Outcome, Sequencer

_MOST_REQUESTS = 2048

_Waiting = tuple[AppendRequest, "asyncio.Future[list[Entry]]"]

_STREAK = 8
_FEW = 16
_QUICK = 0.002
"""Seconds that the loop may spend on a commit: less than it takes to notice, more than an idle disk takes."""


class Queue:
    """Feeds the sequencer, from a thread of its own or, where nobody else waits and the disk is quick, at once.

    While one group is on its way to the disk the next gathers, so the longer a sync takes the more share one. One
    append alone gains nothing from the thread and pays for it twice: after some of those in a row the loop commits by
    itself, until appends come together again or commits take longer than `_QUICK`.

    Args:
        sequencer: where appends go.
        clock: measures how long commits take.
        inline: commit each append at once, in the caller's thread: no thread and no waiting, for simulations.
    """

    def __init__(self, sequencer: Sequencer, clock: Clock, *, inline: bool) -> None:
        self._sequencer, self._clock = sequencer, clock
        self._inline = inline
        self._gathered: list[_Waiting] = []
        self._waiting: deque[_Waiting] = deque()
        self._wake = threading.Condition()
        self._working = False
        self._alone, self._usual = 0, _QUICK
        self.closed = False
        self.stopped = asyncio.Event()
        """Set once the sequencer has stopped for good."""
        self._loop = asyncio.get_running_loop()
        self._watchers: set[asyncio.Future[None]] = set()
        self._thread = None if inline else threading.Thread(target=self._work, name="ledger", daemon=True)
        if self._thread is not None:
            self._thread.start()

    async def submit(self, request: AppendRequest) -> list[Entry]:
        """The entries of one request, once they are durable.

        Raises:
            YosegiError: it was refused, or the store failed; nothing of it is written.
        """
        if self.closed:
            raise Unavailable("the ledger", "it is closed", "open it again")
        if self._inline:
            outcome = self._sequencer.commit([request])[0]
            self.note_stop()
            self.tell()
            return _unwrap(outcome)
        future: asyncio.Future[list[Entry]] = self._loop.create_future()
        if not self._gathered:
            self._loop.call_soon(self._send_off)
        self._gathered.append((request, future))
        return await future

    def _send_off(self) -> None:
        """Commit what was asked for in one round of the loop, or hand it to the thread."""
        group, self._gathered = self._gathered, []
        if not group:
            return
        with self._wake:
            idle = not (self._working or self._waiting or self.closed)
            self._alone = self._alone + 1 if idle and len(group) == 1 and _is_small(group[0][0]) else 0
            if self._alone <= _STREAK or self._usual >= _QUICK:
                self._waiting.extend(group)
                self._wake.notify()
                return
        self._deliver(group, self._commit(group))

    def news(self) -> asyncio.Future[None]:
        """Done when something more is durable than when this was called: no news is lost before it is awaited."""
        watcher = self._loop.create_future()
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return watcher

    def __len__(self) -> int:
        return len(self._gathered) + len(self._waiting)

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        self._send_off()
        with self._wake:
            self.closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.tell()

    def _work(self) -> None:
        while group := self._next():
            outcomes = self._commit(group)
            with self._wake:
                self._working = False
            # A loop that has ended has no one left to tell; what is durable stays so.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._deliver, group, outcomes)

    def _commit(self, group: Sequence[_Waiting]) -> list[Outcome]:
        began = self._clock.monotonic()
        outcomes = self._sequencer.commit([request for request, _ in group])
        self._usual += (self._clock.monotonic() - began - self._usual) / 8
        return outcomes

    def _next(self) -> list[_Waiting]:
        with self._wake:
            while not self._waiting and not self.closed:
                self._wake.wait()
            self._working = True
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_REQUESTS))]

    def _deliver(self, group: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        self.note_stop()
        self.tell()

    def note_stop(self) -> None:
        """Tell whoever waits for it that the sequencer has stopped for good, if it has."""
        if self._sequencer.stopped is not None:
            self.stopped.set()

    def tell(self) -> None:
        """Wake everybody who waits for news."""
        for watcher in tuple(self._watchers):
            if not watcher.done():
                watcher.set_result(None)


def _is_small(request: AppendRequest) -> bool:
    return not request.erase and sum(len(write.drafts) for write in request.writes) <= _FEW


def _unwrap(outcome: Outcome) -> list[Entry]:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
