"""Verifying a campaign of 5,000 steps offline, as an auditor would: only its bundle is there.

    python -m benchmarks.verify                # 2,500 trials of two steps each
    python -m benchmarks.verify --json
    python -m benchmarks.verify --trials 50    # a small one

The bundle is written by the program itself: a federation of three sites in one process on simulated time runs the
campaign, every document signed and every entry in a ledger, and exports it. Making it takes minutes; what is measured
is reading and verifying it.
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
from yosegi.testing.loop import run_simulated
from yosegi.testing.network import Network
from yosegi.verification.bundle import read_bundle, verify_bundle

# The toy science of the federation's tests is also the one of this benchmark.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from federation.toys import spec, three_sites

RESULTS = Path(__file__).parent / "results"


def make(trials: int) -> bytes:
    """A bundle of a campaign of so many experiments of two steps each, asked of one site and recorded by two."""

    async def run(folder: Path) -> bytes:
        federation = three_sites(folder, network=Network(delay=0.01))
        # Some of the toy's samples do not hold together (x above 0.995), and are paid for all the same.
        federation.places["nims"].grant["samples"] = str(trials + trials // 20 + 10)  # type: ignore[index]
        await federation.start()
        home = federation.places["argonne"].running
        # The toy's own resolution leaves room for a thousand points.
        text = spec(trials).replace("parallel = 2", "parallel = 16").replace("resolution = 0.001", "resolution = 1e-5")
        await home.campaigns.start(parse_spec(text), federation.member())
        while not (campaign := home.campaigns.get("toy")).state.final:
            if campaign.state is CampaignState.HELD:
                raise SystemExit(f"the campaign holds after {len(campaign.ended_order)} trials: {campaign.why}")
            await asyncio.sleep(5)
        exported = await home.campaigns.export("toy")
        for name in federation.places:
            await federation.crash(name)
        return exported

    with tempfile.TemporaryDirectory() as folder:
        return run_simulated(run(Path(folder)))


def measure(trials: int, kept: Path | None) -> dict[str, Any]:
    start, used = time.perf_counter(), time.process_time()
    there = kept is not None and kept.exists()
    data = kept.read_bytes() if kept is not None and there else make(trials)
    made = {} if there else {"made_in_s": time.perf_counter() - start, "made_cpu_s": time.process_time() - used}
    if kept is not None:
        kept.write_bytes(data)
    load = os.getloadavg()[0]
    start, used = time.perf_counter(), time.process_time()
    bundle = read_bundle(data)
    reading, read_cpu = time.perf_counter() - start, time.process_time() - used
    start, used = time.perf_counter(), time.process_time()
    verified = verify_bundle(bundle)
    verifying, verify_cpu = time.perf_counter() - start, time.process_time() - used
    return {
        "machine": {
            "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "cpus": os.cpu_count(),
            "load": round(load, 1),
            "python": platform.python_version(),
        },
        "trials": trials,
        "bytes": len(data),
        "entries": len(bundle.entries),
        "steps": sum(len(trial.steps) for trial in verified.campaign.trials),
        "receipts": verified.receipts,
        **made,
        "read_s": reading,
        "read_cpu_s": read_cpu,
        "verify_s": verifying,
        "verify_cpu_s": verify_cpu,
    }


def table(result: dict[str, Any]) -> str:
    machine = result["machine"]
    return "\n".join(
        [
            f"{machine['cpus']} cores, Python {machine['python']}; load average {machine['load']}; {machine['when']}.",
            "",
            f"A bundle of {result['steps']:,} steps: {result['entries']:,} entries, {result['bytes'] / 2**20:.1f} MiB.",
            "",
            "| | seconds | CPU seconds |",
            "|---|--:|--:|",
            f"| reading the bundle | {result['read_s']:.2f} | {result['read_cpu_s']:.2f} |",
            f"| verifying it | {result['verify_s']:.2f} | {result['verify_cpu_s']:.2f} |",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--trials", type=int, default=2500, help="experiments of two steps each")
    parser.add_argument("--bundle", type=Path, default=None, help="keep the bundle there, and take it from there")
    parser.add_argument(
        "--save", type=Path, default=None, help=f"also write JSON there, e.g. {RESULTS / 'verify.json'}"
    )
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    result = measure(options.trials, options.bundle)
    if options.save:
        options.save.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
