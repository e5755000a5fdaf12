"""A spill is erased by signed request at every site that holds it; who has not answered yet is shown until then."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from federation import large
from federation.test_refusals import asked
from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Conflict, Corrupt, Invalid, NotFound, Refused
from yosegi.exchange import Received
from yosegi.exchange.outbox import sending
from yosegi.exchange.requests import MADE, REPORTED
from yosegi.identity.accounts import Session
from yosegi.ledger import ERASED as BODY_ERASED
from yosegi.ledger import LEDGER, Draft, Write
from yosegi.services.erasure.entries import ACKNOWLEDGED, ASKED, ORDERED
from yosegi.services.erasure.schemas import ErasureStatus
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.messages import Cancel, Erase, Erased, Offer, Report, Request
from yosegi.verification.bundle import read_bundle, verify_bundle

Story = Callable[[Federation], Awaitable[None]]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def tell(federation: Federation, story: Story) -> None:
    async def main() -> None:
        await federation.start()
        try:
            await story(federation)
        finally:
            for name in federation.places:
                await federation.crash(name)

    run_simulated(main())


def at(federation: Federation, name: str) -> Site:
    return federation.places[name].running


def officer(name: str) -> Session:
    return Session(f"officer@{name}", "officer", float("inf"), "")


def listed(federation: Federation, name: str) -> ErasureStatus:
    """The one erasure that a site knows of."""
    (found,) = at(federation, name).erasure.listing(officer(name))
    return found


def holds(federation: Federation, sha256: str) -> set[str]:
    return {name for name, place in federation.places.items() if sha256 in place.objects.held}


async def a_table(federation: Federation) -> str:
    """A table that riken made, argonne has and nims was given; its digest."""
    home = at(federation, "argonne")
    await home.campaigns.start(parse_spec(large.spec(1)), federation.member())
    await asyncio.sleep(120)
    sha256 = str(home.campaigns.get("large").trials[0].steps[0].outputs["table"]["sha256"])
    assert holds(federation, sha256) == {"argonne", "riken", "nims"}
    return sha256


# -- objects -----------------------------------------------------------------------------------------------------------


def test_what_its_maker_erases_is_gone_wherever_it_went(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        told = await at(federation, "riken").erasure.order("object", sha256, "a name in it", officer("riken"))
        assert (told.gone, told.waiting) == (("riken",), ("argonne",))
        await asyncio.sleep(120)
        assert not holds(federation, sha256)
        # riken never met nims: argonne passed the request on, and says what came of it.
        assert (listed(federation, "riken").gone, listed(federation, "riken").waiting) == (
            ("argonne", "nims", "riken"),
            (),
        )
        assert listed(federation, "nims").why == "a name in it"

    tell(large.sites(tmp_path), story)


def test_each_acknowledgement_is_kept_as_it_was_signed(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        riken = at(federation, "riken")
        await riken.erasure.order("object", sha256, "a name in it", officer("riken"))
        await asyncio.sleep(120)
        entries = riken.ledger.read(f"erasure/object/{sha256.removeprefix('sha256:')}")
        signed = [Erased.recorded((e.body or {})["document"]) for e in entries if e.type == ACKNOWLEDGED]
        assert {one.sender for one in signed} == {"argonne"}
        assert set(signed[-1].gone) == {"argonne", "nims"}
        assert all((e.body or {})["receipt"] for e in entries if e.type == ACKNOWLEDGED)

    tell(large.sites(tmp_path), story)


def test_what_another_made_waits_there_for_a_person_and_the_rest_is_erased(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        await at(federation, "argonne").erasure.order("object", sha256, "not ours to have", officer("argonne"))
        await asyncio.sleep(120)
        assert holds(federation, sha256) == {"riken"}
        seen = listed(federation, "argonne")
        assert (seen.gone, seen.waiting) == (("argonne", "nims"), ("riken",))
        notices = [one for one in at(federation, "riken").alerts.open() if sha256 in one.text]
        assert [one.kind for one in notices] == ["condition"]
        await at(federation, "riken").erasure.order("object", sha256, "argonne is right", officer("riken"))
        await asyncio.sleep(60)
        assert listed(federation, "argonne").waiting == ()
        assert not [one for one in at(federation, "riken").alerts.open() if sha256 in one.text]

    tell(large.sites(tmp_path), story)


def test_a_site_that_is_away_is_shown_as_waited_for_until_it_is_back(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        await federation.crash("nims")
        await at(federation, "riken").erasure.order("object", sha256, "a name in it", officer("riken"))
        await asyncio.sleep(120)
        assert listed(federation, "riken").waiting == ("nims",)
        await federation.restart("nims")
        await asyncio.sleep(120)
        assert listed(federation, "riken").waiting == ()
        assert not holds(federation, sha256)

    tell(large.sites(tmp_path), story)


def test_what_was_ordered_and_not_done_when_a_site_died_is_done_when_it_starts(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        riken = at(federation, "riken")
        stream = f"erasure/object/{sha256.removeprefix('sha256:')}"
        draft = Draft(ORDERED, {}, {"why": "a name in it"})
        await riken.ledger.append(Write(stream, 0, (draft,), charter="", actor="officer@riken"))
        await federation.crash("riken")
        await federation.restart("riken")
        await asyncio.sleep(120)
        assert not holds(federation, sha256)
        assert listed(federation, "riken").gone == ("argonne", "nims", "riken")

    tell(large.sites(tmp_path), story)


def test_when_all_have_answered_nothing_more_is_written(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        # Everybody asks everybody.
        for name in ("argonne", "riken", "nims"):
            await at(federation, name).erasure.order("object", sha256, "all at once", officer(name))
        await asyncio.sleep(300)
        assert all(listed(federation, name).waiting == () for name in federation.places)
        sizes = [at(federation, name).ledger.size for name in federation.places]
        await asyncio.sleep(600)
        assert [at(federation, name).ledger.size for name in federation.places] == sizes

    tell(large.sites(tmp_path), story)


def test_brought_again_by_mistake_it_is_erased_again_everywhere(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        data = federation.places["riken"].objects.held[sha256]
        await at(federation, "riken").erasure.order("object", sha256, "a name in it", officer("riken"))
        await asyncio.sleep(120)
        argonne = at(federation, "argonne")
        await argonne.objects.put(
            io.BytesIO(data), federation.member(), media_type="text/csv", sensitivity="team", team=TEAM
        )
        assert holds(federation, sha256) == {"argonne"}
        await at(federation, "riken").erasure.order("object", sha256, "a name in it", officer("riken"))
        await argonne.erasure.order("object", sha256, "a name in it", officer("argonne"))
        await asyncio.sleep(60)
        assert not holds(federation, sha256)

    tell(large.sites(tmp_path), story)


async def send(federation: Federation, sender: str, document: Erase | Erased) -> None:
    site = at(federation, sender)
    draft = sending("test.sent", document.to, "test", document.sign(federation.signer(sender)), {}, {})
    site.channels.posted(await site.ledger.append(Write("test", None, (draft,), charter=CHARTER, actor=sender)))
    await asyncio.sleep(60)


def erase(federation: Federation, sender: str, to: str, subject: str, what: str = "object") -> Erase:
    now = at(federation, sender).clock.now()
    return Erase(
        charter=CHARTER, sender=sender, to=to, key="erase-it", issued=now, not_after=now + Erase.longest,
        what=what, subject=subject, reason="because",
    )  # type: ignore[arg-type]  # fmt: skip


def test_a_site_that_gave_nothing_cannot_have_it_erased(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        await send(federation, "nims", erase(federation, "nims", "argonne", sha256))
        assert holds(federation, sha256) == {"argonne", "riken", "nims"}
        assert listed(federation, "argonne").waiting == ("argonne",)

    tell(large.sites(tmp_path), story)


def test_asked_for_what_it_never_had_a_site_says_that_it_has_it_not(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        sha256 = "sha256:" + "7" * 64
        await send(federation, "riken", erase(federation, "riken", "nims", sha256))
        assert listed(federation, "nims").gone == ("nims",)

    tell(large.sites(tmp_path), story)


def test_an_answer_of_a_site_that_was_not_asked_counts_for_nothing(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        await federation.crash("argonne")
        await at(federation, "riken").erasure.order("object", sha256, "a name in it", officer("riken"))
        now = at(federation, "nims").clock.now()
        said = Erased(
            charter=CHARTER, sender="nims", to="riken", key="erase-it", issued=now, not_after=now + Erased.longest,
            what="object", subject=sha256, gone=("argonne", "nims"),
        )  # fmt: skip
        await send(federation, "nims", said)
        assert listed(federation, "riken").waiting == ("argonne",)

    federation = large.sites(tmp_path, "both listen")
    tell(federation, story)


def test_answers_that_come_together_are_all_told_to_who_asked_first(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        argonne = at(federation, "argonne")
        await federation.crash("nims")
        await federation.crash("post")
        # Both were told, and neither has answered yet.
        erasure = argonne.erasure._get("object", sha256)
        asked = Draft(ASKED, {"key": "first"}, {"why": "a name"})
        await argonne.erasure._append(erasure, (asked,), charter=CHARTER, actor="riken")
        for peer in ("nims", "post"):
            await argonne.erasure._tell(erasure, CHARTER, peer)
        now = argonne.clock.now()

        def said(sender: str) -> Received[Erased]:
            fields = {"charter": CHARTER, "sender": sender, "to": "argonne", "key": "k", "issued": now}
            document = Erased(**fields, not_after=now + Erased.longest, what="object", subject=sha256, gone=(sender,))  # type: ignore[arg-type]
            return Received(document, document.sign(federation.signer(sender)), None, sender, CHARTER)

        append = argonne.erasure._append

        async def slowly(*what: Any, **how: Any) -> None:
            await asyncio.sleep(0.1)
            await append(*what, **how)

        argonne.erasure._append = slowly  # type: ignore[method-assign]
        await asyncio.gather(*(argonne.erasure.on_answer(said(peer)) for peer in ("nims", "post")))
        told = argonne.erasure._get("object", sha256).answered[CHARTER, "riken"]
        assert set(told["gone"]) >= {"nims", "post"}
        assert "nims" not in told["waiting"]

    tell(large.sites(tmp_path, "by mail alone"), story)


def test_a_site_of_an_older_version_is_shown_as_not_asked(tmp_path: Path) -> None:
    federation = large.sites(tmp_path)
    spoken = tuple(kind.payload_types[0] for kind in (Request, Report, Cancel, Offer))
    federation.places["nims"] = replace(federation.places["nims"], formats=spoken)

    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        await at(federation, "riken").erasure.order("object", sha256, "a name in it", officer("riken"))
        await asyncio.sleep(60)
        assert "no format" in listed(federation, "argonne").not_taken["nims"]
        assert listed(federation, "riken").not_taken == {"nims": "as argonne says"}
        assert listed(federation, "riken").waiting == ()

    tell(federation, story)


@pytest.mark.parametrize(("role", "why", "error"), [("operator", "why", Refused), ("officer", " ", Invalid)])
def test_only_an_officer_erases_and_says_why(tmp_path: Path, role: Any, why: str, error: type[Exception]) -> None:
    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        with pytest.raises(error):
            await at(federation, "riken").erasure.order("object", sha256, why, Session("x@riken", role, 1e9, ""))
        assert holds(federation, sha256) == {"argonne", "riken", "nims"}

    tell(large.sites(tmp_path), story)


# -- tasks -------------------------------------------------------------------------------------------------------------


async def a_campaign(federation: Federation) -> str:
    """A campaign of two trials that is over; the first task at nims, as `home/owner/key`."""
    home = at(federation, "argonne")
    await home.campaigns.start(parse_spec(spec(2)), federation.member())
    await asyncio.sleep(200)
    step = home.campaigns.get("toy").trials[0].steps[-1]
    return f"argonne/{step.owner}/{step.key}"


def bodies(site: Site, stream: str) -> int:
    return sum(entry.body_bytes is not None for entry in site.ledger.read(stream))


def streams(task: str) -> dict[str, str]:
    home, owner, key = task.split("/")
    return {home: f"request/{owner}/{key}", owner: f"task/{home}/{key}"}


@pytest.mark.parametrize("first", ["argonne", "nims"])
def test_a_task_is_erased_at_its_home_and_its_owner_whoever_begins(tmp_path: Path, first: str) -> None:
    async def story(federation: Federation) -> None:
        task = await a_campaign(federation)
        assert all(bodies(at(federation, name), stream) for name, stream in streams(task).items())
        await at(federation, first).erasure.order("task", task, "a name in it", officer(first))
        await asyncio.sleep(120)
        assert not any(bodies(at(federation, name), stream) for name, stream in streams(task).items())
        assert listed(federation, first).gone == ("argonne", "nims")
        assert listed(federation, first).waiting == ()
        for name, stream in streams(task).items():
            ledger = at(federation, name).ledger
            gone = [entry.sequence for entry in ledger.read(stream) if entry.header.body is not None]
            said = {entry.facts["sequence"] for entry in ledger.read(LEDGER) if entry.type == BODY_ERASED}
            assert gone
            assert set(gone) <= said
            # All of it holds together still, and every view is what its entries make.
            assert list(ledger.check())

    tell(three_sites(tmp_path), story)


def test_an_officer_is_told_which_objects_of_a_task_are_still_here(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        sha256 = await a_table(federation)
        step = at(federation, "argonne").campaigns.get("large").trials[0].steps[0]
        task = f"argonne/{step.owner}/{step.key}"
        await asyncio.sleep(60)
        told = await at(federation, "riken").erasure.order("task", task, "a name in it", officer("riken"))
        assert told.objects == (sha256,)
        await at(federation, "riken").erasure.order("object", sha256, "a name in it", officer("riken"))
        told = await at(federation, "riken").erasure.order("task", task, "a name in it", officer("riken"))
        assert told.objects == ()

    tell(large.sites(tmp_path), story)


def test_sites_start_again_over_what_was_erased_and_the_campaign_is_there_without_its_value(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        task = await a_campaign(federation)
        await at(federation, "argonne").erasure.order("task", task, "a name in it", officer("argonne"))
        await asyncio.sleep(120)
        for name in ("argonne", "nims"):
            await federation.crash(name)
            await federation.restart(name)
        campaign = at(federation, "argonne").campaigns.get("toy")
        assert campaign.trials[0].value is None
        assert campaign.trials[1].value is not None
        with pytest.raises(Refused, match="body_erased"):
            at(federation, "nims").tasks.get_for(task.replace("/nims", ""), officer("nims"))
        assert at(federation, "argonne").requests.get("nims", task.rpartition("/")[2]).state.final

    tell(three_sites(tmp_path), story)


def test_a_bundle_of_what_was_erased_verifies_and_says_how_much_is_gone(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        task = await a_campaign(federation)
        home = at(federation, "argonne")
        before = verify_bundle(read_bundle(await home.campaigns.export("toy")))
        await home.erasure.order("task", task, "a name in it", officer("argonne"))
        bundle = read_bundle(await home.campaigns.export("toy"))
        found = verify_bundle(bundle)
        gone = [e for e in (one.entry() for one in bundle.entries) if e.type in (MADE, REPORTED) and e.body is None]
        assert found.erased > len(gone) > 0
        assert found.decisions == before.decisions - 1
        without = tuple(one for one in bundle.entries if one.entry().type != BODY_ERASED)
        with pytest.raises(Corrupt):
            verify_bundle(bundle.model_copy(update={"entries": without}))

    tell(three_sites(tmp_path), story)


def test_a_body_taken_out_of_a_bundle_is_missed(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await a_campaign(federation)
        bundle = read_bundle(await at(federation, "argonne").campaigns.export("toy"))
        number = next(n for n, one in enumerate(bundle.entries) if one.entry().type == MADE)
        bare = bundle.entries[number].model_copy(update={"salt": None, "body": None})
        entries = (*bundle.entries[:number], bare, *bundle.entries[number + 1 :])
        with pytest.raises(Corrupt, match="no entry says that it was erased"):
            verify_bundle(bundle.model_copy(update={"entries": entries}))

    tell(three_sites(tmp_path), story)


def test_a_task_that_is_not_over_is_not_erased_and_a_peer_waits_until_it_is(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        nims = at(federation, "nims")
        await nims.dispatcher.hold("operator@nims", "so that it waits")
        asking = asyncio.create_task(asked(federation, "nims/toy.make@1"))
        await asyncio.sleep(30)
        task = "argonne/nims/0123456789abcdef"
        with pytest.raises(Conflict, match="not over"):
            await nims.erasure.order("task", task, "a name in it", officer("nims"))
        await send(federation, "argonne", erase(federation, "argonne", "nims", task, "task"))
        assert bodies(nims, streams(task)["nims"])
        await nims.dispatcher.release("operator@nims", "on with it")
        await asking
        await asyncio.sleep(120)
        assert not bodies(nims, streams(task)["nims"])

    tell(three_sites(tmp_path), story)


def test_nobody_but_the_two_sites_of_a_task_has_it_erased(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        task = await a_campaign(federation)
        await send(federation, "riken", erase(federation, "riken", "nims", task, "task"))
        assert bodies(at(federation, "nims"), streams(task)["nims"])
        assert listed(federation, "nims").waiting == ("nims",)

    tell(three_sites(tmp_path), story)


def test_a_task_that_nobody_knows_is_not_found(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        with pytest.raises(NotFound):
            await at(federation, "nims").erasure.order("task", "argonne/nims/unheard", "why", officer("nims"))

    tell(three_sites(tmp_path), story)
