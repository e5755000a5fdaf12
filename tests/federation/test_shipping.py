"""A campaign makes at one site and measures at another, with a shipment of days between them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.shipping import DAYS, at, begun, campaign, operator, received, samples, shipped, spec, tell, to_its_end
from yosegi.campaign import parse_spec
from yosegi.campaign.shipping import SHIPMENT
from yosegi.campaign.state import campaign_stream
from yosegi.core.errors import YosegiError
from yosegi.core.states import CampaignState, TaskState, TrialState
from yosegi.exchange.outbox import sending
from yosegi.ledger import Write
from yosegi.services.samples.entries import ASKED_FOR, sample_stream
from yosegi.services.samples.states import SampleState
from yosegi.testing.faults import When
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.trust.document import Addressed
from yosegi.trust.samples import SampleMoved, SampleToShip, ShipmentAsked
from yosegi.verification.bundle import read_bundle, replay_bundle, verify_bundle

ALONE = "shipment = { batch = 1, waiting = 1 }"


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def steps(federation: Federation) -> list[int]:
    """How many steps of each trial were asked for."""
    return [len(trial.steps) for trial in campaign(federation).trials]


def awaited(federation: Federation) -> list[str]:
    """What each trial waits for, in words."""
    who = federation.member()
    told = at(federation, "argonne").campaigns.trials("films", who, 0, 100)
    return [trial.awaits.en for trial in told if trial.awaits is not None]


async def says(federation: Federation, sender: str, kind: type[Addressed], to: str, **fields: Any) -> None:
    """A site signs and sends a word, whatever its own ledger says."""
    site = at(federation, sender)
    now = site.clock.now()
    whole = {"charter": CHARTER, "sender": sender, "to": to, "issued": now, "not_after": now + timedelta(days=1)}
    document = kind(**(whole | fields))
    draft = sending("evil.said", to, f"evil/{document.digest}", document.sign(federation.signer(sender)), {}, {})
    site.channels.posted(await site.ledger.append(Write("evil", None, (draft,), charter=CHARTER, actor=sender)))
    await asyncio.sleep(120)


def test_nine_films_in_three_shipments_of_two_days_each_are_measured_and_the_campaign_ends(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(9, "shipment = { batch = 3, waiting = 3 }"))
        assert await to_its_end(federation) == 3
        found = campaign(federation)
        assert found.state is CampaignState.ENDED
        assert [trial.state for trial in found.trials] == [TrialState.COMPLETED] * 9
        assert not federation.world.twice()
        assert {one.holder for one in samples(federation, "riken")} == {"nims"}
        bundle = read_bundle(await at(federation, "argonne").campaigns.export("films"))
        verify_bundle(bundle)
        assert {one.verdict for one in replay_bundle(bundle)} == {"identical"}

    tell(tmp_path, story)


def test_while_samples_wait_and_travel_more_are_made_up_to_two_batches(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(9, "shipment = { batch = 2 }"))
        assert steps(federation) == [1, 1, 1, 1]
        entries = at(federation, "argonne").ledger.read(campaign_stream("films"))
        assert [len(entry.facts["samples"]) for entry in entries if entry.type == SHIPMENT] == [2, 2]

    tell(tmp_path, story)


def test_a_film_that_a_task_made_is_a_sample_of_its_site_with_the_task_and_the_campaign(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(1))
        (film,) = samples(federation, "riken")
        (trial,) = campaign(federation).trials
        assert film.id == f"riken/{trial.steps[0].outputs['sample']}"
        assert (film.task, film.campaign, film.destination) == (trial.steps[0].key, "films", "nims")
        (told,) = at(federation, "riken").alerts.open()
        assert "the shipment of 1 samples from here to nims" in told.text
        (asked,) = [e for e in at(federation, "riken").ledger.read(sample_stream(film.id)) if e.type == ASKED_FOR]
        assert (asked.facts["home"], asked.facts["trial"]) == ("argonne", trial.number)

    tell(tmp_path, story)


def test_a_trial_says_which_shipment_it_waits_for_and_its_next_step_is_asked_when_that_came(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(1, ""))
        (film,) = samples(federation, "riken")
        (said,) = awaited(federation)
        assert f"the shipment of {film.id} to nims: riken is asked for it" in said
        await shipped(federation)
        (said,) = awaited(federation)
        assert f"the shipment of {film.id} to nims: it is in transit from riken" in said
        assert steps(federation) == [1]
        await received(federation)
        assert awaited(federation) == []
        assert steps(federation) == [2]
        (trial,) = campaign(federation).trials
        asked = at(federation, "argonne").requests.get("nims", trial.steps[1].key).request
        assert asked is not None
        assert asked.inputs == {"film": film.id}

    tell(tmp_path, story)


def test_a_film_that_came_damaged_ends_its_trial_in_words(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(1, ALONE))
        await shipped(federation)
        (film,) = await received(federation, lambda sample: "damaged")
        trial = campaign(federation).trials[0]
        assert trial.state is TrialState.FAILED
        assert trial.why == f"{film} came damaged to nims"
        assert steps(federation)[0] == 1

    tell(tmp_path, story)


def test_a_film_that_was_lost_is_made_again_as_a_trial_of_its_own_where_the_file_says_so(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(1, "shipment = { batch = 1, waiting = 1, again = 1 }"))
        await shipped(federation)
        (lost,) = await received(federation, lambda sample: "missing")
        await asyncio.sleep(120)
        await to_its_end(federation)
        first, second = campaign(federation).trials
        assert (first.state, first.why) == (TrialState.FAILED, f"{lost} was lost on its way from riken to nims")
        assert second.state is TrialState.COMPLETED
        assert second.values == first.values
        assert second.steps[0].key != first.steps[0].key
        assert {one.id: one.state for one in samples(federation, "riken")}[lost] is SampleState.LOST

    tell(tmp_path, story)


def test_samples_that_waited_long_enough_go_without_those_that_do_not_come(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        text = spec(9, "shipment = { batch = 5, waiting = 5, at_most_days = 0.02 }")
        await at(federation, "argonne").campaigns.start(parse_spec(text), federation.member())
        while not any(trial.outputs().get("make") for trial in campaign(federation).trials):
            await asyncio.sleep(0.1)
        await federation.crash("riken")  # so that no other film is made

        def asked() -> list[int]:
            entries = at(federation, "argonne").ledger.read(campaign_stream("films"))
            return [len(entry.facts["samples"]) for entry in entries if entry.type == SHIPMENT]

        await asyncio.sleep(600)
        made = sum(bool(trial.outputs().get("make")) for trial in campaign(federation).trials)
        assert asked() == []
        await asyncio.sleep(1800)
        assert asked() == [made]

    tell(tmp_path, story)


def test_a_shipment_whose_request_came_too_late_is_asked_again(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        text = spec(9, "shipment = { batch = 5, waiting = 5, at_most_days = 0.02 }")
        await at(federation, "argonne").campaigns.start(parse_spec(text), federation.member())
        while not any(trial.outputs().get("make") for trial in campaign(federation).trials):
            await asyncio.sleep(0.1)
        await federation.crash("riken")
        await asyncio.sleep(2400)
        waited = [trial.number for trial in campaign(federation).trials if trial.samples]
        assert waited
        await federation.crash("argonne")
        await federation.crash("nims")
        await asyncio.sleep(8 * DAYS)
        for name in federation.places:
            await federation.restart(name)
        await asyncio.sleep(600)
        assert await shipped(federation)
        await received(federation)
        assert {campaign(federation).trial(number).state for number in waited} == {TrialState.COMPLETED}
        bundle = read_bundle(await at(federation, "argonne").campaigns.export("films"))
        verify_bundle(bundle)
        assert {one.verdict for one in replay_bundle(bundle)} == {"identical"}

    tell(tmp_path, story)


def test_a_home_that_was_away_for_more_than_a_week_is_told_that_its_sample_came(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(1, ""))
        await shipped(federation)
        await federation.crash("argonne")
        await received(federation)
        for name in ("riken", "nims"):
            await federation.crash(name)
        await asyncio.sleep(8 * DAYS)
        for name in federation.places:
            await federation.restart(name)
        await asyncio.sleep(600)
        assert [trial.state for trial in campaign(federation).trials] == [TrialState.COMPLETED]

    tell(tmp_path, story)


def test_an_aborted_campaign_waits_for_no_sample(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(2))
        await at(federation, "argonne").campaigns.move(
            "films", CampaignState.ABORTED, federation.member(), "wrong question"
        )
        await asyncio.sleep(60)
        assert {trial.state for trial in campaign(federation).trials} == {TrialState.WITHDRAWN}

    tell(tmp_path, story)


def test_a_campaign_that_stops_ships_and_measures_what_was_made(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(9, "shipment = { batch = 5, waiting = 5 }"))
        home = at(federation, "argonne").campaigns
        await home.move("films", CampaignState.STOPPING, federation.member(), "enough")
        await asyncio.sleep(60)
        await shipped(federation)
        await received(federation)
        found = campaign(federation)
        assert found.state is CampaignState.STOPPED
        assert {trial.state for trial in found.trials} <= {TrialState.COMPLETED, TrialState.WITHDRAWN}
        assert sum(trial.state is TrialState.COMPLETED for trial in found.trials) >= 5

    tell(tmp_path, story)


def test_a_site_that_names_no_task_of_its_own_cannot_ask_for_a_sample(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(1, ""))
        (film,) = samples(federation, "riken")
        wanted = SampleToShip(sample=film.id, task=film.task, trial=1)
        fields = {"key": "k", "team": TEAM, "campaign": "mine", "destination": "nims", "samples": (wanted,)}
        await says(federation, "nims", ShipmentAsked, "riken", **fields)
        entries = at(federation, "riken").ledger.read(sample_stream(film.id))
        assert [entry.facts["home"] for entry in entries if entry.type == ASKED_FOR] == ["argonne"]

    tell(tmp_path, story)


def test_nothing_is_shipped_to_a_site_that_is_none_of_the_teams(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(1, ""))
        (film,) = samples(federation, "riken")
        wanted = SampleToShip(sample=film.id, task=film.task, trial=1)
        fields = {"key": "k", "team": TEAM, "campaign": "films", "destination": "elsewhere", "samples": (wanted,)}
        await says(federation, "argonne", ShipmentAsked, "riken", **fields)
        entries = at(federation, "riken").ledger.read(sample_stream(film.id))
        assert [entry.facts["destination"] for entry in entries if entry.type == ASKED_FOR] == ["nims"]

    tell(tmp_path, story)


def test_who_asks_names_the_campaign_whose_task_it_was_and_no_other(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(1, ""))
        (film,) = samples(federation, "riken")
        wanted = SampleToShip(sample=film.id, task=film.task, trial=1)
        fields = {"team": TEAM, "destination": "nims", "samples": (wanted,)}
        for number in range(3):
            await says(federation, "argonne", ShipmentAsked, "riken", key=f"k{number}", campaign=f"c{number}", **fields)
        entries = at(federation, "riken").ledger.read(sample_stream(film.id))
        assert [entry.facts["campaign"] for entry in entries if entry.type == ASKED_FOR] == ["films"]

    tell(tmp_path, story)


def test_a_holder_that_says_a_sample_came_without_the_addressees_word_is_not_believed(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(1, ""))
        (film,) = samples(federation, "riken")
        key = campaign(federation).trials[0].samples[film.id].shipment
        came = {"key": key, "campaign": "films", "sample": film.id, "state": "available", "position": 99}
        await says(federation, "riken", SampleMoved, "argonne", holder="nims", **came)
        assert steps(federation) == [1]
        assert len(awaited(federation)) == 1

    tell(tmp_path, story)


def test_a_site_that_was_not_asked_says_nothing_of_a_campaigns_samples(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(1, ""))
        (film,) = samples(federation, "riken")
        key = campaign(federation).trials[0].samples[film.id].shipment
        lost = {"key": key, "campaign": "films", "sample": film.id, "state": "lost", "position": 99}
        await says(federation, "nims", SampleMoved, "argonne", holder="nims", **lost)
        assert campaign(federation).trials[0].state is TrialState.RUNNING

    tell(tmp_path, story)


def test_an_uncertain_task_sets_aside_the_sample_that_it_was_given_with_the_reason_in_its_life(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(1, ALONE))
        await shipped(federation)
        nims = federation.places["nims"]
        assert nims.engine is not None
        nims.duration = nims.engine.duration = 600.0
        await received(federation)
        federation.kill("nims")
        await asyncio.sleep(120)
        (film,) = samples(federation, "nims")
        assert film.state is SampleState.QUARANTINED
        last = at(federation, "nims").samples.show(film.id, operator("nims")).events[-1]
        key = campaign(federation).trials[0].steps[1].key
        assert f"what task {key} of nims/film.measure@1 did is not known" in last.note

    tell(tmp_path, story)


def test_a_sample_is_made_by_no_task_whose_effect_is_unknown(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        riken = federation.places["riken"]
        assert riken.engine is not None
        riken.duration = riken.engine.duration = 600.0
        await begun(federation, spec(1, ALONE))
        federation.kill("riken")
        await asyncio.sleep(120)
        assert campaign(federation).trials[0].state is TrialState.UNCERTAIN
        assert samples(federation, "riken") == ()

    tell(tmp_path, story)


# --- deaths --------------------------------------------------------------------------------------------------------


async def insist(work: Callable[[], Awaitable[Any]]) -> None:
    """People say it again until their site hears it."""
    for _ in range(60):
        try:
            await work()
            return
        except (YosegiError, RuntimeError):
            await asyncio.sleep(3)
    raise AssertionError("its site never heard it")


async def one_film(federation: Federation) -> None:
    """One film is made, given, received and measured, whichever site dies on the way."""
    await insist(lambda: begun(federation, spec(1, ALONE)) if not known(federation) else asyncio.sleep(120))
    await insist(lambda: at(federation, "riken").hand_overs.ship("nims", operator("riken")))
    await asyncio.sleep(120)
    await insist(lambda: received(federation))
    await asyncio.sleep(300)


def known(federation: Federation) -> bool:
    return "films" in at(federation, "argonne").campaigns.names()


@pytest.fixture(scope="module")
def commits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, int]]:
    """The first commit of each site after its start, and the last, where nobody dies."""
    found: dict[str, tuple[int, int]] = {}

    async def story(federation: Federation) -> None:
        first = {name: store.commits + 1 for name, store in federation.stores.items()}
        await one_film(federation)
        found.update({name: (first[name], store.commits) for name, store in federation.stores.items()})

    tell(tmp_path_factory.mktemp("undisturbed"), story)
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("site", ["argonne", "riken", "nims"])
def test_a_shipment_outlives_the_death_of_a_site_at_its_commits(
    site: str, when: When, commits: dict[str, tuple[int, int]], tmp_path: Path
) -> None:
    first, last = commits[site]
    # Every second, those after a death between those before one.
    for commit in range(first + (when == "after"), last + 1, 2):

        async def story(federation: Federation, commit: int = commit) -> None:
            await one_film(federation)
            assert federation.faults == [site], f"commit {commit} never came"
            trial, *more = campaign(federation).trials
            (film,) = samples(federation, "nims")
            assert film.holder == "nims", commit
            assert not federation.world.twice(), commit
            # What nobody knows the effect of waits for a person, and another film is made; all else goes on.
            uncertain = any(step.state is TaskState.UNCERTAIN for step in trial.steps)
            assert uncertain or (trial.state is TrialState.COMPLETED and not more), commit

        folder = tmp_path / str(commit)
        folder.mkdir()
        tell(folder, story, mortal={site: (commit, when)})
