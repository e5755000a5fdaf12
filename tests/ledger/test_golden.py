"""The ledger of every release opens, folds and verifies, for ever."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ledger.golden_ledger import golden_views, write_golden
from ledger.support import KEYS, open_ledger
from yosegi.ledger import Receipt, SqliteStore, tree, verify_entries

GOLDEN = Path(__file__).parent / "golden"
RELEASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())
NEWEST = RELEASES[-1]


def bodies(ledger: Any) -> list[Any]:
    return [
        entry.body if entry.body_bytes is None or entry.body_bytes[:1] == b"{" else "raw" for entry in ledger.scan()
    ]


@pytest.mark.parametrize("release", RELEASES)
def test_a_golden_ledger_opens_folds_and_verifies(release: str, tmp_path: Path) -> None:
    said = json.loads((GOLDEN / release / "said.json").read_text())
    shutil.copy(GOLDEN / release / "ledger.sqlite", tmp_path)

    async def body() -> None:
        store = SqliteStore(tmp_path / "ledger.sqlite", durable=False)
        ledger = await open_ledger(store, views=golden_views())
        list(ledger.check())
        assert [entry.hash for entry in ledger.scan()] == said["hashes"]
        assert ("sha256:" + ledger.root().hex(), ledger.epoch) == (said["root"], said["epoch"])
        assert bodies(ledger) == said["bodies"]
        ledger.rebuild()
        assert ledger.query("SELECT * FROM budget") == said["budget"]
        assert ledger.query("SELECT * FROM titles ORDER BY sequence") == said["titles"]
        assert [item.hex() for item in ledger.consistency(5, ledger.size)] == said["consistency"]
        verify_entries([entry.header_bytes for entry in ledger.scan()], ledger.checkpoint(), KEYS)
        ledger.close()

    asyncio.run(body())


@pytest.mark.parametrize("release", RELEASES)
def test_a_golden_receipt_verifies(release: str) -> None:
    said = json.loads((GOLDEN / release / "said.json").read_text())
    receipt = Receipt.read(said["receipt"])
    header = receipt.verify(KEYS, site="riken")
    assert receipt.hash == said["hashes"][header.sequence]
    assert tree.leaf_hash(receipt.header.encode()).hex() == said["hashes"][header.sequence].removeprefix("sha256:")


def test_the_same_entries_written_today_are_the_newest_golden_ones(tmp_path: Path) -> None:
    """Formats do not drift by accident: a change of bytes is a new version, with a golden ledger of its own."""
    asyncio.run(write_golden(tmp_path))
    assert (tmp_path / "said.json").read_bytes() == (GOLDEN / NEWEST / "said.json").read_bytes()
