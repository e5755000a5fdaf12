"""What a running site's policy must refuse, and the policies with which a site does not even start."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.asking import person
from federation.toys import three_sites
from yosegi.core.amounts import Amounts
from yosegi.core.errors import Invalid
from yosegi.core.states import TaskState
from yosegi.exchange.request_draft import RequestDraft
from yosegi.exchange.requests import Asked
from yosegi.execution.tasks import task_stream
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.amendment import successor
from yosegi.governance.grants.balances import balance
from yosegi.governance.grants.grant import Release
from yosegi.identity.accounts import Session
from yosegi.testing.federation import CHARTER, TEAM, Federation, both
from yosegi.testing.loop import EPOCH, run_simulated
from yosegi.trust.errors import Untrusted


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def forbid(name: str, when: str = "true", action: str = "action") -> str:
    return f'@id("{name}") @reason("No.") forbid (principal, {action}, resource) when {{ {when} }};'


INPUTS = {"nims/toy.make@1": {"x": 0.25}, "riken/toy.simulate@1": {"x": 0.25}}


async def asked(federation: Federation, capability: str, **more: Any) -> Asked:
    """What argonne's pi is told, in the end, of one request."""
    home, (owner, _, name) = federation.places["argonne"].running, capability.partition("/")
    contract = federation.places[owner].running.repository.published[name].contract
    fields: dict[str, Any] = {
        "charter": CHARTER,
        "key": "0123456789abcdef",
        "team": TEAM,
        "on_behalf_of": "pi@argonne",
        "purpose": "research",
        "capability": capability,
        "contract": contract,
        "inputs": INPUTS.get(capability),
    }
    request = RequestDraft(**(fields | more))
    made = await home.requests.ask(home.authorizer.authorize(request))
    for _ in range(120):
        made = home.requests.get(owner, request.key)
        if made.state.final:
            return made
        await asyncio.sleep(1)
    raise AssertionError(f"still {made.state} after two minutes")


def told(tmp_path: Path, capability: str, rules: dict[str, str]) -> tuple[Asked, Any]:
    """What the home site was told, and the owner's own task, where the owner had such rules."""
    found: list[Any] = []

    async def story() -> None:
        federation, owner = three_sites(tmp_path), capability.partition("/")[0]
        federation.places[owner].rules = rules
        await federation.start()
        answer = await asked(federation, capability)
        stream = task_stream("argonne", "0123456789abcdef")
        found.extend([answer, federation.places[owner].running.repository.task(stream)])

    run_simulated(story())
    return found[0], found[1]


@pytest.mark.parametrize("capability", INPUTS)
def test_without_such_a_rule_the_same_request_is_done(tmp_path: Path, capability: str) -> None:
    answer, _ = told(tmp_path, capability, {})
    assert answer.outcome is not None
    assert answer.outcome.outputs


def test_a_forbid_that_errors_refuses_at_a_running_site(tmp_path: Path) -> None:
    rule = forbid("overflowing", "context.amounts.samples * 9223372036854775807 < 0")
    answer, task = told(tmp_path, "nims/toy.make@1", {"a.cedar": rule})
    assert [reason.code for reason in answer.reasons] == ["policy_error"]
    assert task.attempt == 0


def test_a_result_that_may_not_be_released_does_not_leave_its_site(tmp_path: Path) -> None:
    rule = forbid("kept", action='action == Action::"release"')
    answer, task = told(tmp_path, "riken/toy.simulate@1", {"a.cedar": rule})
    assert task.outcome.effect == "done"
    assert answer.outcome is not None
    assert answer.outcome.outputs is None
    assert [reason.code for reason in answer.reasons] == ["local_rule"]


BAD = {
    "two of one name": {"a.cedar": forbid("same"), "b.cedar": forbid("same")},
    "a look-alike name": {"a.cedar": forbid("sаme")},
    "the name of one of the program's own": {"a.cedar": forbid("yosegi-mine")},
    "a permit": {"a.cedar": '@id("open") @reason("r") permit (principal, action, resource);'},
    "an attribute nobody has": {"a.cedar": forbid("odd", "principal.rank > 3")},
    "no policy": {"a.cedar": "forbid everything"},
}


@pytest.mark.parametrize("how", BAD)
def test_a_site_does_not_start_with_policies_that_may_not_be_published(tmp_path: Path, how: str) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["riken"].rules = BAD[how]
        with pytest.raises(Invalid):
            await federation.restart("riken")

    run_simulated(story())


def agreement(**changes: Any) -> Agreement:
    fields: dict[str, Any] = {
        "charter": CHARTER,
        "name": "another-agreement",
        "title": "What others own",
        "team": TEAM,
        "parties": ("argonne", "riken"),
        "capabilities": ("riken/*",),
        "purposes": ("research",),
        "valid_from": EPOCH - timedelta(days=1),
        "valid_until": EPOCH + timedelta(days=365),
    }
    return Agreement(**(fields | changes))


@pytest.mark.parametrize(("signers", "refused"), [(("argonne",), True), (("argonne", "riken"), False)])
def test_an_agreement_that_a_party_did_not_sign_is_refused_by_a_running_site(
    tmp_path: Path, signers: tuple[str, ...], refused: bool
) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        registry = federation.places["riken"].running.registry
        envelope = agreement().sign(*(signer for site in signers for signer in both("governance", site)))
        if refused:
            with pytest.raises(Untrusted):
                await registry.accept(envelope, by="operator@riken")
        else:
            await registry.accept(envelope, by="operator@riken")
        assert ("another-agreement" in registry.federation(CHARTER).agreements) != refused

    run_simulated(story())


def test_nobody_agrees_over_what_a_site_owns_that_is_no_party() -> None:
    with pytest.raises(ValueError, match="nims"):
        agreement(capabilities=("nims/*",))


# -- time, and money --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "started"), [(0.0001, False), (700, True)])
def test_under_a_charter_that_has_expired_a_running_site_starts_nothing(
    tmp_path: Path, days: float, started: bool
) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        nims = federation.places["nims"].running
        before = nims.registry.federation(CHARTER).roster.charter
        later = successor(before, issued=nims.clock.now(), expires=nims.clock.now() + timedelta(days=days))
        everybody = [key for name in federation.places for key in federation.governors(name)]
        await nims.registry.accept(later.sign(*everybody), by="operator@nims")
        await asyncio.sleep(60)
        asking = asyncio.create_task(asked(federation, "nims/toy.make@1"))
        await asyncio.sleep(60)
        assert bool(federation.world.effects) == started
        assert bool(nims.tasks.list()) == started
        asking.cancel()

    run_simulated(story())


def test_eleven_that_ask_at_once_for_what_is_left_for_three_get_three(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["nims"].grant = {"samples": "3"}
        await federation.start()
        answers = await asyncio.gather(*(asked(federation, "nims/toy.make@1", key=f"key-{n}") for n in range(11)))
        done = [answer for answer in answers if answer.outcome is not None]
        assert len(done) == federation.world.effects.total() == 3
        refused = {reason.code for answer in answers if answer.outcome is None for reason in answer.reasons}
        assert refused == {"grant_exceeded"}
        nims = federation.places["nims"].running
        told = balance(nims.ledger.query, "grant-nims", nims.clock.now())
        assert (told.spent, told.held, told.left) == (Amounts.parse({"samples": "3"}), Amounts(), Amounts())

    run_simulated(story())


def test_nothing_is_spent_from_a_tranche_before_its_funder_released_it(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["nims"].grant = {}
        await federation.start()
        nims = federation.places["nims"].running
        officer = Session("officer@nims", "officer", float("inf"), "")
        tranche = {"id": "fy", "amounts": {"samples": "5"}, "contingent": True}
        fields = {"id": "g", "charter": CHARTER, "team": TEAM, "funder": "argonne", "title": "When appropriated"}
        await nims.grants.award(fields | {"tranches": [tranche]}, officer)
        refused = await asked(federation, "nims/toy.make@1", key="before")
        assert [reason.code for reason in refused.reasons] == ["grant_exceeded"]
        now = nims.clock.now()
        release = Release(charter=CHARTER, funder="argonne", site="nims", grant="g", tranche="fy", issued=now)
        for signer, opened in (("riken", False), ("argonne", True)):
            document = release.sign(*federation.governors(signer)).model_dump(mode="json")
            if opened:
                await nims.grants.release("g", "fy", officer, document=document, award_letter="")
            else:
                with pytest.raises(Untrusted):
                    await nims.grants.release("g", "fy", officer, document=document, award_letter="")
        done = await asked(federation, "nims/toy.make@1", key="after")
        assert done.outcome is not None
        assert done.outcome.outputs

    run_simulated(story())


def test_a_station_that_does_not_know_what_it_did_is_asked_for_nothing_that_cannot_be_repeated(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        engine = federation.places["nims"].engine
        assert engine is not None
        engine.unsettled = "its intent log is another one"
        told = await asked(federation, "nims/toy.make@1")
        assert told.state is TaskState.REFUSED
        assert [reason.code for reason in told.reasons] == ["station_unsettled"]
        assert "yosegi station settle" in told.reasons[0].en
        assert "yosegi station settle" in told.reasons[0].ja
        nims = federation.places["nims"].running
        await nims.samples.register("s-0.25", person("operator@nims", "operator"), charter=CHARTER, team=TEAM)
        again = {"key": "fedcba9876543210", "inputs": {"sample": "s-0.25"}}
        assert (await asked(federation, "nims/toy.measure@1", **again)).state is TaskState.ENDED

    run_simulated(story())
