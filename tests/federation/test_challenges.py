"""A campaign may name the challenge it answers: one of its team's, at its home site and at the owner."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from federation.asking import ask, why_refused
from federation.governed import amended, governed, signed
from federation.toys import spec
from yosegi.campaign import parse_spec
from yosegi.core.errors import Refused
from yosegi.core.states import TaskState
from yosegi.governance.charter.charter import Named, Team
from yosegi.services.grants.view import usage
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated

FOUNDERS = ("argonne", "riken", "nims")


async def challenged(folder: Path) -> Federation:
    """The toy federation whose team has taken up one challenge of two, the other being another team's."""
    federation = governed(folder)
    await federation.start()
    current = federation.charter()
    (team,) = current.teams
    other = Team(id="other-team", title="Other", lead="riken", sites=("riken",), challenges=("wells",))
    version = amended(
        current,
        teams=(team.model_copy(update={"challenges": ("recipes",)}), other),
        challenges=(Named(id="recipes", title="Recipes in a day"), Named(id="wells", title="Few wells")),
    )
    await federation.places["argonne"].running.publisher.publish(signed(version, *FOUNDERS), "officer@argonne")
    await asyncio.sleep(10)
    return federation


def naming(challenge: str, name: str = "toy") -> str:
    return spec(1).replace('name = "toy"', f'name = "{name}"\nchallenge = "{challenge}"', 1)


def test_a_campaign_is_counted_for_the_challenge_it_names(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await challenged(tmp_path)
        home, nims = (federation.places[name].running for name in ("argonne", "nims"))
        await home.campaigns.start(parse_spec(naming("recipes")), federation.member())
        await home.campaigns.start(
            parse_spec(spec(1).replace('name = "toy"', 'name = "plain"', 1)), federation.member()
        )
        await asyncio.sleep(200)
        spent = {
            (row["team"], row["challenge"]): row["spent"] for row in usage(nims.ledger.query, ("team", "challenge"))
        }
        assert spent == {(TEAM, "recipes"): "1", (TEAM, ""): "1"}
        (told,) = home.programme.list(federation.member())
        assert {c.id: (c.teams, c.campaigns) for c in told.challenges} == {
            "recipes": ((TEAM,), ("toy",)),
            "wells": (("other-team",), ()),
        }
        assert next(t for t in told.teams if t.id == TEAM).challenges == ("Recipes in a day",)

    run_simulated(story())


def test_a_challenge_of_another_team_is_refused_before_anything_is_recorded(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await challenged(tmp_path)
        home = federation.places["argonne"].running
        for challenge in ("wells", "unheard"):
            with pytest.raises(Refused, match="challenge_not_of_team"):
                await home.campaigns.start(parse_spec(naming(challenge)), federation.member())
        assert home.campaigns.names() == []

    run_simulated(story())


def test_an_owner_refuses_a_request_for_a_challenge_of_another_team(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await challenged(tmp_path)
        task = await ask(federation, "k1", challenge="wells")
        assert why_refused(task) == "challenge_not_of_team"
        assert "課題" in task.reasons[0].ja
        assert (await ask(federation, "k2", challenge="recipes")).state is not TaskState.REFUSED
        assert (await ask(federation, "k3")).state is not TaskState.REFUSED

    run_simulated(story())


def test_a_challenge_that_a_new_version_takes_from_a_team_is_refused_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await challenged(tmp_path)
        nims = federation.places["nims"].running
        current = nims.registry.federation(CHARTER).roster.charter
        teams = tuple(team.model_copy(update={"challenges": None}) for team in current.teams)
        await nims.publisher.publish(signed(amended(current, teams=teams), *FOUNDERS), "officer@nims")
        assert why_refused(await ask(federation, "k1", challenge="recipes")) == "challenge_not_of_team"

    run_simulated(story())
