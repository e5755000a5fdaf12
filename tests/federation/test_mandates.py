"""A campaign acts under a mandate: weeks long, over within a minute of being cancelled, ten where links are down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.asking import PI, ask, build_mandate, decisions, dispatched, person, token, why_refused
from federation.toys import make, measure, spec, three_sites
from yosegi.campaign import Campaign, parse_spec
from yosegi.core.capability import Capability
from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import NotFound, Refused
from yosegi.core.states import CampaignState, TaskState, TrialState
from yosegi.exchange.request_draft import RequestDraft
from yosegi.exchange.requests import MADE
from yosegi.governance.charter.amendment import successor
from yosegi.governance.charter.statement import Statement
from yosegi.governance.mandates.mandate import Mandate
from yosegi.governance.policy.policy import redecide
from yosegi.identity.accounts import Session
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Request
from yosegi.trust.signer import Ed25519Signer
from yosegi.trust.token import Token

EVERYBODY = ("http://argonne.example", "http://riken.example")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


Story = Callable[[Federation, Site, Site], Awaitable[None]]


def tell(
    folder: Path, story: Story, *, trials: int = 0, parallel: int = 8, duration: float = 30.0, **terms: Any
) -> None:
    """Run a story in a federation; where trials are wanted, a campaign has begun and its first task runs."""

    async def whole() -> None:
        federation = three_sites(folder)
        nims = federation.places["nims"]
        nims.duration = duration
        if terms:
            nims.capabilities = [Capability(make.function, make.contract.model_copy(update=terms)), measure]
        await federation.start()
        home = federation.places["argonne"].running
        if trials:
            text = spec(trials).replace("parallel = 2", f"parallel = {parallel}")
            await home.campaigns.start(parse_spec(text), person())
            await asyncio.sleep(5)
        await story(federation, home, nims.running)

    run_simulated(whole())


def campaign_of(home: Site) -> Campaign:
    return home.campaigns.get("toy")


def mandate_of(home: Site) -> str:
    return campaign_of(home).mandate


def states(site: Site) -> set[str]:
    return {row.state for row in site.tasks.list()}


async def started_since(site: Site, seconds: float) -> list[str]:
    """What is started within so many seconds from now."""
    before = len(dispatched(site.ledger))
    await asyncio.sleep(seconds)
    return dispatched(site.ledger)[before:]


# --- under a mandate -------------------------------------------------------------------------------------------------


def test_a_member_states_the_question_once_and_the_campaign_acts_under_a_mandate_of_its_own(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        shown = home.mandates.show(mandate_of(home))
        assert (shown.person, shown.campaign, shown.stands) == (PI, "toy", True)
        assert list(shown.capabilities) == list(campaign_of(home).spec.capabilities())
        requests = [nims.tasks.get(f"{row.home}/{row.key}").asked() for row in nims.tasks.list()]
        assert {request.mandate for request in requests} == {mandate_of(home)}
        tokens = [Token.peek(request.token) for request in requests if request.token is not None]
        assert len(tokens) == len(requests)
        assert {(t.person, t.audience, t.mandate) for t in tokens} == {(PI, "nims", mandate_of(home))}
        assert all(t.not_after - t.issued <= timedelta(minutes=10) for t in tokens)
        assert {t.holder for t in tokens} == {federation.signer("argonne").public}

    tell(tmp_path, story, trials=4)


def test_one_token_serves_all_requests_of_some_minutes(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        while not campaign_of(home).state.final:
            await asyncio.sleep(5)
        made = [e for e in home.ledger.scan() if e.type == MADE and e.stream.startswith("request/nims/")]
        requests = [Request.read(Envelope.read((e.body or {})["document"]).payload) for e in made]
        took = requests[-1].issued - requests[0].issued
        # A new one after half the life of the last: nine and a half minutes, halved.
        assert len({request.token for request in requests}) <= 1 + took // timedelta(minutes=4)
        assert len(requests) > 10

    tell(tmp_path, story, trials=8, duration=20.0)


def test_what_a_campaign_costs_is_held_and_settled_in_its_mandates_budget(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        text = spec(2).replace('planner = "sobol"', 'planner = "sobol"\nbudget = { samples = "5" }')
        await home.campaigns.start(parse_spec(text), person())
        await asyncio.sleep(1)
        assert home.mandates.show(mandate_of(home)).left == {"samples": "3"}
        await asyncio.sleep(40)
        assert campaign_of(home).state is CampaignState.ENDED
        assert home.mandates.show(mandate_of(home)).left == {"samples": "3"}
        assert home.ledger.query("SELECT COUNT(*) AS n FROM mandate_uses WHERE ended = 0")[0]["n"] == 0

    tell(tmp_path, story, duration=2.0)


def draw(home: Site, name: str, *, campaign: str | None = None, **changes: Any) -> Mandate:
    drawn = build_mandate(home, name, **({"days": 30, "budget": {"samples": 2000}} | changes))
    return drawn.model_copy(update={"campaign": campaign})


@pytest.mark.parametrize("changes", [{"charter": "nowhere"}, {"team": "nobodys-team"}], ids=["charter", "team"])
def test_a_mandate_for_a_team_that_there_is_not_is_refused_with_those_that_there_are(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        with pytest.raises(NotFound, match=f"Known here: .*{CHARTER if 'charter' in changes else TEAM}"):
            await home.mandates.give(draw(home, "m", **changes), person())

    tell(tmp_path, story)


def test_under_a_named_mandate_no_more_is_asked_for_than_its_budget_holds(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        await home.mandates.give(draw(home, "small"), person())
        await home.campaigns.start(parse_spec(spec(9)), person(), mandate="small")
        await asyncio.sleep(60)
        campaign = campaign_of(home)
        assert sum(t.state is TrialState.COMPLETED for t in campaign.trials) == 2
        refused = [t for t in campaign.trials if t.state is TrialState.REFUSED]
        assert {t.steps[0].reasons[0]["code"] for t in refused} == {"budget_exceeded"}
        assert campaign.state is CampaignState.HELD
        assert len(dispatched(nims.ledger)) == 2

    tell(tmp_path, story, duration=1.0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"capabilities": ("riken/*",)}, "outside_mandate"),
        ({"purposes": ("teaching",)}, "outside_mandate"),
        ({"conduct": ("suggest",)}, "outside_mandate"),
        ({"campaign": "another"}, "mandate_for_another"),
    ],
)
def test_a_campaign_beyond_the_mandate_it_names_is_not_begun(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        await home.mandates.give(draw(home, "narrow", **changes), person())
        size = home.ledger.size
        with pytest.raises(Refused, match=reason):
            await home.campaigns.start(parse_spec(spec()), person(), mandate="narrow")
        assert home.ledger.size == size

    tell(tmp_path, story)


def test_nobody_gives_or_cancels_a_mandate_in_another_members_name(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        with pytest.raises(Refused, match="not_on_behalf_of_others"):
            await home.mandates.give(draw(home, "m"), person("other@argonne"))
        await home.mandates.give(draw(home, "m"), person())
        with pytest.raises(Refused, match="not_on_behalf_of_others"):
            await home.mandates.cancel("m", "", person("other@argonne"))
        with pytest.raises(Refused, match="mandate_repeated"):
            await home.mandates.give(draw(home, "m"), person())
        with pytest.raises(NotFound):
            await home.mandates.cancel("no-such", "", person())
        await home.mandates.cancel("m", "", person("operator@argonne", "operator"))
        assert not home.mandates.show("m").stands

    tell(tmp_path, story)


# --- cancelling ------------------------------------------------------------------------------------------------------


def test_a_minute_after_a_mandate_is_cancelled_nothing_new_starts_and_what_waits_is_refused(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        assert states(nims) == {"accepted", "dispatched"}
        await home.mandates.cancel(mandate_of(home), "a change of plan", person())
        await asyncio.sleep(60)
        assert "accepted" not in states(nims)
        assert not await started_since(nims, 200)
        refused = [nims.tasks.get(f"{row.home}/{row.key}") for row in nims.tasks.list("refused")]
        assert {task.reasons[0].code for task in refused} == {"mandate_cancelled"}
        assert campaign_of(home).state is CampaignState.HELD
        assert "was cancelled" in campaign_of(home).why

    tell(tmp_path, story, trials=8)


@pytest.mark.parametrize(("on_revoked", "effects"), [("finish", 1), ("safe_stop", 0), ("abort", 0)])
def test_what_runs_when_its_mandate_is_cancelled_does_what_its_contract_says(
    tmp_path: Path, on_revoked: str, effects: int
) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        await home.mandates.cancel(mandate_of(home), "", person())
        await asyncio.sleep(150)
        revoked = [entry for entry in nims.ledger.scan() if entry.type == "task.revoked"]
        assert [entry.facts["how"] for entry in revoked] == [on_revoked]
        assert federation.world.effects.total() == effects

    tell(tmp_path, story, trials=3, duration=120.0, on_revoked=on_revoked)


def test_with_all_links_down_nothing_starts_later_than_ten_minutes_after_a_mandate_is_cancelled(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        federation.network.part(*EVERYBODY)
        cancelled = home.clock.now()
        await home.mandates.cancel(mandate_of(home), "", person())
        started = await started_since(nims, 900)
        assert started, "the owner cannot know yet"
        assert parse_timestamp(started[-1]) <= cancelled + timedelta(minutes=10)
        assert "accepted" in states(nims), "it waits, and is not refused for a broken link"
        federation.network.heal()
        await asyncio.sleep(120)
        assert states(nims).isdisjoint({"accepted", "dispatched"})
        assert not await started_since(nims, 60)

    tell(tmp_path, story, trials=40, parallel=40, duration=60.0)


def test_a_partition_alone_stops_nothing_that_runs_and_what_waited_goes_on_after_it(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        federation.network.part(*EVERYBODY)
        await asyncio.sleep(2000)
        assert not await started_since(nims, 100), "nobody has said for ten minutes that the mandate stands"
        assert not [entry for entry in nims.ledger.scan() if entry.type == "task.revoked"]
        assert not nims.tasks.list("refused")
        federation.network.heal()
        await asyncio.sleep(200)
        assert await started_since(nims, 200), "asked again, the home site has said that it does"

    tell(tmp_path, story, trials=12, parallel=12, duration=150.0)


def test_a_long_queue_goes_on_for_longer_than_a_token_lives(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        await home.campaign_engine.close()  # nothing new is asked, so that no request brings a fresh token
        await asyncio.sleep(2000)
        times = [parse_timestamp(time) for time in dispatched(nims.ledger)]
        assert times[-1] - times[0] > timedelta(minutes=20)
        asked = [entry for entry in nims.ledger.scan() if entry.type == "standing.asked"]
        assert 1 <= len(asked) <= 6, "one question for each token that ran out, and none for each task"

    tell(tmp_path, story, trials=12, parallel=12, duration=150.0)


def test_a_campaign_whose_mandate_is_over_goes_on_when_its_member_gives_another_by_resuming_it(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        first = mandate_of(home)
        await home.mandates.cancel(first, "", person())
        await asyncio.sleep(60)
        somebody = Session("operator@argonne", "operator", float("inf"), "")
        with pytest.raises(Refused, match="not_on_behalf_of_others"):
            await home.campaigns.move("toy", CampaignState.RUNNING, somebody, "")
        await home.campaigns.move("toy", CampaignState.RUNNING, person(), "after all")
        await asyncio.sleep(200)
        assert mandate_of(home) != first
        assert any(t.state is TrialState.COMPLETED for t in campaign_of(home).trials)

    tell(tmp_path, story, trials=2, parallel=2, duration=5.0)


# --- what an owner does not believe ----------------------------------------------------------------------------------


def test_a_token_is_believed_from_its_home_site_for_this_site_and_this_request_alone(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        now, key = nims.clock.now(), federation.signer("argonne")
        good = token(now, key)
        assert (await ask(federation, "k0", mandate="m", token=good)).state is not TaskState.REFUSED
        for name, changes, reason in (
            ("k1", {"mandate": "m", "token": token(now, key, audience="riken")}, "wrong_addressee"),
            ("k2", {"mandate": "m", "token": token(now, key, charter="other")}, "wrong_charter"),
            ("k3", {"mandate": "m", "token": token(now, federation.signer("riken"))}, "unknown_key"),
            ("k4", {"mandate": "other", "token": good}, "token_for_another"),
            ("k5", {"mandate": "m", "agent": "planner", "token": good}, "token_for_another"),
            ("k6", {"mandate": "m"}, "token_missing"),
            ("k7", {"agent": "planner"}, "mandate_missing"),
            ("k8", {"mandate": "m", "token": token(now + timedelta(hours=1), key)}, "document_not_yet_valid"),
        ):
            assert why_refused(await ask(federation, name, **changes)) == reason, name

    tell(tmp_path, story)


def test_a_token_stolen_by_another_site_is_worth_nothing_to_it(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        stolen = token(nims.clock.now(), federation.signer("argonne"))
        assert why_refused(await ask(federation, "k", sender="riken", mandate="m", token=stolen)) == "unknown_key"

    tell(tmp_path, story)


def test_a_token_counts_with_the_key_it_is_bound_to_and_with_no_other_of_the_same_site(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        first, second = federation.signer("argonne"), Ed25519Signer.from_seed(bytes([77]) * 32)
        stated = nims.registry.federation(CHARTER).roster.statements["argonne"]
        later = stated.model_copy(
            update={"serial": 2, "issued": nims.clock.now(), "keys": (*stated.keys, second.public)}
        )
        await nims.registry.accept(Statement.sign(later, *federation.governors("argonne")), by="operator@nims")
        bound = token(nims.clock.now(), first)
        task = await ask(federation, "k", signed_by=second, mandate="m", token=bound)
        assert why_refused(task) == "token_of_another_key"

    tell(tmp_path, story)


def test_a_token_that_has_run_out_starts_nothing_until_its_home_site_has_said_again_that_the_mandate_stands(
    tmp_path: Path,
) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        await home.mandates.give(draw(home, "m"), person())
        old = token(nims.clock.now() - timedelta(minutes=30), federation.signer("argonne"))
        federation.network.part(*EVERYBODY)
        task = await ask(federation, "k", mandate="m", token=old)
        assert (task.state, task.reasons[0].code) == (TaskState.ACCEPTED, "token_stale")
        await asyncio.sleep(300)
        assert not federation.world.effects
        federation.network.heal()
        await asyncio.sleep(120)
        assert nims.repository.task(task.stream).state is TaskState.ENDED

    tell(tmp_path, story)


def test_under_a_mandate_its_home_site_never_gave_nothing_starts(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        old = token(nims.clock.now() - timedelta(minutes=30), federation.signer("argonne"))
        task = await ask(federation, "k", mandate="m", token=old)
        await asyncio.sleep(120)
        assert why_refused(nims.repository.task(task.stream)) == "mandate_unknown"

    tell(tmp_path, story)


def test_after_a_mandate_is_cancelled_a_token_that_is_still_valid_starts_nothing(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        mandate = mandate_of(home)
        good = token(nims.clock.now(), federation.signer("argonne"), mandate=mandate)
        await home.mandates.cancel(mandate, "", person())
        await asyncio.sleep(30)
        assert why_refused(await ask(federation, "k", mandate=mandate, token=good)) == "mandate_cancelled"

    tell(tmp_path, story, trials=3)


def test_an_expired_mandate_mints_nothing_and_its_campaign_holds(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        await home.mandates.give(draw(home, "short", days=60 / 86400, budget={"samples": 40_000}), person())
        await home.campaigns.start(parse_spec(spec(40)), person(), mandate="short")
        await asyncio.sleep(100)
        assert campaign_of(home).state is CampaignState.HELD
        assert "not in force" in campaign_of(home).why
        assert not await started_since(nims, 60)

    tell(tmp_path, story, duration=5.0)


# --- when the law changes --------------------------------------------------------------------------------------------


async def amend(federation: Federation, site: Site, **changes: Any) -> None:
    """Put the next version of the charter in force at one site, signed by everybody."""
    before = site.registry.federation(CHARTER).roster.charter
    envelope = successor(before, issued=site.clock.now(), **changes).sign(
        *(key for name in federation.places for key in federation.governors(name))
    )
    await site.registry.accept(envelope, by=f"operator@{site.name}")
    await site.authorizer.publish(CHARTER)
    site.watch.look()


def test_a_removed_members_still_valid_token_starts_nothing_and_what_waits_is_refused(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        good = token(nims.clock.now(), federation.signer("argonne"))
        team = nims.registry.federation(CHARTER).roster.charter.teams[0]
        await amend(federation, nims, teams=(team.model_copy(update={"people": ("other@argonne",)}),))
        assert why_refused(await ask(federation, "k", mandate="m", token=good)) == "unknown_person"
        await asyncio.sleep(60)
        assert "accepted" not in states(nims)
        assert not await started_since(nims, 200)
        revoked = [entry.facts["how"] for entry in nims.ledger.scan() if entry.type == "task.revoked"]
        assert revoked == ["safe_stop"]

    tell(tmp_path, story, trials=8)


def test_within_a_minute_of_an_agreements_end_nothing_starts_and_results_are_withheld(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        later = federation.agreement(2, valid_until=nims.clock.now() + timedelta(seconds=20))
        await nims.registry.accept(later, by="operator@nims")
        await nims.authorizer.publish(CHARTER)
        await asyncio.sleep(80)
        assert not await started_since(nims, 100)
        assert states(nims) == {"refused", "ended"}
        ended = next(nims.tasks.get(f"{row.home}/{row.key}") for row in nims.tasks.list("ended"))
        assert ended.outcome is not None
        assert ended.outcome.outputs is None
        assert {reason.code for reason in ended.reasons} == {"agreement_not_in_force"}
        last = nims.ledger.read(ended.stream)[-1]
        assert last.facts["released"] is False
        assert dict(last.facts["charged"]) == {"samples": 1000}

    tell(tmp_path, story, trials=8, on_revoked="finish")


def test_a_home_site_whose_statement_has_run_out_starts_nothing_new(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        stated = nims.registry.federation(CHARTER).roster.statements["argonne"]
        now = nims.clock.now()
        short = stated.model_copy(update={"serial": 2, "issued": now, "not_after": now + timedelta(seconds=10)})
        await nims.registry.accept(short.sign(*federation.governors("argonne")), by="operator@nims")
        await asyncio.sleep(100)  # a document counts for thirty seconds more: clocks differ
        assert not await started_since(nims, 100)
        refused = [nims.tasks.get(f"{row.home}/{row.key}") for row in nims.tasks.list("refused")]
        assert {task.reasons[0].code for task in refused} == {"statement_expired"}

    tell(tmp_path, story, trials=8)


def test_every_decision_of_a_campaign_at_both_ends_can_be_made_again_from_the_record(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        await asyncio.sleep(60)
        kinds = set()
        for site in (home, nims):
            for kind, decision, again in decisions(site.ledger):
                kinds.add((kind, decision.question.action))
                assert again.same_as(decision)
        assert kinds >= {
            ("request.made", "request"),
            ("task.accepted", "accept"),
            ("task.dispatched", "dispatch"),
            ("task.ended", "release"),
        }

    tell(tmp_path, story, trials=2, duration=2.0)


def test_what_was_learned_from_one_owner_goes_to_no_other_without_its_agreement(tmp_path: Path) -> None:
    async def story(federation: Federation, home: Site, nims: Site) -> None:
        await asyncio.sleep(15)
        campaign = campaign_of(home)
        assert campaign.learned.sources == ("nims/toy.make@1", "nims/toy.measure@1")
        step = campaign.spec.source[-1].step[0]
        contract = campaign.contracts[step.capability]
        asking = RequestDraft(
            charter=CHARTER,
            key="k",
            team=TEAM,
            on_behalf_of=PI,
            purpose="research",
            capability=step.capability,
            contract=contract,
            inputs={"x": 0.5},
        )
        learned = replace(asking, learned=campaign.learned)
        assert home.authorizer.authorize(learned).decision.allow
        apart = federation.agreement(2, parties=("argonne", "riken"), capabilities=("argonne/*", "riken/*"))
        await home.registry.accept(apart, by="operator@argonne")
        policy = await home.authorizer.publish(CHARTER)
        refused = home.authorizer.authorize(learned).decision
        assert set(refused.reasons) == {"transfer_not_covered"}
        assert redecide(refused, policy.bundle).same_as(refused)
        assert home.authorizer.authorize(asking).decision.allow

    tell(tmp_path, story, trials=2, parallel=2, duration=2.0)
