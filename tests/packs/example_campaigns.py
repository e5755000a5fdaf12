"""Runs the campaign of an example to its end, in a federation in this process and on simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from federation.questions import until_over
from yosegi.campaign import Campaign, CampaignSpec, read_spec
from yosegi.campaign.spec import StopSpec
from yosegi.core.capability import Capability
from yosegi.core.states import CampaignState
from yosegi.governance.charter.statement import Listens
from yosegi.testing.federation import CHARTER, TEAM, Federation, Place, address
from yosegi.testing.loop import run_simulated

GRANT = {"node_h": "50", "samples": "100", "instrument_h": "1000"}
EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str, trials: int) -> CampaignSpec:
    """The campaign of an example, for the tests' federation, ended after so many trials."""
    spec = read_spec(EXAMPLES / f"{name}.toml")
    return spec.model_copy(update={"charter": CHARTER, "team": TEAM, "stop": StopSpec(trials=trials)})


def ran(folder: Path, spec: CampaignSpec, at: Mapping[str, Sequence[Capability[Any, Any]]]) -> Campaign:
    """The campaign when it is over, each capability asked at the site that the campaign names for it."""

    async def story() -> Campaign:
        places = {"argonne": Place("argonne", Listens(url=address("argonne")), "US")}
        for name, capabilities in at.items():
            places[name] = Place(name, Listens(url=address(name)), capabilities=capabilities, grant=GRANT, duration=0.1)
        federation = Federation(places, folder)
        await federation.start()
        await federation.places["argonne"].running.campaigns.start(spec, federation.member())
        for _ in range(100):
            if federation.places["argonne"].running.campaigns.get(spec.name).state is not CampaignState.RUNNING:
                break
            await asyncio.sleep(60)
        return await until_over(federation, spec.name)

    folder.mkdir(exist_ok=True)
    return run_simulated(story())
