"""The engine suite over every engine, and over the executors of a station."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from execution import samples
from execution.conftest import HERE, process_engine
from execution.stations import station_engine
from yosegi.core.clock import SystemClock
from yosegi.core.engine import Engine
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.station import ProcessExecutor
from yosegi.testing.capabilities import capabilities
from yosegi.testing.engine_suite import EngineSuite, ForcefulEngineSuite, Opened, Run
from yosegi.testing.loop import SimulatedClock, run_simulated


@pytest.fixture(scope="class")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def kept(runner: asyncio.Runner, opening: AbstractAsyncContextManager[Engine]) -> Iterator[Opened]:
    """One engine for a whole class, since its processes take a while to start."""
    engine = runner.run(opening.__aenter__())

    @asynccontextmanager
    async def again() -> AsyncIterator[Engine]:
        yield engine

    yield again
    runner.run(opening.__aexit__(None, None, None))


@pytest.mark.processes
class TestProcessEngine(ForcefulEngineSuite):
    worker = "per_task"

    @pytest.fixture
    def run(self, runner: asyncio.Runner) -> Run:
        return runner.run

    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
        @asynccontextmanager
        async def opening() -> AsyncIterator[Engine]:
            known = [name.removeprefix("sample.").removesuffix("@1") for name in capabilities()]
            engine = process_engine(tmp_path_factory.mktemp("engine"), publish=known, worker=cls.worker)
            await engine.start()
            try:
                yield engine
            finally:
                await engine.close()

        yield from kept(runner, opening())


@pytest.mark.processes
class TestWarmWorkers(TestProcessEngine):
    worker = "warm"


class TestStationInProcess(EngineSuite):
    @pytest.fixture
    def run(self) -> Run:
        return run_simulated

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Opened:
        return lambda: station_engine(tmp_path, SimulatedClock())


@pytest.mark.processes
class TestStationWithAProcess(ForcefulEngineSuite):
    @pytest.fixture
    def run(self, runner: asyncio.Runner) -> Run:
        return runner.run

    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
        folder = tmp_path_factory.mktemp("station")
        executor = ProcessExecutor(
            list(samples.names().values()), folder, limits=TaskLimits(grace=0.1), import_path=(HERE,)
        )
        yield from kept(runner, station_engine(folder, SystemClock(), executor=executor))
