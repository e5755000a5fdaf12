"""Devices behind a real station process and over a real wire, when it is stopped or killed in the middle of a set."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from execution.conftest import HERE, until
from execution.stations import SITE_KEY, STATION_KEY, unheard
from execution.test_station_process import STATION, site
from packs.devices.conftest import Bench
from yosegi.core.clock import SystemClock
from yosegi.core.engine import Outcome, Work
from yosegi.core.states import Effect, Result
from yosegi.core.supervision import Supervisor
from yosegi.execution.engines.station.engine import StationEngine
from yosegi.testing.engine_suite import ignore
from yosegi.trust.keys import unbase64
from yosegi_packs.devices.journal import Journal
from yosegi_packs.devices.magnet import field
from yosegi_packs.devices.restoring import restore_saved

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(300)]
CONTRACT = field.contract


def work(key: str, current: float) -> Work:
    return Work(key, CONTRACT.name, {"current": current}, CONTRACT.time_limit, CONTRACT.effect, grace=20.0)


def make_engine() -> StationEngine:
    return StationEngine(
        "robot", STATION_KEY.public, {CONTRACT.name: CONTRACT}, SystemClock(),
        Supervisor(SystemClock()).scope("engine"), site="nims", signer=SITE_KEY,
        grace=60.0, on_late=unheard,
    )  # fmt: skip


@asynccontextmanager
async def station(folder: Path, address: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A station that publishes the magnet; ended at the end if it has not been before."""
    fields = {"site": "nims", "url": address, "name": "robot", "site_key": unbase64(SITE_KEY.public.public).hex()}
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    (folder / "station.toml").write_text("\n".join([*lines, 'publish = ["yosegi_packs.devices.magnet:field"]']))
    if not (folder / "station.key").exists():
        STATION_KEY.save(folder / "station.key")
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", STATION, folder, HERE)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def test_a_task_sets_and_reads_through_the_station(bench: Bench) -> None:
    async def story() -> Outcome:
        engine = make_engine()
        async with site(engine) as address, station(bench.folder, address):
            return await engine.run(work("k1", 3.0), ignore)

    outcome = asyncio.run(story())
    assert outcome.result is Result.VALID, outcome.message
    assert outcome.outputs is not None
    assert outcome.outputs["field"] == pytest.approx(3.0, abs=0.1)
    assert CONTRACT.simulated


def test_a_safe_stop_in_the_middle_of_a_set_puts_the_magnet_back(bench: Bench) -> None:
    async def story() -> Outcome:
        engine = make_engine()
        async with site(engine) as address, station(bench.folder, address):
            bench.fault("freeze")
            running = asyncio.create_task(engine.run(work("k1", 3.0), ignore))
            await until(lambda: bench.look("MAG:CUR:SP") == 3.0)
            await engine.halt("k1", "safe_stop")
            return await running

    outcome = asyncio.run(story())
    assert (outcome.effect, outcome.reason) == (Effect.DONE, "stopped"), outcome.message
    assert bench.look("MAG:CUR:SP") == 0.0
    assert bench.look("MAG:HOLDER") == ""


def test_a_station_killed_between_set_and_readback_repeats_nothing_until_a_person_has_looked(bench: Bench) -> None:
    puts: list[float] = []
    watching = bench.operator.monitor("MAG:CUR:SP", lambda value: puts.append(float(value)))

    async def story() -> list[Outcome]:
        engine, outcomes = make_engine(), []
        async with site(engine) as address:
            async with station(bench.folder, address) as process:
                bench.fault("freeze")
                running = asyncio.create_task(engine.run(work("k1", 3.0), ignore))
                await until(lambda: bench.look("MAG:CUR:SP") == 3.0)
                process.kill()
                await process.wait()
            bench.fault("none")
            async with station(bench.folder, address):
                outcomes.append(await running)
                outcomes.append(await engine.run(work("k2", 5.0), ignore))
            journal = Journal(bench.folder)
            assert [(act.key, act.start, act.wanted, act.state) for act in journal.unsettled()] == [
                ("k1", 0.0, 3.0, "begun")
            ]
            journal.close()
            assert await asyncio.to_thread(restore_saved, bench.folder) == {"current": 0.0}
            assert bench.look("MAG:CUR:SP") == 0.0
            async with station(bench.folder, address):
                outcomes.append(await engine.run(work("k3", 5.0), ignore))
        return outcomes

    first, second, third = asyncio.run(story())
    assert (first.effect, first.reason) == (Effect.UNKNOWN, "station_restarted")
    assert second.effect is Effect.NONE, second.message
    assert "was cut off while it was moved from 0 to 3" in second.message
    assert third.result is Result.VALID, third.message
    watching.close()
    assert puts == [0.0, 3.0, 0.0, 5.0]
