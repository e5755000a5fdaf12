"""A member without a site: its people work at another's, from sign-in to result, for as long as the charter says so.

`small`, in Great Britain, is hosted by argonne. Its agreement is with nims and riken; argonne is no party to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from federation.asking import ask, build_mandate, decisions, person, why_refused
from federation.governed import Governed, agreement, amended, governed, member, replaced, signed
from federation.toys import spec
from yosegi.campaign import parse_spec
from yosegi.core.errors import Invalid, Refused
from yosegi.core.states import CampaignState, TaskState
from yosegi.execution.tasks import task_stream
from yosegi.governance.charter.charter import Charter, Threshold
from yosegi.identity.accounts import Account
from yosegi.identity.authentication import Authenticated
from yosegi.identity.sessions import authenticated
from yosegi.services.governance.publisher import check_own
from yosegi.services.grants.view import usage
from yosegi.testing.federation import CHARTER, TEAM
from yosegi.testing.loop import run_simulated
from yosegi.trust.login import Login
from yosegi.trust.signer import Ed25519Signer
from yosegi.verification.bundle import read_bundle, verify_bundle

FOUNDERS = ("argonne", "riken", "nims")
PI = "pi@small"
KEY = Ed25519Signer.from_seed(b"pi@small".ljust(32, b"."))


def hosting(current: Charter, host: str | None = "argonne") -> Charter:
    """The next version, in which small is a member whose people use the host's site."""
    small = member("small", "GB").model_copy(update={"hosted_by": host})
    (team,) = current.teams
    return amended(
        current,
        members=(*(m for m in current.members if m.id != "small"), small),
        threshold=Threshold(members=3, per_country=1),
        teams=(replaced(team, people=("pi@argonne", PI)),),
    )


async def founded(folder: Path, duration: float = 1.0) -> Governed:
    """The federation with small in it, hosted by argonne, and its agreement with nims and riken in force."""
    federation = governed(folder)
    federation.places["argonne"].accounts = {PI: Account(person=PI, role="member", keys=(KEY.public,))}
    federation.places["nims"].duration = duration
    await federation.start()
    home = federation.places["argonne"].running
    await home.publisher.publish(signed(hosting(federation.charter()), *FOUNDERS, "small"), "officer@argonne")
    await asyncio.sleep(5)
    given = agreement("small-toys", parties=("small", "nims", "riken"), purposes=("research",))
    nims = federation.places["nims"].running
    await nims.publisher.publish(signed(given, "small", "nims", "riken"), "officer@nims")
    await asyncio.sleep(5)
    return federation


async def sign_in(federation: Governed, who: str = PI) -> str:
    home = federation.places["argonne"].running
    now = home.clock.now()
    login = Login(
        person=who, site="argonne", nonce=f"n{now.timestamp()}", issued=now, not_after=now + timedelta(minutes=2)
    )
    return await home.sessions.open(home.authenticator.by_key(login.sign(KEY).to_bytes()), program=True)


def campaign(trials: int = 1) -> str:
    return spec(trials).replace("pi@argonne", PI)


def run(folder: Path, story: Callable[[Governed], Awaitable[None]], duration: float = 1.0) -> None:
    async def told() -> None:
        await story(await founded(folder, duration))

    run_simulated(told())


async def unhosted(federation: Governed) -> None:
    """A new version of the charter: argonne hosts small no more."""
    home = federation.places["argonne"].running
    current = home.registry.federation(CHARTER).roster.charter
    await home.publisher.publish(signed(hosting(current, None), *FOUNDERS, "small"), "officer@argonne")
    await asyncio.sleep(5)


def test_a_campaign_of_a_hosted_person_runs_at_the_host_and_owners_see_where_they_are_from(tmp_path: Path) -> None:
    async def story(federation: Governed) -> None:
        home, nims = (federation.places[name].running for name in ("argonne", "nims"))
        session = home.sessions.get(await sign_in(federation), program=True)
        assert session is not None
        await home.campaigns.start(parse_spec(campaign()), session)
        await asyncio.sleep(200)
        assert home.campaigns.get("toy").state is CampaignState.ENDED
        told = list(decisions(nims.ledger))
        assert told
        for _, decision, again in told:
            assert (decision.question.home, decision.question.host) == ("small", "argonne")
            assert decision.reasons == ("small-toys",)
            assert again == decision
        bundle = read_bundle(await home.campaigns.export("toy"))
        assert verify_bundle(bundle).decisions == 2
        spent = usage(nims.ledger.query, ("institution", "home"))
        assert [(row["institution"], row["home"], row["spent"]) for row in spent] == [("small", "argonne", "1")]

    run(tmp_path, story)


def test_the_hosts_own_agreement_is_not_the_hosted_members(tmp_path: Path) -> None:
    """The federation's own agreement, for teaching, has argonne among its parties and not small."""

    async def story(federation: Governed) -> None:
        nims = federation.places["nims"].running
        teaching = agreement("teaching", parties=("argonne", "nims"), capabilities=("nims/*",))
        await nims.publisher.publish(signed(teaching, "argonne", "nims"), "officer@nims")
        assert why_refused(await ask(federation, "k1", on_behalf_of=PI, purpose="teaching")) == "home_not_a_party"
        assert (await ask(federation, "k2", purpose="teaching")).state is not TaskState.REFUSED

    run(tmp_path, story)


def test_a_site_that_claims_to_host_somebody_it_does_not_is_refused_with_the_reason(tmp_path: Path) -> None:
    async def story(federation: Governed) -> None:
        key = federation.signer("riken")
        for name, whom in (("k1", PI), ("k2", "pi@argonne")):
            task = await ask(federation, name, signed_by=key, sender="riken", on_behalf_of=whom)
            assert why_refused(task) == "not_hosted_here"
            assert "riken" in task.reasons[0].en
            assert "憲章" in task.reasons[0].ja
        assert (await ask(federation, "k3", on_behalf_of=PI)).state is not TaskState.REFUSED

    run(tmp_path, story)


def test_an_agreement_of_a_hosted_member_is_in_force_at_its_host(tmp_path: Path) -> None:
    async def story(federation: Governed) -> None:
        home = federation.places["argonne"].running
        assert "small-toys" in {one.name for one in home.authorizer.policy(CHARTER).agreements}
        assert "small-toys" in {one.name for one in home.governance.agreements(CHARTER)}
        lines = await home.governance.access(person(PI))
        seen = {line.capability: (line.allow, line.owner.allow) for line in lines}
        assert seen["nims/toy.make@1"] == seen["riken/toy.simulate@1"] == (True, True)
        (told,) = home.programme.list(person(PI))
        assert {m.id: m.hosted_by for m in told.members} == {
            "argonne": "", "riken": "", "nims": "", "small": "argonne",
        }  # fmt: skip

    run(tmp_path, story)


def test_nobody_waits_for_a_member_that_has_no_site(tmp_path: Path) -> None:
    async def story(federation: Governed) -> None:
        for place in federation.places.values():
            assert "small" not in {peer.peer for peer in place.running.peers.list()}
            assert "small" not in place.running.registry.sites(CHARTER)

    run(tmp_path, story)


def test_a_new_version_that_ends_the_hosting_ends_it_at_once(tmp_path: Path) -> None:
    async def story(federation: Governed) -> None:
        home, nims = (federation.places[name].running for name in ("argonne", "nims"))
        token = await sign_in(federation)
        session = home.sessions.get(token, program=True)
        assert session is not None
        await home.campaigns.start(parse_spec(campaign(3)), session)
        await asyncio.sleep(20)
        running = nims.ledger.query("SELECT stream FROM task WHERE state = 'dispatched'")
        assert running
        await unhosted(federation)
        # At the host: signed out, not let in again, the campaign held with the reason.
        assert home.sessions.get(token, program=True) is None
        with pytest.raises(Refused, match="institution_not_hosted"):
            await sign_in(federation)
        held = home.campaigns.get("toy")
        assert held.state is CampaignState.HELD
        assert "does not say that it hosts small" in held.why
        # At the owner: what ran was stopped as its contract says, and nothing new is taken.
        await asyncio.sleep(5)
        assert all(nims.repository.task(row["stream"]).revoked for row in running)
        assert why_refused(await ask(federation, "late", on_behalf_of=PI)) == "not_hosted_here"

    run(tmp_path, story, duration=600.0)


def test_a_page_of_somebody_who_is_hosted_no_more_is_signed_out(tmp_path: Path) -> None:
    async def story(federation: Governed) -> None:
        home = federation.places["argonne"].running
        pages, who = home.sessions, Authenticated(PI, "member")
        token = await pages.open(who, program=False)
        session = pages.get(token)
        assert session is not None
        assert pages.get(await pages.open(authenticated(session), program=True), program=True) is not None
        await unhosted(federation)
        assert pages.get(token) is None
        with pytest.raises(Refused, match="institution_not_hosted"):
            home.authenticator.still(authenticated(session))

    run(tmp_path, story)


def test_the_mandate_of_a_person_who_is_hosted_no_more_is_over(tmp_path: Path) -> None:
    """So its home site mints no token under it, even for an owner that has not heard of the new version."""

    async def story(federation: Governed) -> None:
        home = federation.places["argonne"].running
        session = home.sessions.get(await sign_in(federation), program=True)
        assert session is not None
        await home.campaigns.start(parse_spec(campaign(300)), session)
        await asyncio.sleep(5)
        mandate = home.campaigns.get("toy").mandate
        assert home.mandates.delegation.over(mandate) is None
        await unhosted(federation)
        over = home.mandates.delegation.over(mandate)
        assert over is not None
        assert over.code == "not_hosted_here"

    run(tmp_path, story)


def test_a_request_that_waited_while_the_hosting_ended_never_starts(tmp_path: Path) -> None:
    async def story(federation: Governed) -> None:
        nims = federation.places["nims"].running
        await nims.dispatcher.hold("operator@nims", "a look")
        task = await ask(federation, "k1", on_behalf_of=PI)
        assert task.state is TaskState.ACCEPTED
        await unhosted(federation)
        await nims.dispatcher.release("operator@nims", "done")
        await asyncio.sleep(60)
        assert why_refused(nims.repository.task(task_stream("argonne", "k1"))) == "not_hosted_here"

    run(tmp_path, story)


def test_a_visitor_from_another_site_may_look_and_asks_for_nothing_here(tmp_path: Path) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        visitor = "pi@riken"
        account = Account(person=visitor, role="member", keys=(KEY.public,))
        federation.places["argonne"].accounts = {visitor: account}
        await federation.start()
        home = federation.places["argonne"].running
        session = home.sessions.get(await sign_in(federation, visitor), program=True)
        assert session is not None
        with pytest.raises(Refused, match="institution_not_hosted"):
            await home.campaigns.start(parse_spec(spec(1).replace("pi@argonne", visitor)), session)
        mandate = build_mandate(home, "m", days=1, budget={}, person=visitor, capabilities=("nims/*",))
        with pytest.raises(Refused, match="institution_not_hosted"):
            await home.mandates.give(mandate, session)
        request = {"key": "k", "charter": CHARTER, "team": TEAM, "capability": "nims/toy.make@1", "inputs": {"x": 0.5}}
        asked = await home.task_requests.ask(session, purpose="research", **request)
        assert "not_hosted_here" in {reason.code for reason in asked.reasons}

    run_simulated(story())


def test_people_of_an_institution_that_nobody_hosts_here_are_not_let_in(tmp_path: Path) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        federation.places["argonne"].accounts = {PI: Account(person=PI, role="member", keys=(KEY.public,))}
        await federation.start()
        with pytest.raises(Refused, match="institution_not_hosted"):
            await sign_in(federation)

    run_simulated(story())


def test_a_hosted_member_does_not_live_in_the_charter_with_a_site(tmp_path: Path) -> None:
    envelope = signed(hosting(governed(tmp_path).charter()), *FOUNDERS, "small")
    with pytest.raises(Invalid, match="hosted by argonne"):
        check_own("small", envelope)
