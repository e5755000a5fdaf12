"""A ledger is read by whoever has read rights only, and from a medium that cannot be written."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import stat
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from yosegi.ledger.snapshot import Snapshot

GOLDEN = Path(__file__).parent / "golden/v0.1/ledger.sqlite"
NOBODY = 65534


def _read(path: Path, answers: Connection) -> None:
    """Read a ledger as somebody who may write nothing there."""
    if os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    with Snapshot(path) as ledger:
        answers.send((ledger.size, sum(1 for _ in ledger.scan())))


def _as_nobody(path: Path) -> tuple[int, int]:
    """How many entries are told, and how many are read."""
    path.parent.chmod(0o555)
    for file in path.parent.iterdir():
        file.chmod(0o444)
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()
    reader = fork.Process(target=_read, args=(path, there))
    reader.start()
    there.close()
    try:
        found: tuple[int, int] = here.recv()
    finally:
        reader.join(60)
        path.parent.chmod(0o755)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/") and not parent.stat().st_mode & stat.S_IXOTH:
            parent.chmod(parent.stat().st_mode | 0o055)
    (tmp_path / "disc").mkdir()
    return tmp_path / "disc"


def test_a_ledger_is_read_where_nothing_may_be_written_beside_it(folder: Path) -> None:
    shutil.copy(GOLDEN, folder / "ledger.db")
    with Snapshot(GOLDEN) as ledger:
        size = ledger.size
    assert _as_nobody(folder / "ledger.db") == (size, size)
    assert [one.name for one in folder.iterdir()] == ["ledger.db"]


def test_entries_that_are_not_in_the_file_yet_are_read_too(folder: Path) -> None:
    shutil.copy(GOLDEN, folder / "ledger.db")
    db = sqlite3.connect(folder / "ledger.db")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("CREATE TABLE later (one INTEGER)")
    db.commit()
    for name in ("ledger.db", "ledger.db-wal"):
        shutil.copy(folder / name, folder.parent / name)
    db.close()
    for leftover in folder.iterdir():
        leftover.unlink()
    for name in ("ledger.db", "ledger.db-wal"):
        shutil.copy(folder.parent / name, folder / name)
        (folder / name).chmod(0o444)
    with Snapshot(GOLDEN) as ledger:
        size = ledger.size
    assert _as_nobody(folder / "ledger.db") == (size, size)
