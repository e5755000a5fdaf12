"""Found a federation on this machine for one of the examples, and run its campaign to the end.

    python examples/run.py examples/quantum-memory.toml

Each owner that the campaign names becomes a site with a process of its own, beside argonne, whose team asks. The names
are labels; the institutions take no part. Needs the pack's extra, e.g. `pip install 'yosegi[quantum]'`.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from pathlib import Path

from rich.console import Console

from yosegi.app.bootstrap import Founder, Plan, found
from yosegi.campaign import CampaignSpec, read_spec
from yosegi.cli.campaigns import OVER, trial_table
from yosegi.client.client import connect
from yosegi.core.clock import SystemClock
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
    "alloy.ageing@1": "yosegi_packs.materials.warm:ageing",
    "alloy.ageing-quick@1": "yosegi_packs.materials.warm:ageing_quick",
    "crystal.relax@1": "yosegi_packs.materials.warm_crystals:crystal_relax",
    "crystal.radii@1": "yosegi_packs.materials:crystal_radii",
    "scenario.full@1": "yosegi_packs.fusion:scenario_full",
    "scenario.quick@1": "yosegi_packs.fusion:scenario_quick",
}
"""Where this repository keeps what the examples use; a site publishes it with one line of settings."""

COUNTRY = {"argonne": "US", "ornl": "US", "riken": "JP", "kek": "JP"}
FIRST_PORT = 8131


def plan(spec: CampaignSpec) -> Plan:
    """A site for each owner, and argonne."""
    published: dict[str, list[str]] = {"argonne": []}
    for ref in spec.capabilities():
        owner, name = split_capability(ref)
        published.setdefault(owner, []).append(ENTRIES[name])
    founders = []
    for number, (site, entries) in enumerate(published.items()):
        address = f"127.0.0.1:{FIRST_PORT + number}"
        settings: dict[str, object] = {
            "site": site,
            "title": f"{site} (a label of this example)",
            "listen": address,
            "reach": "listens",
            "url": f"http://{address}",
            "keeps_mailboxes": True,
        }
        if entries:
            settings["process"] = {"publish": entries, "slots": 1}
        people = {"pi@argonne": "member"} if site == "argonne" else {f"operator@{site}": "operator"}
        founders.append(Founder(settings, COUNTRY[site], people, grant={"node_h": "50"} if entries else {}))  # type: ignore[arg-type]
    sites = tuple(published)
    challenges = tuple(Named(id=name, title=name) for name in (spec.challenge,) if name is not None)
    team = Team(
        id=spec.team,
        title="Example team",
        lead="argonne",
        sites=sites,
        people=("pi@argonne",),
        challenges=tuple(one.id for one in challenges) or None,
    )
    charter, title = spec.charter, "An example federation"
    return Plan(charter, title, team, (spec.purpose,), tuple(founders), challenges=challenges)


def main(path: Path) -> None:
    """Found, start, run, show, end."""
    spec, console = read_spec(path), Console(highlight=False, markup=False)
    folder = Path(f"example-{spec.name}")
    shutil.rmtree(folder, ignore_errors=True)
    homes = asyncio.run(found(folder, plan(spec), SystemClock(), "four words to sign in"))
    processes = Processes(folder)
    began = time.monotonic()
    try:
        for site, home in homes.items():
            processes.start(site, "site", "serve", "--home", str(home.folder))
        for site, home in homes.items():
            processes.await_site(site, f"http://{home.settings().listen}")
        key = folder / "argonne" / "people" / "pi@argonne.key"
        pi = connect(f"http://{homes['argonne'].settings().listen}", person="pi@argonne", key=key)
        wanted = set(spec.capabilities())
        while not wanted <= {listing.ref for listing in pi.capabilities()}:
            time.sleep(0.3)
        campaign = pi.start(path)
        while (state := campaign.state()).state not in OVER:
            time.sleep(1.0)
        console.print(trial_table(state))
        console.print(f"{state.state}: {state.why}; {time.monotonic() - began:.0f} s")
        (folder / f"{spec.name}.bundle.json").write_bytes(campaign.export())
    finally:
        processes.stop_all()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
