"""A home that ever had a ledger does not begin another, nor go on with an older copy; damage in the middle is told."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.test_closing import home
from yosegi.app.compose import open_ledger
from yosegi.app.home import Home
from yosegi.app.ledger_mark import HighWaterMark, MarkKeeper
from yosegi.app.stores import snapshot_of
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Corrupt
from yosegi.ledger import Checkpoint, Draft, Ledger, LedgerBehind, Write
from yosegi.services.alerts.ledger_scrub import LedgerScrub
from yosegi.trust.envelope import Envelope


async def written(place: Home, entries: int, body: bytes = b"x") -> None:
    """Open the home's ledger, write, and keep its mark once, as a running site does all the time."""
    ledger = await open_ledger(place, place.settings(), SystemClock())
    try:
        for _ in range(entries):
            draft = Draft("note", {}, body)
            await ledger.append(Write("notes", None, (draft,), charter="", actor="riken"))
        HighWaterMark(place.ledger_mark).write(ledger.checkpoint())
    finally:
        ledger.close()


def deleted(place: Home) -> None:
    for file in place.folder.glob("ledger.db*"):
        file.unlink()


def emptied(place: Home) -> None:
    deleted(place)
    place.ledger.touch()


@pytest.mark.parametrize("harm", [deleted, emptied])
def test_a_ledger_that_is_gone_is_not_begun_anew(tmp_path: Path, harm: Callable[[Home], None]) -> None:
    place = home(tmp_path / "riken")
    asyncio.run(written(place, 3))
    harm(place)
    with pytest.raises(Corrupt, match=r"it is empty or gone.*over 4 entries.*yosegi site restore"):
        asyncio.run(written(place, 1))
    assert not place.ledger.exists() or not place.ledger.stat().st_size


def test_a_home_that_never_had_a_ledger_begins_one(tmp_path: Path) -> None:
    place = home(tmp_path / "riken")
    asyncio.run(written(place, 0))
    assert Checkpoint.read(Envelope.read(place.ledger_mark.read_bytes()).payload).size == 1


def test_an_older_copy_that_is_put_back_is_not_gone_on_with(tmp_path: Path) -> None:
    place = home(tmp_path / "riken")
    asyncio.run(written(place, 3))
    shutil.copy(place.ledger, tmp_path / "earlier.db")
    asyncio.run(written(place, 5))
    deleted(place)
    shutil.copy(tmp_path / "earlier.db", place.ledger)
    with pytest.raises(LedgerBehind, match=r"ledger\.mark in its home has its signed checkpoint over 9 entries"):
        asyncio.run(written(place, 1))


def test_a_mark_that_was_lost_with_the_power_is_written_again(tmp_path: Path) -> None:
    place = home(tmp_path / "riken")
    asyncio.run(written(place, 3))
    place.ledger_mark.write_bytes(b"")
    asyncio.run(written(place, 1))
    assert Checkpoint.read(Envelope.read(place.ledger_mark.read_bytes()).payload).size == 5


def test_a_running_site_keeps_its_mark_behind_its_ledger(tmp_path: Path) -> None:
    place = home(tmp_path / "riken")

    async def story() -> None:
        ledger = await open_ledger(place, place.settings(), SystemClock())
        keeper = MarkKeeper(HighWaterMark(place.ledger_mark), ledger, SystemClock())
        await ledger.append(Write("notes", None, (Draft("note", {}),), charter="", actor="riken"))
        await keeper.round()
        ledger.close()

    asyncio.run(story())
    assert Checkpoint.read(Envelope.read(place.ledger_mark.read_bytes()).payload).size == 2


def overwrite_a_page(path: Path, table: str) -> None:
    """The page of 4 KiB with a table's first rows, as a failing disk does (https://sqlite.org/fileformat.html, 1.6)."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (number,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    with path.open("r+b") as file:
        while True:
            file.seek((number - 1) * 4096)
            page = file.read(4096)
            if page[0] not in (2, 5):
                break
            cell = int.from_bytes(page[12:14])
            number = int.from_bytes(page[cell : cell + 4])
        file.seek((number - 1) * 4096)
        file.write(os.urandom(4096))


@pytest.mark.parametrize("table", ["ledger_bodies", "ledger_entries", "ledger_checkpoints", "task_state"])
def test_a_page_that_is_overwritten_is_noticed_while_the_site_runs(tmp_path: Path, table: str) -> None:
    place = home(tmp_path / "riken")

    async def story(ledger: Ledger) -> None:
        for _ in range(10):
            drafts = tuple(Draft("note", {}, os.urandom(2000)) for _ in range(10))
            await ledger.append(Write("notes", None, drafts, charter="", actor="riken"))
        scrub = LedgerScrub("riken", lambda: snapshot_of(place), SystemClock(), every=0.0)
        list(ledger.check())
        assert not scrub._read()
        assert scrub.damage == ""
        overwrite_a_page(place.ledger, table)
        await scrub.round()
        assert scrub.damage
        # Whoever checks it by hand is told too.
        with pytest.raises(Corrupt):
            list(ledger.check())
        # It is the site that goes on: what is appended is not harmed by it.
        await ledger.append(Write("notes", None, (Draft("note", {}),), charter="", actor="riken"))

    async def run() -> None:
        ledger = await open_ledger(place, place.settings(), SystemClock())
        try:
            await story(ledger)
        finally:
            ledger.close()

    asyncio.run(run())
