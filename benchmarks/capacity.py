"""What a site needs for its campaigns: bytes of ledger for each trial at the home site and at owners, and memory.

    PYTHONPATH=src:tests python benchmarks/capacity.py [trials] [campaigns]

A federation of three sites in one process on simulated time, with the ledgers on disk; the toy campaign asks a robot
and an instrument for each trial. Memory is that of the whole process, three sites and all, before and after.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import sys
import tempfile
import time
from pathlib import Path

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.testing.loop import run_simulated


def resident() -> float:
    """Megabytes of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


async def measure(folder: Path, trials: int, campaigns: int) -> None:
    """Run them one after the other and print what they took."""
    federation = three_sites(folder)
    federation.places["nims"].grant = {"samples": str(trials * campaigns + 10)}
    await federation.start()
    home = federation.places["argonne"].running
    sites = {name: place.running for name, place in federation.places.items()}
    before = {name: site.ledger.statistics() | {"entries": site.ledger.size} for name, site in sites.items()}
    memory, began = resident(), time.process_time()
    for number in range(campaigns):
        text = (
            spec(trials)
            .partition('[[source]]\nname = "simulation"')[0]
            .replace('name = "toy"', f'name = "toy{number}"')
        )
        await home.campaigns.start(parse_spec(text), federation.member())
        while not home.campaigns.get(f"toy{number}").state.final:
            await asyncio.sleep(5)
    done, seconds = trials * campaigns, time.process_time() - began
    print(f"{campaigns} campaigns of {trials} trials, two tasks each; {seconds / done * 1000:.0f} ms of CPU a trial")
    for name, site in sites.items():
        grown = site.ledger.statistics()["file_bytes"] - before[name]["file_bytes"]
        entries = site.ledger.size - before[name]["entries"]
        print(f"{name}: {entries / done:.1f} entries and {grown / done / 1000:.1f} kB of ledger a trial")
    print(f"memory of all: {memory:.0f} MB before, {resident() - memory:.1f} MB more for {done} trials")


if __name__ == "__main__":
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)
    trials, campaigns = (int(word) for word in (*sys.argv[1:3], "50", "2")[:2])
    with tempfile.TemporaryDirectory() as place:
        run_simulated(measure(Path(place), trials, campaigns))
