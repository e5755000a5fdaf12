"""The furnace and the diffractometer at two sites, with shipments of days between: its campaign, to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from federation.shipping import DAYS, Condition, operator
from packs.example_campaigns import GRANT, example
from yosegi.campaign import Campaign
from yosegi.campaign.shipping import SHIPMENT
from yosegi.campaign.state import campaign_stream
from yosegi.core.states import CampaignState, TrialState
from yosegi.governance.charter.statement import Listens, Outbound
from yosegi.services.runtime import Site
from yosegi.services.samples.states import SampleState
from yosegi.testing.federation import Federation, Place, address
from yosegi.testing.loop import run_simulated
from yosegi_packs.materials import anneal, diffract, expect
from yosegi_packs.materials.twin_world import WORLD, TwinWorld

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TwinWorld:
    """What stands for the parcel: the folder that furnace and diffractometer both see."""
    monkeypatch.setenv(WORLD, str(tmp_path / "world"))
    return TwinWorld(tmp_path / "world", seed=3)


def at(federation: Federation, name: str) -> Site:
    return federation.places[name].running


def campaign(federation: Federation) -> Campaign:
    found = at(federation, "argonne").campaigns.get("titania")
    assert isinstance(found, Campaign)
    return found


async def travel(federation: Federation) -> None:
    """Two days pass with every site switched off, so that nobody need live through its long polls."""
    for name in federation.places:
        await federation.crash(name)
    await asyncio.sleep(2 * DAYS)
    for name in federation.places:
        await federation.restart(name)
    await asyncio.sleep(200)


async def to_its_end(federation: Federation, condition: Callable[[str], Condition]) -> list[list[str]]:
    """People ship and receive until the campaign is over; the powders of each shipment."""
    shipments = []
    while campaign(federation).state is CampaignState.RUNNING and len(shipments) < 10:
        given = await at(federation, "riken").hand_overs.ship("kek", operator("riken"))
        await asyncio.sleep(120)
        if not given:
            continue
        shipments.append([one.id for one in given])
        await travel(federation)
        for name in shipments[-1]:
            await at(federation, "kek").hand_overs.receive(name, operator("kek"), condition=condition(name))
        await asyncio.sleep(200)
    return shipments


def tell(folder: Path, trials: int, story: Callable[[Federation], Awaitable[None]]) -> None:
    """A story of the example's sites: argonne asks, riken heats, kek measures and only dials out, ornl expects."""

    async def main() -> None:
        places = {
            "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
            "ornl": Place("ornl", Listens(url=address("ornl")), "US", capabilities=[expect], grant=GRANT),
            "riken": Place("riken", Listens(url=address("riken")), capabilities=[anneal], grant=GRANT),
            "kek": Place("kek", Outbound(mailbox="argonne"), capabilities=[diffract], grant=GRANT),
        }
        federation = Federation(places, folder)
        await federation.start()
        try:
            await at(federation, "argonne").campaigns.start(example("titania", trials), federation.member())
            await asyncio.sleep(120)
            await story(federation)
        finally:
            for name in places:
                await federation.crash(name)

    folder.mkdir(exist_ok=True)
    run_simulated(main())


def test_powders_are_heated_at_one_site_shipped_in_threes_and_measured_at_the_other(
    tmp_path: Path, world: TwinWorld
) -> None:
    async def story(federation: Federation) -> None:
        shipments = await to_its_end(federation, lambda name: "good")
        found = campaign(federation)
        assert (found.state, found.why) == (CampaignState.ENDED, "6 trials done")
        measured = [one for one in found.trials if one.source == "furnace" and one.state is TrialState.COMPLETED]
        assert len(measured) == 6
        assert sum(len(one) for one in shipments) == 6
        entries = at(federation, "argonne").ledger.read(campaign_stream("titania"))
        assert [len(one.facts["samples"]) for one in entries if one.type == SHIPMENT] == [3, 3]
        for one in measured:
            told = one.outputs()["scan"]
            true = world.powder(str(one.outputs()["heat"]["sample"])).share
            # What is measured is the powder that was heated: within five of its own standard errors.
            assert abs(told["rutile"] - true) < 5 * told["standard_error"]
        assert not federation.world.twice()

    tell(tmp_path / "federation", 6, story)


def test_a_powder_says_at_both_sites_that_it_is_simulated(tmp_path: Path, world: TwinWorld) -> None:
    async def story(federation: Federation) -> None:
        (powders,) = await to_its_end(federation, lambda name: "good")
        for site in ("riken", "kek"):
            known = {one.id: one for one in at(federation, site).samples.listing(operator(site))}
            assert {known[name].label for name in powders} == {"simulated"}
            assert {known[name].holder for name in powders} == {"kek"}

    tell(tmp_path / "federation", 3, story)


def test_a_powder_that_breaks_on_its_way_is_never_measured_and_its_point_is_heated_once_more(
    tmp_path: Path, world: TwinWorld
) -> None:
    broken: list[str] = []

    def condition(name: str) -> Condition:
        if not broken:
            broken.append(name)
        return "damaged" if name in broken else "good"

    async def story(federation: Federation) -> None:
        await to_its_end(federation, condition)
        found = campaign(federation)
        assert found.state is CampaignState.ENDED
        own = broken[0].partition("/")[2]
        (lost,) = [one for one in found.trials if one.outputs().get("heat", {}).get("sample") == own]
        assert "scan" not in lost.outputs()
        again = [one for one in found.trials if one.values == lost.values and one.number != lost.number]
        assert [one.state for one in again] == [TrialState.COMPLETED]
        (kept,) = [one for one in at(federation, "kek").samples.listing(operator("kek")) if one.id == broken[0]]
        assert kept.state is SampleState.QUARANTINED

    tell(tmp_path / "federation", 3, story)
