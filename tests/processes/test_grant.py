"""Many processes ask for the same money at the same time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from processes.sites import Town, until
from processes.toys import pay
from yosegi.app.compose import open_ledger
from yosegi.core.clock import Clock, SystemClock
from yosegi.core.identifiers import derived_key
from yosegi.exchange.outbox import message, sending, waiting
from yosegi.exchange.parcel import Parcel
from yosegi.exchange.requests import MADE, request_stream
from yosegi.ledger import Write
from yosegi.trust.messages import Request
from yosegi.trust.signer import Ed25519Signer, Signer

pytestmark = [pytest.mark.processes, pytest.mark.timeout(200)]

WANTED, GRANTED = 107, 100

ASKERS = """
import http.client, os, sys
from pathlib import Path

address, parcels = sys.argv[1], sorted(Path(sys.argv[2]).iterdir())
closed, gate = os.pipe()
children = []
for parcel in parcels:
    child = os.fork()
    if not child:
        os.close(gate)
        os.read(closed, 1)
        connection = http.client.HTTPConnection(address, timeout=100)
        connection.request("POST", "/exchange/v1", parcel.read_bytes())
        os._exit(connection.getresponse().status != 200)
    children.append(child)
os.close(gate)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


def ask(number: int, world: str, signer: Signer, clock: Clock) -> Write:
    """One request, as a home site records it."""
    now = clock.now()
    request = Request(
        charter="demo", sender="argonne", to="riken", key=derived_key("rush", number), issued=now,
        not_after=now + timedelta(hours=1), team="toy-team", on_behalf_of="pi@argonne", purpose="research",
        campaign="rush", capability="riken/toy.pay@1", contract=pay.contract.digest,
        inputs={"x": number / WANTED, "world": world},
    )  # fmt: skip
    stream = request_stream("riken", request.key)
    draft = sending(MADE, "riken", stream, request.sign(signer), {"capability": request.capability}, {})
    return Write(stream, 0, (draft,), charter="demo", actor="argonne")


async def sign_parcels(town: Town, folder: Path) -> None:
    """What argonne would send, one request a parcel; argonne itself is never started."""
    home, clock = town.homes["argonne"], SystemClock()
    signer = Ed25519Signer.load(home.keys / "site.key")
    ledger = await open_ledger(home, home.settings(), clock)
    try:
        await ledger.append(*(ask(number, str(town.world), signer, clock) for number in range(WANTED)))
        now = clock.now()
        for number, out in enumerate(waiting(ledger)):
            parcel = Parcel(
                charter="demo", sender="argonne", to="riken", key=f"rush-{number}", issued=now,
                not_after=now + timedelta(minutes=2), messages=(message(ledger, out, {}),),
            )  # fmt: skip
            (folder / f"{number:03}").write_bytes(parcel.sign(signer).to_bytes())
    finally:
        ledger.close()


def test_of_107_processes_that_ask_at_once_for_a_grant_of_100_exactly_100_get_it(tmp_path: Path) -> None:
    town = Town(tmp_path / "town")
    parcels = tmp_path / "parcels"
    parcels.mkdir()
    try:
        town.start("riken")
        asyncio.run(sign_parcels(town, parcels))
        address = town.urls["riken"].removeprefix("http://")
        askers = subprocess.run([sys.executable, "-c", ASKERS, address, parcels], check=False, timeout=150)
        assert askers.returncode == 0
        expected = Counter(ended=GRANTED, refused=WANTED - GRANTED)
        until(lambda: town.tasks("rush", "riken") == expected, f"{expected}; {town.tasks('rush', 'riken')}", 60)
        assert len(town.effects()) == GRANTED
        assert not town.twice()
        left = town.ask("riken", "SELECT amount, held, spent FROM grant_tranches WHERE unit = 'usd'")
        assert left == [(GRANTED * 1000, 0, GRANTED * 1000)]
    finally:
        town.end()
