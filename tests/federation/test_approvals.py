"""A contract that wants a person's approval: it waits, is approved once and exactly, or never runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from federation.toys import make, measure, spec, three_sites
from yosegi.campaign import Campaign, parse_spec
from yosegi.core.capability import Capability
from yosegi.core.errors import Conflict, NotFound, Refused
from yosegi.core.states import CampaignState, TaskState, TrialState
from yosegi.exchange import requests
from yosegi.execution.tasks import task_stream
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.mandates.approvals import Approval
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.policy import redecide
from yosegi.identity.accounts import Account, Session
from yosegi.services.approvals.schemas import AskedInput
from yosegi.services.runtime import Site
from yosegi.testing.federation import Federation
from yosegi.testing.loop import EPOCH, run_simulated
from yosegi.trust.envelope import Envelope
from yosegi.trust.signer import Ed25519Signer

OPERATOR = "operator@nims"
AGENT_KEY = Ed25519Signer.from_seed(bytes([9]) * 32)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def with_approval(folder: Path, **how: object) -> Federation:
    """The toy federation; making a sample at nims needs the yes of its operator, whom the agreement names."""
    careful = Capability(make.function, make.contract.model_copy(update={"approval": True}))
    federation = three_sites(folder, people=(OPERATOR,), terms={"approvers": (OPERATOR,)}, **how)
    nims = federation.places["nims"]
    nims.capabilities = [careful, measure]
    key = federation.person(OPERATOR).public
    nims.accounts = {OPERATOR: Account(person=OPERATOR, role="operator", keys=(key,))}
    return federation


def tell(tmp_path: Path, story: Callable[[Federation, Site, Site], Awaitable[None]], trials: int = 2) -> None:
    """Run a story: the campaign has begun and its first samples wait for a person."""

    async def whole() -> None:
        federation = with_approval(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(trials)), federation.member())
        await asyncio.sleep(5)
        await story(federation, home, federation.places["nims"].running)

    run_simulated(whole())


def who(person: str = OPERATOR, **how: str) -> Session:
    return Session(person, "operator", float("inf"), "", **how)


def signed(nims: Site, task: str, signer: Ed25519Signer, **changes: object) -> Envelope:
    """A yes to a task as it stands, signed; or to something else where a change says so."""
    asked = nims.approvals.asked(task_stream(*task.split("/")))
    now = nims.clock.now()
    fields = {
        "charter": "demo",
        "site": "nims",
        "id": f"yes-{task[-8:]}",
        "person": OPERATOR,
        "request": asked.request,
        "contract": asked.contract,
        "issued": now,
        "not_after": now + timedelta(hours=1),
    }
    return Approval(**(fields | changes)).sign(signer)  # type: ignore[arg-type]


async def approve(federation: Federation, nims: Site, task: str, **changes: object) -> None:
    home, key = task.split("/")
    await nims.approvals.give(home, key, signed(nims, task, federation.person(OPERATOR), **changes), who())


def waiting(nims: Site) -> list[str]:
    return [one.task for one in nims.approvals.waiting()]


def campaign_of(home: Site) -> Campaign:
    return home.campaigns.get("toy")


# --- waiting --------------------------------------------------------------------------------------------------------


def test_nothing_starts_before_a_person_has_approved_and_everybody_sees_what_it_waits_for(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        await asyncio.sleep(120)
        assert not federation.world.effects
        notices = [notice for notice in nims.alerts.open() if notice.kind == "approval"]
        assert [notice.task for notice in notices] == waiting(nims) != []
        steps = [trial.steps[-1] for trial in campaign_of(home).trials if trial.waits_for_a_person]
        assert {(step.state, step.reasons[0]["code"]) for step in steps} == {(TaskState.ACCEPTED, "approval_missing")}
        assert "人が承認" in steps[0].reasons[0]["ja"]

    tell(tmp_path, story)


def test_what_waits_says_exactly_what_is_asked(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        asked = nims.approvals.waiting()[0]
        trial = next(t for t in campaign_of(home).trials if t.steps and t.steps[0].key == asked.task.split("/")[1])
        assert asked.inputs == (AskedInput(name="x", value=trial.values["x"], unit="1"),)
        assert asked.cost == {"samples": "1.000"} or asked.cost == {"samples": "1"}
        assert (asked.on_behalf_of, asked.campaign) == ("pi@argonne", "toy")
        assert asked.agreements == ("colour-agreement",)

    tell(tmp_path, story)


def test_an_approved_task_runs_once_and_the_campaign_goes_on_while_others_wait(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        first, *others = waiting(nims)
        await approve(federation, nims, first)
        await asyncio.sleep(15)
        done = [t for t in campaign_of(home).trials if t.state is TrialState.COMPLETED]
        assert [t.steps[0].key for t in done] == [first.split("/")[1]]
        assert sum(federation.world.effects.values()) == 2  # one sample made, and looked at
        assert set(others) <= set(waiting(nims))
        for task in others:
            await approve(federation, nims, task)
        await asyncio.sleep(20)
        assert campaign_of(home).state is CampaignState.ENDED
        assert not federation.world.twice()

    tell(tmp_path, story)


def test_trials_that_wait_take_no_place_and_no_more_are_made_than_there_are_places(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        await asyncio.sleep(20)
        under_way = campaign_of(home).under_way()
        assert all(trial.waits_for_a_person for trial in under_way)
        assert campaign_of(home).spec.parallel <= len(under_way) < 2 * campaign_of(home).spec.parallel

    tell(tmp_path, story, trials=9)


def test_a_task_that_waits_holds_up_nobody_else(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        assert nims.dispatcher.status("toy.make@1")["running"] == 0
        await approve(federation, nims, waiting(nims)[-1])
        await asyncio.sleep(15)
        assert any(t.state is TrialState.COMPLETED for t in campaign_of(home).trials)

    tell(tmp_path, story)


def test_waiting_and_approval_outlive_the_death_of_the_owners_site(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        before = waiting(nims)
        await federation.crash("nims")
        nims = await federation.restart("nims")
        assert waiting(nims) == before
        await approve(federation, nims, before[0])
        await federation.crash("nims")
        nims = await federation.restart("nims")
        await asyncio.sleep(20)
        assert nims.tasks.get(before[0]).state is TaskState.ENDED

    tell(tmp_path, story)


# --- once, and exactly -----------------------------------------------------------------------------------------------


def test_an_approval_is_used_up_in_the_append_that_dispatches(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        task = waiting(nims)[0]
        await approve(federation, nims, task)
        await asyncio.sleep(15)
        entries = list(nims.ledger.scan())
        used = [n for n, entry in enumerate(entries) if entry.type == "approval.used"]
        assert len(used) == 1
        near = [entries[n].type for n in range(used[0] - 1, used[0] + 1)]
        assert near == ["task.dispatched", "approval.used"]
        with pytest.raises(Conflict, match="waits for no approval"):
            await approve(federation, nims, task, id="again")

    tell(tmp_path, story)


def test_an_approval_of_another_request_or_an_altered_one_is_refused(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        first, second = waiting(nims)[:2]
        other = nims.approvals.asked(task_stream(*second.split("/"))).request
        request = nims.tasks.get(first).asked()
        altered = replace_inputs(request, x=0.123)
        for digest in (other, altered):
            with pytest.raises(Refused, match="approval_of_another_request"):
                await approve(federation, nims, first, request=digest)
        with pytest.raises(Refused, match="approval_of_another_request"):
            await approve(federation, nims, first, contract=measure.contract.digest)
        await asyncio.sleep(20)
        assert not federation.world.effects

    tell(tmp_path, story)


def replace_inputs(request, **inputs: object) -> str:
    return request.model_copy(update={"inputs": inputs}).digest


def test_an_approval_that_ran_out_before_the_start_counts_no_more(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        task = waiting(nims)[0]
        await nims.operations.set_stop_level("hold", who(), "cleaning")
        await approve(federation, nims, task, not_after=nims.clock.now() + timedelta(seconds=40))
        await asyncio.sleep(60)
        await nims.operations.set_stop_level("release", who(), "clean")
        await asyncio.sleep(20)
        assert not federation.world.effects
        assert nims.tasks.get(task).state is TaskState.ACCEPTED
        await approve(federation, nims, task, id="again")
        await asyncio.sleep(20)
        assert nims.tasks.get(task).state is TaskState.ENDED

    tell(tmp_path, story)


def test_a_task_nobody_approves_in_time_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "LIFETIME_FOR_APPROVAL", timedelta(minutes=1))

    async def story(federation: Federation, home: Site, nims: Site) -> None:
        task = waiting(nims)[0]
        await asyncio.sleep(90)
        nims.dispatcher.wake_all()
        await asyncio.sleep(20)
        assert nims.tasks.get(task).state is TaskState.REFUSED
        assert nims.tasks.get(task).reasons[0].code == "document_expired"
        assert not federation.world.effects

    tell(tmp_path, story)


def test_a_withdrawn_approval_starts_nothing(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        task = waiting(nims)[0]
        await nims.operations.set_stop_level("hold", who(), "cleaning")
        await approve(federation, nims, task, id="yes")
        await nims.approvals.withdraw("yes", "a second thought", who())
        await nims.operations.set_stop_level("release", who(), "clean")
        await asyncio.sleep(20)
        assert not federation.world.effects
        with pytest.raises(NotFound):
            await nims.approvals.withdraw("no-such", "", who())

    tell(tmp_path, story)


def test_a_person_who_says_no_ends_the_task_with_words_the_campaign_hears(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        task = waiting(nims)[0]
        await nims.approvals.refuse(*task.split("/"), "not with this dye", who())
        await asyncio.sleep(15)
        trial = next(t for t in campaign_of(home).trials if t.steps and t.steps[0].key == task.split("/")[1])
        assert trial.state is TrialState.REFUSED
        reason = trial.steps[0].reasons[0]
        assert (reason["code"], reason["contact"]) == ("approval_declined", OPERATOR)
        assert "not with this dye" in reason["en"]
        assert nims.ledger.query("SELECT SUM(held) AS held FROM grant_tranches")[0]["held"] == 1000 * len(waiting(nims))

    tell(tmp_path, story)


# --- who may --------------------------------------------------------------------------------------------------------


def test_neither_an_agent_nor_a_key_that_is_not_the_persons_own_approves(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        task = waiting(nims)[0]
        good = signed(nims, task, federation.person(OPERATOR))
        with pytest.raises(Refused, match="agent_cannot_approve"):
            await nims.approvals.give(*task.split("/"), good, who(agent="planner", mandate="m1"))
        for signer in (AGENT_KEY, federation.signer("nims"), federation.signer("argonne")):
            with pytest.raises(Refused, match="unknown_key"):
                await nims.approvals.give(*task.split("/"), signed(nims, task, signer), who())
        with pytest.raises(Refused, match="agent_cannot_approve"):
            await nims.approvals.refuse(*task.split("/"), "no", who(agent="planner", mandate="m1"))
        await asyncio.sleep(20)
        assert not federation.world.effects

    tell(tmp_path, story)


def test_a_person_whom_no_agreement_names_does_not_approve(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        guest = "guest@nims"
        key = federation.person(guest)
        nims.authenticator.accounts = {
            **nims.authenticator.accounts,
            guest: Account(person=guest, role="operator", keys=(key.public,)),
        }
        task = waiting(nims)[0]
        envelope = signed(nims, task, key, person=guest)
        with pytest.raises(Refused, match="unknown_person"):
            await nims.approvals.give(*task.split("/"), envelope, who(guest))
        with pytest.raises(Refused, match="not_on_behalf_of_others"):
            await nims.approvals.give(*task.split("/"), signed(nims, task, key), who(guest))

    tell(tmp_path, story)


def test_the_decision_that_a_person_may_approve_is_recorded_and_can_be_made_again(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        task = waiting(nims)[0]
        await approve(federation, nims, task)
        entry = next(entry for entry in nims.ledger.scan() if entry.type == "approval.given")
        decision = Decision.read((entry.body or {})["decision"])
        bundle = nims.authorizer.policy("demo").bundle
        assert decision.question.action == "approve"
        assert redecide(decision, bundle).same_as(decision)

    tell(tmp_path, story)


# --- conduct --------------------------------------------------------------------------------------------------------


def in_conduct(tmp_path: Path, conduct: str, story: Callable[[Federation, Site, Site], Awaitable[None]]) -> None:
    async def whole() -> None:
        federation = three_sites(tmp_path, people=(OPERATOR,), terms={"approvers": (OPERATOR,)})
        key = federation.person(OPERATOR).public
        federation.places["nims"].accounts = {OPERATOR: Account(person=OPERATOR, role="operator", keys=(key,))}
        await federation.start()
        home = federation.places["argonne"].running
        text = f'conduct = "{conduct}"\n' + spec(2)
        await home.campaigns.start(parse_spec(text), federation.member())
        await asyncio.sleep(20)
        await story(federation, home, federation.places["nims"].running)

    run_simulated(whole())


def test_what_is_suggested_is_shown_at_both_ends_and_never_carried_out(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        campaign = campaign_of(home)
        assert campaign.state is CampaignState.HELD
        assert [t.state for t in campaign.trials] == [TrialState.WITHDRAWN] * campaign.spec.parallel
        assert {r["code"] for t in campaign.trials for s in t.steps for r in s.reasons} == {"only_a_suggestion"}
        shown = nims.tasks.list()
        assert {row.state for row in shown} == {"cancelled"}
        assert {nims.tasks.get(f"{row.home}/{row.key}").reasons[0].code for row in shown} == {"only_a_suggestion"}
        assert not federation.world.effects
        assert nims.ledger.query("SELECT SUM(held) + SUM(spent) AS n FROM grant_tranches")[0]["n"] == 0
        assert not any(entry.type == "task.dispatched" for entry in nims.ledger.scan())

    in_conduct(tmp_path, "suggest", story)


def test_after_suggestions_its_own_member_lets_the_campaign_run(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        stranger = replace(federation.member(), person="other@argonne")
        with pytest.raises(Refused, match="not_on_behalf_of_others"):
            await home.campaigns.move("toy", CampaignState.RUNNING, stranger, "", conduct="run")
        await home.campaigns.move("toy", CampaignState.RUNNING, federation.member(), "looks right", conduct="run")
        await asyncio.sleep(20)
        assert campaign_of(home).state is CampaignState.ENDED
        assert sum(t.state is TrialState.COMPLETED for t in campaign_of(home).trials) == 2

    in_conduct(tmp_path, "suggest", story)


def test_with_conduct_approve_even_a_capability_that_needs_none_waits_for_a_person(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        assert not federation.world.effects
        await approve(federation, nims, waiting(nims)[0])
        await asyncio.sleep(15)
        assert sum("#" not in key for key in federation.world.effects) == 1

    in_conduct(tmp_path, "approve", story)


# --- under a house agreement ----------------------------------------------------------------------------------------


def of_the_house(tmp_path: Path, story: Callable[[Federation, Site, Site], Awaitable[None]], **terms: object) -> None:
    """The team's agreement names no approver; one of nims' own staff is named by a house agreement, or is not."""

    async def whole() -> None:
        federation = with_approval(tmp_path)
        federation.people, federation.terms = (), {}
        await federation.start()
        home, nims = federation.places["argonne"].running, federation.places["nims"].running
        nims.authorizer.groups = {"robot-staff": (OPERATOR,)}
        fields: dict[str, object] = {
            "charter": "demo", "name": "nims-house", "title": "Who looks after the robot", "teams": ("robot-staff",),
            "house": True, "parties": ("nims",), "capabilities": ("nims/*",), "purposes": ("research",),
            "approvers": (OPERATOR,), "valid_from": nims.clock.now() - timedelta(days=1),
            "valid_until": nims.clock.now() + timedelta(days=300),
        }  # fmt: skip
        house = Agreement(**(fields | terms))  # type: ignore[arg-type]
        await nims.registry.accept(house.sign(*federation.governors("nims")), by=OPERATOR)
        await nims.authorizer.publish("demo")
        await home.campaigns.start(parse_spec(spec(1)), federation.member())
        await asyncio.sleep(5)
        await story(federation, home, nims)

    run_simulated(whole())


def test_a_sites_own_staff_approves_what_a_house_agreement_lets_it_and_the_decision_names_it(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        task = waiting(nims)[0]
        await approve(federation, nims, task)
        await asyncio.sleep(15)
        assert nims.tasks.get(task).state is TaskState.ENDED
        entry = next(entry for entry in nims.ledger.scan() if entry.type == "approval.given")
        decision = Decision.read((entry.body or {})["decision"])
        assert (decision.reasons, decision.question.team) == (("nims-house",), "robot-staff")
        assert redecide(decision, nims.authorizer.policy("demo").bundle).same_as(decision)

    of_the_house(tmp_path, story)


@pytest.mark.parametrize(
    "terms",
    [
        {"approvers": ()},
        {"approvers": ("deputy@nims",)},
        {"capabilities": ("nims/toy.measure@1",)},
        {"purposes": ("teaching",)},
        {"valid_until": EPOCH + timedelta(seconds=8)},
    ],
    ids=["nobody", "somebody else", "another capability", "another purpose", "ended"],
)
def test_a_house_agreement_that_does_not_reach_so_far_lets_nobody_approve(
    tmp_path: Path, terms: dict[str, object]
) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        with pytest.raises(Refused):
            await approve(federation, nims, waiting(nims)[0])
        await asyncio.sleep(15)
        assert not federation.world.effects

    of_the_house(tmp_path, story, **terms)


def test_a_house_agreement_names_nobody_of_another_site_and_opens_no_other_house(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        stranger = "pi@argonne"
        key = federation.person(stranger)
        nims.authenticator.accounts = {
            **nims.authenticator.accounts,
            stranger: Account(person=stranger, role="officer", keys=(key.public,)),
        }
        task = waiting(nims)[0]
        with pytest.raises(Refused):
            await nims.approvals.give(*task.split("/"), signed(nims, task, key, person=stranger), who(stranger))
        # nims' staff may not use what is nims' in the team's name: the house agreement is for the house.
        policy = home.authorizer.policy("demo")
        assert "nims-house" not in {agreement.name for agreement in policy.engine.all}

    of_the_house(tmp_path, story, approvers=(OPERATOR, "pi@argonne"))
