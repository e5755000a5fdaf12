"""A file for a ledger, and its opener."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.support import Opener, open_ledger
from yosegi.ledger import Ledger, SqliteStore


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def opened(file: Path) -> Iterator[Opener]:
    """Opens the ledger in `file`; what a test leaves open is closed after it."""
    ledgers: list[Ledger] = []

    async def open_it(**fields: Any) -> Ledger:
        ledger = await open_ledger(SqliteStore(file, durable=False), **fields)
        ledgers.append(ledger)
        return ledger

    yield open_it
    for ledger in ledgers:
        ledger.close()
