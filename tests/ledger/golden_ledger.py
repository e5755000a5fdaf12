"""Writes a golden ledger: fixed key, fixed clock, fixed salts, every kind of entry the ledger has a rule for.

One is kept for each release, under `golden/`, and never written again; to make the next one:

    python -m ledger.golden_ledger FOLDER      (in `tests/`)
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from ledger.support import Budget, StillClock, Titles, open_ledger
from yosegi.ledger import Checkpoint, Draft, Ledger, SqliteStore, Write


def golden_views() -> list[Any]:
    return [Budget(1000), Titles()]


async def write_golden(folder: Path) -> None:
    clock = StillClock()
    first = await open_ledger(SqliteStore(folder / "first.sqlite"), views=golden_views(), clock=clock)
    await _campaign(first, clock)
    witnessed = Checkpoint(**json.loads(first.checkpoint().payload))
    first.backup(folder / "ledger.sqlite")
    first.close()
    # A later release must read what an earlier epoch left, too.
    ledger = await open_ledger(SqliteStore(folder / "ledger.sqlite"), views=golden_views(), clock=clock)
    clock.turn(3600)
    await ledger.open_epoch(witnessed, by="operator@riken")
    clock.turn(0.5)
    await ledger.append(
        Write("campaign/1", None, (Draft("campaign.stopped", {"state": "done"}),), "alliance", "pi@nims")
    )
    said = {
        "site": "riken",
        "epoch": ledger.epoch,
        "hashes": [entry.hash for entry in ledger.scan()],
        "root": "sha256:" + ledger.root().hex(),
        "receipt": json.loads(ledger.receipt(4).to_bytes()),
        "consistency": [item.hex() for item in ledger.consistency(5, ledger.size)],
        "budget": ledger.query("SELECT * FROM budget"),
        "titles": ledger.query("SELECT * FROM titles ORDER BY sequence"),
        "bodies": [
            entry.body if entry.body_bytes is None or entry.body_bytes[:1] == b"{" else "raw" for entry in ledger.scan()
        ],
    }
    ledger.close()
    (folder / "said.json").write_text(json.dumps(said, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    for path in folder.iterdir():
        if path.name not in ("ledger.sqlite", "said.json"):
            path.unlink()


async def _campaign(ledger: Ledger, clock: StillClock) -> None:
    opened = ledger.entry(0)
    draft = Draft("campaign.opened", {"amount": 100, "target": 2.0, "tiny": 1e-7, "name": "寄木 \U0001fab5"})
    (campaign,) = await ledger.append(
        Write("campaign/1", 0, (draft,), "alliance", "agent@argonne", on_behalf_of="pi@argonne")
    )
    for number in range(1, 6):
        clock.turn(1.25)
        body = {"title": f"trial {number}", "inputs": {"red": 31.25 * number, "unit": "uL"}}
        trial = Draft("titled", {"amount": number}, body, type_version=1, after=(opened.hash, campaign.hash))
        held = Draft("grant.held", {"amount": 10, "node_h": 250})
        await ledger.append(
            Write(f"trial/{number}", 0, (trial,), "alliance", "pi@argonne"),
            Write("grant/1", number - 1, (held,), "house", "sequencer@riken"),
        )
    await ledger.append(Write("object/1", 0, (Draft("object.kept", body=b"\x00\xffraw"),), "alliance", "pi@argonne"))
    clock.turn(60)
    await ledger.erase(4, "asked for by the person it names", actor="officer@riken")


if __name__ == "__main__":
    asyncio.run(write_golden(Path(sys.argv[1])))
