"""Campaigns that ask more than one number of one point: a toy science with a strength, a price and a purity."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from federation.toys import X
from yosegi.campaign import Campaign, parse_spec
from yosegi.core.capability import capability, quantity, sample
from yosegi.core.states import CampaignState
from yosegi.governance.charter.statement import Listens
from yosegi.testing.federation import Federation, Place, address
from yosegi.verification.bundle import read_bundle, replay_bundle, verify_bundle


@dataclass(frozen=True)
class Mixed:
    sample: Annotated[str, sample()]
    purity: Annotated[float, quantity("%")]


@dataclass(frozen=True)
class Tested:
    strength: Annotated[float, quantity("MPa")]
    effort: Annotated[float, quantity("h")]


@capability("toy.mix@1", kind="robot", effect="idempotent", field="toys", simulated=True)
def mix(x: X, y: X, lot: str = "") -> Mixed:
    """Mix two powders; the more of x, the purer."""
    return Mixed(f"{x}_{y}", 50 + 50 * x)


@capability("toy.test@1", kind="instrument", effect="idempotent", field="toys", simulated=True)
def test(sample: Annotated[str, sample()]) -> Tested:
    """Strength is greatest at (0.6, 0.4); effort grows with y."""
    x, y = (float(part) for part in sample.split("_"))
    return Tested(100 - 200 * (x - 0.6) ** 2 - 200 * (y - 0.4) ** 2, 1 + 9 * y)


SPEC = """
name = "mixes"
title = "Mixes"
question = "Which mix?"
charter = "demo"
team = "colour-team"
on_behalf_of = "pi@argonne"
purpose = "research"
parallel = 2
stop = { trials = 6 }
baseline = { description = "by hand", trials = 20 }
PARAMETERS
OBJECTIVES

[[source]]
name = "bench"
price = 1.0
step = [
  { name = "mix", capability = "riken/toy.mix@1" },
  { name = "test", capability = "riken/toy.test@1", bind = { sample = "mix.sample" } },
]
"""
PARAMETERS = 'parameter = [{ name = "x", low = 0.0, high = 1.0 }, { name = "y", low = 0.0, high = 1.0 }]'
OBJECTIVE = 'objective = { name = "strength", unit = "MPa", goal = "maximise" }'


def mixes(objectives: str = OBJECTIVE, parameters: str = PARAMETERS, more: str = "") -> str:
    """A campaign over mixes; `more` is added before its source."""
    return SPEC.replace("PARAMETERS", parameters).replace("OBJECTIVES", f"{objectives}\n{more}")


def two_sites(folder: Path) -> Federation:
    """argonne asks, riken mixes and tests."""
    places = {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
        "riken": Place("riken", Listens(url=address("riken")), capabilities=[mix, test], duration=0.2),
    }
    return Federation(places, folder)


async def until_over(federation: Federation, name: str = "mixes") -> Campaign:
    """The campaign when it has ended or holds itself."""
    home = federation.places["argonne"].running
    for _ in range(400):
        campaign = home.campaigns.get(name)
        if campaign.state is not CampaignState.RUNNING:
            return campaign
        await asyncio.sleep(1)
    raise AssertionError(f"{name} is not over: {home.campaigns.last_error(name)}")


async def run(federation: Federation, text: str, files: Mapping[str, str] | None = None) -> Campaign:
    """Start a campaign and wait for its end."""
    home = federation.places["argonne"].running
    spec = parse_spec(text, files=files)
    await home.campaigns.start(spec, federation.member())
    return await until_over(federation, spec.name)


async def replayed(federation: Federation, name: str = "mixes") -> set[str]:
    """Export a campaign, verify the bundle, and decide again: each verdict once."""
    bundle = read_bundle(await federation.places["argonne"].running.campaigns.export(name))
    verify_bundle(bundle)
    return {one.verdict for one in replay_bundle(bundle)}
