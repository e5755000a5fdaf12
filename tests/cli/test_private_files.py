"""Homes, backups and what commands write are their owner's alone, whatever the umask."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.asking import document, told
from yosegi.app.compose import open_ledger
from yosegi.app.home import Home
from yosegi.core.clock import SystemClock


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a ledger, of which others may read all, as one that was made with an open umask."""
    home = tmp_path / "riken"
    told("site", "init", home, "--name", "riken", "--url", "http://127.0.0.1:8100")
    os.umask(0)
    place = Home(home)
    asyncio.run(_made(place))
    for path in (home, *home.rglob("*")):
        if path.suffix != ".key":
            path.chmod(0o777 if path.is_dir() else 0o666)
    return home


async def _made(home: Home) -> None:
    (await open_ledger(home, home.settings(), SystemClock())).close()


def open_to_others(folder: Path) -> list[str]:
    return [str(path) for path in (folder, *folder.rglob("*")) if stat.S_IMODE(path.lstat().st_mode) & 0o077]


def test_a_new_home_is_its_owners_alone(tmp_path: Path) -> None:
    home = tmp_path / "nims"
    told("site", "init", home, "--name", "nims", "--mailbox", "riken")
    assert not open_to_others(home)


def test_the_doctor_says_that_others_may_read_a_home_and_how_to_close_it(home: Path) -> None:
    advice = document("site", "doctor", "--home", home)["advice"]
    assert f"others on this machine may read the home: chmod -R go= {home}" in advice
    home.chmod(0o700)
    assert not [line for line in document("site", "doctor", "--home", home)["advice"] if "others on this" in line]


def test_a_backup_of_an_open_home_is_its_owners_alone_and_so_is_what_is_restored(home: Path, tmp_path: Path) -> None:
    backup, again = tmp_path / "backup", tmp_path / "again"
    told("site", "backup", "--home", home, backup)
    assert not open_to_others(backup)
    backup.chmod(0o755)
    told("site", "restore", backup, again)
    assert not open_to_others(again)


def test_what_a_command_writes_is_its_owners_alone(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "riken.audit"
    told("audit", "export", "--home", home, "--out", out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
