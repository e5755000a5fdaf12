"""A clock that was ahead for a while, as after a reboot: nothing waits for ever, and all verifies, once it is right."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from federation.toys import make, measure, simulate, spec
from yosegi.campaign import parse_spec
from yosegi.core.clock import timestamp
from yosegi.core.states import CampaignState
from yosegi.exchange.inbox import SIGNED_AHEAD
from yosegi.exchange.outbox import Outgoing
from yosegi.execution.late_reports import SENT_AGAIN
from yosegi.governance.charter.statement import Listens
from yosegi.services.runtime import Site
from yosegi.testing.federation import Federation, Place, address
from yosegi.testing.loop import SimulatedClock, run_simulated
from yosegi.verification.bundle import read_bundle, verify_bundle
from yosegi.verification.ledger_audit import audit, read_home

HOUR = 3600.0


def two_sites(folder: Path) -> Federation:
    """argonne asks and nims does: nobody but the two can say whose clock is wrong."""
    places = {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
        "nims": Place(
            "nims", Listens(url=address("nims")), capabilities=[make, measure, simulate], remembers=True,
            grant={"samples": "40"},
        ),
    }  # fmt: skip
    return Federation(places, folder)


def _set(site: Site, ahead: float) -> None:
    assert isinstance(site.clock, SimulatedClock)
    site.clock.skew = ahead


@pytest.mark.parametrize(("whose", "ahead", "lasts"), [("argonne", 9 * HOUR, 25.0), ("nims", 9 * HOUR, 25.0)])
def test_a_campaign_goes_on_by_itself_after_a_clock_was_hours_ahead(
    tmp_path: Path, whose: str, ahead: float, lasts: float
) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        text = spec(6).partition('[[source]]\nname = "simulation"')[0]
        await home.campaigns.start(parse_spec(text), federation.member())
        await asyncio.sleep(3)
        _set(federation.places[whose].running, ahead)
        await asyncio.sleep(lasts)
        _set(federation.places[whose].running, 0.0)
        await asyncio.sleep(600)
        campaign = home.campaigns.get("toy")
        assert campaign.state is CampaignState.ENDED, campaign.why
        assert not federation.world.twice()
        # The other site has it on record which documents were made in that hour.
        other = federation.places["nims" if whose == "argonne" else "argonne"].running
        made = [one for entry in other.ledger.scan() if entry.type == SIGNED_AHEAD for one in entry.facts["ids"]]
        assert all(one.split()[1] == whose and int(one.split()[2]) > 8 * HOUR for one in made)
        # Its reports; a home whose clock is ahead hears nobody, and may have nothing to ask meanwhile.
        assert made or whose == "argonne"

    run_simulated(story())


def _one_source(trials: int) -> str:
    """A campaign whose trials all take nims' two steps."""
    return spec(trials).partition('[[source]]\nname = "simulation"')[0]


def test_a_campaign_goes_on_by_itself_after_its_owners_clock_was_at_its_zero(tmp_path: Path) -> None:
    """Unix time begins in 1970 (POSIX.1-2024, 4.19): what a clock says whose battery is empty."""

    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        home, nims = federation.places["argonne"].running, federation.places["nims"].running
        await home.campaigns.start(parse_spec(_one_source(3)), federation.member())
        await asyncio.sleep(3)
        _set(nims, -nims.clock.now().timestamp())
        await asyncio.sleep(25)
        _set(nims, 0.0)
        await asyncio.sleep(600)
        assert home.campaigns.get("toy").state is not CampaignState.RUNNING
        assert not federation.world.twice()

    run_simulated(story())


def test_a_home_that_was_away_for_more_than_a_week_is_told_how_its_tasks_ended(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        await federation.places["argonne"].running.campaigns.start(parse_spec(_one_source(3)), federation.member())
        await asyncio.sleep(3)
        await federation.crash("argonne")
        await asyncio.sleep(60)
        await federation.crash("nims")
        await asyncio.sleep(9 * 24 * HOUR)
        for name in federation.places:
            await federation.restart(name)
        await asyncio.sleep(600)
        home = federation.places["argonne"].running
        campaign = home.campaigns.get("toy")
        assert (campaign.state, campaign.why) == (CampaignState.ENDED, "3 trials done")
        assert not federation.world.twice()
        assert verify_bundle(read_bundle(await home.campaigns.export("toy"))).campaign.state is CampaignState.ENDED
        for name in federation.places:
            await federation.crash(name)

    run_simulated(story())
    found = audit([read_home(tmp_path / f"{name}.db") for name in ("argonne", "nims")])
    assert found.findings == ()


def test_a_report_that_was_sent_again_and_came_late_again_is_sent_once_more(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        await federation.places["argonne"].running.campaigns.start(parse_spec(_one_source(1)), federation.member())
        await asyncio.sleep(30)
        for name in federation.places:
            await federation.crash(name)
        sent = 0
        for _ in range(2):
            await asyncio.sleep(9 * 24 * HOUR)
            nims = await federation.restart("nims")
            types = ("task.ended", SENT_AGAIN)
            last = [entry for entry in nims.ledger.scan() if entry.type in types][-1]
            out = Outgoing.of(last)
            assert out is not None
            for told in nims.exchange.inbox.refused:
                await told(out, "it came late")
            again = nims.ledger.streams("report-again/")
            sent = sum(len(nims.ledger.read(stream)) for stream in again)
            await federation.crash("nims")
        assert sent == 2

    run_simulated(story())


def test_a_campaign_that_was_started_while_its_homes_clock_was_ahead_needs_no_person(tmp_path: Path) -> None:
    """Its mandate was given in an hour that has not come yet once the clock is right."""

    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        await asyncio.sleep(3)
        _set(home, 9 * HOUR)
        text = spec(6).partition('[[source]]\nname = "simulation"')[0]
        campaign = await home.campaigns.start(parse_spec(text), federation.member())
        (row,) = home.ledger.query("SELECT issued FROM mandates WHERE id = ?", (campaign.mandate,))
        await asyncio.sleep(25)
        _set(home, 0.0)
        assert row["issued"] > timestamp(home.clock.now())
        await asyncio.sleep(600)
        campaign = home.campaigns.get("toy")
        assert campaign.state is CampaignState.ENDED, campaign.why
        assert timestamp(home.clock.now()) < row["issued"]
        assert not federation.world.twice()

    run_simulated(story())


def test_a_bundle_and_ledgers_with_entries_of_a_wrong_day_verify(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        home, nims = federation.places["argonne"].running, federation.places["nims"].running
        text = spec(3).partition('[[source]]\nname = "simulation"')[0]
        await home.campaigns.start(parse_spec(text), federation.member())
        await asyncio.sleep(2.5)
        # Both, so that they go on with each other: reports of that day are on record at home.
        for site in (home, nims):
            _set(site, 40 * 24 * HOUR)
        await asyncio.sleep(15)
        for site in (home, nims):
            _set(site, 0.0)
        await asyncio.sleep(600)
        assert home.campaigns.get("toy").state is CampaignState.ENDED
        times = [entry.time for entry in home.ledger.scan()]
        assert any(later < earlier for earlier, later in pairwise(times))
        verified = verify_bundle(read_bundle(await home.campaigns.export("toy")))
        assert verified.campaign.state is CampaignState.ENDED
        for name in federation.places:
            await federation.crash(name)

    run_simulated(story())
    found = audit([read_home(tmp_path / f"{name}.db") for name in ("argonne", "nims")])
    assert found.findings == ()
