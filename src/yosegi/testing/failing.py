"""A supervisor under which every background task fails once, so that a whole federation can show that it goes on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Literal, TypeVar

from yosegi.core.clock import Clock
from yosegi.core.supervision import BackgroundTask, Supervisor

T = TypeVar("T")
Moment = Literal["before", "within"]


class FailingSupervisor(Supervisor):
    """Has each task fail at its first round, whatever it is, and lets it work from then on.

    Args:
        clock: the site's.
        error: makes what is raised.
        moment: `before` the round begins, or `within` it, where it first waits for something; a round that never waits
            is let through, and tried again.
        failed: owner and name of each task that has failed, in order; kept by the caller beyond a restart.
        spared: owners whose tasks do not fail.
    """

    def __init__(
        self,
        clock: Clock,
        error: Callable[[], Exception],
        moment: Moment,
        failed: list[tuple[str, str]],
        spared: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(clock)
        self._error, self._moment, self._failed, self._spared = error, moment, failed, spared
        self.seen: set[tuple[str, str]] = set()

    async def attempt(self, task: BackgroundTask, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """One round of a task, which fails if none of its rounds has yet."""
        which = (task.owner, task.name)
        if task.owner in self._spared:
            return await work()
        self.seen.add(which)
        if which in self._failed:
            return await work()
        if self._moment == "before":
            self._failed.append(which)
            raise self._error()
        result: T = await _Failing(work(), lambda: self._failed.append(which), self._error)
        return result


class _Failing:
    """Awaits a coroutine and has the first thing that it waits for raise instead."""

    def __init__(self, work: Coroutine[Any, Any, T], note: Callable[[], None], error: Callable[[], Exception]) -> None:
        self._work, self._note, self._error = work, note, error

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            self._work.send(None)
        except StopIteration as ended:
            return ended.value
        self._note()
        return (yield from self._after_the_error())

    def _after_the_error(self) -> Generator[Any, Any, Any]:
        # The coroutine may go on after the error, and then waits for other things.
        try:
            waits = self._work.throw(self._error())
            while True:
                try:
                    sent = yield waits
                except BaseException as error:  # noqa: BLE001 handed to whom it is meant for, as `yield from` does
                    waits = self._work.throw(error)
                else:
                    waits = self._work.send(sent)
        except StopIteration as ended:
            return ended.value
