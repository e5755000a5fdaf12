"""What an authenticated, authorised and recorded request costs its owner, beyond the bare route.

    python -m benchmarks.request [--json]

One simulated federation in one process: the parcel, the request and its receipt are verified, two decisions are made,
the task is recorded and started, and the answer is signed. No network, no sync of a disk, and the work itself is a
no-op: CPU time alone, which other load disturbs little. `benchmarks.step` has the wall time over HTTP, with entries
that are durable.

Aim: 2 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.noop import noop
from yosegi.exchange.outbox import sending
from yosegi.exchange.parcel import Message, Parcel
from yosegi.governance.charter.statement import Listens
from yosegi.ledger import Write
from yosegi.testing.federation import CHARTER, TEAM, Federation, Place, address
from yosegi.testing.loop import run_simulated
from yosegi.trust.messages import Request

REQUESTS = 300


async def made(federation: Federation, number: int) -> bytes:
    """A parcel with one request in it, as the home site would post it."""
    home = federation.places["argonne"].running
    contract = federation.places["riken"].running.repository.published["bench.noop@1"].contract
    now, key = home.clock.now(), f"{number:016d}"
    common = {"charter": CHARTER, "sender": "argonne", "to": "riken", "key": key, "issued": now}
    request = Request(
        not_after=now + timedelta(hours=1),
        team=TEAM,
        on_behalf_of="pi@argonne",
        purpose="research",
        capability="riken/bench.noop@1",
        contract=contract.digest,
        inputs={"x": 0.5},
        **common,
    ).sign(federation.signer("argonne"))
    draft = sending("bench.posted", "riken", f"bench/{number}", request, {}, {})
    entries = await home.ledger.append(Write("bench", None, (draft,), charter=CHARTER, actor="argonne"))
    receipt = home.ledger.receipt(entries[0].sequence).model_dump(mode="json")
    message = Message(document=request, receipt=receipt)
    # As a real parcel it proves that its sender's ledger goes on from what the owner holds of it.
    history = home.channels.witness.history(CHARTER, "riken")
    parcel = Parcel(not_after=now + timedelta(seconds=60), messages=(message,), history=history, **common)
    return parcel.sign(federation.signer("argonne")).to_bytes()


async def measure(folder: Path) -> dict[str, float]:
    """Milliseconds of CPU a request, and of a parcel with nothing in it."""
    places = {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
        "riken": Place("riken", Listens(url=address("riken")), capabilities=[noop], duration=0.0),
    }
    federation = Federation(places, folder)
    await federation.start()
    owner = federation.places["riken"].running
    times = []
    for number in range(REQUESTS):
        body = await made(federation, number)
        began = time.process_time()
        await owner.exchange.handle(body)
        times.append((time.process_time() - began) * 1e3)
        await asyncio.sleep(0.1)
    accepted = owner.ledger.query("SELECT COUNT(*) AS n FROM task WHERE state != 'refused'")[0]["n"]
    return {"requests": REQUESTS, "accepted": accepted, "median_cpu_ms": statistics.median(times[20:])}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        found = run_simulated(measure(Path(folder))) | {"load": os.getloadavg()[0]}
    if as_json:
        print(json.dumps(found))
    else:
        print(f"{found['accepted']} of {found['requests']} requests accepted; load average {found['load']:.1f}")
        print(f"CPU a request, at its owner: {found['median_cpu_ms']:.2f} ms in the median (aim 2 ms)")


if __name__ == "__main__":
    main()
