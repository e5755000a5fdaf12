"""A station whose intent log is lost, or restored from a backup: its site sees it, and nothing physical is repeated."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from execution.conftest import until, work
from execution.stations import SITE_KEY, make_engine
from execution.test_station_process import begin, end, furnish, happened, site
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Conflict, Invalid
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.station.documents import Memory
from yosegi.execution.engines.station.engine import StationEngine
from yosegi.execution.engines.station.memory import StationMemory
from yosegi.execution.station.intents import IntentLog
from yosegi.ledger import Ledger, SqliteStore
from yosegi.testing.engine_suite import ignore
from yosegi.testing.loop import EPOCH

NOTE = "the deck was looked at: one well is filled"


async def opened(path: Path) -> Ledger:
    store = SqliteStore(path, durable=False)
    return await Ledger.open(store, site="nims", signer=SITE_KEY, clock=SystemClock(), views=[], code="t", inline=True)


@asynccontextmanager
async def serving(folder: Path):
    """A site that keeps what its station tells in its ledger, and its station's folder."""
    ledger = await opened(folder / "site.db")
    engine = make_engine(SystemClock(), memory=StationMemory("robot", ledger))
    async with site(engine) as url:
        furnish(folder, url)
        yield engine
    ledger.close()


def logs(folder: Path) -> list[Path]:
    return list(folder.glob("intents.sqlite*"))


def tell(folder: Path, story: Callable[[Path], Awaitable[None]]) -> None:
    asyncio.run(story(folder))


async def goes_on_after_a_look(engine: StationEngine, folder: Path, before: list[str]) -> None:
    """Repeatable work is done meanwhile; what cannot be repeated waits until a person has settled it."""
    waits = asyncio.create_task(engine.run(work("dispense", "next", what="x"), ignore))
    assert (await engine.run(work("pid", "look"), ignore)).result is Result.VALID
    assert engine.unsettled
    assert happened(folder) == before
    await engine.settle("operator@nims", NOTE)
    assert (await waits).result is Result.VALID
    assert happened(folder) == [*before, "next"]


@pytest.mark.processes
@pytest.mark.parametrize(("what", "times"), [("hang_before", 0), ("hang_after", 1)])
def test_a_station_that_lost_its_log_in_the_middle_of_a_step_repeats_nothing(
    tmp_path: Path, what: str, times: int
) -> None:
    async def story(folder: Path) -> None:
        async with serving(folder) as engine:
            process = await begin(folder)
            asked = asyncio.create_task(engine.run(work("dispense", "k1", what=what), ignore))
            await until(lambda: engine.statistics()["running"] == 1 and len(happened(folder)) == times)
            process.kill()
            await process.wait()
            for path in logs(folder):
                path.unlink()
            again = await begin(folder)
            outcome = await asked
            assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "station_forgot")
            await goes_on_after_a_look(engine, folder, ["k1"] * times)
            assert await end(again) == 0

    tell(tmp_path, story)


@pytest.mark.processes
@pytest.mark.parametrize("site_restarts", [False, True])
def test_a_station_restored_from_a_copy_is_found_out_also_by_a_site_that_was_started_again(
    tmp_path: Path, site_restarts: bool
) -> None:
    backup = tmp_path / "backup"

    async def first(engine: StationEngine, folder: Path) -> None:
        process = await begin(folder)
        assert (await engine.run(work("dispense", "k1", what="x"), ignore)).result is Result.VALID
        assert await end(process) == 0
        backup.mkdir()
        for path in logs(folder):
            shutil.copy(path, backup)
        process = await begin(folder)
        assert (await engine.run(work("dispense", "k2", what="x"), ignore)).result is Result.VALID
        process.kill()
        await process.wait()
        for path in logs(folder):
            path.unlink()
        for path in backup.iterdir():
            shutil.copy(path, folder)

    async def then(engine: StationEngine, folder: Path) -> None:
        process = await begin(folder)
        # The site does not know whether k2 ended, and asks for it again: this station would do it again.
        assert (await engine.run(work("pid", "first"), ignore)).result is Result.VALID
        assert engine.unsettled == "its intent log is an older copy"
        asked = asyncio.create_task(engine.run(work("dispense", "k2", what="x"), ignore))
        assert (await engine.run(work("pid", "second"), ignore)).result is Result.VALID
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await goes_on_after_a_look(engine, folder, ["k1", "k2"])
        assert await end(process) == 0

    async def story(folder: Path) -> None:
        async with serving(folder) as engine:
            await first(engine, folder)
            if not site_restarts:
                await then(engine, folder)
        if site_restarts:
            async with serving(folder) as engine:
                await then(engine, folder)

    tell(tmp_path, story)


def test_an_honest_station_is_never_suspected_and_a_settled_one_not_again(tmp_path: Path) -> None:
    async def story(folder: Path) -> None:
        ledger = await opened(folder / "site.db")
        memory = StationMemory("robot", ledger)
        with pytest.raises(Conflict):
            await memory.settle("operator@nims", NOTE)
        assert not await memory.hear(5, told("a", position=3), moving=False)
        assert await memory.hear(6, told("b", follows=5, opened_at=3, position=3), moving=False)
        with pytest.raises(Invalid):
            await memory.settle("operator@nims", " ")
        assert StationMemory("robot", ledger).unsettled, "a restart of the site forgets nothing"
        await memory.settle("operator@nims", NOTE)
        assert not await memory.hear(6, told("b", follows=5, opened_at=3, position=4), moving=True)
        assert not memory.unsettled
        assert not StationMemory("robot", ledger).unsettled
        ledger.close()

    tell(tmp_path, story)


def told(log: str, *, follows: int = 0, opened_at: int = 0, position: int = 0) -> Memory:
    return Memory(log=log, follows=follows, opened_at=opened_at, position=position)


STEPS = st.lists(st.sampled_from(["write", "write", "tell", "restart", "copy", "restore"]), max_size=30)


class Ticking(SystemClock):
    """A second passes at each look."""

    def __init__(self) -> None:
        self.looks = 0

    def now(self) -> datetime:
        self.looks += 1
        return EPOCH + timedelta(seconds=self.looks)


@settings(deadline=None, max_examples=60)
@given(steps=STEPS)
@example(steps=["copy", "tell", "restore", "copy", "tell"])
@example(steps=["copy", "write", "tell", "restore", "write", "restart", "tell"])
def test_a_log_that_lacks_what_its_site_has_heard_of_is_always_found_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    """The log is the real one, on a disk that is copied and put back; the model knows what the site has heard."""
    folder, backup = tmp_path_factory.mktemp("station"), tmp_path_factory.mktemp("backup")
    clock = Ticking()

    async def story() -> None:
        ledger = await opened(folder / "site.db")
        memory = StationMemory("robot", ledger)
        log = IntentLog(folder, clock)
        run = log.next_run()
        written = [f"run {run}"]
        heard: list[str] = []
        kept: list[str] = []
        for number, step in enumerate(steps):
            if step == "write":
                log.bury(f"k{number}")
                written.append(step)
            elif step == "tell":
                lacks = written[: len(heard)] != heard
                assert await memory.hear(run, log.memory(), moving=False) == lacks
                heard = list(written)
            elif step == "copy":
                log.close()
                shutil.copy(folder / "intents.sqlite", backup)
                log, kept = IntentLog(folder, clock), list(written)
                run = log.next_run()
                written.append(f"run {run}")
            elif step == "restart" or kept:
                log.close()
                if step == "restore":
                    shutil.copy(backup / "intents.sqlite", folder)
                    written = list(kept)
                log = IntentLog(folder, clock)
                run = log.next_run()
                written.append(f"run {run}")
        log.close()
        ledger.close()

    asyncio.run(story())
