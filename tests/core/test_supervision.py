"""Supervision: what fails is told and begun again, later each time, and nothing outlives its scope."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yosegi.core.errors import Conflict, Unavailable
from yosegi.core.supervision import (
    PERSISTENT,
    TRANSITIONS,
    BackgroundState,
    BackgroundTask,
    Backoff,
    Supervisor,
    TaskScope,
    after_failure,
    after_pause,
    after_success,
)
from yosegi.testing.loop import EPOCH, SimulatedClock, run_simulated

RUNNING = BackgroundTask("exchange", "conversation with riken", BackgroundState.RUNNING, EPOCH)


@pytest.fixture(autouse=True)
def _logged() -> Iterator[None]:
    logger = logging.getLogger("yosegi")
    before, logger.level = logger.level, logging.NOTSET
    yield
    logger.setLevel(before)


def simulated(work: Callable[[Supervisor, TaskScope], Coroutine[Any, Any, None]]) -> None:
    async def story() -> None:
        supervisor = Supervisor(SimulatedClock())
        try:
            await work(supervisor, supervisor.scope("exchange"))
        finally:
            await supervisor.close()

    run_simulated(story())


# -- the decision -------------------------------------------------------------------------------------------------


def test_pauses_double_up_to_the_longest() -> None:
    assert [Backoff(1.0, 30.0).pause(n) for n in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


@given(st.floats(0.001, 1e3), st.floats(0.001, 1e6), st.integers(1, 10**9))
def test_a_pause_is_never_above_the_longest_and_never_shrinks(first: float, most: float, failures: int) -> None:
    backoff = Backoff(first, most)
    assert 0 < backoff.pause(failures) <= most
    assert backoff.pause(failures) <= backoff.pause(failures + 1)


def test_repeated_work_that_fails_begins_again_after_the_pause() -> None:
    failed = after_failure(RUNNING, Unavailable("riken", "away"), EPOCH, Backoff(2.0))
    assert failed.state is BackgroundState.BACKING_OFF
    assert failed.resumes == EPOCH + timedelta(seconds=2)
    assert failed.failures == 1
    assert failed.last_error == "riken is unavailable: away; it is tried again by itself"


def test_work_without_a_back_off_is_given_up_by_its_first_failure() -> None:
    failed = after_failure(RUNNING, ValueError("odd"), EPOCH, None)
    assert failed.state is BackgroundState.FAILED
    assert failed.is_failing


def test_failures_are_forgotten_by_a_success_and_not_by_a_restart() -> None:
    failed = after_failure(RUNNING, ValueError("odd"), EPOCH, Backoff())
    again = after_pause(failed, EPOCH)
    assert (again.state, again.failures, again.resumes) == (BackgroundState.RUNNING, 1, None)
    assert after_success(again).failures == 0
    assert after_success(again).last_error == "ValueError: odd"


@given(st.lists(st.booleans(), max_size=30))
def test_a_person_is_told_after_so_many_failures_in_a_row(rounds: list[bool]) -> None:
    task, in_a_row = RUNNING, 0
    for fails in rounds:
        before = task.state
        if fails:
            task = after_failure(task, ValueError("odd"), EPOCH, Backoff())
            assert task.state in TRANSITIONS[before]
            task = after_pause(task, EPOCH)
        else:
            task = after_success(task)
        in_a_row = in_a_row + 1 if fails else 0
        assert task.is_failing == (in_a_row >= PERSISTENT)


def test_it_reads_as_a_sentence() -> None:
    failed = after_failure(RUNNING, ValueError("odd"), EPOCH, Backoff())
    assert str(RUNNING) == "exchange: conversation with riken is running"
    assert str(failed) == "exchange: conversation with riken backs off after failure 1 in a row: ValueError: odd"


# -- repeated work ------------------------------------------------------------------------------------------------


def test_repeated_work_goes_on_after_a_failure_later_each_time() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        times: list[float] = []

        async def fails() -> bool:
            times.append(supervisor.clock.monotonic())
            raise KeyError("odd")

        scope.repeat("work", fails, Backoff(1.0, 4.0))
        await asyncio.sleep(12)
        assert times == [0, 1, 3, 7, 11]

    simulated(work)


def test_rounds_follow_until_one_says_that_it_was_the_last() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        left = [True, True, False]

        async def round_() -> bool:
            return left.pop(0)

        await scope.repeat("work", round_)
        assert not left
        assert supervisor.tasks() == ()

    simulated(work)


def test_a_failure_is_shown_with_its_error_and_when_it_resumes() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        async def fails() -> bool:
            raise OSError("disk")

        scope.repeat("work", fails, Backoff(8.0))
        await asyncio.sleep(1)
        (task,) = supervisor.tasks()
        assert (task.owner, task.name, task.state) == ("exchange", "work", BackgroundState.BACKING_OFF)
        assert (task.failures, task.last_error) == (1, "OSError: disk")
        assert task.resumes == EPOCH + timedelta(seconds=8)

    simulated(work)


def test_a_failure_nobody_foresaw_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        async def fails() -> bool:
            raise OSError("disk")

        scope.repeat("work", fails, Backoff(8.0))
        await asyncio.sleep(1)

    simulated(work)
    (record,) = caplog.records
    assert record.message == "exchange: work backs off after failure 1 in a row: OSError: disk"
    assert record.exc_info is not None


def test_it_is_failing_after_some_failures_in_a_row_and_well_again_after_a_success() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        broken = True

        async def round_() -> bool:
            if broken:
                raise OSError("disk")
            await asyncio.sleep(1)
            return True

        scope.repeat("work", round_, Backoff(1.0, 1.0))
        await asyncio.sleep(1.5)
        assert supervisor.failing() == ()
        await asyncio.sleep(1)
        assert [task.failures for task in supervisor.failing()] == [3]
        broken = False
        await asyncio.sleep(3)
        assert supervisor.failing() == ()

    simulated(work)


def test_a_cancellation_that_was_meant_for_something_else_ends_nothing() -> None:
    # A future that a round awaits may be cancelled by others; the round's own task was not.
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        rounds = 0

        async def round_() -> bool:
            nonlocal rounds
            rounds += 1
            if rounds == 1:
                other = asyncio.get_running_loop().create_future()
                other.cancel()
                await other
            return False

        await scope.repeat("work", round_)
        assert rounds == 2

    simulated(work)


def test_a_person_who_has_mended_something_need_not_wait_for_the_pause() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        rounds: list[float] = []

        async def round_() -> bool:
            rounds.append(supervisor.clock.monotonic())
            if len(rounds) == 1:
                raise OSError("disk")
            return False

        scope.repeat("work", round_, Backoff(1000.0, 1000.0))
        await asyncio.sleep(5)
        scope.hurry("work")
        await asyncio.sleep(5)
        assert rounds == [0, 5]

    simulated(work)


def test_two_repeated_tasks_of_one_name_are_refused() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        async def round_() -> bool:
            await asyncio.sleep(1)
            return False

        scope.repeat("work", round_)
        with pytest.raises(Conflict, match="exchange: work"):
            scope.repeat("work", round_)

    simulated(work)


def test_two_scopes_of_one_owner_are_refused() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        with pytest.raises(Conflict, match="exchange"):
            supervisor.scope("exchange")

    simulated(work)


# -- spawned work -------------------------------------------------------------------------------------------------


def test_spawned_work_that_fails_is_logged_and_shown_until_it_succeeds(caplog: pytest.LogCaptureFixture) -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        async def fails() -> None:
            raise OSError("disk")

        async def succeeds() -> None:
            return

        scope.spawn("work", fails)
        await asyncio.sleep(1)
        (task,) = supervisor.failing()
        assert (task.name, task.state, task.last_error) == ("work", BackgroundState.FAILED, "OSError: disk")
        scope.spawn("work", succeeds)
        await asyncio.sleep(1)
        assert supervisor.tasks() == ()

    simulated(work)
    assert [record.message for record in caplog.records] == ["exchange: work failed: OSError: disk"]


def test_whoever_awaits_spawned_work_has_its_result() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        async def two() -> int:
            return 2

        assert await scope.spawn("work", two) == 2

    simulated(work)


def test_whoever_awaits_spawned_work_that_fails_has_its_error() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        async def fails() -> None:
            raise OSError("disk")

        with pytest.raises(OSError, match="disk"):
            await scope.spawn("work", fails)

    simulated(work)


def test_no_more_than_a_hundred_failures_of_one_owner_are_kept() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        async def fails() -> None:
            raise OSError("disk")

        for n in range(150):
            scope.spawn(f"work {n}", fails)
        await asyncio.sleep(1)
        assert [task.name for task in supervisor.tasks()] == [f"work {n}" for n in range(50, 150)]

    simulated(work)


# -- closing ------------------------------------------------------------------------------------------------------


def test_closing_ends_what_is_under_way_and_what_backs_off() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        ended: list[str] = []

        async def waits() -> bool:
            try:
                await asyncio.sleep(1000)
            finally:
                ended.append("waits")
            return True

        async def fails() -> bool:
            raise OSError("disk")

        scope.repeat("waits", waits)
        scope.repeat("fails", fails)
        scope.spawn("spawned", waits)
        await asyncio.sleep(0.5)
        await scope.close()
        assert ended == ["waits", "waits"]
        assert supervisor.tasks() == ()

    simulated(work)


def test_closing_goes_on_where_a_task_raises_as_it_ends() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        ended: list[str] = []

        async def raises() -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                raise OSError("disk")

        async def waits() -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                ended.append("waits")

        scope.spawn("raises", raises)
        scope.spawn("waits", waits)
        await asyncio.sleep(1)
        await supervisor.close()
        assert ended == ["waits"]

    simulated(work)


def test_nothing_is_begun_in_a_scope_that_is_closed() -> None:
    async def work(supervisor: Supervisor, scope: TaskScope) -> None:
        async def never() -> bool:
            raise AssertionError

        await scope.close()
        assert scope.spawn("spawned", never).cancelled()
        assert scope.repeat("repeated", never).cancelled()
        await asyncio.sleep(1)
        assert supervisor.tasks() == ()

    simulated(work)


def test_scopes_are_closed_the_latest_first() -> None:
    async def story() -> None:
        supervisor, ended = Supervisor(SimulatedClock()), list[str]()

        async def waits(name: str) -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                ended.append(name)

        for name in ("ledger", "exchange", "campaigns"):
            supervisor.scope(name).spawn("work", lambda name=name: waits(name))
        await asyncio.sleep(1)
        await supervisor.close()
        assert ended == ["campaigns", "exchange", "ledger"]

    run_simulated(story())
