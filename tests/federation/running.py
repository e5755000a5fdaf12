"""Runs the toy campaign in a federation and tells how it ended."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from federation.toys import spec, three_sites
from yosegi.campaign import Campaign, parse_spec
from yosegi.core.errors import Conflict, YosegiError
from yosegi.core.states import TrialState
from yosegi.testing.faults import When
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated
from yosegi.testing.network import Network
from yosegi.testing.world import FASTEST
from yosegi.verification.bundle import read_bundle, replay_bundle, verify_bundle


@dataclass(frozen=True)
class Told:
    """What is left when everything has come to rest."""

    campaign: Campaign
    twice: tuple[str, ...]
    """Tasks that happened more than once."""
    effects: int
    """Physical effects of consuming tasks."""
    waiting: int
    """Messages that were never acknowledged."""
    held: int
    spent: int
    uncertain: int
    verdicts: tuple[str, ...]
    faults: tuple[str, ...]
    commits: Mapping[str, int]
    calls: int

    @property
    def completed(self) -> int:
        return sum(trial.state is TrialState.COMPLETED for trial in self.campaign.trials)


Meddle = Callable[[Federation], Awaitable[None]]


async def _nothing(federation: Federation) -> None:
    return None


def run_campaign(
    mortal: Mapping[str, tuple[int, When]] | None = None,
    network: Network | None = None,
    trials: int = 2,
    meddle: Meddle = _nothing,
) -> Told:
    """Run the toy campaign of so many experiments to its end, whatever happens, and look at everybody's books."""
    with tempfile.TemporaryDirectory(dir=FASTEST) as folder:
        network = network or Network(delay=0.01)
        federation = three_sites(Path(folder), mortal=mortal or {}, network=network)
        return run_simulated(_run(federation, trials, meddle))


async def _run(federation: Federation, trials: int, meddle: Meddle) -> Told:
    await federation.start()
    await begin(federation, trials)
    await meddle(federation)
    for _ in range(400):
        await asyncio.sleep(5)
        home = federation.places["argonne"].site
        if home is not None and "toy" in home.campaigns.names() and home.campaigns.get("toy").state.final:
            break
    # Longer than the longest wait before something is sent again.
    await asyncio.sleep(150)
    told = await look(federation)
    for name in federation.places:
        await federation.crash(name)
    return told


async def begin(federation: Federation, trials: int) -> None:
    for _ in range(60):
        try:
            home = federation.places["argonne"].running
            await home.campaigns.start(parse_spec(spec(trials)), federation.member())
            return
        except Conflict:
            return
        except (YosegiError, RuntimeError):
            await asyncio.sleep(2)


async def look(federation: Federation) -> Told:
    home, nims = federation.places["argonne"].running, federation.places["nims"].running
    grant = nims.ledger.query("SELECT SUM(held) AS held, SUM(spent) AS spent FROM grant_tranches")[0]
    uncertain = nims.ledger.query("SELECT COUNT(*) AS n FROM task WHERE state = 'uncertain'")[0]["n"]
    bundle = read_bundle(await home.campaigns.export("toy"))
    verify_bundle(bundle)
    return Told(
        campaign=home.campaigns.get("toy"),
        twice=tuple(federation.world.twice()),
        effects=sum(1 for key in federation.world.effects if "#" not in key),
        waiting=sum(peer.waiting for place in federation.places.values() for peer in place.running.peers.list()),
        held=grant["held"],
        spent=grant["spent"],
        uncertain=uncertain,
        verdicts=tuple(one.verdict for one in replay_bundle(bundle)),
        faults=tuple(federation.faults),
        commits={name: store.commits for name, store in federation.stores.items()},
        calls=federation.network.calls,
    )
