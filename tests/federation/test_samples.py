"""A sample made at one site is handed over to another: both sign, both ledgers have both words, and nobody cheats."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.toys import three_sites
from yosegi.core.errors import Conflict, Invalid, NotFound, Refused
from yosegi.exchange.outbox import sending
from yosegi.identity.accounts import Session
from yosegi.ledger import Write
from yosegi.services.runtime import Site
from yosegi.services.samples.arrivals import ArrivedSample, read_arrivals
from yosegi.services.samples.entries import CONFIRMED, GIVEN, OFFERED, RECEIVED, sample_stream
from yosegi.services.samples.repository import MOST_LISTED
from yosegi.services.samples.schemas import SampleSummary
from yosegi.services.samples.states import SampleState
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.document import Addressed
from yosegi.trust.samples import SampleGiven, SampleReceived

DAYS = 24 * 3600.0
FILM = "riken/film-17"
Story = Callable[[Federation], Awaitable[None]]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def tell(folder: Path, story: Story, **how: Any) -> None:
    """Run a story among argonne, riken and nims, all of one team."""

    async def main() -> None:
        federation = three_sites(folder, **how)
        await federation.start()
        try:
            await story(federation)
        finally:
            for name in federation.places:
                await federation.crash(name)

    run_simulated(main())


def at(federation: Federation, name: str) -> Site:
    return federation.places[name].running


def operator(name: str) -> Session:
    return Session(f"operator@{name}", "operator", float("inf"), "")


def known(federation: Federation, name: str, sample: str = FILM) -> SampleSummary:
    return at(federation, name).samples.show(sample, operator(name))


def state(federation: Federation, name: str, sample: str = FILM) -> tuple[str, SampleState]:
    """Who holds a sample and in which state, as a site knows it."""
    found = known(federation, name, sample)
    return found.holder, found.state


def entries(federation: Federation, name: str, sample: str = FILM) -> list[str]:
    return [entry.type for entry in at(federation, name).ledger.read(sample_stream(sample))]


async def made(federation: Federation) -> None:
    """A film that riken made."""
    await at(federation, "riken").samples.register(
        "film-17", operator("riken"), charter=CHARTER, team=TEAM, label="ITO on glass", place="glove box"
    )


async def given(federation: Federation, giver: str = "riken", to: str = "nims", note: str = "") -> None:
    await at(federation, giver).hand_overs.give(FILM, to, operator(giver), note=note)
    await asyncio.sleep(120)


async def received(federation: Federation, name: str = "nims", condition: Any = "good") -> None:
    await at(federation, name).hand_overs.receive(FILM, operator(name), condition=condition, place="shelf 3")
    await asyncio.sleep(120)


async def says(federation: Federation, sender: str, kind: type[Addressed], to: str, **fields: Any) -> None:
    """A hostile site signs and sends a word, whatever its own ledger says."""
    site = at(federation, sender)
    now = site.clock.now()
    whole = {"charter": CHARTER, "sender": sender, "to": to, "key": "forged", "sample": FILM, "issued": now}
    document = kind(**(whole | {"not_after": now + timedelta(days=1)} | fields))
    draft = sending("evil.said", to, f"evil/{document.digest}", document.sign(federation.signer(sender)), {}, {})
    site.channels.posted(await site.ledger.append(Write("evil", None, (draft,), charter=CHARTER, actor=sender)))
    await asyncio.sleep(120)


async def switched_off(federation: Federation, seconds: float) -> None:
    """Every site is down for so long, and comes back with nothing but its disk."""
    for name in federation.places:
        await federation.crash(name)
    await asyncio.sleep(seconds)
    for name in federation.places:
        await federation.restart(name)
    await asyncio.sleep(300)


def words(federation: Federation, name: str) -> list[tuple[str, str]]:
    """Whose signed words a site's ledger has of the film, and what each says of its condition."""
    return [
        (event.signed_by, event.condition)
        for event in at(federation, name).samples.show(FILM, operator(name)).events
        if event.signed_by
    ]


# -- the whole way -----------------------------------------------------------------------------------------------------


def test_a_sample_made_at_one_site_is_received_at_another_two_days_later_split_and_used(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation, note="in a padded box")
        assert state(federation, "riken") == state(federation, "nims") == ("riken", SampleState.IN_TRANSIT)
        await switched_off(federation, 2 * DAYS)
        await received(federation)
        assert state(federation, "riken") == state(federation, "nims") == ("nims", SampleState.AVAILABLE)
        nims = at(federation, "nims").samples
        left, right = (await nims.split(FILM, ["film-17-left", "film-17-right"], operator("nims"))).parts
        await nims.change(left.id, "use_up", operator("nims"), why="measured to destruction")
        assert state(federation, "nims") == ("nims", SampleState.SPLIT)
        assert (left.id, right.parents) == ("nims/film-17-left", (FILM,))
        assert state(federation, "nims", left.id) == ("nims", SampleState.USED_UP)
        assert state(federation, "nims", right.id) == ("nims", SampleState.AVAILABLE)

    tell(tmp_path, story)


def test_each_sides_ledger_has_both_signed_words(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation)
        await received(federation)
        assert words(federation, "riken") == words(federation, "nims") == [("riken", "good"), ("nims", "good")]
        there, here = (at(federation, name).ledger.read(sample_stream(FILM)) for name in ("riken", "nims"))
        documents = [
            [(entry.body or {})["document"] for entry in ledger if "document" in (entry.body or {})]
            for ledger in (there, here)
        ]
        assert documents[0] == documents[1]
        assert [entry.type for entry in there][1:] == [GIVEN, CONFIRMED]
        assert [entry.type for entry in here] == [OFFERED, RECEIVED]

    tell(tmp_path, story)


def test_a_charter_that_this_site_does_not_know_is_named_with_those_it_knows(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        with pytest.raises(NotFound, match="demo"):
            await at(federation, "riken").samples.register("s", operator("riken"), charter="another", team=TEAM)

    tell(tmp_path, story)


def test_a_list_is_of_those_that_changed_last_and_by_what_is_asked_of_them(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        samples, who = at(federation, "riken").samples, operator("riken")
        names = [f"s-{number}" for number in range(MOST_LISTED + 1)]
        for name in names:
            await samples.register(name, who, charter=CHARTER, team=TEAM)
        listed = [one.id for one in samples.listing(who)]
        assert listed == [f"riken/{name}" for name in reversed(names[1:])]
        await samples.change("riken/s-0", "reserve", who)
        assert [one.id for one in samples.listing(who, state=SampleState.RESERVED)] == ["riken/s-0"]
        assert samples.listing(who, team="another") == samples.listing(who, holder="nims") == ()

    tell(tmp_path, story)


def test_one_that_came_damaged_is_quarantined_at_its_receiver(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation)
        await received(federation, condition="damaged")
        assert state(federation, "riken") == state(federation, "nims") == ("nims", SampleState.QUARANTINED)

    tell(tmp_path, story)


def test_one_that_never_came_is_its_givers_and_lost_and_may_be_found_and_given_again(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation)
        await received(federation, condition="missing")
        assert state(federation, "riken") == state(federation, "nims") == ("riken", SampleState.LOST)
        await at(federation, "riken").samples.change(FILM, "release", operator("riken"), why="found in the van")
        await given(federation)
        await received(federation)
        assert state(federation, "riken") == ("nims", SampleState.AVAILABLE)

    tell(tmp_path, story)


def test_whoever_received_it_hands_it_on_and_it_comes_back_to_its_maker(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        for giver, to in (("riken", "nims"), ("nims", "argonne"), ("argonne", "riken"), ("riken", "nims")):
            await given(federation, giver, to)
            await received(federation, to)
            assert state(federation, giver) == state(federation, to) == (to, SampleState.AVAILABLE)

    tell(tmp_path, story)


# -- dying -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_giver_that_dies_at_the_moment_of_giving_has_either_said_nothing_or_says_it(
    tmp_path: Path, when: Any
) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        riken = federation.places["riken"]
        store = federation.stores["riken"]
        store._die_at, store._when = store.commits + 1, when
        with pytest.raises(Exception, match=r"."):
            await at(federation, "riken").hand_overs.give(FILM, "nims", operator("riken"))
        await asyncio.sleep(600)
        assert riken.site is not None
        if when == "before":
            assert state(federation, "riken") == ("riken", SampleState.AVAILABLE)
            with pytest.raises(NotFound):
                known(federation, "nims")
        else:
            assert state(federation, "riken") == state(federation, "nims") == ("riken", SampleState.IN_TRANSIT)

    tell(tmp_path, story)


def test_a_word_that_is_said_again_changes_nothing_where_it_was_heard(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation)
        await given(federation)
        await received(federation)
        before = state(federation, "riken"), entries(federation, "riken")
        await received(federation)
        assert (state(federation, "riken"), entries(federation, "riken")) == before
        assert state(federation, "nims") == ("nims", SampleState.AVAILABLE)

    tell(tmp_path, story)


def test_a_word_that_nobody_heard_in_time_sets_the_sample_aside_at_its_giver(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await federation.crash("nims")
        await given(federation)
        await switched_off(federation, 8 * DAYS)
        assert state(federation, "riken") == ("riken", SampleState.QUARANTINED)
        with pytest.raises(NotFound):
            known(federation, "nims")
        await at(federation, "riken").samples.change(FILM, "release", operator("riken"), why="it never left")
        await given(federation)
        await received(federation)
        assert state(federation, "riken") == ("nims", SampleState.AVAILABLE)

    tell(tmp_path, story)


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_nobody_but_its_holder_acts_on_a_sample(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation)
        riken = at(federation, "riken").samples
        with pytest.raises(Conflict, match="in_transit"):
            await riken.change(FILM, "use_up", operator("riken"))
        with pytest.raises(Conflict, match="held by riken"):
            await at(federation, "nims").samples.change(FILM, "use_up", operator("nims"))
        await received(federation)
        with pytest.raises(Conflict, match="held by nims"):
            await riken.change(FILM, "use_up", operator("riken"))
        with pytest.raises(Conflict, match="held by nims"):
            await at(federation, "riken").hand_overs.give(FILM, "argonne", operator("riken"))

    tell(tmp_path, story)


def test_it_is_received_once_and_only_where_it_was_given_to(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        with pytest.raises(Conflict, match="not given to riken"):
            await at(federation, "riken").hand_overs.receive(FILM, operator("riken"))
        await given(federation)
        with pytest.raises(Conflict, match="not given to riken"):
            await at(federation, "riken").hand_overs.receive(FILM, operator("riken"))
        with pytest.raises(NotFound):
            await at(federation, "argonne").hand_overs.receive(FILM, operator("argonne"))
        await received(federation)
        with pytest.raises(Conflict, match="said already that it was good"):
            await received(federation, condition="missing")

    tell(tmp_path, story)


def test_a_peer_cannot_receive_what_was_not_given_to_it(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation)
        (word,) = [e for e in at(federation, "riken").ledger.read(sample_stream(FILM)) if e.type == GIVEN]
        stolen = {"key": word.facts["key"], "given": word.facts["given"], "condition": "good"}
        await says(federation, "argonne", SampleReceived, "riken", **stolen)
        assert state(federation, "riken") == ("riken", SampleState.IN_TRANSIT)
        await received(federation)
        await says(federation, "argonne", SampleReceived, "riken", **stolen)
        assert state(federation, "riken") == ("nims", SampleState.AVAILABLE)

    tell(tmp_path, story)


def test_a_receipt_for_another_word_than_it_was_given_by_is_refused(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation)
        (word,) = [e for e in at(federation, "riken").ledger.read(sample_stream(FILM)) if e.type == GIVEN]
        other = {"key": word.facts["key"], "given": "sha256:" + "0" * 64, "condition": "good"}
        await says(federation, "nims", SampleReceived, "riken", **other)
        assert state(federation, "riken") == ("riken", SampleState.IN_TRANSIT)

    tell(tmp_path, story)


def test_a_peer_cannot_give_what_it_neither_made_nor_was_given(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await says(federation, "argonne", SampleGiven, "nims", team=TEAM, condition="good")
        with pytest.raises(NotFound):
            known(federation, "nims")

    tell(tmp_path, story)


def test_a_peer_cannot_give_with_a_word_by_which_another_was_given_it(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation)
        await received(federation)
        before = at(federation, "nims").samples.samples.find(FILM)
        assert before is not None
        forged = {"team": TEAM, "condition": "good", "before": before.came_by}
        await says(federation, "argonne", SampleGiven, "riken", **forged)
        assert state(federation, "riken") == ("nims", SampleState.AVAILABLE)
        assert OFFERED not in entries(federation, "riken")

    tell(tmp_path, story)


def test_a_giver_cannot_take_a_sample_back_nor_give_it_twice_to_one_site(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation)
        with pytest.raises(Conflict, match="in_transit"):
            await at(federation, "riken").hand_overs.give(FILM, "argonne", operator("riken"))
        await received(federation)
        # A site that lies about it says that it gives it once more: its receiver holds it.
        await says(federation, "riken", SampleGiven, "nims", team=TEAM, condition="good")
        assert state(federation, "nims") == ("nims", SampleState.AVAILABLE)
        assert entries(federation, "nims") == [OFFERED, RECEIVED]

    tell(tmp_path, story)


def test_an_earlier_holder_cannot_give_again_what_it_gave_away_to_the_site_that_had_it_since(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation)
        await received(federation)
        await given(federation, "nims", "argonne")
        await received(federation, "argonne")
        await says(federation, "riken", SampleGiven, "nims", team=TEAM, condition="good")
        assert state(federation, "nims") == ("argonne", SampleState.AVAILABLE)

    tell(tmp_path, story)


def test_a_peer_cannot_bring_in_a_sample_in_the_name_of_the_site_that_it_tells(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await says(federation, "argonne", SampleGiven, "riken", team=TEAM, condition="good")
        with pytest.raises(NotFound):
            known(federation, "riken")

    tell(tmp_path, story)


def test_a_sample_of_another_team_or_for_nobody_of_the_team_is_refused(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        with pytest.raises(NotFound, match="elsewhere"):
            await at(federation, "riken").hand_overs.give(FILM, "elsewhere", operator("riken"))
        await says(federation, "riken", SampleGiven, "nims", team="another-team", condition="good")
        with pytest.raises(NotFound):
            known(federation, "nims")

    tell(tmp_path, story)


def test_a_stranger_sees_no_sample_and_an_agent_says_nothing_of_one(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        riken = at(federation, "riken")
        stranger = Session("guest@riken", "member", float("inf"), "")
        assert riken.samples.listing(stranger) == ()
        with pytest.raises(NotFound):
            riken.samples.show(FILM, stranger)
        with pytest.raises(Refused, match="not_in_team"):
            await riken.samples.register("x", stranger, charter=CHARTER, team=TEAM)
        agent = Session("operator@riken", "operator", float("inf"), "", agent="planner", mandate="m")
        with pytest.raises(Refused, match="people_only"):
            await riken.samples.change(FILM, "use_up", agent)
        with pytest.raises(Refused, match="people_only"):
            await riken.hand_overs.give(FILM, "nims", agent)

    tell(tmp_path, story)


def test_samples_pooled_are_one_with_all_as_its_parents_or_nothing_happens(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        riken, who = at(federation, "riken").samples, operator("riken")
        await riken.register("film-18", who, charter=CHARTER, team=TEAM)
        await riken.change("riken/film-18", "lose", who)
        with pytest.raises(Conflict, match="lost"):
            await riken.pool([FILM, "riken/film-18"], "both", who)
        assert state(federation, "riken") == ("riken", SampleState.AVAILABLE)
        await riken.change("riken/film-18", "release", who, why="found")
        both = await riken.pool([FILM, "riken/film-18"], "both", who, label="pooled")
        assert both.parents == (FILM, "riken/film-18")
        assert state(federation, "riken") == ("riken", SampleState.POOLED)
        with pytest.raises(Invalid, match="2 to 64"):
            await riken.pool([FILM, FILM], "again", who)

    tell(tmp_path, story)


# -- several at once ---------------------------------------------------------------------------------------------------


def test_samples_that_came_together_are_received_at_once_each_with_its_condition(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        riken, nims = at(federation, "riken"), at(federation, "nims")
        for name in ("a", "b", "c"):
            await riken.samples.register(name, operator("riken"), charter=CHARTER, team=TEAM)
            await riken.hand_overs.give(f"riken/{name}", "nims", operator("riken"))
        await asyncio.sleep(120)
        listed = read_arrivals("sample,condition,note,place\nriken/a,good,,shelf 3\nriken/b,damaged,one corner,\n")
        missing = ArrivedSample(sample="riken/c", condition="missing")
        await nims.hand_overs.receive_all((*listed, missing), operator("nims"))
        await asyncio.sleep(120)
        found = {name: known(federation, "riken", f"riken/{name}") for name in ("a", "b", "c")}
        assert {name: (one.holder, one.state.value) for name, one in found.items()} == {
            "a": ("nims", "available"), "b": ("nims", "quarantined"), "c": ("riken", "lost"),
        }  # fmt: skip
        assert known(federation, "nims", "riken/a").place == "shelf 3"

    tell(tmp_path, story)


def test_of_several_samples_of_which_one_cannot_be_received_none_is(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await made(federation)
        await given(federation)
        nims = at(federation, "nims")
        other = ArrivedSample(sample="riken/film-99")
        with pytest.raises(NotFound):
            await nims.hand_overs.receive_all((ArrivedSample(sample=FILM), other), operator("nims"))
        with pytest.raises(Invalid, match="named twice"):
            await nims.hand_overs.receive_all((ArrivedSample(sample=FILM),) * 2, operator("nims"))
        assert state(federation, "nims") == ("riken", SampleState.IN_TRANSIT)
        with pytest.raises(Invalid, match="line 3 of the list"):
            read_arrivals("sample,condition\nriken/a,good\nriken/b,splendid\n")
        with pytest.raises(Invalid, match="has no column `sample`"):
            read_arrivals("film\nriken/a\n")

    tell(tmp_path, story)
