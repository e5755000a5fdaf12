"""What was opened for a site is closed again, whatever failed: no lock, no thread and no process is left."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from yosegi.app import serve as serving
from yosegi.app.compose import compose, open_ledger
from yosegi.app.home import Home
from yosegi.app.init_home import make_home
from yosegi.cli import main
from yosegi.core.clock import SystemClock
from yosegi.execution.engines.derivation import CannotDerive
from yosegi.execution.engines.process.engine import ProcessEngine
from yosegi.ledger import Draft, SqliteStore, Stale, StoreDamaged, Write
from yosegi.services.erasure.service import ErasureService
from yosegi.services.runtime import Site

TESTS = Path(__file__).parents[1]


def home(folder: Path, *published: str) -> Home:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    settings: dict[str, object] = {"site": "riken", "title": "R", "listen": listen, "reach": "carried"}
    return make_home(folder, settings | {"process": {"publish": list(published), "slots": 1}})


def children() -> set[int]:
    """The processes that this one has started and that have not ended."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == os.getpid() and state not in "ZX":
            found.add(int(stat.parent.name))
    return found


def ledger_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "ledger"]


@pytest.fixture(autouse=True)
def _workers_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


async def assert_nothing_is_left(place: Home, before: set[int]) -> None:
    assert ledger_threads() == []
    assert children() <= before
    # Locked, if anybody still held it.
    (await open_ledger(place, place.settings(), SystemClock())).close()


def test_a_publication_that_fails_leaves_the_ledger_unlocked(tmp_path: Path) -> None:
    place, before = home(tmp_path / "riken", "processes.toys:nothing_of_that_name"), children()

    async def story() -> None:
        with pytest.raises(CannotDerive, match="nothing_of_that_name"):
            await compose(place)
        await assert_nothing_is_left(place, before)

    asyncio.run(story())


def test_an_engine_that_fails_as_it_starts_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, before, start = home(tmp_path / "riken", "processes.toys:simulate"), children(), ProcessEngine.start

    async def fails(self: ProcessEngine) -> None:
        await start(self)
        raise OSError("half-way")

    monkeypatch.setattr(ProcessEngine, "start", fails)

    async def story() -> None:
        site = await compose(place)
        with pytest.raises(OSError, match="half-way"):
            await site.start()
        await assert_nothing_is_left(place, before)

    asyncio.run(story())


def test_a_site_that_fails_as_it_starts_closes_what_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, before = home(tmp_path / "riken", "processes.toys:simulate"), children()

    async def fails(self: ErasureService) -> None:
        raise OSError("half-way")

    monkeypatch.setattr(ErasureService, "start", fails)

    async def story() -> None:
        with pytest.raises(OSError, match="half-way"):
            await serving.serve(place)
        await assert_nothing_is_left(place, before)

    asyncio.run(story())


async def append(site: Site, times: int) -> None:
    write = Write("notices", None, (Draft("notice.acknowledged", {"notice": "x"}),), charter="", actor="riken")
    for _ in range(times):
        await site.ledger.append(write)


async def served_until(place: Home, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Site], None]) -> None:
    """Serve a home, and once it answers do something to its ledger and append."""
    made: list[Site] = []
    answers = asyncio.Event()

    async def composed(home: Home) -> Site:
        made.append(await compose(home))
        return made[0]

    monkeypatch.setattr(serving, "compose", composed)
    serve = asyncio.create_task(serving.serve(place, lambda _: answers.set()))
    await answers.wait()
    damage(made[0])
    with pytest.raises((Stale, StoreDamaged)):
        await append(made[0], 100)
    await serve


def test_serving_ends_with_the_error_once_another_process_writes_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, before = home(tmp_path / "riken"), children()

    def usurp(site: Site) -> None:
        # As if the lock had been lost (a network file system) and another process had taken over.
        usurper = SqliteStore(place.ledger)
        usurper._begin_term([])
        usurper.close()

    async def story() -> None:
        with pytest.raises(Stale):
            await served_until(place, monkeypatch, usurp)
        await assert_nothing_is_left(place, before)

    asyncio.run(story())


def test_serving_ends_with_the_error_once_the_ledger_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = home(tmp_path / "riken")

    def damage(site: Site) -> None:
        for path in (place.ledger, place.ledger.with_name(place.ledger.name + "-wal")):
            size = path.stat().st_size
            with path.open("r+b") as file:
                file.seek(100)
                file.write(b"\xff" * (size - 100))
        # SQLite keeps the pages that it has read; a larger ledger would have to read some of them again by itself.
        site.ledger._store._writer.connection.execute("PRAGMA shrink_memory")  # type: ignore[attr-defined]

    async def story() -> None:
        with pytest.raises(StoreDamaged):
            await served_until(place, monkeypatch, damage)
        assert ledger_threads() == []

    asyncio.run(story())


def test_a_ledger_that_stopped_ends_the_command_with_a_status_that_is_not_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = home(tmp_path / "riken")

    async def stopped(home: Home, ready: object) -> None:
        raise Stale("ledger.db", 1, 2)

    monkeypatch.setattr("yosegi.app.serve.serve", stopped)
    ended = CliRunner().invoke(main, ["site", "serve", "--home", str(place.folder)])
    assert ended.exit_code == 1
    assert "term 2" in ended.output
