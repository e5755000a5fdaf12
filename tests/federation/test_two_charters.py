"""One site lives in two charters at once, with a team of the same name in each, and never mixes them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from federation.governed import Governed, agreement, governed, signed, without
from federation.toys import spec
from yosegi.core.amounts import Amounts
from yosegi.core.errors import NotFound
from yosegi.governance.charter.charter import Charter, Threshold
from yosegi.governance.grants.balances import balance
from yosegi.identity.accounts import Session
from yosegi.testing.federation import CHARTER, TEAM
from yosegi.testing.loop import run_simulated
from yosegi.trust.errors import Untrusted

OTHER = "other"
OFFICER = Session("officer@nims", "officer", float("inf"), "")
SECOND = {"id": "second", "charter": OTHER, "team": TEAM, "tranches": [{"id": "all", "amounts": {"samples": "5"}}]}
PAIR = ("argonne", "nims")
ONE_SOURCE = spec(1).partition('[[source]]\nname = "simulation"')[0]


def other(federation: Governed) -> Charter:
    first = without(federation.charter(), "riken")
    return first.model_copy(update={"id": OTHER, "version": 1, "previous": None, "threshold": Threshold(members=2)})


async def adopt(federation: Governed) -> None:
    """argonne and nims live in a second charter, whose agreement is about teaching alone."""
    charter = other(federation)
    envelopes = [signed(charter, *PAIR)]
    envelopes += [signed(federation.statement(name, charter=OTHER), name) for name in PAIR]
    envelopes.append(signed(agreement("teaching", OTHER, parties=PAIR, capabilities=("nims/*",)), *PAIR))
    for envelope in envelopes:
        for name in PAIR:
            await federation.places[name].running.publisher.publish(envelope, f"officer@{name}")
    await asyncio.sleep(60)


async def first_step(federation: Governed, name: str, charter: str, purpose: str) -> tuple[str, str]:
    home = federation.places["argonne"].running
    text = ONE_SOURCE.replace('name = "toy"', f'name = "{name}"').replace('charter = "demo"', f'charter = "{charter}"')
    text = text.replace('purpose = "research"', f'purpose = "{purpose}"')
    await federation.begin(text)
    await asyncio.sleep(90)
    step = home.campaigns.get(name).trials[0].steps[0]
    return str(step.state), step.reason


def test_agreements_and_grants_of_one_charter_are_worth_nothing_under_another(tmp_path: Path) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        await adopt(federation)
        nims = federation.places["nims"].running
        assert await first_step(federation, "a", CHARTER, "teaching") == ("refused", "purpose_not_covered")
        assert await first_step(federation, "b", OTHER, "research") == ("refused", "purpose_not_covered")
        # The team of that name has a grant under the first charter only.
        assert await first_step(federation, "c", OTHER, "teaching") == ("refused", "grant_exceeded")
        await nims.grants.award(SECOND, OFFICER)
        before = balance(nims.ledger.query, "grant-nims", nims.clock.now())
        assert (await first_step(federation, "d", OTHER, "teaching"))[0] == "ended"
        assert balance(nims.ledger.query, "grant-nims", nims.clock.now()) == before
        assert balance(nims.ledger.query, "second", nims.clock.now()).spent == Amounts.parse({"samples": "1"})
        for name in federation.places:
            await federation.crash(name)

    run_simulated(story())


def test_a_member_of_one_charter_hears_nothing_of_the_other(tmp_path: Path) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        await adopt(federation)
        await first_step(federation, "c", OTHER, "teaching")
        riken = federation.places["riken"].running
        assert {entry.header.charter for entry in riken.ledger.scan()} <= {"", CHARTER}
        with pytest.raises(Untrusted):
            riken.registry.federation(OTHER)
        with pytest.raises(NotFound):
            federation.places["argonne"].running.catalogue.contract_of(OTHER, "riken/toy.simulate@1")
        for name in federation.places:
            await federation.crash(name)

    run_simulated(story())


def test_who_leaves_one_charter_stays_in_the_other(tmp_path: Path) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        await adopt(federation)
        gone = without(federation.charter(), "nims")
        await federation.places["argonne"].running.publisher.publish(signed(gone, "argonne", "riken", "nims"), "o@a")
        await asyncio.sleep(60)
        argonne = federation.places["argonne"].running
        with pytest.raises(Untrusted):
            argonne.registry.keys_of(CHARTER, "nims")
        assert argonne.registry.keys_of(OTHER, "nims")
        assert await first_step(federation, "c", OTHER, "teaching") == ("refused", "grant_exceeded")
        for name in federation.places:
            await federation.crash(name)

    run_simulated(story())


def test_what_a_team_has_under_way_is_counted_under_each_charter_by_itself(tmp_path: Path) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        federation.places["nims"].most_open = 1
        await federation.start()
        await adopt(federation)
        nims = federation.places["nims"].running
        await nims.grants.award(SECOND, OFFICER)
        await nims.dispatcher.hold("operator@nims", "so that all that is accepted waits")
        assert await first_step(federation, "a", CHARTER, "research") == ("accepted", "")
        assert await first_step(federation, "b", OTHER, "teaching") == ("accepted", "")
        assert await first_step(federation, "c", OTHER, "teaching") == ("refused", "too_many_open")

    run_simulated(story())
