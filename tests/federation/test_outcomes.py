"""What came of a campaign is registered by its team, and the best it found is shown to those who may see its work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from federation.asking import PI, person
from federation.test_agents import PLANNER, draw, signed_in
from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.campaign.state import OUTCOME
from yosegi.core.errors import NotFound, Refused
from yosegi.identity.accounts import Session
from yosegi.services.programme.schemas import CampaignStanding
from yosegi.services.runtime import Site
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated

OUTSIDER = "other@argonne"
Story = Callable[[Federation, Site], Awaitable[None]]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def tell(folder: Path, story: Story, **how: Any) -> None:
    """Run a story in which the team's campaign `toy` has found something."""

    async def whole() -> None:
        federation = three_sites(folder, **how)
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(2)), person())
        await asyncio.sleep(60)
        assert home.campaigns.get("toy").best() is not None
        await story(federation, home)

    run_simulated(whole())


def register(home: Site, who: Session) -> Awaitable[CampaignStanding]:
    return home.programme.register_outcome("toy", "paper", "On toys", "https://doi.org/10.5555/1", who)


def outcomes(home: Site) -> list[str]:
    return [entry.header.actor for entry in home.ledger.read("campaign/toy") if entry.type == OUTCOME]


def test_a_member_of_the_team_registers_what_came_of_its_campaign(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site) -> None:
        standing = await register(home, person())
        assert [one.title for one in standing.outcomes] == ["On toys"]
        assert outcomes(home) == [PI]

    tell(tmp_path, story)


def test_to_somebody_of_no_part_of_the_team_the_campaign_does_not_exist(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site) -> None:
        with pytest.raises(NotFound):
            await register(home, person(OUTSIDER))
        assert not outcomes(home)

    tell(tmp_path, story)


def test_who_runs_the_site_sees_the_campaign_and_does_not_speak_for_its_team(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site) -> None:
        with pytest.raises(Refused, match="not_in_team"):
            await register(home, person(OUTSIDER, "officer"))
        assert not outcomes(home)

    tell(tmp_path, story)


def test_an_agent_registers_what_came_of_a_campaign_under_its_own_mandate_alone(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site) -> None:
        await home.mandates.give(draw(home, "planner", PLANNER), person())
        who = await signed_in(home, "planner", PLANNER)
        assert who is not None
        with pytest.raises(Refused, match="not_under_own_mandate"):
            await register(home, who)
        assert not outcomes(home)
        await home.campaigns.start(parse_spec(spec(1).replace('"toy"', '"its own"'.replace(" ", "-"), 1)), who)
        await home.programme.register_outcome("its-own", "answer", "Yes", "", who)

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("name", "role", "sees"), [(PI, "member", True), (OUTSIDER, "officer", True), (OUTSIDER, "member", False)]
)
def test_the_programme_shows_the_best_to_those_who_may_see_the_teams_work(
    tmp_path: Path, name: str, role: str, sees: bool
) -> None:
    async def story(federation: Federation, home: Site) -> None:
        await register(home, person())
        (told,) = home.programme.list(person(name, role))
        (campaign,) = told.campaigns
        assert (campaign.best is not None) == sees
        assert bool(campaign.why) == sees
        assert [one.title for one in campaign.outcomes] == ["On toys"]

    tell(tmp_path, story)
