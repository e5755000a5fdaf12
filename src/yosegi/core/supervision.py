"""Background work of a site: each task has a name and an owner; a failure is logged, shown and followed by a restart.

`TaskScope.repeat` keeps work going: its rounds follow each other, and after one that fails the next begins later, for
ever. `TaskScope.spawn` does something once: its failure is logged and shown, and it is for whoever spawned it to do it
again. A scope ends all of its tasks when it is closed, so nothing outlives its owner.

Considered:

- trio's nurseries and `asyncio.TaskGroup`. Kept from them: no task without a scope, a scope ends what it began, nothing
  that a task raises is lost. Not kept: there the first failure cancels the siblings. That is right for parts of one
  result, and wrong for a site: the conversation with one peer must not end because mail to an operator failed.
- Erlang's supervisors, which give up after some restarts within some time and fail upwards, until the node restarts.
  A site has work of many teams, so one part that fails for ever (a campaign whose file has a fault) is told to a person
  and does not stop the others. The one fault that ends a process is a ledger that has stopped (decision record 0020).
- Jitter in the back-off, against many clients that return to one server together. The tasks of one site are few and
  fail apart; calls to peers have a jitter of their own (`yosegi.exchange.sender`). Without it a simulated federation
  is the same each time.
- `loop.set_exception_handler`. It hears of an exception when a task is collected as garbage, which may be never.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from yosegi.core.background_state import TRANSITIONS as TRANSITIONS
from yosegi.core.background_state import BackgroundState as BackgroundState
from yosegi.core.clock import Clock
from yosegi.core.errors import Conflict, YosegiError

T = TypeVar("T")
log = logging.getLogger("yosegi.background")

Round = Callable[[], Coroutine[Any, Any, bool]]
"""One round of work that is repeated; returns whether there is another."""

PERSISTENT = 3
"""Failures in a row after which a person is told: what fails once mends itself as a rule."""
_FAILED_KEPT = 100
"""How many failures of work that was spawned are shown; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after a failure: `min(most, first * 2 ** (failures - 1))` seconds.

    Args:
        first: seconds after the first failure.
        most: seconds that are never exceeded.
    """

    first: float = 1.0
    most: float = 30.0

    def pause(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, at least one."""
        return min(self.most, self.first * 2.0 ** min(failures - 1, 64))


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """What is known of one background task.

    Args:
        owner: the part of the site that it belongs to, e.g. `exchange`.
        name: unique among the repeated tasks of its owner.
        since: when it came into this state.
        failures: in a row; a round that succeeds sets it to 0.
        last_error: of the latest failure, whenever that was; empty if it never failed.
        resumes: when it begins again, while it is backing off.
    """

    owner: str
    name: str
    state: BackgroundState
    since: datetime
    failures: int = 0
    last_error: str = ""
    resumes: datetime | None = None

    @property
    def is_failing(self) -> bool:
        """Whether a person should look at it: it was given up, or has failed `PERSISTENT` times in a row."""
        return self.state is BackgroundState.FAILED or self.failures >= PERSISTENT

    def __str__(self) -> str:
        what = f"{self.owner}: {self.name}"
        if self.state is BackgroundState.FAILED:
            return f"{what} failed: {self.last_error}"
        if self.state is BackgroundState.BACKING_OFF:
            return f"{what} backs off after failure {self.failures} in a row: {self.last_error}"
        return f"{what} is {self.state}"


def after_failure(task: BackgroundTask, error: BaseException, now: datetime, backoff: Backoff | None) -> BackgroundTask:
    """What follows a failure: a restart after a pause that doubles, or, without a back-off, nothing more."""
    failures = task.failures + 1
    # What the program can explain is explained by its text alone.
    said = (str(error) if isinstance(error, YosegiError) else f"{type(error).__name__}: {error}")[:500]
    if backoff is None:
        return replace(task, state=BackgroundState.FAILED, since=now, failures=failures, last_error=said)
    resumes = now + timedelta(seconds=backoff.pause(failures))
    return replace(
        task, state=BackgroundState.BACKING_OFF, since=now, failures=failures, last_error=said, resumes=resumes
    )


def after_pause(task: BackgroundTask, now: datetime) -> BackgroundTask:
    """What follows a pause: another round. The failures are forgotten only once that round has succeeded."""
    return replace(task, state=BackgroundState.RUNNING, since=now, resumes=None)


def after_success(task: BackgroundTask) -> BackgroundTask:
    """What follows a round that succeeded: the next one, with no failures counted."""
    return replace(task, failures=0) if task.failures else task


class Supervisor:
    """All background work of one site.

    Examples:
        >>> from yosegi.core.clock import SystemClock
        >>> async def work() -> list[str]:
        ...     supervisor, done = Supervisor(SystemClock()), []
        ...     scope = supervisor.scope("example")
        ...     async def once() -> None:
        ...         done.append("spawned")
        ...     await scope.spawn("one thing", once)
        ...     await supervisor.close()
        ...     return done
        >>> asyncio.run(work())
        ['spawned']
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._scopes: dict[str, TaskScope] = {}

    def __repr__(self) -> str:
        tasks = self.tasks()
        return f"<supervisor of {len(tasks)} tasks, {sum(task.is_failing for task in tasks)} failing>"

    def scope(self, owner: str) -> TaskScope:
        """A new scope for one owner's tasks.

        Raises:
            Conflict: that owner has one already.
        """
        if owner in self._scopes:
            raise Conflict(f"background tasks of {owner}", "there is a scope for them already", "name another owner")
        self._scopes[owner] = TaskScope(self, owner)
        return self._scopes[owner]

    def tasks(self) -> tuple[BackgroundTask, ...]:
        """What is under way, and what was spawned and failed, in the order in which it began."""
        return tuple(task for scope in self._scopes.values() for task in scope.tasks())

    def failing(self) -> tuple[BackgroundTask, ...]:
        """What a person should look at."""
        return tuple(task for task in self.tasks() if task.is_failing)

    async def close(self) -> None:
        """End all tasks of all scopes, the latest scope first; nothing is begun any more."""
        for scope in reversed(list(self._scopes.values())):
            await scope.close()

    async def attempt(self, task: BackgroundTask, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """One round of a task; a simulation may override it to have the round fail."""
        return await work()


class _Tracked:
    """A task under way, with what is known of it."""

    __slots__ = ("hurry", "status", "task")

    def __init__(self, status: BackgroundTask) -> None:
        self.status = status
        self.hurry = asyncio.Event()
        self.task: asyncio.Task[Any] | None = None


class TaskScope:
    """The background tasks of one owner, e.g. of the exchange; made by `Supervisor.scope`."""

    def __init__(self, supervisor: Supervisor, owner: str) -> None:
        self.owner = owner
        self.closed = False
        self._supervisor = supervisor
        self._live: dict[object, _Tracked] = {}
        self._failed: dict[str, BackgroundTask] = {}

    def __repr__(self) -> str:
        return f"<{self.owner}: {len(self._live)} tasks{', closed' if self.closed else ''}>"

    def tasks(self) -> Iterator[BackgroundTask]:
        """What is under way, then what was spawned and failed."""
        yield from [tracked.status for tracked in self._live.values()]
        yield from self._failed.values()

    def repeat(self, name: str, work: Round, backoff: Backoff = Backoff()) -> asyncio.Future[None]:
        """Do rounds of work one after another until one returns False; after one that fails, go on later.

        Whatever a round raises counts as a failure, so what is foreseen (a peer is away) is caught in the round.

        Returns:
            A future that is done when the work has ended. Cancelling it ends the work too.

        Raises:
            Conflict: there is repeated work of that name.
        """
        if self.is_running(name):
            raise Conflict(f"background task {self.owner}: {name}", "is under way", "choose another name")
        return self._begin(name, name, lambda tracked: self._rounds(tracked, work, backoff))

    def spawn(self, name: str, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Future[T]:
        """Do something once, beside what the caller does.

        A failure is logged and shown until work of that name succeeds; whoever awaits the result gets it raised too.
        """
        return self._begin(object(), name, lambda tracked: self._supervisor.attempt(tracked.status, work))

    def hurry(self, name: str) -> None:
        """Begin the next round of repeated work at once if it is backing off: a person has mended something."""
        if name in self._live:
            self._live[name].hurry.set()

    def is_running(self, name: str) -> bool:
        """Whether repeated work of that name is under way, backing off included."""
        tracked = self._live.get(name)
        return tracked is not None and tracked.task is not None and not tracked.task.done()

    def last_error(self, name: str) -> str:
        """Why the latest round of repeated work failed; empty if it did not, or there is no such work."""
        return self._live[name].status.last_error if name in self._live and self._live[name].status.failures else ""

    async def close(self) -> None:
        """End all tasks and wait for their ends, whatever they raise; nothing is begun any more."""
        self.closed = True
        ending = [tracked.task for tracked in self._live.values() if tracked.task is not None]
        ending = [task for task in ending if task is not asyncio.current_task()]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def _begin(self, key: object, name: str, work: Callable[[_Tracked], Coroutine[Any, Any, T]]) -> asyncio.Future[T]:
        if self.closed:
            # What is begun while everything ends would outlive it; it is taken up by the next start.
            nothing: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            nothing.cancel()
            return nothing
        now = self._supervisor.clock.now()
        tracked = _Tracked(BackgroundTask(self.owner, name, BackgroundState.RUNNING, now))
        task = asyncio.create_task(work(tracked), name=f"{self.owner}: {name}")
        tracked.task = task
        self._live[key] = tracked
        task.add_done_callback(lambda done: self._ended(key, tracked, done))
        return task

    def _ended(self, key: object, tracked: _Tracked, task: asyncio.Task[Any]) -> None:
        if self._live.get(key) is tracked:
            del self._live[key]
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._failed.pop(tracked.status.name, None)
            return
        self._note(tracked, error, None)
        self._failed[tracked.status.name] = tracked.status
        if len(self._failed) > _FAILED_KEPT:
            del self._failed[next(iter(self._failed))]

    async def _rounds(self, tracked: _Tracked, work: Round, backoff: Backoff) -> None:
        while True:
            failure: BaseException | None = None
            try:
                goes_on = await self._supervisor.attempt(tracked.status, work)
            except asyncio.CancelledError as error:
                # Raised by something that the round awaited and somebody else cancelled: nobody has ended this task.
                if _is_being_cancelled():
                    raise
                failure = error
            except Exception as error:  # noqa: BLE001 whatever it is, the work goes on and the failure is told
                failure = error
            if failure is None:
                tracked.status = after_success(tracked.status)
                if not goes_on:
                    return
            else:
                self._note(tracked, failure, backoff)
                await self._pause(tracked, backoff.pause(tracked.status.failures))
                tracked.status = after_pause(tracked.status, self._supervisor.clock.now())

    def _note(self, tracked: _Tracked, error: BaseException, backoff: Backoff | None) -> None:
        tracked.status = after_failure(tracked.status, error, self._supervisor.clock.now(), backoff)
        # What the program can explain needs no traceback.
        trace = None if isinstance(error, YosegiError) else error
        log.error("%s", tracked.status, exc_info=trace)

    async def _pause(self, tracked: _Tracked, seconds: float) -> None:
        tracked.hurry.clear()
        late = asyncio.ensure_future(self._supervisor.clock.sleep(seconds))
        told = asyncio.ensure_future(tracked.hurry.wait())
        try:
            await asyncio.wait({late, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
            told.cancel()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
