"""How long commands take from the shell's call to their end: each a process of its own, beside a running site.

    python -m benchmarks.start [--runs 15] [--of running,stopped,help] [--json]

One site on loopback serves a campaign that has come to its end: commands that change nothing are measured beside it
(`running`), then on its home when it has ended (`stopped`); and the help of every command (`help`). Each is called once
before it counts, so that compiled modules and the disk's cache are there, and then again and again in turn with the
others, so that other load falls on all. CPU time is what the command's process used, the least of the runs. Since a
machine is faster one day than another, the time of `python -c "import click, pydantic"`, taken in turn with them, and
how many times that a command took, stand beside it.

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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from yosegi.app.bootstrap import Founder, Plan, Team, found
from yosegi.cli import main as yosegi
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


FLOOR = "import click, pydantic"
"""What a command that reads an answer cannot do without."""


def running(home: Path) -> dict[str, list[str]]:
    """Commands that change nothing, beside a running site, by how they are called."""
    at = ["--home", str(home)]
    asked = [
        "campaign list", f"campaign show {NAME}", "capability list", f"capability show {SITE}/bench.noop@1",
        "task list",
        "task by-hand", "object list", "sample list", "instrument list", "instrument bookings", "site gap",
        "site notices --json", "site sessions", "approval list", "mandate list", "agent list", "policy access",
    ]  # fmt: skip
    return {f"yosegi {line}": [*line.split(), *at, "--as", PERSON] for line in asked} | {
        f"yosegi {line}": [*line.split(), *at]
        for line in [
            "grant moves", "usage", "incident list", "incident erasures", "agreement list", *_of_the_home(),
        ]
    }  # fmt: skip


def stopped(home: Path) -> dict[str, list[str]]:
    """The same for a home whose site does not run: what reads its files, and what a site is made of for."""
    bundle, charter = home.parent / f"{NAME}.yosegi", home.parent / "charter.json"
    at = {line: [*line.split(), "--home", str(home)] for line in _of_the_home()}
    asked = ["incident list", "agreement list", "usage", "grant moves"]
    at |= {line: [*line.split(), "--home", str(home)] for line in asked}
    alone = [
        f"charter show {charter}", f"charter verify {charter}", f"charter diff {charter} {charter}", "engine list",
        "engine show batch", f"verify {bundle}", f"replay {bundle}", f"audit verify {home}",
    ]  # fmt: skip
    return {f"yosegi {line}": words for line, words in (at | {line: line.split() for line in alone}).items()}


def _of_the_home() -> list[str]:
    """What reads files of a home, whether its site runs or not."""
    return ["site doctor", "site account list", "site key show", "charter key", f"incident trace person {PERSON}"]


def helps() -> dict[str, list[str]]:
    """The help of every command and group."""

    def below(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            yield from below(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]

    return {f"yosegi {' '.join([*path, '--help'])}": [*path, "--help"] for path in below(yosegi, ())}


def once(program: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of one call of Python.

    Raises:
        RuntimeError: it did not do what it was asked.
    """
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, *program], capture_output=True, check=False, text=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(program)} ended with {done.returncode}: {done.stderr[-300:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, dict[str, float]]:
    """Fastest and median seconds of each command, its CPU time, and that beside the CPU time of the floor."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    floor: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(runs + 1):
        for name, arguments in commands.items():
            took, least = once(["-m", "yosegi.cli", *arguments]), once(["-c", FLOOR])
            if run:
                times[name].append(took)
                floor[name].append(least[1])
    return {
        name: {
            "fastest": round(min(wall for wall, _ in taken), 3),
            "median": round(statistics.median(wall for wall, _ in taken), 3),
            "cpu": round(min(cpu for _, cpu in taken), 3),
            "floor": round(min(floor[name]), 3),
            "times": round(min(cpu for _, cpu in taken) / min(floor[name]), 2),
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
    parser.add_argument("--of", default="running,stopped", help="which commands: running, stopped, help")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    of, seconds = chosen.of.split(","), {}
    if "running" in of or "stopped" in of:
        seconds |= _beside_a_site(of, chosen.runs)
    if "help" in of:
        seconds |= {f"help: {name}": row for name, row in measure(helps(), chosen.runs).items()}
    load = [round(one, 1) for one in os.getloadavg()]
    if chosen.json:
        print(json.dumps({"load": load, "runs": chosen.runs, "seconds": seconds}, indent=2))
        return
    wide = max(map(len, seconds))
    print(f"{'command':{wide}}  fastest   median      CPU    floor    times   (seconds; load {load})")
    for name, row in seconds.items():
        print(f"{name:{wide}}" + "".join(f"{row[one]:9.2f}" for one in ("fastest", "median", "cpu", "floor", "times")))


def _beside_a_site(of: Sequence[str], runs: int) -> dict[str, dict[str, float]]:
    """Commands while a site runs, and when it has ended."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        home = founded(Path(folder), address)
        command = [sys.executable, "-m", "yosegi.cli", "site", "serve", "--home", str(home)]
        served = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            ready(home, f"http://{address}")
            at, bundle = ["--home", str(home), "--as", PERSON], home.parent / f"{NAME}.yosegi"
            once(["-m", "yosegi.cli", "campaign", "export", NAME, "--out", str(bundle), *at])
            charter = ["charter", "export", "bench", "--out", str(home.parent / "charter.json"), "--home", str(home)]
            once(["-m", "yosegi.cli", *charter])
            if "running" in of:
                seconds |= {f"running: {name}": row for name, row in measure(running(home), runs).items()}
        finally:
            served.terminate()
            served.wait()
        if "stopped" in of:
            seconds |= {f"stopped: {name}": row for name, row in measure(stopped(home), runs).items()}
    return {name.replace(folder, "…"): row for name, row in seconds.items()}


if __name__ == "__main__":
    main()
