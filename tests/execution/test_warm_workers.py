"""Warm workers: one task at a time in a process that stays, and kill -9 of it before, during and after a task."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from execution.conftest import gone, process_engine, until, work  # of all samples
from yosegi.core.engine import Outcome
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.process.engine import ProcessEngine
from yosegi.testing.engine_suite import ignore

pytestmark = pytest.mark.processes
PUBLISHED = ("pid", "litter", "twice", "wait_for", "wait_consuming")


@asynccontextmanager
async def warm(folder: Path, **options: Any) -> AsyncIterator[ProcessEngine]:
    engine = process_engine(folder, publish=PUBLISHED, worker="warm", **options)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


def tell(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


async def number(engine: ProcessEngine, name: str, key: str, **inputs: Any) -> float:
    outcome = await engine.run(work(name, key, **inputs), ignore)
    assert outcome.outputs is not None, outcome.message
    return float(outcome.outputs["value"])


async def pid_of_worker(folder: Path) -> int:
    """The process in which a task that waits for a file runs; the sample says it in a file name."""
    await until(lambda: any(folder.glob("*.*")))
    return int(next(folder.glob("*.*")).name.partition(".")[0])


def test_the_tasks_of_a_capability_run_in_one_process_one_after_another(tmp_path: Path) -> None:
    async def story() -> None:
        async with warm(tmp_path, slots=4) as engine:
            folders = [tmp_path / name for name in "ab"]
            asked = []
            for folder in folders:
                folder.mkdir()
                asked.append(asyncio.create_task(engine.run(work("wait_for", folder.name, folder=str(folder)), ignore)))
            first = await pid_of_worker(folders[0])
            assert (engine.statistics()["running"], engine.statistics()["waiting"]) == (1, 1)
            assert not any(folders[1].iterdir())
            (folders[0] / "go").touch()
            assert await pid_of_worker(folders[1]) == first
            (folders[1] / "go").touch()
            assert [(await task).result for task in asked] == [Result.VALID, Result.VALID]

    tell(story())


def test_two_capabilities_run_beside_each_other_and_one_is_killed_alone(tmp_path: Path) -> None:
    async def story() -> None:
        async with warm(tmp_path, slots=2) as engine:
            kept, killed = tmp_path / "kept", tmp_path / "killed"
            kept.mkdir()
            killed.mkdir()
            stays = asyncio.create_task(engine.run(work("wait_for", "kept", folder=str(kept)), ignore))
            falls = asyncio.create_task(engine.run(work("wait_consuming", "killed", folder=str(killed)), ignore))
            await pid_of_worker(kept)
            os.kill(await pid_of_worker(killed), signal.SIGKILL)
            outcome = await falls
            assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "crashed")
            (kept / "go").touch()
            assert (await stays).result is Result.VALID

    tell(story())


def test_a_worker_killed_before_a_task_is_replaced_and_the_task_is_done_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with warm(tmp_path) as engine:
            first = int(await number(engine, "pid", "task/1"))
            os.kill(first, signal.SIGKILL)
            # At once: the engine may or may not have noticed, and the task is done all the same.
            second = int(await number(engine, "pid", "task/2"))
            assert second != first
            assert engine.statistics()["restarts"] == 1

    tell(story())


def test_a_worker_that_dies_with_a_task_it_has_not_begun_has_had_no_effect_and_the_next_does_it_once(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with warm(tmp_path) as engine:
            folder = tmp_path / "told"
            folder.mkdir()
            (folder / "go").touch()
            module = engine._modules["execution.samples:wait_consuming"]
            held = (await engine._server(module)).pid
            assert held is not None
            # Its keeper would let a worker go on that was stopped.
            keeper = int(Path(f"/proc/{held}/stat").read_text().rpartition(")")[2].split()[1])
            os.kill(keeper, signal.SIGSTOP)
            os.kill(held, signal.SIGSTOP)
            # It has been handed over, and lies unread where the worker never looks again.
            asked = asyncio.create_task(engine.run(work("wait_consuming", "task/1", folder=str(folder)), ignore))
            await until(lambda: any(case.number for case in engine._cases.values()))
            os.kill(held, signal.SIGKILL)
            os.kill(keeper, signal.SIGCONT)
            outcome = await asked
            assert (outcome.effect, outcome.result) == (Effect.DONE, Result.VALID)
            (done,) = folder.glob("*.*")
            assert int(done.name.partition(".")[0]) != held

    tell(story())


@pytest.mark.parametrize(
    ("name", "effect"), [("wait_for", Effect.NONE), ("wait_consuming", Effect.UNKNOWN)], ids=["pure", "consuming"]
)
def test_a_worker_killed_during_a_task_leaves_its_effect_by_its_class_and_the_next_task_runs(
    tmp_path: Path, name: str, effect: Effect
) -> None:
    async def story() -> None:
        async with warm(tmp_path) as engine:
            folder = tmp_path / "told"
            folder.mkdir()
            asked = asyncio.create_task(engine.run(work(name, "task/1", folder=str(folder)), ignore))
            worker = await pid_of_worker(folder)
            os.kill(worker, signal.SIGKILL)
            outcome = await asked
            assert (outcome.effect, outcome.reason) == (effect, "crashed")
            (folder / "go").touch()
            assert (await engine.run(work(name, "task/2", folder=str(folder)), ignore)).result is Result.VALID
            assert gone(worker)

    tell(story())


def test_a_worker_killed_after_a_task_takes_nothing_of_its_outcome_with_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with warm(tmp_path) as engine:
            outcome: Outcome = await engine.run(work("pid", "task/1"), ignore)
            assert outcome.outputs is not None
            os.kill(int(outcome.outputs["value"]), signal.SIGKILL)
            assert (outcome.effect, outcome.result) == (Effect.DONE, Result.VALID)
            await until(lambda: gone(int(outcome.outputs["value"])))  # type: ignore[index]
            assert (await engine.run(work("twice", "task/2", x=2.0), ignore)).outputs == {"value": 4}

    tell(story())


def test_a_task_cancelled_in_a_warm_worker_ends_it_and_what_waits_is_done_by_another(tmp_path: Path) -> None:
    async def story() -> None:
        async with warm(tmp_path) as engine:
            folder = tmp_path / "told"
            folder.mkdir()
            asked = asyncio.create_task(engine.run(work("wait_for", "task/1", folder=str(folder)), ignore))
            worker = await pid_of_worker(folder)
            waits = asyncio.create_task(engine.run(work("wait_for", "task/2", folder=str(folder)), ignore))
            assert await engine.cancel("task/1")
            outcome = await asked
            assert (outcome.effect, outcome.reason) == (Effect.NONE, "cancelled")
            (folder / "go").touch()
            assert (await waits).result is Result.VALID
            assert gone(worker)

    tell(story())


def test_the_scratch_of_a_task_is_its_own_and_is_gone_when_it_has_ended(tmp_path: Path) -> None:
    async def story() -> None:
        async with warm(tmp_path) as engine:
            left = await engine.run(work("litter", "task/1"), ignore)
            assert left.outputs is not None
            folder = Path(str(left.outputs["text"]))
            again = await engine.run(work("litter", "task/2"), ignore)
            assert again.outputs != left.outputs
            await until(lambda: not folder.exists())

    tell(story())


def test_a_closed_engine_leaves_no_worker_behind(tmp_path: Path) -> None:
    workers: list[int] = []

    async def story() -> None:
        async with warm(tmp_path) as engine:
            workers.append(int(await number(engine, "pid", "task/1")))

    tell(story())
    assert all(gone(worker) for worker in workers)
