"""Agents act for a member with keys of their own: what the member, the mandate and the agents' rules all allow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.asking import PI, build_mandate, person
from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.amounts import Amounts
from yosegi.core.errors import Refused
from yosegi.core.states import CampaignState, Effect, TaskState, TrialState
from yosegi.governance.mandates.mandate import Mandate
from yosegi.identity.accounts import Account, Session
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.login import Login
from yosegi.trust.signer import Ed25519Signer

PLANNER, HELPER, STRANGER = (Ed25519Signer.from_seed(bytes([n]) * 32) for n in (61, 62, 63))
OPERATOR = "operator@nims"
Story = Callable[[Federation, Site, Site], Awaitable[None]]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def tell(folder: Path, story: Story, **how: Any) -> None:
    """Run a story: pi@argonne has given the agent `planner` a mandate of the same name."""

    async def whole() -> None:
        federation = three_sites(folder, **how)
        key = federation.person(PI).public
        federation.places["argonne"].accounts = {PI: Account(person=PI, role="operator", keys=(key,))}
        await federation.start()
        home = federation.places["argonne"].running
        await home.mandates.give(draw(home, "planner", PLANNER), person())
        await story(federation, home, federation.places["nims"].running)

    run_simulated(whole())


def draw(home: Site, name: str, key: Ed25519Signer, **changes: Any) -> Mandate:
    terms: dict[str, Any] = {"days": 7, "budget": {"samples": 9000}, "agent": name, "agent_key": key.public}
    return build_mandate(home, name, **(terms | changes))


async def signed_in(home: Site, agent: str, key: Ed25519Signer, **changes: Any) -> Session | None:
    now = home.clock.now()
    fields: dict[str, Any] = {
        "person": PI,
        "agent": agent,
        "site": home.name,
        "nonce": f"n-{agent}-{now.timestamp()}",
        "issued": now,
        "not_after": now + timedelta(minutes=2),
    }
    who = home.authenticator.by_key(Login(**(fields | changes)).sign(key).to_bytes())
    return home.sessions.get(await home.sessions.open(who, program=True), program=True)


async def ask(home: Site, who: Session, key: str, **changes: Any) -> Any:
    terms: dict[str, Any] = {
        "key": key,
        "charter": CHARTER,
        "team": TEAM,
        "capability": "nims/toy.make@1",
        "inputs": {"x": 0.5},
        "purpose": "research",
    }
    return await home.task_requests.ask(who, **(terms | changes))


# --- signing in ------------------------------------------------------------------------------------------------------


def test_an_agent_signs_in_with_its_own_key_and_has_none_of_its_members_rights_over_the_site(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        who = await signed_in(home, "planner", PLANNER)
        assert who is not None
        assert (who.person, who.agent, who.mandate, who.role) == (PI, "planner", "planner", "member")

    tell(tmp_path, story)


@pytest.mark.parametrize("how", ["another key", "its member's key", "another agent", "another site"])
def test_nobody_else_signs_in_as_an_agent(tmp_path: Path, how: str) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        key = {"another key": STRANGER, "its member's key": federation.person(PI)}.get(how, PLANNER)
        agent = "helper" if how == "another agent" else "planner"
        changes = {"site": "nims"} if how == "another site" else {}
        with pytest.raises(Refused, match="sign_in_failed"):
            await signed_in(home, agent, key, **changes)

    tell(tmp_path, story)


def test_an_agents_session_ends_with_its_mandate(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        now = home.clock.now()
        login = Login(
            person=PI, agent="planner", site="argonne", nonce="n", issued=now, not_after=now + timedelta(0, 60)
        )
        who = home.authenticator.by_key(login.sign(PLANNER).to_bytes())
        token = await home.sessions.open(who, program=True)
        assert home.sessions.get(token, program=True) is not None
        await home.mandates.cancel("planner", "", person())
        assert home.sessions.get(token, program=True) is None
        with pytest.raises(Refused, match="sign_in_failed"):
            await signed_in(home, "planner", PLANNER)

    tell(tmp_path, story)


def test_an_agent_gets_no_key_that_is_a_persons(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        with pytest.raises(Refused, match="key_of_a_person"):
            await home.mandates.give(draw(home, "mimic", federation.person(PI)), person())

    tell(tmp_path, story)


# --- acting ----------------------------------------------------------------------------------------------------------


def test_an_agents_campaign_acts_in_its_name_for_its_member_within_its_mandate(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        who = await signed_in(home, "planner", PLANNER)
        assert who is not None
        await home.campaigns.start(parse_spec(spec(2)), who)
        await asyncio.sleep(60)
        assert home.campaigns.get("toy").state is CampaignState.ENDED
        asked = [nims.tasks.get(f"{row.home}/{row.key}").asked() for row in nims.tasks.list()]
        assert {(a.agent, a.on_behalf_of, a.mandate) for a in asked} == {("planner", PI, "planner")}
        assert home.mandates.show("planner").left == {"samples": "7"}

    tell(tmp_path, story)


def test_an_agent_asks_for_a_task_and_for_none_beyond_its_mandate(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        who = await signed_in(home, "planner", PLANNER)
        assert who is not None
        await ask(home, who, "k1")
        await asyncio.sleep(30)
        assert home.requests.get("nims", "k1").state is TaskState.ENDED
        for key, changes in (("k2", {"purpose": "teaching"}), ("k3", {"sensitivity": "restricted"})):
            refused = await ask(home, who, key, **changes)
            assert refused.state is TaskState.REFUSED
            assert "outside_mandate" in {reason.code for reason in refused.reasons}
        assert not nims.ledger.read("task/argonne/k2")
        await home.mandates.give(draw(home, "own", STRANGER, agent=None, agent_key=None), person())
        with pytest.raises(Refused, match="mandate_for_another"):
            await ask(home, who, "k4", mandate="own")

    tell(tmp_path, story)


def test_agents_are_held_to_the_rules_for_agents(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        who = await signed_in(home, "planner", PLANNER)
        assert who is not None
        refused = await ask(home, who, "k1")
        assert [reason.code for reason in refused.reasons] == ["agents_not_covered"]
        assert (await ask(home, person(), "k2")).state is not TaskState.REFUSED

    tell(tmp_path, story, terms={"agents": False})


def test_a_sub_agents_right_is_a_subset_and_nothing_is_cut_from_it(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        who = await signed_in(home, "planner", PLANNER)
        assert who is not None
        cut = {"parent": "planner", "days": 3, "budget": Amounts({"samples": 2000})}
        for reason, changes in (
            ("mandate_wider", {"budget": Amounts({"samples": 10_000})}),
            ("mandate_wider", {"days": 30}),
            ("mandate_wider", {"capabilities": ("argonne/*",)}),
            ("mandate_wider", {"bounded": False}),
        ):
            with pytest.raises(Refused, match=reason):
                await home.mandates.give(draw(home, "helper", HELPER, **(cut | changes)), who)
        await home.mandates.give(draw(home, "helper", HELPER, **cut), who)
        helper = await signed_in(home, "helper", HELPER)
        assert helper is not None
        assert home.mandates.show("helper").depth == 2
        with pytest.raises(Exception, match=r"depth|less than or equal to 2"):
            await home.mandates.give(draw(home, "third", STRANGER, **(cut | {"parent": "helper", "days": 1})), helper)
        with pytest.raises(Refused, match="mandate_of_another_parent"):
            await home.mandates.give(draw(home, "free", STRANGER), who)
        await home.mandates.cancel("planner", "", person())
        assert not home.mandates.show("helper").stands

    tell(tmp_path, story)


def test_what_a_sub_agent_spends_is_spent_from_its_agents_budget_too(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        who = await signed_in(home, "planner", PLANNER)
        assert who is not None
        terms = {"parent": "planner", "days": 3, "budget": Amounts({"samples": 1000})}
        await home.mandates.give(draw(home, "helper", HELPER, **terms), who)
        helper = await signed_in(home, "helper", HELPER)
        assert helper is not None
        await ask(home, helper, "k1")
        await asyncio.sleep(30)
        refused = await ask(home, helper, "k2")
        assert [reason.code for reason in refused.reasons] == ["budget_exceeded"]
        assert home.mandates.show("planner").left == {"samples": "8"}

    tell(tmp_path, story)


# --- what no agent does ----------------------------------------------------------------------------------------------


def test_an_agent_never_settles_releases_resumes_or_closes(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        bold = await bold_planner(home)
        await home.campaigns.start(parse_spec(spec(9)), bold)
        await asyncio.sleep(5)
        row = nims.tasks.list()[0]
        for what in (
            nims.tasks.settle(f"{row.home}/{row.key}", Effect.NONE, "I say so", bold),
            nims.tasks.acknowledge(f"{row.home}/{row.key}", bold),
            nims.operations.close_breaker("toy.make@1", bold, ""),
            home.campaigns.move("toy", CampaignState.RUNNING, bold, ""),
            nims.approvals.refuse(row.home, row.key, "", bold),
        ):
            with pytest.raises(Refused, match=r"people_only|agent_cannot_approve"):
                await what

    tell(tmp_path, story)


async def bold_planner(home: Site) -> Session:
    """The agent, as if it had been given its member's role over the site."""
    who = await signed_in(home, "planner", PLANNER)
    assert who is not None
    return Session(who.person, "officer", who.until, "", who.agent, who.mandate)


def test_an_agent_stops_a_campaign_under_its_own_mandate_and_one_under_a_mandate_cut_from_it(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        who = await bold_planner(home)
        terms = {"parent": "planner", "days": 3, "budget": Amounts({"samples": 4000})}
        await home.mandates.give(draw(home, "helper", HELPER, **terms), who)
        helper = await signed_in(home, "helper", HELPER)
        assert helper is not None
        await home.campaigns.start(parse_spec(spec(9)), who)
        await home.campaigns.start(parse_spec(spec(4).replace('"toy"', '"cut"', 1)), helper)
        await asyncio.sleep(5)
        for name in ("toy", "cut"):
            await home.campaigns.move(name, CampaignState.STOPPING, who, "enough")
        await asyncio.sleep(60)
        for name in ("toy", "cut"):
            assert home.campaigns.get(name).state is CampaignState.STOPPED
            assert TrialState.PROPOSED not in [t.state for t in home.campaigns.get(name).trials]

    tell(tmp_path, story)


@pytest.mark.parametrize("word", ["hold", "stop", "abort", "release"])
def test_no_agent_moves_the_switch_of_a_site(tmp_path: Path, word: str) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        with pytest.raises(Refused, match="not_under_own_mandate"):
            await home.operations.set_stop_level(word, await bold_planner(home), "smoke")
        assert not home.dispatcher.is_stopped

    tell(tmp_path, story)


@pytest.mark.parametrize("state", [CampaignState.HELD, CampaignState.STOPPING, CampaignState.ABORTED])
def test_no_agent_stops_a_campaign_that_runs_under_another_mandate(tmp_path: Path, state: CampaignState) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        who = await bold_planner(home)
        await home.campaigns.start(parse_spec(spec(9)), person())
        with pytest.raises(Refused, match="not_under_own_mandate"):
            await home.campaigns.move("toy", state, who, "mine now")
        assert home.campaigns.get("toy").state is CampaignState.RUNNING

    tell(tmp_path, story)


def test_no_agent_cancels_a_task_that_was_asked_under_another_mandate(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        who = await bold_planner(home)
        await ask(home, person(), "k1")
        await asyncio.sleep(5)
        with pytest.raises(Refused, match="not_under_own_mandate"):
            await nims.tasks.cancel("argonne/k1", "mine now", who)

    tell(tmp_path, story)


# --- seeing ----------------------------------------------------------------------------------------------------------


def test_an_agent_sees_the_work_of_its_mandates_team_and_of_no_other_team_of_its_member(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        who = await signed_in(home, "planner", PLANNER)
        assert who is not None
        await home.campaigns.start(parse_spec(spec(1)), person())
        assert home.campaigns.get_for("toy", who).spec.team == TEAM
        assert home.authorizer.may_see(CHARTER, TEAM, who)
        elsewhere = who.__class__(PI, "member", float("inf"), "", agent="planner", mandate="none-of-that-name")
        assert home.authorizer.may_see(CHARTER, TEAM, person())
        assert not home.authorizer.may_see(CHARTER, TEAM, elsewhere)
        assert home.tasks.list_for(elsewhere) == ()

    tell(tmp_path, story)
