"""A campaign whose step two owners can do: where its trials go, on simulated time."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from federation.toys import simulate, spec
from yosegi.campaign import parse_spec
from yosegi.campaign.findings import BadCampaign
from yosegi.core.errors import NotFound
from yosegi.core.states import CampaignState, TrialState
from yosegi.governance.charter.statement import Listens
from yosegi.testing.federation import Federation, Place, address
from yosegi.testing.loop import run_simulated
from yosegi.verification.bundle import read_bundle, replay_bundle, verify_bundle

SLOW, SWIFT = "nims", "riken"
_CLOSED = '@id("closed")\n@reason("Closed.")\nforbid (principal, action, resource);\n'


def question(trials: int) -> str:
    """The toy campaign with the simulation alone, which either owner can do."""
    text = spec(trials).replace("parallel = 2", "parallel = 1")
    first = text.index("[[source]]")
    either = f'{{ name = "simulate", capability = "{SLOW}/toy.simulate@1", any_of = ["{SWIFT}/toy.simulate@1"] }}'
    return f'{text[:first]}[[source]]\nname = "simulation"\nprice = 1.0\nstep = [{either}]\n'


def two_owners(folder: Path) -> Federation:
    """One takes half a minute for an answer, the other two seconds."""
    places = {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
        SLOW: Place(SLOW, Listens(url=address(SLOW)), capabilities=[simulate], duration=30.0),
        SWIFT: Place(SWIFT, Listens(url=address(SWIFT)), capabilities=[simulate], duration=2.0),
    }
    return Federation(places, folder)


async def ended(federation: Federation) -> Counter[str]:
    """Who answered how many trials, once the campaign is over."""
    home = federation.places["argonne"].running
    for _ in range(400):
        if home.campaigns.get("toy").state.final:
            break
        await asyncio.sleep(5)
    campaign = home.campaigns.get("toy")
    assert campaign.state is CampaignState.ENDED, campaign.why
    return Counter(trial.steps[-1].owner for trial in campaign.trials if trial.state is TrialState.COMPLETED)


def test_trials_go_to_the_owner_that_answers_soonest_and_anybody_can_check_it(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_owners(tmp_path)
        await federation.start()
        home, who = federation.places["argonne"].running, federation.member()
        await home.campaigns.start(parse_spec(question(8)), who)
        # Each is tried once; the others follow.
        assert await ended(federation) == {SLOW: 1, SWIFT: 7}
        bundle = read_bundle(await home.campaigns.export("toy"))
        verify_bundle(bundle)
        assert {one.verdict for one in replay_bundle(bundle)} == {"identical"}

    run_simulated(story())


def test_trials_go_on_at_the_other_owner_where_one_says_no(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_owners(tmp_path)
        federation.places[SWIFT].rules = {"closed.cedar": _CLOSED}
        await federation.start()
        home, who = federation.places["argonne"].running, federation.member()
        await home.campaigns.start(parse_spec(question(4)), who)
        assert await ended(federation) == {SLOW: 4}

    run_simulated(story())


def test_an_alternative_that_nobody_offers_starts_no_campaign(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_owners(tmp_path)
        await federation.start()
        home, who = federation.places["argonne"].running, federation.member()
        absent = question(4).replace(f'"{SWIFT}/toy.simulate@1"', '"argonne/toy.simulate@1"')
        with pytest.raises((NotFound, BadCampaign)):
            await home.campaigns.start(parse_spec(absent), who)

    run_simulated(story())
