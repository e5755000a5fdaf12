"""The engine of another facility, over a bad facility in this process, and over our own face in another."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from iri.bad_facility import BadFacility
from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.engine import LateOutcome, Outcome
from yosegi.core.supervision import Supervisor
from yosegi.data import ObjectStore
from yosegi.data.pulling import inline
from yosegi.execution.engines.iri.engine import FacilityEngine
from yosegi.execution.engines.iri.http_transport import HttpFacilityTransport
from yosegi.execution.engines.iri.settings import FacilitySettings
from yosegi.execution.engines.iri.transport import FacilityTransport
from yosegi.execution.engines.plugin import EngineServices
from yosegi.ledger import Ledger, SqliteStore
from yosegi.testing.capabilities import capabilities, entries
from yosegi.testing.objects import MemoryStore
from yosegi.trust.signer import Ed25519Signer

SIGNER = Ed25519Signer.from_seed(b"i" * 32)
CONTRACTS = {name: found.contract for name, found in capabilities().items()}
ADDRESS = "https://facility.example"


async def unheard(key: str, outcome: Outcome) -> None:
    """Nobody minds what comes late."""


def settings(url: str = ADDRESS, **how: Any) -> FacilitySettings:
    fields = {"publish": ("yosegi.testing.capabilities:noop",), "url": url, "credentials_file": "credentials.json"}
    return FacilitySettings.read({**fields, "account": "demo.colour-team", **how})


def credentials(folder: Path, **said: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "credentials.json"
    path.write_text(json.dumps(said or {"token": "good"}))
    path.chmod(0o600)
    return path


@asynccontextmanager
async def facility_engine(
    folder: Path,
    clock: Clock,
    transport: FacilityTransport,
    *,
    url: str = ADDRESS,
    on_late: LateOutcome = unheard,
    token: str = "good",
    store: ObjectStore | None = None,
    contracts: Mapping[str, Contract] = CONTRACTS,
    **how: Any,
) -> AsyncIterator[FacilityEngine]:
    """An engine with a ledger of its own, which is there again when it is opened again."""
    credentials(folder, token=token)
    ledger = await Ledger.open(
        SqliteStore(folder / "ledger.db", durable=False), site="argonne", signer=SIGNER, clock=clock, inline=True
    )
    services = EngineServices(
        name="elsewhere", site="argonne", folder=folder, clock=clock, signer=SIGNER,
        scope=Supervisor(clock).scope("engine"), ledger=ledger, store=store or MemoryStore(),
        contracts=contracts, entries=entries(), on_late=on_late, offload=inline,
    )  # fmt: skip
    engine = FacilityEngine(settings(url, **how), services, transport)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()
        ledger.close()


@asynccontextmanager
async def beside(folder: Path, clock: Clock, **how: Any) -> AsyncIterator[FacilityEngine]:
    """An engine with a facility that keeps its promises, in the same process."""
    there = BadFacility(clock, folder / "there", **how)
    async with facility_engine(folder, clock, there) as engine:
        yield engine


@asynccontextmanager
async def elsewhere(folder: Path, clock: Clock, url: str, token: str) -> AsyncIterator[FacilityEngine]:
    """An engine with a facility behind an address."""
    how = {"url": url, "token": token, "poll_seconds": 0.05}
    async with facility_engine(folder, clock, HttpFacilityTransport(30.0), **how) as engine:
        yield engine
