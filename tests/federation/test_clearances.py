"""A home site attests what it has checked of its people; an owner's agreement asks for it; nothing else is shipped."""

from __future__ import annotations

import asyncio
from pathlib import Path

from federation.toys import spec, three_sites
from yosegi.exchange.requests import MADE
from yosegi.governance.agreements.agreement import ClearanceTerms
from yosegi.identity.accounts import Session
from yosegi.services.governance.service import PolicyQuery
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Request

TERMS = ClearanceTerms(clearance="export-a", export_classes=("none",), attested_by=("argonne",))


async def trial(folder: Path, attested: dict[str, tuple[str, ...]]) -> Federation:
    """The toy campaign under an agreement that asks for a clearance, with what argonne attests of its people."""
    federation = three_sites(folder)
    federation.terms = {"clearances": (TERMS,)}
    await federation.start()
    federation.places["argonne"].running.authorizer.clearances = attested
    await federation.begin(spec(1))
    await asyncio.sleep(120)
    return federation


def states(federation: Federation) -> set[str]:
    campaign = federation.places["argonne"].running.campaigns.get("toy")
    return {str(step.state) for one in campaign.trials for step in one.steps}


def test_what_the_home_site_attests_goes_with_the_request_and_lets_it_run(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await trial(tmp_path, {"export-a": ("pi@argonne",), "export-b": ("other@argonne",)})
        campaign = federation.places["argonne"].running.campaigns.get("toy")
        assert [str(one.state) for one in campaign.trials] == ["completed"]
        ledger = federation.places["argonne"].running.ledger
        made = [e for s in ledger.streams("request/") for e in ledger.read(s) if e.type == MADE]
        requests = [Request.read(Envelope.read((e.body or {})["document"]).payload) for e in made]
        assert {request.clearances for request in requests} == {("export-a",)}

    run_simulated(story())


def test_without_it_the_home_site_itself_refuses_and_nothing_is_sent(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await trial(tmp_path, {})
        assert states(federation) == {"refused"}
        operator = Session("operator@argonne", "operator", float("inf"), "")
        listed = federation.places["argonne"].running.task_requests.list_for(operator)
        assert {one.told_by for one in listed} == {"argonne"}
        assert federation.places["nims"].running.ledger.query("SELECT COUNT(*) AS n FROM task")[0]["n"] == 0

    run_simulated(story())


def test_a_site_attests_its_own_people_alone(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        authorizer = federation.places["nims"].running.authorizer
        authorizer.clearances = {"export-a": ("pi@argonne", "pi@nims")}
        assert authorizer.attested("pi@argonne") is None
        assert authorizer.attested("pi@nims") == ("export-a",)

    run_simulated(story())


def test_what_is_attested_counts_in_what_a_member_is_told_before_asking(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await trial(tmp_path, {"export-a": ("pi@argonne",)})
        home, member = federation.places["argonne"].running, federation.member()
        make = PolicyQuery(capability="nims/toy.make@1")
        assert (await home.governance.explain(make, member)).allow
        assert all(line.allow for line in (await home.governance.access(member)))
        home.authorizer.clearances = {}
        answer = await home.governance.explain(make, member)
        assert [reason.code for reason in answer.reasons] == ["clearance_missing"]
        assert not any(line.allow for line in (await home.governance.access(member)))

    run_simulated(story())
