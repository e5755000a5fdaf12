"""What one trial of a running campaign costs, against how many there have been: it must not cost more with age.

    python -m benchmarks.growth                    # 3,000 trials
    python -m benchmarks.growth --trials 10000 --json
    python -m benchmarks.growth --page             # with the campaign's live page open beside it

A federation of three sites in one process on simulated time runs a campaign of experiments of two steps each, every
document signed and every entry in a ledger (on a RAM disk where there is one). Measured is the processor time of all
three together for each hundred trials, and the memory of the process.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import logging
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from yosegi.campaign import parse_spec
from yosegi.core.states import CampaignState
from yosegi.services.runtime import Site
from yosegi.testing.loop import run_simulated
from yosegi.testing.network import Network

# The toy science of the federation's tests is also the one of this benchmark.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from federation.toys import spec, three_sites
from yosegi.testing.world import FASTEST

EVERY = 100
RESULTS = Path(__file__).parent / "results"


def memory() -> float:
    """MB that the process holds now."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


async def look(site: Site, who: Any) -> None:
    """One open page of the campaign: its stream, read as a browser reads it."""
    from yosegi.web.live import stream
    from yosegi.web.views import CampaignPage, Looking
    from yosegi.web.words import Words

    view = CampaignPage(Looking(site, who, Words("en"), "/"), "toy")
    async for _ in stream(view, site.ledger, site.clock, lambda: True):
        pass


async def campaign(folder: Path, trials: int, page: bool) -> list[dict[str, float]]:
    """CPU milliseconds a trial and MB, for each hundred trials."""
    federation = three_sites(folder, network=Network(delay=0.01))
    federation.places["nims"].grant["samples"] = str(trials + trials // 20 + 50)  # type: ignore[index]
    await federation.start()
    home = federation.places["argonne"].running
    only_experiments = spec(trials).partition('[[source]]\nname = "simulation"')[0]
    text = only_experiments.replace("parallel = 2", "parallel = 4").replace("resolution = 0.001", "resolution = 1e-6")
    await home.campaigns.start(parse_spec(text), federation.member())
    page_task = asyncio.create_task(look(home, federation.member())) if page else None
    rows, done, began = list[dict[str, float]](), 0, time.process_time()
    while not (now := home.campaigns.get("toy")).state.final:
        if now.state is CampaignState.HELD:
            raise SystemExit(f"the campaign holds after {len(now.ended_order)} trials: {now.why}")
        await asyncio.sleep(1.0)
        ended = len(home.campaigns.get("toy").ended_order)
        if ended - done >= EVERY:
            spent = time.process_time() - began
            rows.append({"trials": ended, "ms": 1000 * spent / (ended - done), "mb": memory()})
            print(f"{ended} trials: {rows[-1]['ms']:.1f} ms, {rows[-1]['mb']:.0f} MB", file=sys.stderr, flush=True)
            done, began = ended, time.process_time()
    if page_task is not None:
        page_task.cancel()
    for name in federation.places:
        await federation.crash(name)
    return rows


def shown(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    """Of many rows those that tell: about a dozen, the first and the last among them."""
    step = max(1, len(rows) // 12)
    return [*rows[::step], *rows[-1:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=3000)
    parser.add_argument("--page", action="store_true", help="keep the campaign's live page open")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(dir=FASTEST) as folder:
        rows = run_simulated(campaign(Path(folder), given.trials, given.page))
    found = {
        "measured": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load": os.getloadavg()[0],
        "page": given.page,
        "rows": rows,
    }
    if given.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{found['machine']}, load {found['load']:.1f}" + (", page open" if given.page else ""))
    print("trials  CPU ms a trial     MB")
    for row in shown(rows):
        print(f"{row['trials']:6.0f}  {row['ms']:14.1f}  {row['mb']:5.0f}")


if __name__ == "__main__":
    main()
