"""What an owner would say is known at home before anybody acts, its own forbids too; and of nobody else's people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.governed import agreement, amended, governed, signed
from federation.test_refusals import asked as asked_for_real
from federation.test_refusals import forbid
from federation.toys import three_sites
from yosegi.exchange.outbox import sending
from yosegi.governance.charter.charter import Team
from yosegi.identity.accounts import Session
from yosegi.ledger import Write
from yosegi.services.governance.schemas import OwnerAnswer
from yosegi.services.governance.service import PolicyQuery
from yosegi.services.preflight.service import ANSWERED, ASKED, HEARD, MOST_A_MINUTE, PATIENCE, PreflightRate
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.messages import AuthorizationAnswer, AuthorizationQuery, Offer, Report, Request

MEMBER = Session("pi@argonne", "member", float("inf"), "")
MAKE = PolicyQuery(capability="nims/toy.make@1")
Story = Callable[[Federation], Coroutine[Any, Any, None]]


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., None]:
    async def tell(story: Story, rules: dict[str, str], grant: dict[str, str]) -> None:
        federation = three_sites(tmp_path)
        federation.places["nims"].rules, federation.places["nims"].grant = rules, grant
        await federation.start()
        await story(federation)
        for name in federation.places:
            await federation.crash(name)

    def run(story: Story, rules: dict[str, str] | None = None, grant: dict[str, str] | None = None) -> None:
        run_simulated(tell(story, rules or {}, {"samples": "40"} if grant is None else grant))

    return run


def argonne(federation: Federation) -> Site:
    return federation.places["argonne"].running


def nims(federation: Federation) -> Site:
    return federation.places["nims"].running


async def explained(federation: Federation, **changes: str) -> dict[str, Any]:
    answer = await argonne(federation).governance.explain(MAKE.model_copy(update=changes), MEMBER)
    return answer.owner.model_dump(mode="json")  # type: ignore[no-any-return,union-attr]


def test_an_owner_without_such_a_rule_says_by_which_agreement_it_would(told) -> None:
    async def story(federation: Federation) -> None:
        owner = await explained(federation)
        assert (owner["site"], owner["allow"], owner["agreements"]) == ("nims", True, ["colour-agreement"])
        assert owner["at"]
        assert owner["why_not_asked"] is None

    told(story)


@pytest.mark.parametrize("step", ["accept", "dispatch", "release"])
def test_what_an_owner_forbids_is_known_before_anybody_acts_and_is_what_they_would_meet(told, step) -> None:
    rules = {"own.cedar": forbid("own-rule", action=f'action == Action::"{step}"')}

    async def story(federation: Federation) -> None:
        answer = await argonne(federation).governance.explain(MAKE, MEMBER)
        owner = answer.owner
        assert answer.allow
        assert (owner.allow, owner.step) == (False, step)
        (reason,) = owner.reasons
        met = await asked_for_real(federation, "nims/toy.make@1")
        assert reason.code == met.reasons[0].code == "local_rule"
        assert (reason.en, reason.ja) == (met.reasons[0].en, met.reasons[0].ja)

    told(story, rules)


def test_a_question_has_no_effect_at_the_owner(told) -> None:
    async def story(federation: Federation) -> None:
        await explained(federation)
        assert not list(nims(federation).ledger.streams("task/"))
        held = nims(federation).ledger.query("SELECT SUM(held) AS held, SUM(spent) AS spent FROM grant_tranches")
        assert (held[0]["held"], held[0]["spent"]) == (0, 0)
        assert [entry.type for entry in nims(federation).ledger.read(f"foresaid/{CHARTER}/argonne")] == [ANSWERED]

    told(story)


def test_an_owner_without_a_grant_for_the_team_says_so(told) -> None:
    async def story(federation: Federation) -> None:
        owner = await explained(federation)
        assert [reason["code"] for reason in owner["reasons"]] == ["grant_exceeded"]

    told(story, grant={})


def test_the_catalogue_shows_what_each_owner_would_say(told) -> None:
    rules = {"own.cedar": forbid("no-measuring", 'resource.ref == "nims/toy.measure@1"')}

    async def story(federation: Federation) -> None:
        lines = {line.capability: line for line in await argonne(federation).governance.access(MEMBER)}
        assert all(line.allow for line in lines.values())
        said = {ref: line.owner.allow for ref, line in lines.items()}
        assert said == {"nims/toy.make@1": True, "nims/toy.measure@1": False, "riken/toy.simulate@1": True}
        # What is alike but for the capability is asked in one question.
        assert len(list(nims(federation).ledger.read(f"foresaid/{CHARTER}/argonne"))) == 1

    told(story, rules)


def test_a_catalogue_looked_at_again_asks_nobody_again(told) -> None:
    async def story(federation: Federation) -> None:
        before = await argonne(federation).governance.access(MEMBER)
        again = await argonne(federation).governance.access(MEMBER)
        assert [line.owner.at for line in again] == [line.owner.at for line in before]
        assert len(list(nims(federation).ledger.read(f"foresaid/{CHARTER}/argonne"))) == 1

    told(story)


async def if_teaching(federation: Federation) -> tuple[OwnerAnswer | None, OwnerAnswer | None]:
    added = agreement("teaching").model_dump(mode="json")
    asking = MAKE.model_copy(update={"purpose": "teaching"})
    answer = await argonne(federation).governance.what_if(asking, MEMBER, add=[added])
    return answer.now.owner, answer.then.owner


def test_what_if_an_agreement_were_added_is_answered_by_the_owner_too(told) -> None:
    async def story(federation: Federation) -> None:
        now, then = await if_teaching(federation)
        assert [reason.code for reason in now.reasons] == ["purpose_not_covered"]
        assert (then.allow, then.agreements) == (True, ("teaching",))
        assert nims(federation).authorizer.agreements(CHARTER)[0].name == "colour-agreement"

    told(story)


def test_what_an_owner_forbids_stays_forbidden_if_an_agreement_were_added(told) -> None:
    async def story(federation: Federation) -> None:
        _, then = await if_teaching(federation)
        assert [reason.code for reason in then.reasons] == ["local_rule"]

    told(story, {"own.cedar": forbid("no-teaching", 'context.purpose == "teaching"')})


def test_an_owner_that_was_never_heard_has_said_nothing_and_that_is_said(told) -> None:
    async def story(federation: Federation) -> None:
        await federation.crash("nims")
        owner = await explained(federation)
        assert (owner["allow"], owner["at"], owner["reasons"]) == (None, "", [])

    told(story)


def test_nobody_is_kept_waiting_again_for_an_owner_that_was_asked_and_is_out_of_reach(told) -> None:
    async def story(federation: Federation) -> None:
        await federation.crash("nims")
        clock = argonne(federation).clock
        waited = []
        for _ in range(2):
            start = clock.monotonic()
            await explained(federation)
            waited.append(clock.monotonic() - start)
            await asyncio.sleep(10)
        assert waited == pytest.approx([PATIENCE, 0.0])

    told(story)


def test_of_an_owner_out_of_reach_the_last_answer_is_shown_with_its_date_also_after_a_restart(told) -> None:
    async def story(federation: Federation) -> None:
        before = await explained(federation)
        await federation.crash("nims")
        await asyncio.sleep(120)
        await federation.crash("argonne")
        await federation.restart("argonne")
        assert await explained(federation) == before

    told(story)


def test_an_answer_that_comes_late_is_known_from_then_on(told) -> None:
    async def story(federation: Federation) -> None:
        await federation.crash("nims")
        assert (await explained(federation))["allow"] is None
        await federation.restart("nims")
        await asyncio.sleep(60)
        home = argonne(federation)
        assert any(entry.type == HEARD for entry in home.ledger.read(f"foresight/{CHARTER}/nims"))
        assert (await explained(federation))["allow"]
        # What is known is what the entries make, were it folded anew.
        assert list(home.ledger.check())

    told(story)


def test_a_question_that_nobody_heard_in_its_hour_is_asked_anew_and_awaited_no_longer(told) -> None:
    async def story(federation: Federation) -> None:
        home = argonne(federation)
        await federation.crash("nims")
        await explained(federation)
        assert home.preflight.expects(CHARTER, "nims")
        await asyncio.sleep(3700)
        assert not home.preflight.expects(CHARTER, "nims")
        await explained(federation)
        asked = [e for e in home.ledger.read(f"foresight/{CHARTER}/nims") if e.type == ASKED]
        assert len(asked) == 2
        await federation.restart("nims")
        await asyncio.sleep(60)
        assert (await explained(federation))["allow"]

    told(story)


def test_of_a_team_that_its_member_is_not_in_a_site_learns_that_and_nothing_else(tmp_path: Path) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        fusion = Team(id="fusion", title="F", lead="riken", sites=("riken", "nims"), people=("pi@riken",))
        after = amended(federation.charter(), teams=(*federation.charter().teams, fusion))
        secret = agreement("secret", teams=("fusion",), parties=("riken", "nims"), purposes=("research",))
        for envelope in (signed(after, *federation.places), signed(secret, "riken", "nims")):
            await nims(federation).publisher.publish(envelope, "officer@nims")
        await asyncio.sleep(60)
        answer = await argonne(federation).governance.explain(MAKE.model_copy(update={"team": "fusion"}), MEMBER)
        assert [reason.code for reason in answer.owner.reasons] == ["not_in_team"]
        assert "secret" not in str(answer)

    run_simulated(story())


async def question_of(federation: Federation, sender: str, person: str, number: int = 0) -> AuthorizationQuery:
    """One site asks nims about somebody, by a document of its own making."""
    site = federation.places[sender].running
    now = site.clock.now()
    document = AuthorizationQuery(
        charter=CHARTER,
        sender=sender,
        to="nims",
        key=f"question-{number}",
        issued=now,
        not_after=now + AuthorizationQuery.longest,
        team=TEAM,
        on_behalf_of=person,
        purpose="research",
        capabilities=("nims/toy.make@1",),
    )
    envelope = document.sign(federation.signer(sender))
    draft = sending("test.asked", "nims", f"test/{number}", envelope, {}, {})
    site.channels.posted(await site.ledger.append(Write("test", None, (draft,), charter=CHARTER, actor=sender)))
    return document


def answered(federation: Federation, peer: str) -> int:
    return len(list(nims(federation).ledger.read(f"foresaid/{CHARTER}/{peer}")))


def test_a_site_learns_nothing_of_another_sites_member(told) -> None:
    async def story(federation: Federation) -> None:
        await question_of(federation, "riken", "pi@argonne")
        await asyncio.sleep(60)
        assert answered(federation, "riken") == 0
        assert federation.places["riken"].running.channels.channel(CHARTER, "nims").waiting == 0

    told(story)


def test_more_questions_than_an_owner_answers_in_a_minute_wait_for_the_next(told) -> None:
    async def story(federation: Federation) -> None:
        for number in range(MOST_A_MINUTE + 5):
            await question_of(federation, "argonne", "pi@argonne", number)
        await asyncio.sleep(30)
        assert answered(federation, "argonne") == MOST_A_MINUTE
        await asyncio.sleep(120)
        assert answered(federation, "argonne") == MOST_A_MINUTE + 5

    told(story)


def test_a_person_who_asks_too_often_is_told_so_and_shown_what_is_known(told) -> None:
    async def story(federation: Federation) -> None:
        home = argonne(federation)
        before = await explained(federation)
        home.preflight._rate.most = 1
        await asyncio.sleep(61)
        await explained(federation, purpose="one")
        owner = await explained(federation)
        assert owner["why_not_asked"]["code"] == "asked_too_often"
        assert owner["at"] == before["at"]

    told(story)


def test_an_answer_that_nobody_asked_for_is_not_kept(told) -> None:
    async def story(federation: Federation) -> None:
        site = nims(federation)
        now = site.clock.now()
        said = AuthorizationAnswer(
            charter=CHARTER, sender="nims", to="argonne", key="unasked", issued=now,
            not_after=now + AuthorizationAnswer.longest, answers=(),
        )  # fmt: skip
        draft = sending("test.said", "argonne", "test", said.sign(federation.signer("nims")), {}, {})
        site.channels.posted(await site.ledger.append(Write("test", 0, (draft,), charter=CHARTER, actor="nims")))
        await asyncio.sleep(60)
        assert not list(argonne(federation).ledger.read(f"foresight/{CHARTER}/nims"))
        assert site.channels.channel(CHARTER, "argonne").waiting == 0

    told(story)


def test_an_owner_that_does_not_speak_of_it_is_not_asked(tmp_path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        spoken = (*Request.payload_types, *Report.payload_types, *Offer.payload_types)
        federation.places["nims"] = replace(federation.places["nims"], formats=spoken)
        await federation.start()
        owner = await explained(federation)
        assert owner["allow"] is None
        assert owner["why_not_asked"]["code"] == "format_not_spoken"

    run_simulated(story())


def test_an_owner_that_refuses_the_question_is_said_to_have_done_so(tmp_path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        del nims(federation).exchange.inbox.kinds[AuthorizationQuery.payload_type]
        owner = await explained(federation)
        assert owner["why_not_asked"]["code"] == "not_taken"
        assert "not spoken here" in owner["why_not_asked"]["en"]

    run_simulated(story())


@given(st.lists(st.floats(0, 600, allow_nan=False), max_size=200), st.integers(1, 10))
def test_never_more_than_the_most_is_allowed_in_any_minute(moments, most) -> None:
    rate, moments = PreflightRate(most), sorted(moments)
    let = [moment for moment in moments if rate.allows("one", moment)]
    for moment in let:
        assert sum(moment - 60 < other <= moment for other in let) <= most


@given(st.lists(st.floats(0, 600, allow_nan=False), min_size=1, max_size=50))
def test_one_who_asks_does_not_use_up_what_another_may_ask(moments) -> None:
    rate = PreflightRate(1)
    for moment in sorted(moments):
        rate.allows("one", moment)
    assert rate.allows("other", max(moments))
