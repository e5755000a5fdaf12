"""How long it takes to say what a member touched, in a ledger of a million entries, offline, signed and proved.

    python benchmarks/incident.py            # 1,000,000 entries; makes the ledger first (minutes)
    python benchmarks/incident.py --quick    # a hundredth
    python benchmarks/incident.py --json

The ledger is as an owner's: tasks of four entries (accepted, dispatched, ended, and the grant's), some 900 bytes each
with bodies, by a hundred members of whom one is looked for; they asked for a hundredth of the tasks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from pathlib import Path

from yosegi.core.clock import SystemClock
from yosegi.ledger import Draft, Ledger, SqliteStore, Write
from yosegi.ledger.snapshot import Snapshot
from yosegi.trust.signer import Ed25519Signer
from yosegi.verification.incident_trace import report, trace

SIGNER = Ed25519Signer.generate()
PEOPLE = 100
BATCH = 250


def writes(number: int) -> list[Write]:
    """The entries of one task."""
    person, stream = f"member{number % PEOPLE}@argonne", f"task/argonne/key-{number}"
    facts = {"team": "alloys", "capability": "nims/alloys.press@1", "campaign": "toy", "by": person, "grant": "g"}
    body = {"decision": {"reasons": ["alloys-2026"], "question": {"person": person}}, "note": "x" * 300}
    drafts = (
        Draft("task.accepted", facts, body),
        Draft("task.dispatched", {"attempt": 1}, {"decision": body["decision"], "note": "x" * 200}),
        Draft("task.ended", {"effect": "done", "result": "valid", "charged": {}}, {"outcome": {"y": 0.5}}),
    )
    hold = Draft("grant.held", {"grant": "g", "team": "alloys", "task": stream, "amounts": {"samples": 1000}})
    behalf = {"charter": "demo", "actor": "nims", "on_behalf_of": person}
    return [Write(stream, 0, drafts, **behalf), Write("grant/g", None, (hold,), charter="demo", actor="nims")]


async def make(path: Path, entries: int) -> None:
    """A ledger of so many entries."""
    ledger = await Ledger.open(
        SqliteStore(path, durable=False), site="nims", signer=SIGNER, clock=SystemClock(), code="benchmark", inline=True
    )
    for start in range(0, entries // 4, BATCH):
        batch = [write for number in range(start, min(start + BATCH, entries // 4)) for write in writes(number)]
        await ledger.append(*batch)
    ledger.close()


def measure(path: Path) -> dict[str, float | int]:
    """Trace one member, make the report and sign it: seconds on the wall and of the processor, and what was found."""
    wall, cpu = time.perf_counter(), time.process_time()
    with Snapshot(path) as ledger:
        found = trace(ledger, "person", ["member7@argonne"])
        traced = time.perf_counter() - wall
        made = report(ledger, "nims", "person", "member7@argonne", found, None, SystemClock().now())
        made.sign(SIGNER)
        size = ledger.size
    return {
        "entries": size,
        "found": len(found),
        "bytes": path.stat().st_size,
        "trace_s": round(traced, 2),
        "with_report_s": round(time.perf_counter() - wall, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
    }


def main() -> None:
    """Make, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="A hundredth of the entries.")
    parser.add_argument("--json", action="store_true", help="Print JSON.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        asyncio.run(make(path, 10_000 if options.quick else 1_000_000))
        found = measure(path) | {"python": platform.python_version(), "load": round(os.getloadavg()[0], 1)}
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:15} {value:,}" if isinstance(value, int | float) else f"{name:15} {value}")


if __name__ == "__main__":
    main()
