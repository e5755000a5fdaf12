"""What it costs to carry an object from its owner to its home.

    python -m benchmarks.objects            # a table
    python -m benchmarks.objects --json

Two sites in one process on simulated time and network, with real files, documents, signatures and digests: what is
counted is the processor time of both ends together, since the network is not what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from yosegi.core.capability import Object, capability
from yosegi.data import FileStore
from yosegi.exchange.request_draft import RequestDraft
from yosegi.governance.charter.statement import Listens, Outbound, Reach
from yosegi.testing.federation import CHARTER, TEAM, Federation, Place, address
from yosegi.testing.loop import run_simulated


@dataclass(frozen=True)
class Made:
    blob: Annotated[bytes, Object(most="1 GB")]


@capability("bench.make@1", kind="simulation", effect="pure", field="benchmark", simulated=True)
def make(size: int) -> Made:
    """So many bytes."""
    return Made(os.urandom(size))


REACHES: dict[str, Reach] = {"listens": Listens(url=address("riken")), "dials out": Outbound(mailbox="argonne")}


async def carried(folder: Path, reach: Reach, size: int) -> float:
    """Processor seconds of both ends for one object."""
    places = {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
        "riken": Place("riken", reach, capabilities=[make], duration=0.01),
    }
    for name, place in places.items():
        place.objects = FileStore(folder / name)  # type: ignore[assignment]
    federation = Federation(places, folder)
    await federation.start()
    home, owner = federation.places["argonne"].running, federation.places["riken"].running
    request = RequestDraft(
        charter=CHARTER, key="one", team=TEAM, on_behalf_of="pi@argonne", purpose="research",
        capability="riken/bench.make@1", contract=make.contract, inputs={"size": size},
    )  # fmt: skip
    give, began = owner.transfers.give, [0.0]

    async def noting(*asked: Any) -> Any:
        began[0] = began[0] or time.process_time()
        return await give(*asked)

    owner.transfers.give = noting
    await home.requests.ask(home.authorizer.authorize(request))
    while not home.ledger.query("SELECT 1 FROM object WHERE kind = 'object.received'"):
        await asyncio.sleep(0.02)
    spent = time.process_time() - began[0]
    for name in places:
        await federation.crash(name)
    return spent


def stored(folder: Path, size: int) -> float:
    """Processor seconds to put so many bytes and to hand them to a worker, verified."""
    data, store = os.urandom(size), FileStore(folder / "store")
    before = time.process_time()
    sha256, _ = store.put(data)
    store.copy(sha256, folder / "copy")
    return time.process_time() - before


def measure(size: int) -> dict[str, float]:
    """Megabytes for one second of processor time."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        found["put, and copied for a worker"] = size / 1e6 / stored(Path(folder), size)
    for name, reach in REACHES.items():
        with tempfile.TemporaryDirectory() as folder:
            found[f"owner to home, owner {name}"] = size / 1e6 / run_simulated(carried(Path(folder), reach, size))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--size", type=int, default=50_000_000, help="bytes of the object")
    options = parser.parse_args()
    found = {name: round(rate, 1) for name, rate in measure(options.size).items()}
    about = {"size": options.size, "machine": platform.machine(), "load": round(os.getloadavg()[0], 1)}
    if options.json:
        print(json.dumps({"megabytes_per_cpu_second": found} | about))
        return
    for name, rate in found.items():
        print(f"{name:40} {rate:8.1f} MB a second of processor time")
    print(about)


if __name__ == "__main__":
    main()
