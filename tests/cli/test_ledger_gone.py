"""A home whose ledger is gone is told so by its doctor, and no second ledger begins out of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cli.asking import document, refused, told
from yosegi.app.compose import open_ledger
from yosegi.app.home import Home
from yosegi.core.clock import SystemClock


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that was served once and has lost its ledger."""
    home = tmp_path / "riken"
    told("site", "init", home, "--name", "riken", "--url", "http://127.0.0.1:8100")
    place = Home(home)

    async def served() -> None:
        (await open_ledger(place, place.settings(), SystemClock())).close()

    asyncio.run(served())
    place.ledger_mark.touch()
    place.ledger.unlink()
    return home


def test_its_doctor_says_so(home: Path) -> None:
    advice = document("site", "doctor", "--home", home)["advice"]
    assert any("ledger is empty or gone" in line for line in advice)


def test_it_is_no_backup_and_nothing_is_made_of_it(home: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert "holds no ledger" in refused("site", "restore", home, again)
    assert not again.exists()
