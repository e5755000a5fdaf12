"""The engine suite over every engine, and over the hands of a station."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from execution import samples
from execution.conftest import HERE, process_engine, until, work
from execution.engine_suite import EngineSuite, Opened, Run, fresh, ignore
from execution.stations import station_engine
from yosegi.core.clock import SystemClock
from yosegi.core.engine import Engine, Outcome
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.station import ProcessExecutor
from yosegi.testing.loop import SimulatedClock, run_simulated


class Bounded(EngineSuite):
    """Engines that end work by force."""

    def test_work_that_takes_too_long_is_ended(self, opened: Opened, run: Run) -> None:
        outcome = self.outcome(opened, run, "hang", limit=0.3)
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "time_limit")

    def test_consuming_work_that_takes_too_long_has_an_unknown_effect(self, opened: Opened, run: Run) -> None:
        outcome = self.outcome(opened, run, "dispense", limit=0.3, what="hang_after")
        assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "time_limit")

    def test_a_crash_is_a_failed_task_and_the_next_one_runs(self, opened: Opened, run: Run) -> None:
        async def main() -> list[str]:
            async with opened() as engine:
                names = (work("segfault", fresh()), work("noop", fresh(), x=1.0))
                return [(await engine.run(each, ignore)).reason for each in names]

        assert run(main()) == ["crashed", ""]

    def stopped(
        self,
        opened: Opened,
        run: Run,
        folder: Path,
        word: str,
        *,
        one: bool = True,
        grace: float = 5.0,
        deaf: bool = False,
    ) -> tuple[Outcome, bool]:
        """Stop a task that runs, alone or with all others; how it ended, and whether it reached its safe state."""

        async def main() -> Outcome:
            async with opened() as engine:
                key = fresh()
                asked = asyncio.create_task(
                    engine.run(work("park", key, grace=grace, folder=str(folder), deaf=deaf), ignore)
                )
                await until(lambda: any(folder.glob("*.began")))
                await until(lambda: engine.statistics()["running"] == 1)
                if one:
                    await engine.halt(key, word)  # type: ignore[arg-type]
                else:
                    await (engine.abort() if word == "abort" else engine.safe_stop())
                outcome = await asked
                await engine.resume()
                assert (await engine.run(work("noop", fresh(), x=1.0), ignore)).result is Result.VALID
                return outcome

        return run(main()), any(folder.glob("*.parked"))

    @pytest.mark.parametrize("one", [True, False], ids=["one", "all"])
    @pytest.mark.parametrize("word", ["safe_stop", "abort"])
    def test_a_task_that_listens_reaches_its_safe_state(
        self, opened: Opened, run: Run, tmp_path: Path, word: str, one: bool
    ) -> None:
        outcome, parked = self.stopped(opened, run, tmp_path, word, one=one)
        assert parked
        assert (outcome.effect, outcome.reason, outcome.message) == (Effect.NONE, "stopped", "the arm is parked")

    def test_an_abort_ends_by_force_what_does_not_listen(self, opened: Opened, run: Run, tmp_path: Path) -> None:
        outcome, parked = self.stopped(opened, run, tmp_path, "abort", grace=0.2, deaf=True)
        assert not parked
        assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "stopped")

    def test_a_task_whose_time_is_up_is_asked_before_it_is_ended(
        self, opened: Opened, run: Run, tmp_path: Path
    ) -> None:
        outcome = self.outcome(opened, run, "park", limit=0.3, folder=str(tmp_path), deaf=False)
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "stopped")

    @pytest.mark.parametrize("word", ["safe_stop", "abort"])
    def test_what_takes_no_context_finishes_at_a_safe_stop_and_ends_at_an_abort(
        self, opened: Opened, run: Run, tmp_path: Path, word: str
    ) -> None:
        async def main() -> Outcome:
            async with opened() as engine:
                key = fresh()
                asked = asyncio.create_task(engine.run(work("wait_consuming", key, folder=str(tmp_path)), ignore))
                await until(lambda: any(tmp_path.iterdir()) and engine.statistics()["running"] == 1)
                await engine.halt(key, word)  # type: ignore[arg-type]
                if word == "safe_stop":
                    (tmp_path / "go").touch()
                return await asked

        outcome = run(main())
        expected = (Effect.DONE, "") if word == "safe_stop" else (Effect.UNKNOWN, "stopped")
        assert (outcome.effect, outcome.reason) == expected


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
class TestProcessEngine(Bounded):
    @pytest.fixture
    def run(self, runner: asyncio.Runner) -> Run:
        return runner.run

    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
        @asynccontextmanager
        async def opening() -> AsyncIterator[Engine]:
            engine = process_engine(tmp_path_factory.mktemp("engine"))
            await engine.start()
            try:
                yield engine
            finally:
                await engine.close()

        yield from kept(runner, opening())


class TestStationInProcess(EngineSuite):
    @pytest.fixture
    def run(self) -> Run:
        return run_simulated

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Opened:
        return lambda: station_engine(tmp_path, SimulatedClock())


@pytest.mark.processes
class TestStationWithAProcess(Bounded):
    @pytest.fixture
    def run(self, runner: asyncio.Runner) -> Run:
        return runner.run

    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
        folder = tmp_path_factory.mktemp("station")
        hand = ProcessExecutor(
            list(samples.names().values()), folder, limits=TaskLimits(grace=0.1), import_path=(HERE,)
        )
        yield from kept(runner, station_engine(folder, SystemClock(), hand=hand))
