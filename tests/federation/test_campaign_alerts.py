"""A campaign tells the member it acts for that it waits, what would let it go on, and that it has ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

from federation.questions import mixes, two_sites, until_over
from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.states import CampaignState
from yosegi.services.alerts.service import Alert
from yosegi.services.runtime import Site
from yosegi.testing.loop import run_simulated


def told_to(site: Site) -> list[Alert]:
    """What is sent from now on."""
    told: list[Alert] = []

    async def send(alert: Alert) -> None:
        told.append(alert)

    site.alerts.senders = (send,)
    return told


def test_a_grant_that_is_used_up_is_told_to_the_member_with_what_would_let_it_go_on(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["nims"].grant = {"samples": "2"}
        await federation.start()
        home = federation.places["argonne"].running
        told = told_to(home)
        await home.campaigns.start(parse_spec(spec(10)), federation.member())
        await until_over(federation, "toy")
        await asyncio.sleep(3 * home.alerts.every)
        mine = [alert for alert in told if alert.person == "pi@argonne"]
        assert len(mine) >= 2  # it is repeated while it lasts
        assert "nims" in mine[0].text
        assert "yosegi campaign resume toy" in mine[0].text
        assert "再開" in mine[0].ja
        waits = home.campaigns.show("toy", federation.member()).waits_for
        assert waits is not None
        assert waits.code == "campaign_grant_used"
        await home.campaigns.move("toy", CampaignState.ABORTED, federation.member(), "enough")
        assert not [alert for alert in home.alerts.open() if alert.person]

    run_simulated(story())


def test_an_end_is_told_once(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        told = told_to(home)
        await home.campaigns.start(parse_spec(mixes()), federation.member())
        campaign = await until_over(federation)
        await asyncio.sleep(4 * home.alerts.every)
        (alert,) = [alert for alert in told if alert.person]
        best = campaign.best()
        assert best is not None
        assert f"at trial {best.number}" in alert.text
        assert "6 trials done" in alert.text

    run_simulated(story())


def test_what_a_person_holds_is_told_to_nobody_and_shown_with_who_holds_it(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(mixes()), federation.member())
        await home.campaigns.move("mixes", CampaignState.HELD, federation.member(), "lunch")
        assert not [alert for alert in home.alerts.open() if alert.person]
        waits = home.campaigns.show("mixes", federation.member()).waits_for
        assert waits is not None
        assert "held by pi@argonne: lunch" in waits.en

    run_simulated(story())
