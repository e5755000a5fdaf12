"""What members and officers ask of a running site about charters and policies, before anybody acts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from federation.governed import Governed, agreement, amended, governed, signed, without
from federation.toys import spec
from yosegi.campaign import BadCampaign, parse_spec
from yosegi.core.errors import Conflict, Invalid, NotFound, Refused
from yosegi.core.states import TaskState
from yosegi.identity.accounts import Session
from yosegi.services.governance.service import PolicyQuery
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER
from yosegi.testing.loop import run_simulated

MEMBER = Session("pi@argonne", "member", float("inf"), "")
OFFICER = Session("officer@argonne", "officer", float("inf"), "")
Story = Callable[[Governed], Coroutine[Any, Any, None]]
MAKE = PolicyQuery(capability="nims/toy.make@1")


@pytest.fixture
def told(tmp_path: Path) -> Callable[[Story], None]:
    async def tell(story: Story) -> None:
        federation = governed(tmp_path)
        await federation.start()
        await story(federation)
        for name in federation.places:
            await federation.crash(name)

    return lambda story: run_simulated(tell(story))


def argonne(federation: Governed) -> Site:
    return federation.places["argonne"].running


def test_a_member_learns_before_asking_what_would_be_allowed_and_by_what(told) -> None:
    async def story(federation: Governed) -> None:
        answer = await argonne(federation).governance.explain(MAKE, MEMBER)
        assert answer.allow
        assert answer.agreements == ("colour-agreement",)
        assert (answer.action, answer.team, answer.charter) == ("request", "colour-team", CHARTER)

    told(story)


def test_a_refusal_is_explained_in_both_languages_and_is_the_one_that_the_campaign_meets(told) -> None:
    async def story(federation: Governed) -> None:
        site = argonne(federation)
        answer = await site.governance.explain(MAKE.model_copy(update={"purpose": "teaching"}), MEMBER)
        (reason,) = answer.reasons
        assert not answer.allow
        assert reason.code == "purpose_not_covered"
        assert "teaching" in reason.en
        assert "teaching" in reason.ja
        text = spec(1).replace('purpose = "research"', 'purpose = "teaching"')
        with pytest.raises(BadCampaign, match=reason.code):
            await site.campaigns.start(parse_spec(text), federation.member())

    told(story)


def test_what_if_an_agreement_were_added_or_dropped_changes_nothing(told) -> None:
    async def story(federation: Governed) -> None:
        site = argonne(federation)
        teaching = MAKE.model_copy(update={"purpose": "teaching"})
        before = site.authorizer.policy(CHARTER).digest
        added = agreement("teaching").model_dump(mode="json")
        answer = await site.governance.what_if(teaching, MEMBER, add=[added])
        assert (answer.now.allow, answer.then.allow, answer.changes) == (False, True, True)
        dropped = await site.governance.what_if(MAKE, MEMBER, without=["colour-agreement"])
        assert dropped.then.reasons[0].code == "no_agreement"
        forbid = '@id("closed")\n@reason("Closed.")\nforbid (principal, action, resource);\n'
        closed = (await site.governance.what_if(MAKE, MEMBER, rules={"a.cedar": forbid})).then
        assert closed.reasons[0].code == "local_rule"
        assert site.authorizer.policy(CHARTER).digest == before
        assert {entry.type for entry in site.ledger.read(f"policy/{CHARTER}")} == {"policy.published"}
        assert len(list(site.ledger.read(f"policy/{CHARTER}"))) == 1

    told(story)


def test_what_could_not_be_published_is_no_answer(told) -> None:
    async def story(federation: Governed) -> None:
        governance = argonne(federation).governance
        with pytest.raises(NotFound):
            await governance.what_if(MAKE, MEMBER, without=["unheard"])
        with pytest.raises(Invalid):
            await governance.what_if(MAKE, MEMBER, rules={"a.cedar": "permit (principal, action, resource);"})
        with pytest.raises(Invalid):
            await governance.what_if(MAKE, MEMBER, add=[{"name": "x"}])

    told(story)


def test_the_catalogue_shows_each_team_what_it_may_use_and_why_not_the_rest(told) -> None:
    async def story(federation: Governed) -> None:
        site = argonne(federation)
        await site.publisher.suspend("capability", "nims/toy.make@1", "officer@argonne", "a look")
        lines = {line.capability: line for line in (await site.governance.access(MEMBER))}
        assert set(lines) == {"riken/toy.simulate@1", "nims/toy.make@1", "nims/toy.measure@1"}
        assert lines["riken/toy.simulate@1"].allow
        assert lines["nims/toy.make@1"].reasons[0].code == "suspended"
        assert {line.team for line in lines.values()} == {"colour-team"}

    told(story)


def test_somebody_in_no_team_has_an_empty_catalogue_and_a_clear_answer(told) -> None:
    async def story(federation: Governed) -> None:
        governance = argonne(federation).governance
        stranger = Session("visitor@argonne", "member", float("inf"), "")
        assert not await governance.access(stranger)
        with pytest.raises(Invalid, match="0 teams"):
            await governance.explain(MAKE, stranger)
        answer = await governance.explain(MAKE.model_copy(update={"team": "colour-team"}), stranger)
        assert answer.reasons[0].code == "unknown_person"

    told(story)


def test_only_an_office_asks_about_others(told) -> None:
    async def story(federation: Governed) -> None:
        governance = argonne(federation).governance
        asking = MAKE.model_copy(update={"person": "pi@argonne"})
        assert (await governance.explain(asking, OFFICER)).person == "pi@argonne"
        stranger = Session("visitor@argonne", "member", float("inf"), "")
        with pytest.raises(Refused):
            await governance.explain(asking, stranger)
        with pytest.raises(Refused):
            await governance.access(stranger, "pi@argonne")

    told(story)


def test_a_member_neither_publishes_nor_suspends(told) -> None:
    async def story(federation: Governed) -> None:
        site = argonne(federation)
        second = signed(amended(federation.charter(), title="Second"), "argonne", "riken", "nims")
        size = site.ledger.size
        with pytest.raises(Refused):
            await site.governance.publish(second.model_dump(mode="json"), MEMBER)
        with pytest.raises(Refused):
            await site.governance.suspend("site", "nims", MEMBER, "")
        with pytest.raises(Refused):
            await site.governance.lift("site", "nims", MEMBER, "")
        with pytest.raises(Refused):
            await site.governance.reload({}, [], MEMBER)
        assert site.ledger.size == size
        assert (await site.governance.publish(second.model_dump(mode="json"), OFFICER)).kind == "charter"
        assert site.governance.charter(CHARTER).version == 2

    told(story)


def test_the_key_of_a_request_refused_at_home_is_said_to_be_used_and_not_to_hold_something_else(told) -> None:
    async def story(federation: Governed) -> None:
        asked = {"charter": CHARTER, "team": "colour-team", "capability": "nims/toy.make@1", "inputs": {"x": 0.5}}
        ask = partial(argonne(federation).task_requests.ask, federation.member(), key="k", **asked)
        assert (await ask(purpose="teaching")).state is TaskState.REFUSED
        for purpose in ("teaching", "research"):
            with pytest.raises(Conflict, match="for a request refused here; use a new key"):
                await ask(purpose=purpose)

    told(story)


def test_an_agreement_is_not_shown_as_in_force_once_a_party_has_left_the_charter(told) -> None:
    async def story(federation: Governed) -> None:
        site, current = argonne(federation), federation.charter()
        (before,) = site.governance.agreements()
        left = signed(without(current, "riken"), *(member.id for member in current.members))
        await site.governance.publish(left.model_dump(mode="json"), OFFICER)
        (after,) = site.governance.agreements()
        assert (before.in_force, after.in_force) == (True, False)

    told(story)


def test_a_charter_is_shown_with_whose_statement_is_in_force(told) -> None:
    async def story(federation: Governed) -> None:
        governance = argonne(federation).governance
        (shown,) = governance.charters()
        assert shown.alive
        assert shown.fingerprint == federation.charter().fingerprint
        assert all(shown.statements[site] for site in ("argonne", "riken", "nims"))
        assert [line.name for line in governance.agreements()] == ["colour-agreement"]
        assert len(governance.documents(CHARTER)) == 5
        with pytest.raises(NotFound):
            governance.charter("other")

    told(story)
