"""A station as a real process behind real HTTP, killed for real."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from execution.conftest import HERE, gone, until, work
from execution.stations import SITE_KEY, STATION_KEY, make_engine
from yosegi.core.clock import SystemClock
from yosegi.core.engine import Outcome
from yosegi.core.errors import Invalid, YosegiError
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.station.engine import StationEngine
from yosegi.execution.station import StationFile
from yosegi.testing.engine_suite import ignore
from yosegi.trust.keys import unbase64

pytestmark = pytest.mark.processes

STATION = """
import asyncio, sys
from pathlib import Path
from yosegi.execution.station import Pace, run_station

pace = Pace(wait=2.0, first=0.05, longest=0.2, progress=0.05)
asyncio.run(run_station(Path(sys.argv[1]), import_path=(Path(sys.argv[2]),), pace=pace))
"""


@asynccontextmanager
async def site(engine: StationEngine) -> AsyncIterator[str]:
    """The engine's door, as a site mounts it; yields the site's address."""

    async def authenticator(request: web.Request) -> web.Response:
        try:
            return web.Response(body=await engine.handle(await request.read()))
        except YosegiError as error:
            return web.Response(status=409, text=str(error))

    app = web.Application()
    app.router.add_post("/station/v1/robot", authenticator)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await engine.close()
        await runner.cleanup()


def furnish(folder: Path, address: str, **changed: str) -> None:
    key = unbase64(SITE_KEY.public.public).hex()
    fields = {"site": "nims", "url": address, "name": "robot", "site_key": key} | changed
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    publish = ["execution.samples:dispense", "execution.samples:pid", "execution.samples:wait_consuming"]
    (folder / "station.toml").write_text("\n".join([*lines, f"publish = {json.dumps(publish)}"]))
    if not (folder / "station.key").exists():
        STATION_KEY.save(folder / "station.key")


async def begin(folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", STATION, folder, HERE)


async def end(process: asyncio.subprocess.Process) -> int:
    process.send_signal(signal.SIGTERM)
    return await process.wait()


def happened(folder: Path) -> list[str]:
    world = folder / "world"
    return world.read_text().split() if world.exists() else []


Story = Callable[[StationEngine, Path], Awaitable[None]]


def tell(folder: Path, story: Story) -> None:
    async def main() -> None:
        engine = make_engine(SystemClock())
        async with site(engine) as url:
            furnish(folder, url)
            await story(engine, folder)

    asyncio.run(main())


def test_a_station_works_over_http_and_sigterm_ends_it_after_its_step(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()

    async def story(engine: StationEngine, folder: Path) -> None:
        process = await begin(folder)
        first = await engine.run(work("dispense", "k1", what="x"), ignore)
        assert first.result is Result.VALID
        assert happened(folder) == ["k1"]
        running = asyncio.create_task(engine.run(work("wait_consuming", "k2", folder=str(marks)), ignore))
        await until(lambda: any(marks.iterdir()))
        process.send_signal(signal.SIGTERM)
        (marks / "go").touch()
        assert (await running).result is Result.VALID
        assert await process.wait() == 0

    tell(tmp_path, story)


@pytest.mark.parametrize(("what", "times"), [("hang_before", 0), ("hang_after", 1)])
def test_a_station_that_is_killed_in_the_middle_repeats_nothing(tmp_path: Path, what: str, times: int) -> None:
    async def story(engine: StationEngine, folder: Path) -> None:
        process = await begin(folder)
        worker = await engine.run(work("pid", "k0"), ignore)
        assert worker.outputs is not None
        asked = asyncio.create_task(engine.run(work("dispense", "k1", what=what), ignore))
        await until(lambda: engine.statistics()["running"] == 1 and len(happened(folder)) == times)
        process.kill()
        await process.wait()
        await until(lambda: gone(int(worker.outputs["value"])))
        again = await begin(folder)
        outcome = await asked
        assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "station_restarted")
        following = await engine.run(work("dispense", "k2", what="x"), ignore)
        assert following.result is Result.VALID
        assert await end(again) == 0
        assert happened(folder) == ["k1"] * times + ["k2"]

    tell(tmp_path, story)


def test_a_killed_hand_is_a_task_of_unknown_effect_and_is_replaced(tmp_path: Path) -> None:
    async def story(engine: StationEngine, folder: Path) -> None:
        process = await begin(folder)
        outcomes: list[Outcome] = []
        for key, what in (("k1", "die_after"), ("k2", "x")):
            outcomes.append(await engine.run(work("dispense", key, what=what), ignore))
        assert [outcome.effect for outcome in outcomes] == [Effect.UNKNOWN, Effect.DONE]
        assert outcomes[0].reason == "crashed"
        assert happened(folder) == ["k1", "k2"]
        assert await end(process) == 0

    tell(tmp_path, story)


def test_an_abort_ends_what_runs_with_an_unknown_effect(tmp_path: Path) -> None:
    async def story(engine: StationEngine, folder: Path) -> None:
        process = await begin(folder)
        asked = asyncio.create_task(engine.run(work("dispense", "k1", what="hang_after"), ignore))
        await until(lambda: happened(folder) == ["k1"])
        await engine.abort()
        outcome = await asked
        assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "stopped")
        assert await end(process) == 0

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"site_key": "00"}, "site_key"),
        ({"colour": "red"}, "colour"),
        ({"url": "ftp://nims"}, "url"),
    ],
)
def test_settings_that_do_not_hold_are_refused_by_name(tmp_path: Path, changed: dict[str, str], why: str) -> None:
    furnish(tmp_path, "http://127.0.0.1:1", **changed)
    with pytest.raises(Invalid, match=why):
        StationFile.load(tmp_path)


def test_a_folder_without_settings_is_said(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"station\.toml: does not exist"):
        StationFile.load(tmp_path)
