"""The suite that every engine of Yosegi passes, over this one; somebody at the bench does what the samples would."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from yosegi.core.capability import Context, Infeasible
from yosegi.core.clock import SystemClock
from yosegi.core.engine import Engine
from yosegi.core.states import Effect
from yosegi.testing.capabilities import capabilities

pytest.register_assert_rewrite("yosegi.testing.engine_suite")
from yosegi_engine_folder import PROPOSALS, RESULTS, FolderEngine, FolderSettings  # noqa: E402

from yosegi.testing.engine_suite import EngineSuite, fresh, ignore, work  # noqa: E402


def row_of(task: dict[str, str], folder: Path) -> list[str]:
    """What somebody at the bench writes down of a task."""
    sample = capabilities()[task["capability"]]
    inputs = {
        name: float(cell) if name == "x" else cell for name, cell in task.items() if name in ("x", "what") and cell
    }
    try:
        context = {"context": Context(task["key"], 0, folder, state=folder)} if sample.takes_context else {}
        found = sample.function(**inputs, **context)
        return [task["key"], str(getattr(found, "value", "")), str(getattr(found, "text", "")), "", ""]
    except Infeasible as error:
        return [task["key"], "", "", error.why, ""]
    except Exception as error:
        return [task["key"], "", "", "", f"{type(error).__name__}: {error}"]


async def work_at_the_bench(folder: Path) -> None:
    done: set[str] = set()
    with (folder / RESULTS).open("w", newline="") as file:
        csv.writer(file).writerow(["key", "value", "text", "infeasible", "failure"])
    while True:
        with (folder / PROPOSALS).open(newline="") as file:
            tasks = [task for task in csv.DictReader(file) if task["key"] not in done]
        for task in tasks:
            with (folder / RESULTS).open("a", newline="") as file:
                csv.writer(file).writerow(row_of(task, folder))
            done.add(task["key"])
        await asyncio.sleep(0.01)


@asynccontextmanager
async def folder_engine(folder: Path) -> AsyncIterator[Engine]:
    settings = FolderSettings(folder=str(folder), look_seconds=0.01)
    contracts = {name: found.contract for name, found in capabilities().items()}
    engine = FolderEngine("bench", folder, contracts, SystemClock().sleep, settings)
    await engine.start()
    bench = asyncio.create_task(work_at_the_bench(folder))
    try:
        yield engine
    finally:
        bench.cancel()
        await engine.close()


class TestFolderEngine(EngineSuite):
    tells_cost = False

    @pytest.fixture
    def run(self):
        return asyncio.run

    @pytest.fixture
    def opened(self, tmp_path: Path):
        return lambda: folder_engine(tmp_path)


def test_a_task_that_was_handed_out_is_not_cancelled_and_an_abort_leaves_its_effect_by_its_class(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        settings = FolderSettings(folder=str(tmp_path), look_seconds=0.01)
        contracts = {name: found.contract for name, found in capabilities().items()}
        engine = FolderEngine("bench", tmp_path, contracts, SystemClock().sleep, settings)
        await engine.start()
        key = fresh()
        asked = asyncio.create_task(engine.run(work("dispense", key, what="x"), ignore))
        while engine.statistics()["running"] == 0:
            await asyncio.sleep(0.01)
        assert not await engine.cancel(key)
        await engine.halt(key, "abort")
        outcome = await asked
        assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "stopped")
        assert key not in (tmp_path / PROPOSALS).read_text()

    asyncio.run(main())


def test_a_result_from_before_a_restart_is_told_and_the_task_is_not_handed_out_again(tmp_path: Path) -> None:
    async def main() -> None:
        settings = FolderSettings(folder=str(tmp_path), look_seconds=0.01)
        contracts = {name: found.contract for name, found in capabilities().items()}
        key = fresh()
        (tmp_path / RESULTS).write_text(f"key,text\n{key},done by hand\n")
        engine = FolderEngine("bench", tmp_path, contracts, SystemClock().sleep, settings)
        await engine.start()
        outcome = await engine.attach(work("dispense", key, what="x"), ignore)
        assert outcome.outputs == {"text": "done by hand"}
        assert key not in (tmp_path / PROPOSALS).read_text()

    asyncio.run(main())
