"""Two computing centres and a third site that asks: one centre runs Slurm, the other speaks PJM as Fugaku does.

The Slurm is a real one, started for the demonstration, private and on loopback. PJM is answered by a program that was
written from its manuals; nothing here has ever run on Fugaku. The third site also drives the first centre through its
facility API (IRI), as it would drive one that has no site.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from yosegi.app.bootstrap import Founder, Plan
from yosegi.client.client import CampaignHandle, connect
from yosegi.core.errors import Unavailable
from yosegi.demo.plan import CHARTER, LABEL
from yosegi.governance.charter.charter import Named, Team
from yosegi.identity.accounts import Role

HOME, CENTRES, TEAM = "nims", ("argonne", "riken"), "magnet-team"
SITES = (HOME, *CENTRES)
CAMPAIGN = "frustration"
NAME = "chain.ground_state@1"
KNOWN = {"ratio": 0.5, "sites": 8}
"""A chain whose ground state is known: -3/8 a site (Majumdar and Ghosh, 1969)."""
DRIVER = f"driver@{CENTRES[0]}"
"""The member of the first centre as whom the third site signs in at its facility API."""
_ENTRY = "yosegi.demo.chain:ground_state"
_CREDENTIALS = "facility.json"
_PATIENCE = 60.0


def campaign_file() -> str:
    """The campaign; the same as examples/hpc/spin-chain.toml."""
    return (resources.files("yosegi.demo") / "hpc.toml").read_text(encoding="utf-8")


@dataclass
class Clusters:
    """The two schedulers of the demonstration, in a folder.

    Args:
        folder: for the files of both, and of their jobs.
    """

    folder: Path
    _slurm: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start Slurm, and put PJM's commands into a folder.

        Raises:
            Unavailable: there can be no Slurm here; says what is missing.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        told = self.folder / "slurm"
        told.unlink(missing_ok=True)
        self._slurm = subprocess.Popen(
            [sys.executable, "-m", "yosegi.testing.slurm_cluster", str(self.folder)], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + _PATIENCE
        while not told.exists():
            if self._slurm.poll() is not None or time.monotonic() > deadline:
                words = self._slurm.stderr.read().decode().strip() if self._slurm.stderr is not None else ""
                raise Unavailable("the demonstration's Slurm", words.splitlines()[-1] if words else "it did not start")
            time.sleep(0.05)
        install = [sys.executable, "-m", "yosegi.testing.fake_pjm", "install", str(self.folder / "pjm")]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)

    @property
    def slurm_conf(self) -> str:
        """Where the Slurm that runs is described."""
        return (self.folder / "slurm").read_text()

    def stop(self) -> None:
        """End Slurm and whatever it runs."""
        if self._slurm is not None and self._slurm.stdin is not None:
            with contextlib.suppress(OSError):
                self._slurm.stdin.close()
            self._slurm.wait()

    def engine(self, site: str) -> dict[str, Any]:
        """The table of a centre's engine in its site.toml."""
        quick = {"poll_seconds": 2.0, "look_seconds": 0.5, "lag_seconds": 2.0, "save_window_seconds": 15.0}
        common = {"kind": "batch", "publish": [_ENTRY], "slots": 4, "folder": str(self.folder / f"jobs-{site}")} | quick
        if site == "argonne":
            conf = {"SLURM_CONF": self.slurm_conf}
            return common | {"dialect": "slurm", "accounting": "completion", "variables": conf}
        path = {"PATH": f"{self.folder / 'pjm' / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}"}
        # Here the nodes are this machine; at a centre one tries first whether a folder is seen at once.
        return common | {"dialect": "pjm", "fence": "proof", "variables": path, "job": {"queue_name": "small"}}


def plan(first_port: int, clusters: Clusters) -> Plan:
    """Sites on ports from `first_port`."""
    addresses = {site: f"127.0.0.1:{first_port + number}" for number, site in enumerate(SITES)}
    return Plan(
        charter=CHARTER,
        title="Demonstration of a federation between two countries",
        team=Team(
            id=TEAM,
            title="Magnet team",
            lead=HOME,
            sites=SITES,
            people=("pi@nims", "operator@argonne", "operator@riken", DRIVER),
            focus_area="materials",
            challenges=(CAMPAIGN,),
        ),
        purposes=("research",),
        focus_areas=(Named(id="materials", title="Materials"),),
        challenges=(Named(id=CAMPAIGN, title="Find the most frustrated spin chain", focus_area="materials"),),
        founders=tuple(_founder(site, addresses, clusters) for site in SITES),
    )


def _founder(site: str, addresses: dict[str, str], clusters: Clusters) -> Founder:
    address = addresses[site]
    settings: dict[str, Any] = {
        "site": site, "title": f"{site} {LABEL}", "listen": address, "reach": "listens", "url": f"http://{address}"
    }  # fmt: skip
    if site == HOME:
        settings["engine"] = {"facility": _facility(addresses[CENTRES[0]])}
        staff: dict[str, Role] = {"pi@nims": "member", "operator@nims": "operator"}
        return Founder(settings=settings, country="JP", people=staff, grant={"node_h": "4"})
    settings["engine"] = {"cluster": clusters.engine(site)}
    people: dict[str, Role] = {f"operator@{site}": "operator"}
    if site == CENTRES[0]:
        settings["iri"], people = {}, people | {DRIVER: "member"}
    country = "US" if site == "argonne" else "JP"
    return Founder(settings=settings, country=country, people=people, grant={"node_h": "4"})


def _facility(address: str) -> dict[str, Any]:
    """The table of the engine by which the third site drives the first centre."""
    return {
        "kind": "iri", "publish": [_ENTRY], "slots": 4, "url": f"http://{address}/iri", "poll_seconds": 1.0,
        "credentials_file": _CREDENTIALS, "account": f"{CHARTER}.{TEAM}",
    }  # fmt: skip


def sign_in_there(folder: Path, url: str) -> None:
    """Sign in at the first centre, which runs, and leave the token where the third site's engine looks for it."""
    client = connect(url, person=DRIVER, key=folder / CENTRES[0] / "people" / f"{DRIVER}.key")
    path = folder / HOME / "engines" / "facility" / _CREDENTIALS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps({"token": client.token}))


def begin(folder: Path, urls: dict[str, str], until: Callable[[Callable[[], bool], str], None]) -> CampaignHandle:
    """Start the campaign, or take up the one that is there."""
    pi = connect(urls[HOME], person="pi@nims", key=folder / HOME / "people" / "pi@nims.key")
    until(lambda: len(pi.capabilities()) >= len(SITES), "the centres' offers arrive")
    if CAMPAIGN in {campaign.name for campaign in pi.campaigns()}:
        return pi.campaign(CAMPAIGN)
    return pi.start(campaign_file())


def jobs(folder: Path, site: str) -> Iterator[str]:
    """What a centre has on record of its jobs, a line each: number, name, task, and node hours as they were counted."""
    for path in sorted((folder / site / "engines" / "cluster" / "jobs").glob("y*.json")):
        record = json.loads(path.read_text())
        usage = record.get("usage") or {}
        hours = usage.get("nodes", 0) * usage.get("seconds", 0.0) / 3600
        task = record["key"].rpartition("/")[2]
        yield f"job {record.get('job', '?')} {record['name'][:10]}… of task {task[:8]}…: {hours:.4f} node h"
