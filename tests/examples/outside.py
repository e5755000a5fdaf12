"""A campaign with nothing but packages from outside; run by the environment in which they are installed.

    python outside.py FOLDER CAMPAIGN PORT

Two sites as processes of this interpreter: riken publishes the pack `beam` by its name, argonne has an engine of the
kind `folder`, and this process is the person at its bench. Prints the campaign's state, as JSON, when it is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import subprocess
import sys
import threading
import time
from pathlib import Path

from yosegi_engine_folder import PROPOSALS, RESULTS
from yosegi_pack_beam import elements

from yosegi.app.bootstrap import Founder, Plan, found
from yosegi.client.client import connect
from yosegi.core.clock import SystemClock
from yosegi.core.errors import YosegiError
from yosegi.demo.processes import Processes
from yosegi.governance.charter.charter import Team


def work_at_the_bench(bench: Path, over: threading.Event) -> None:
    """Read what is to be done, do it by the pack's own function, and add what came of it."""
    done: set[str] = set()
    while not over.wait(0.1):
        if not (bench / PROPOSALS).exists():
            continue
        with (bench / PROPOSALS).open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["key"] not in done]
        for row in rows:
            bent = elements(float(row["length"]), float(row["side"]))
            new = not (bench / RESULTS).exists()
            with (bench / RESULTS).open("a", newline="") as file:
                results = csv.writer(file)
                if new:
                    results.writerow(["key", "deflection", "infeasible", "failure"])
                results.writerow([row["key"], bent.deflection, "", ""])
            done.add(row["key"])


def plan(bench: Path, ports: tuple[int, int]) -> Plan:
    def settings(site: str, port: int, **more: object) -> dict[str, object]:
        address = f"127.0.0.1:{port}"
        common = {"site": site, "title": site, "listen": address, "reach": "listens", "url": f"http://{address}"}
        return {**common, "network": {"loopback": True}, **more}

    table = {"kind": "folder", "publish": ["yosegi_pack_beam:elements"], "folder": str(bench), "look_seconds": 0.1}
    return Plan(
        charter="demonstration",
        title="Packages from outside",
        team=Team(
            id="example-team", title="Example", lead="argonne", sites=("argonne", "riken"), people=("pi@argonne",)
        ),
        purposes=("research",),
        founders=(
            Founder(
                settings("argonne", ports[0], engine={"bench": table}),
                "US",
                {"pi@argonne": "member"},
                grant={"node_h": "1"},
            ),
            Founder(settings("riken", ports[1]), "JP", {"operator@riken": "operator"}, grant={"node_h": "1"}),
        ),
    )


def until_it_answers(processes: Processes, site: str, url: str) -> None:
    """However long it takes on a busy machine; the test's own time limit ends it."""
    while processes.alive(site):
        with contextlib.suppress(YosegiError):
            connect(url).site()
            return
        time.sleep(0.3)
    raise RuntimeError(f"{site} ended")


def main(folder: Path, campaign: Path, port: int) -> None:
    homes = asyncio.run(found(folder, plan(folder / "bench", (port, port + 1)), SystemClock(), "four words to say"))
    riken = str(homes["riken"].folder)
    subprocess.run(
        [sys.executable, "-m", "yosegi.cli", "capability", "publish", "--home", riken, "beam"], check=True, stdout=2
    )
    processes, over = Processes(folder), threading.Event()
    bench = threading.Thread(target=work_at_the_bench, args=(folder / "bench", over))
    bench.start()
    try:
        for site, home in homes.items():
            processes.start(site, "site", "serve", "--home", str(home.folder))
        for site, home in homes.items():
            until_it_answers(processes, site, f"http://{home.settings().listen}")
        key = folder / "argonne" / "people" / "pi@argonne.key"
        pi = connect(f"http://{homes['argonne'].settings().listen}", person="pi@argonne", key=key)
        wanted = {"riken/beam.closed@1", "riken/beam.elements@1", "argonne/beam.elements@1"}
        while not wanted <= {listing.ref for listing in pi.capabilities()}:
            time.sleep(0.3)
        running = pi.start(campaign)
        while (state := running.state()).state not in ("ended", "aborted"):
            time.sleep(0.3)
        (folder / "beam.bundle.json").write_bytes(running.export())
        print(state.model_dump_json())
    finally:
        over.set()
        bench.join()
        processes.stop_all()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
