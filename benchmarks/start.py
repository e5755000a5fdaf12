"""How long commands take from the shell's call to their end: each a process of its own, beside a running site.

    python -m benchmarks.start [--runs 15] [--json]

One site on loopback serves a campaign that has come to its end. Each command is called once before it counts, so that
compiled modules and the disk's cache are there, and then again and again in turn with the others, so that other load
falls on all. CPU time is what the command's process used; the fastest is nearest to what an idle machine shows.

Aim: under 0.4 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from yosegi.app.bootstrap import Founder, Plan, Team, found
from yosegi.client.client import connect
from yosegi.core.clock import SystemClock
from yosegi.core.errors import YosegiError

SITE, PERSON, NAME = "lab", "pi@lab", "start"
CAMPAIGN = f"""
name = "{NAME}"
title = "Nothing"
question = "Which x?"
charter = "bench"
team = "bench-team"
on_behalf_of = "{PERSON}"
purpose = "research"
planner = "sobol"
parameter = [{{ name = "x", low = 0.0, high = 1.0, resolution = 0.001 }}]
objective = {{ name = "x" }}
stop = {{ trials = 5 }}
baseline = {{ description = "by hand" }}

[[source]]
name = "noop"
price = 1.0
step = [{{ name = "run", capability = "{SITE}/bench.noop@1" }}]
"""


def commands(home: Path) -> dict[str, list[str]]:
    """What is measured, by how it is called."""
    at = ["--home", str(home), "--as", PERSON]
    return {
        "yosegi --help": ["--help"],
        "yosegi campaign --help": ["campaign", "--help"],
        "yosegi site notices --json": ["site", "notices", "--json", *at],
        "yosegi campaign list": ["campaign", "list", *at],
        "yosegi campaign show": ["campaign", "show", NAME, *at],
        "yosegi capability list": ["capability", "list", *at],
        "yosegi task list": ["task", "list", *at],
        "yosegi grant moves": ["grant", "moves", "--home", str(home)],
        "yosegi usage": ["usage", "--home", str(home)],
        "yosegi incident list": ["incident", "list", "--home", str(home)],
        "yosegi site doctor": ["site", "doctor", "--home", str(home)],
        "yosegi engine list": ["engine", "list"],
    }


def once(arguments: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of one command.

    Raises:
        RuntimeError: it did not do what it was asked.
    """
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "yosegi.cli", *arguments], capture_output=True, check=False, text=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr[-300:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(home: Path, runs: int) -> dict[str, dict[str, float]]:
    """Fastest and median seconds of each command."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands(home)}
    for run in range(runs + 1):
        for name, arguments in commands(home).items():
            took = once(arguments)
            if run:
                times[name].append(took)
    return {
        name: {
            "fastest": round(min(wall for wall, _ in taken), 3),
            "median": round(statistics.median(wall for wall, _ in taken), 3),
            "cpu": round(min(cpu for _, cpu in taken), 3),
        }
        for name, taken in times.items()
    }


def founded(folder: Path, address: str) -> Path:
    """The home of a site in a federation of two, of which one does not run."""
    plan = Plan(
        charter="bench",
        title="Benchmark",
        team=Team(id="bench-team", title="Benchmark", lead=SITE, sites=(SITE, "other"), people=(PERSON,)),
        purposes=("research",),
        founders=(
            Founder(
                settings={
                    "site": SITE, "title": "Laboratory", "listen": address, "url": f"http://{address}",
                    "process": {"publish": ["benchmarks.noop:noop"]},
                },
                country="JP", people={PERSON: "officer"},
            ),
            Founder(
                settings={"site": "other", "title": "Another", "listen": "127.0.0.1:1", "reach": "carried"},
                country="US",
            ),
        ),
    )  # fmt: skip
    return asyncio.run(found(folder, plan, SystemClock(), ""))[SITE].folder


def ready(home: Path, url: str) -> None:
    """Wait until the site answers and its campaign has ended.

    Raises:
        TimeoutError: it does not come to that within a minute.
    """
    end, last = time.monotonic() + 60, ""
    while time.monotonic() < end:
        try:
            site = connect(url, person=PERSON, key=home / "people" / f"{PERSON}.key")
            if not site.capabilities():
                continue
            if NAME not in {one.name for one in site.campaigns()}:
                site.start(CAMPAIGN)
            if site.campaign(NAME).state().state == "ended":
                return
        except YosegiError as error:
            last = str(error)
        time.sleep(0.2)
    raise TimeoutError(f"{url}: {last}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        home = founded(Path(folder), address)
        command = [sys.executable, "-m", "yosegi.cli", "site", "serve", "--home", str(home)]
        served = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            ready(home, f"http://{address}")
            seconds = measure(home, chosen.runs)
        finally:
            served.terminate()
            served.wait()
    load = [round(one, 1) for one in os.getloadavg()]
    if chosen.json:
        print(json.dumps({"load": load, "runs": chosen.runs, "seconds": seconds}, indent=2))
        return
    print(f"{'command':34}{'fastest':>9}{'median':>9}{'CPU':>9}   (seconds; load {load})")
    for name, row in seconds.items():
        print(f"{name:34}{row['fastest']:9.2f}{row['median']:9.2f}{row['cpu']:9.2f}")


if __name__ == "__main__":
    main()
