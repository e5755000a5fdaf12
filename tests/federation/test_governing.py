"""Charters, agreements, statements and suspensions that come into force while every site runs, on simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.governed import Governed, agreement, amended, governed, member, signed, without
from federation.toys import spec
from yosegi.campaign import BadCampaign, parse_spec
from yosegi.core.errors import Invalid, YosegiError
from yosegi.core.states import TaskState, TrialState
from yosegi.governance.charter.charter import Threshold
from yosegi.governance.charter.statement import Listens
from yosegi.governance.policy.what_if import Expectation
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, address, both
from yosegi.testing.loop import EPOCH, run_simulated
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted

Story = Callable[[Governed], Coroutine[Any, Any, None]]
ALL = ("argonne", "riken", "nims")
BY = "officer@argonne"


@pytest.fixture
def told(tmp_path: Path) -> Callable[[Story], None]:
    """Tells a story in a federation of three that has started."""

    async def tell(story: Story) -> None:
        federation = governed(tmp_path)
        await federation.start()
        await story(federation)
        for name in federation.places:
            await federation.crash(name)

    return lambda story: run_simulated(tell(story))


def at(federation: Governed, name: str) -> Site:
    return federation.places[name].running


def version(site: Site, charter: str = CHARTER) -> int:
    return site.registry.federation(charter).roster.charter.version


async def publish(federation: Governed, envelope: Envelope, name: str = "argonne") -> None:
    await at(federation, name).publisher.publish(envelope, BY)


async def states(federation: Governed, text: str, seconds: float = 120) -> list[tuple[str, str]]:
    """What became of each step of a campaign."""
    home = at(federation, "argonne")
    campaign = await home.campaigns.start(parse_spec(text), federation.member())
    await asyncio.sleep(seconds)
    trials = home.campaigns.get(campaign.name).trials
    return [(str(step.state), step.reason) for trial in trials for step in trial.steps]


# -- charters ---------------------------------------------------------------------------------------------------------


def test_a_new_version_is_in_force_everywhere_within_a_minute_and_survives_a_restart(told) -> None:
    async def story(federation: Governed) -> None:
        second = amended(federation.charter(), title="Second")
        await publish(federation, signed(second, *ALL))
        await asyncio.sleep(60)
        assert [version(at(federation, name)) for name in ALL] == [2, 2, 2]
        await federation.crash("nims")
        federation.joined = [signed(second, *ALL)]
        assert version(await federation.restart("nims")) == 2

    told(story)


def test_a_site_that_is_down_learns_of_two_versions_in_their_order_when_it_is_back(told) -> None:
    async def story(federation: Governed) -> None:
        await federation.crash("riken")
        second = amended(federation.charter(), title="Second")
        third = amended(second, title="Third")
        for envelope in (signed(second, *ALL), signed(third, *ALL)):
            await publish(federation, envelope)
        await asyncio.sleep(30)
        await federation.restart("riken")
        await asyncio.sleep(90)
        assert version(at(federation, "riken")) == 3

    told(story)


def test_a_version_that_overtakes_the_one_before_it_waits_for_it(told) -> None:
    async def story(federation: Governed) -> None:
        second = amended(federation.charter(), title="Second")
        third = amended(second, title="Third")
        federation.network.part(address("riken"), address("argonne"))
        await publish(federation, signed(second, *ALL))
        # nims has the second version from a file, and publishes the third; riken hears of that one first.
        await at(federation, "nims").registry.accept(signed(second, *ALL), "officer@nims")
        await federation.crash("argonne")
        federation.network.heal()
        await publish(federation, signed(third, *ALL), "nims")
        await asyncio.sleep(60)
        known = version(at(federation, "riken"))
        assert known == 1
        federation.joined = [signed(second, *ALL)]
        await federation.restart("argonne")
        await asyncio.sleep(120)
        assert version(at(federation, "riken")) == 3

    told(story)


def test_too_few_signatures_are_refused_and_nothing_is_passed_on(told) -> None:
    async def story(federation: Governed) -> None:
        second = amended(federation.charter(), title="Second")
        size = at(federation, "argonne").ledger.size
        with pytest.raises(Untrusted) as caught:
            await publish(federation, signed(second, "argonne", "nims"))
        assert caught.value.reason == "charter_too_few"
        assert at(federation, "argonne").ledger.size == size

    told(story)


def test_a_charter_that_a_peer_passes_on_is_held_to_the_same_rule(told) -> None:
    """riken's own copy is made to believe a version that argonne's may not."""

    async def story(federation: Governed) -> None:
        argonne, riken = at(federation, "argonne"), at(federation, "riken")
        envelope = signed(amended(federation.charter(), title="Second"), "riken", "nims")
        riken.publisher.authorizer.foresee = lambda *_: None  # type: ignore[method-assign, assignment]
        entries = await riken.ledger.append(*riken.publisher._passing(CHARTER, envelope, BY))
        riken.channels.posted(entries)
        await asyncio.sleep(60)
        assert version(argonne) == 1

    told(story)


def test_a_third_country_is_admitted_and_everybody_hears_of_it_and_it_of_everybody(told) -> None:
    async def story(federation: Governed) -> None:
        first = federation.charter()
        second = amended(
            first, members=(*first.members, member("harwell", "GB")), threshold=Threshold(members=3, per_country=1)
        )
        with pytest.raises(Untrusted) as caught:
            await publish(federation, signed(second, *ALL))
        assert caught.value.reason == "charter_country_missing", "the new country signs the rule it comes under"
        admitted = signed(second, *ALL, "harwell")
        await publish(federation, admitted)
        await asyncio.sleep(30)
        # The new site has the chain from a file, and its peers' statements; nobody has its own.
        federation.joined = [admitted, signed(federation.statement("harwell"), "harwell")]
        federation.places["harwell"] = federation.later["harwell"]
        harwell = await federation.restart("harwell")
        await harwell.publisher.publish(signed(federation.statement("harwell"), "harwell"), "officer@harwell")
        await asyncio.sleep(90)
        for name in (*ALL, "harwell"):
            site = at(federation, name)
            assert version(site) == 2
            assert site.registry.keys_of(CHARTER, "harwell")
        assert {line.ref for line in harwell.catalogue.listings(CHARTER)} >= {"riken/toy.simulate@1", "nims/toy.make@1"}

    told(story)


def test_a_removed_member_gets_nothing_new_within_a_minute(told) -> None:
    async def story(federation: Governed) -> None:
        await publish(federation, signed(without(federation.charter(), "riken"), *ALL))
        await asyncio.sleep(60)
        nims, riken = at(federation, "nims"), at(federation, "riken")
        with pytest.raises(Untrusted) as caught:
            nims.registry.keys_of(CHARTER, "riken")
        assert caught.value.reason == "not_a_member"
        heard = at(federation, "argonne").channels.channel(CHARTER, "riken").last_heard
        await riken.catalogue._offer(CHARTER, "argonne")
        await asyncio.sleep(60)
        assert at(federation, "argonne").channels.channel(CHARTER, "riken").last_heard == heard

    told(story)


def test_a_charter_that_names_no_place_for_this_site_is_not_adopted(told) -> None:
    async def story(federation: Governed) -> None:
        other = federation.charter().model_copy(
            update={
                "id": "other",
                "members": (member("harwell", "GB"),),
                "teams": (),
                "threshold": Threshold(members=1),
            }
        )
        with pytest.raises(Invalid, match="not a member"):
            await publish(federation, signed(other, "harwell"))

    told(story)


def test_a_charter_from_outside_is_never_adopted_because_a_peer_sent_it(told) -> None:
    async def story(federation: Governed) -> None:
        first = federation.charter()
        other = first.model_copy(update={"id": "other"})
        riken, argonne = at(federation, "riken"), at(federation, "argonne")
        entries = await riken.ledger.append(*riken.publisher._passing(CHARTER, signed(other, *ALL), BY))
        riken.channels.posted(entries)
        await argonne.publisher.introduce((signed(other, *ALL),))
        await asyncio.sleep(60)
        assert argonne.registry.charters() == (CHARTER,)

    told(story)


# -- statements -------------------------------------------------------------------------------------------------------


def test_a_statement_that_ended_suspends_that_site_alone_until_it_states_itself_anew(told) -> None:
    async def story(federation: Governed) -> None:
        brief = federation.statement("riken", serial=2, issued=EPOCH, not_after=EPOCH + timedelta(minutes=10))
        await publish(federation, signed(brief, "riken"), "riken")
        await asyncio.sleep(900)
        argonne = at(federation, "argonne")
        with pytest.raises(Untrusted) as caught:
            argonne.registry.keys_of(CHARTER, "riken")
        assert caught.value.reason == "statement_expired"
        assert argonne.registry.keys_of(CHARTER, "nims")
        renewed = federation.statement(
            "riken", serial=3, issued=EPOCH + timedelta(minutes=15), not_after=EPOCH + timedelta(days=30)
        )
        await publish(federation, signed(renewed, "riken"), "riken")
        await asyncio.sleep(60)
        # It comes with a parcel that nobody would have believed without it.
        assert argonne.registry.keys_of(CHARTER, "riken")

    told(story)


def test_who_only_dials_out_hears_its_mailbox_again_after_a_change_of_the_governance_keys_there(told) -> None:
    async def story(federation: Governed) -> None:
        # A charter that changes argonne's governance keys ends argonne's statement, and its address with it.
        first, fresh = federation.charter(), both("governance", "argonne's second officer")
        member_now = first.member("argonne")
        assert member_now is not None
        changed = member_now.model_copy(update={"keys": tuple(key.public for key in fresh)})
        members = tuple(changed if one.id == "argonne" else one for one in first.members)
        await publish(federation, signed(amended(first, members=members), *ALL).signed_also_by(*fresh))
        await asyncio.sleep(120)
        nims = at(federation, "nims")
        with pytest.raises(Untrusted) as caught:
            nims.registry.keys_of(CHARTER, "argonne")
        assert caught.value.reason == "no_statement"
        assert any(
            "no statement of argonne" in one for one in at(federation, "argonne").governance.charter(CHARTER).warnings
        )
        stated = federation.statement("argonne", serial=2, issued=EPOCH + timedelta(minutes=2))
        await publish(federation, stated.sign(*fresh))
        await asyncio.sleep(120)
        assert nims.registry.keys_of(CHARTER, "argonne")

    told(story)


def test_a_forged_statement_in_a_parcel_introduces_nobody(told) -> None:
    async def story(federation: Governed) -> None:
        argonne = at(federation, "argonne")
        forged = federation.statement("riken", serial=2, reach=Listens(url="http://elsewhere.example"))
        assert not await argonne.publisher.introduce((signed(forged, "nims"),))
        assert argonne.registry.federation(CHARTER).roster.statements["riken"].serial == 1

    told(story)


# -- agreements -------------------------------------------------------------------------------------------------------


def test_an_agreement_opens_what_it_names_at_home_and_owner_without_a_restart(told) -> None:
    async def story(federation: Governed) -> None:
        teaching = spec(1).replace('purpose = "research"', 'purpose = "teaching"')
        with pytest.raises(BadCampaign, match="purpose_not_covered"):
            await states(federation, teaching.replace('name = "toy"', 'name = "before"'))
        await publish(federation, signed(agreement("teaching"), *ALL))
        await asyncio.sleep(10)
        done = await states(federation, teaching.replace('name = "toy"', 'name = "after"'))
        assert done[0][0] == "ended"

    told(story)


def test_an_agreement_reaches_its_parties_and_nobody_else(told) -> None:
    async def story(federation: Governed) -> None:
        parties = ("argonne", "riken")
        await publish(federation, signed(agreement("pair", parties=parties, capabilities=("riken/*",)), *parties))
        await asyncio.sleep(60)
        assert "pair" in at(federation, "riken").registry.federation(CHARTER).agreements
        assert "pair" not in at(federation, "nims").registry.federation(CHARTER).agreements

    told(story)


def test_an_agreement_that_breaks_the_table_of_expectations_is_not_published(told) -> None:
    async def story(federation: Governed) -> None:
        nims = at(federation, "nims")
        row = Expectation(who="pi@argonne", team="colour-team", what="nims/toy.make@1", purpose="teaching", allow=False)
        nims.authorizer.expectations = (row,)
        size, digest = nims.ledger.size, nims.authorizer.policy(CHARTER).digest
        with pytest.raises(Invalid, match="row 1 of the policy table"):
            await publish(federation, signed(agreement("teaching"), *ALL), "nims")
        assert nims.ledger.size == size
        assert nims.authorizer.policy(CHARTER).digest == digest

    told(story)


def test_rules_are_reloaded_without_a_restart_and_not_at_all_if_the_table_says_no(told) -> None:
    forbid = '@id("closed")\n@reason("Closed.")\nforbid (principal, action == Action::"accept", resource);\n'

    async def story(federation: Governed) -> None:
        nims = at(federation, "nims")
        row = Expectation(who="pi@argonne", team="colour-team", what="nims/toy.make@1", allow=True)
        with pytest.raises(Invalid, match="is to be allowed"):
            await nims.authorizer.reload({"local.cedar": forbid}, [row])
        assert nims.authorizer.policy(CHARTER).rules == {}
        await nims.authorizer.reload({"local.cedar": forbid}, [])
        assert (await states(federation, spec(1)))[0] == ("refused", "local_rule")

    told(story)


# -- suspensions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("site", "argonne"),
        ("person", "pi@argonne"),
        ("team", "colour-team"),
        ("agreement", "colour-agreement"),
        ("capability", "nims/toy.make@1"),
    ],
)
def test_what_is_suspended_starts_nothing_new_and_lifting_it_lets_it_go_on(told, kind, name) -> None:
    async def story(federation: Governed) -> None:
        nims = at(federation, "nims")
        await nims.publisher.suspend(kind, name, "officer@nims", "a look")
        steps = await states(federation, spec(1).replace('name = "toy"', 'name = "during"'), 60)
        if kind == "site":
            # Nothing at all is exchanged with it: its requests wait unread.
            assert [state for state, _ in steps] == [TaskState.NEW]
            assert not nims.ledger.query("SELECT * FROM task")
        else:
            assert steps[0] == ("refused", "suspended")
        await nims.publisher.lift(kind, name, "officer@nims", "seen")
        await asyncio.sleep(60)
        assert (await states(federation, spec(1).replace('name = "toy"', 'name = "after"')))[0][0] == "ended"

    told(story)


def test_a_suspension_holds_after_a_restart(told) -> None:
    async def story(federation: Governed) -> None:
        await at(federation, "nims").publisher.suspend("person", "pi@argonne", "officer@nims", "a look")
        await federation.crash("nims")
        nims = await federation.restart("nims")
        assert [s.name for s in nims.publisher.suspensions()] == ["pi@argonne"]
        assert (await states(federation, spec(1)))[0] == ("refused", "suspended")

    told(story)


def test_what_was_accepted_before_a_suspension_is_refused_just_before_its_start(told) -> None:
    async def story(federation: Governed) -> None:
        nims, home = at(federation, "nims"), at(federation, "argonne")
        await nims.dispatcher.hold("operator@nims", "busy")
        await home.campaigns.start(parse_spec(spec(1)), federation.member())
        await asyncio.sleep(20)
        assert nims.tasks.list("accepted")
        await nims.publisher.suspend("person", "pi@argonne", "officer@nims", "a look")
        await nims.dispatcher.release("operator@nims", "on")
        await asyncio.sleep(20)
        assert not federation.world.effects
        assert not nims.tasks.list("accepted")
        assert home.campaigns.get("toy").trials[0].state is TrialState.REFUSED

    told(story)


def test_a_name_of_the_wrong_form_is_not_suspended(told) -> None:
    async def story(federation: Governed) -> None:
        nims = at(federation, "nims")
        for kind, name in (("person", 'x" || true || "'), ("site", "Nims"), ("capability", "toy")):
            with pytest.raises(YosegiError):
                await nims.publisher.suspend(kind, name, "officer@nims", "")
        assert not nims.publisher.suspensions()

    told(story)
