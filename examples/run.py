"""Found a federation on this machine for one of the examples, and run its campaign to the end.

    python examples/run.py examples/quantum-memory.toml
    python examples/run.py examples/titania.toml --trials 4
    python examples/run.py examples/questions/two-objectives.toml --serve

With --serve the sites are founded and stay until Ctrl-C, and no campaign is started: for a notebook, for the pages, and
for trying a file of your own over the same capabilities.

Each owner that the campaign names becomes a site with a process of its own, beside argonne, whose team asks.
Instruments are simulated; each has a station, another process. Where a sample goes from one site to another this script
ships and receives it, as people there would. The names are labels; the institutions take no part. Needs the pack's
extra, e.g. `pip install 'yosegi[quantum]'`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import json
import os
import shutil
import signal
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from yosegi.app.bootstrap import Founder, Plan, found
from yosegi.app.home import Home
from yosegi.app.stations import make_station
from yosegi.campaign import CampaignSpec, read_spec
from yosegi.cli.campaigns import OVER, trial_table
from yosegi.client.client import Client, connect
from yosegi.core.clock import SystemClock
from yosegi.core.errors import YosegiError
from yosegi.core.identifiers import split_capability
from yosegi.demo.processes import Processes
from yosegi.governance.charter.charter import Named, Team

ENTRIES = {
    "qec.memory-large@1": "yosegi_packs.quantum:memory_large",
    "qec.memory-small@1": "yosegi_packs.quantum:memory_small",
    "qec.footprint@1": "yosegi_packs.quantum:footprint",
    "gate.drag@1": "yosegi_packs.quantum.warm_gate:drag",
    "gate.drag-quick@1": "yosegi_packs.quantum.warm_gate:drag_quick",
    "succinate.genome@1": "yosegi_packs.bio.warm:genome",
    "succinate.core@1": "yosegi_packs.bio.warm:core",
    "induction.fermenter@1": "yosegi_packs.bio:induction_fermenter",
    "induction.model@1": "yosegi_packs.bio:induction_model",
    "hep.tune-full@2": "yosegi_packs.hep:tune_full",
    "hep.tune-interpolated@1": "yosegi_packs.hep:tune_interpolated",
    "alloy.phases@1": "yosegi_packs.materials.warm:phases",
    "alloy.ageing@1": "yosegi_packs.materials.warm:ageing",
    "alloy.ageing-quick@1": "yosegi_packs.materials.warm:ageing_quick",
    "crystal.relax@1": "yosegi_packs.materials.warm_crystals:crystal_relax",
    "crystal.radii@1": "yosegi_packs.materials:crystal_radii",
    "scenario.full@1": "yosegi_packs.fusion:scenario_full",
    "scenario.quick@1": "yosegi_packs.fusion:scenario_quick",
    "titania.expect@1": "yosegi_packs.materials:expect",
    "colour.simulate@1": "yosegi_packs.labs:simulate",
    "film.deposit@1": "films:deposit",
    "film.measure@1": "films:measure",
    "tablet.press@1": "lab:press",
}
"""Where this repository keeps what the examples use; a site publishes it with one line of settings."""

INSTRUMENTS = {
    "furnace.anneal@1": ("furnace", "yosegi_packs.materials:anneal"),
    "diffraction.measure@1": ("diffractometer", "yosegi_packs.materials:diffract"),
    "colour.mix@1": ("robot", "yosegi_packs.labs:mix"),
    "colour.measure@1": ("robot", "yosegi_packs.labs:measure"),
}
"""Simulated instruments: the station of each, and what it publishes."""

BY_HAND = {"tablet.break@1": "lab:break_by_hand"}
"""What people do: it waits on the page *By hand* of its owner."""

ENGINES: dict[str, dict[str, object]] = {
    "scenario": {"worker": "warm", "memory_mib": 8192, "import_seconds": 240},
    "crystal": {"import_seconds": 240},
    "alloy": {"import_seconds": 240},
}
"""How an engine is set where its default will not do, by how the names of its capabilities begin."""

COUNTRY = {"argonne": "US", "ornl": "US", "riken": "JP", "kek": "JP", "nims": "JP"}
GRANT = {"node_h": "50", "samples": "200", "instrument_h": "1000"}
PASSPHRASE = "four words to sign in"
FIRST_PORT = 8131
LOG_WIDTH = 200
"""Characters a line where what is told goes to no terminal: a table with four limits is not cut."""
PATIENCE = 300.0
"""Seconds that a site may take until it answers and its capabilities are known: some read models first."""


def published(spec: CampaignSpec) -> dict[str, list[str]]:
    """By site, what its engine publishes; argonne is one of them, and instruments are not among it."""
    found: dict[str, list[str]] = {"argonne": []}
    for ref in spec.capabilities():
        owner, name = split_capability(ref)
        entries = found.setdefault(owner, [])
        if name in ENTRIES:
            entries.append(ENTRIES[name])
    return found


def stations(spec: CampaignSpec) -> dict[tuple[str, str], list[str]]:
    """By site and station, what it publishes."""
    found: dict[tuple[str, str], list[str]] = {}
    for ref in spec.capabilities():
        owner, name = split_capability(ref)
        if name in INSTRUMENTS:
            station, entry = INSTRUMENTS[name]
            found.setdefault((owner, station), []).append(entry)
    return found


def plan(spec: CampaignSpec, port: int = FIRST_PORT) -> Plan:
    """A site for each owner, and argonne."""
    founders = []
    for number, (site, entries) in enumerate(published(spec).items()):
        address = f"127.0.0.1:{port + number}"
        settings: dict[str, object] = {
            "site": site,
            "title": f"{site} (a label of this example)",
            "listen": address,
            "reach": "listens",
            "url": f"http://{address}",
            "keeps_mailboxes": True,
        }
        if entries:
            begins = {split_capability(ref)[1].partition(".")[0] for ref in spec.capabilities() if ref.startswith(site)}
            how = next((ENGINES[begin] for begin in begins if begin in ENGINES), {})
            settings["process"] = {"publish": entries, "slots": 1, **how}
        own = [name for owner, name in map(split_capability, spec.capabilities()) if owner == site]
        if hands := [BY_HAND[name] for name in own if name in BY_HAND]:
            settings["engine"] = {"bench": {"kind": "person", "publish": hands}}
        people = {f"operator@{site}": "operator"} | ({"pi@argonne": "member"} if site == "argonne" else {})
        grant = {} if site == "argonne" else GRANT
        founders.append(Founder(settings, COUNTRY[site], people, grant=grant))  # type: ignore[arg-type]
    challenges = tuple(Named(id=name, title=name) for name in (spec.challenge,) if name is not None)
    team = Team(
        id=spec.team,
        title="Example team",
        lead="argonne",
        sites=tuple(published(spec)),
        people=("pi@argonne",),
        challenges=tuple(one.id for one in challenges) or None,
    )
    title = "An example federation"
    return Plan(spec.charter, title, team, (spec.purpose,), tuple(founders), challenges=challenges)


def furnish(folder: Path, spec: CampaignSpec, homes: Mapping[str, Home]) -> dict[str, Path]:
    """Make the stations' folders and tell their sites; by name, each one's folder.

    In a simulation the sample's state has to travel with it: one folder that all stations see stands for the parcel.
    """
    made: dict[str, Path] = {}
    for (site, name), entries in stations(spec).items():
        place = folder / site / "stations" / name
        key = make_station(place, homes[site].folder, name, entries)
        (place / "twin.json").write_text(json.dumps({"world": str((folder / "world").resolve())}), encoding="utf-8")
        with homes[site].settings_file.open("a", encoding="utf-8") as settings:
            settings.write(f'\n[station.{name}]\npublish = {json.dumps(entries)}\nkey = "{key}"\n')
        made[f"{name}-{site}"] = place
    return made


def campaign_of(path: Path, trials: int | None) -> Path | dict[str, Any]:
    """The file as it is; or what stands in it, ended after so many trials of its first source."""
    if trials is None:
        return path
    value = tomllib.loads(path.read_text(encoding="utf-8"))
    value["stop"] = {"trials": trials}
    if "candidates" in value:
        value["candidates"] = rows_of(path.parent / value["candidates"])
    for earlier in value.get("earlier", ()):
        if "table" in earlier:
            earlier["table"] = rows_of(path.parent / earlier["table"])
    return value


def rows_of(path: Path) -> list[dict[str, str]]:
    """A table that lies beside a campaign file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def stay(spec: CampaignSpec, homes: Mapping[str, Home]) -> None:
    """Say where the sites are and how to sign in, and keep them until Ctrl-C."""
    for site, home in homes.items():
        person = "pi@argonne" if site == "argonne" else f"operator@{site}"
        print(f"{site}: http://{home.settings().listen}  as {person}, passphrase: {PASSPHRASE}")
    url = f"http://{homes['argonne'].settings().listen}"
    print(f'export YOSEGI_URL={url} YOSEGI_PASSPHRASE="{PASSPHRASE}"   # what a notebook reads')
    print(f"They offer {', '.join(spec.capabilities())}. Ctrl-C ends them.", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(1.0)


class Couriers:
    """Ships and receives what campaigns ask for, as people at each site would; all of it comes, and whole."""

    def __init__(self, operators: Mapping[str, Client], console: Console) -> None:
        self._operators, self._console = operators, console

    def go_round(self) -> None:
        """Receive what is on its way, then hand over what is asked for."""
        for site, operator in self._operators.items():
            for one in operator.samples.list(state="in_transit"):
                if one.to == site:
                    operator.samples.receive(one.id)
                    text = f"{site} received {one.id} ({one.label or 'no label'}); this script plays the courier"
                    self._console.print(text, soft_wrap=True)
            for to in {one.destination for one in operator.samples.list(state="available") if one.destination}:
                operator.samples.ship(to)


def person(folder: Path, homes: Mapping[str, Home], who: str) -> Client:
    """A client that acts as one of the federation's people."""
    site = who.partition("@")[2]
    return connect(f"http://{homes[site].settings().listen}", person=who, key=folder / site / "people" / f"{who}.key")


def await_sites(processes: Processes, homes: Mapping[str, Home]) -> None:
    """Until every site answers; one that must read a genome-scale model first takes its time."""

    def answers(url: str) -> bool:
        try:
            connect(url).site()
        except YosegiError:
            return False
        return True

    for site, home in homes.items():
        url = f"http://{home.settings().listen}"
        processes.wait_for(lambda url=url: answers(url), site, f"{site} does not answer at {url}", PATIENCE)  # type: ignore[misc]


def follow(folder: Path, path: Path, spec: CampaignSpec, homes: Mapping[str, Home], trials: int | None) -> None:
    """Start the campaign, play the couriers, show what came of it, and keep its bundle."""
    wide = None if sys.stdout.isatty() else LOG_WIDTH
    console, began = Console(highlight=False, markup=False, width=wide), time.monotonic()
    pi = person(folder, homes, "pi@argonne")
    wanted = set(spec.capabilities())
    while not wanted <= {listing.ref for listing in pi.capabilities()}:
        if time.monotonic() - began > PATIENCE:
            raise SystemExit(
                f"not offered: {wanted - {listing.ref for listing in pi.capabilities()}}; see {folder}/logs"
            )
        time.sleep(0.3)
    couriers = Couriers({site: person(folder, homes, f"operator@{site}") for site in homes}, console)
    campaign = pi.start(campaign_of(path, trials))
    while (state := campaign.state()).state not in OVER:
        if stations(spec) or any(step.shipment for source in spec.source for step in source.step):
            couriers.go_round()
        time.sleep(1.0)
    console.print(trial_table(state, reasons=console.is_terminal))
    console.print(f"{state.state}: {state.why}; {time.monotonic() - began:.0f} s")
    (folder / f"{spec.name}.bundle.json").write_bytes(campaign.export())


def main(
    path: Path, folder: Path | None = None, port: int = FIRST_PORT, trials: int | None = None, *, serve: bool = False
) -> None:
    """Found, start, run, show, end; or found, and stay."""
    spec = read_spec(path)
    # Ended like this, too, it ends its sites.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(f"example-{spec.name}") if folder is None else folder
    shutil.rmtree(folder, ignore_errors=True)
    # Capabilities may lie beside their campaign, as films.py does.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(path.parent.resolve()), os.environ.get("PYTHONPATH"))))
    homes = asyncio.run(found(folder, plan(spec, port), SystemClock(), PASSPHRASE))
    instruments = furnish(folder, spec, homes)
    processes = Processes(folder)
    try:
        for site, home in homes.items():
            processes.start(site, "site", "serve", "--home", str(home.folder))
        await_sites(processes, homes)
        for name, place in instruments.items():
            processes.start(name, "station", "run", str(place))
        if serve:
            stay(spec, homes)
            return
        if hands := {ref for ref in spec.capabilities() if split_capability(ref)[1] in BY_HAND}:
            owner = homes[split_capability(min(hands))[0]].settings()
            told = f"as operator@{owner.site}, passphrase: {PASSPHRASE}"
            print(f"a person does {min(hands)}: enter what was read at http://{owner.listen}/bench {told}", flush=True)
        follow(folder, path, spec, homes, trials)
    finally:
        processes.stop_all()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("campaign", type=Path, help="the campaign file")
    parser.add_argument("--folder", type=Path, help="of the federation, removed first; ./example-NAME if none is given")
    parser.add_argument("--port", type=int, default=FIRST_PORT, help="of the first site; the others have the next ones")
    parser.add_argument("--trials", type=int, help="end after so many completed trials of the first source")
    parser.add_argument("--serve", action="store_true", help="start no campaign; the sites stay until Ctrl-C")
    given = parser.parse_args()
    main(given.campaign, given.folder, given.port, given.trials, serve=given.serve)
