"""Sites of two versions: what one does not speak it refuses in words, and the rest goes on.

See docs/explanation/versions.md.
The older site is today's, stating what the first version stated, with the handlers of all that it does not know taken
out, and what it does know read by the first version's own fields: whatever else is in a document is refused.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from federation.test_refusals import asked
from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Conflict, Invalid
from yosegi.core.states import TaskState, TrialState
from yosegi.exchange import Received
from yosegi.exchange.outbox import REFUSED, sending
from yosegi.exchange.received import Handler
from yosegi.exchange.requests import MADE
from yosegi.identity.accounts import Session
from yosegi.ledger import Write
from yosegi.services.document_kinds import FORMATS
from yosegi.testing.federation import CHARTER, Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.document import Addressed
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Cancel, Offer, Report, Request
from yosegi.verification.bundle import read_bundle, verify_bundle

FIRST_SET = tuple(kind.payload_types[0] for kind in (Request, Report, Cancel, Offer))
"""What the first version spoke: tests/ledger/golden/v0.1 holds documents of these kinds."""
ADDRESSED = {"charter", "sender", "to", "key", "issued", "not_after"}
FIRST_FIELDS = {
    Request.kind: ADDRESSED
    | {"team", "on_behalf_of", "agent", "purpose", "campaign", "capability", "contract", "inputs", "sensitivity"},
    Report.kind: ADDRESSED | {"request", "state", "reasons", "outcome", "charged", "sensitivity", "simulated"},
}
"""What stood in these documents in the first version (`trust/messages.py` as commit 1c66a08 has it)."""
NEXT = "application/vnd.yosegi.request.v9+json"


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def make_older(federation: Federation, site: str) -> None:
    """From now on a site knows the first set of kinds, with the fields they had, and no other."""
    kinds = federation.places[site].running.exchange.inbox.kinds
    for payload_type in set(kinds) - set(FIRST_SET):
        del kinds[payload_type]
    for kind in (Request, Report):
        row = kinds[kind.payload_types[0]]
        kinds[kind.payload_types[0]] = replace(row, handler=closed(row.handler, FIRST_FIELDS[kind.kind]))


def closed(handler: Handler, fields: set[str]) -> Handler:
    """A handler that refuses whatever has a field it does not know."""

    async def take(received: Received[Any]) -> None:
        if unknown := set(json.loads(received.envelope.payload)) - fields:
            raise Invalid("a document", f"unknown fields {sorted(unknown)}")
        await handler(received)

    return take


async def with_older(folder: Path, name: str) -> Federation:
    """Three sites that run, one of which is of the first version and says so."""
    federation = three_sites(folder)
    federation.places[name] = replace(federation.places[name], formats=FIRST_SET)
    await federation.start()
    make_older(federation, name)
    return federation


@pytest.mark.parametrize("capability", ["riken/toy.simulate@1", "nims/toy.make@1"])
def test_an_owner_that_speaks_the_older_set_does_the_work(tmp_path: Path, capability: str) -> None:
    async def story() -> None:
        federation = await with_older(tmp_path, capability.partition("/")[0])
        answer = await asked(federation, capability)
        assert answer.outcome is not None
        assert answer.outcome.outputs

    run_simulated(story())


def test_a_home_site_that_speaks_the_older_set_gets_its_answers(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await with_older(tmp_path, "argonne")
        answer = await asked(federation, "riken/toy.simulate@1")
        assert answer.outcome is not None
        assert answer.outcome.outputs

    run_simulated(story())


def test_a_campaign_under_a_mandate_is_done_by_an_owner_of_the_first_version(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await with_older(tmp_path, "nims")
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(2)), federation.member())
        await asyncio.sleep(300)
        campaign = home.campaigns.get("toy")
        assert [trial.state for trial in campaign.trials] == [TrialState.COMPLETED] * 2
        made = [entry for entry in home.ledger.scan() if entry.type == MADE]
        assert all(entry.facts["mandate"] for entry in made)
        sent = [Envelope.read((entry.body or {})["document"]).payload_type for entry in made]
        assert sent == [Request.payload_types[0]] * 4
        verify_bundle(read_bundle(await home.campaigns.export("toy")))

    run_simulated(story())


def test_what_an_owner_of_the_first_version_holds_under_a_cancelled_mandate_is_taken_back(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await with_older(tmp_path, "nims")
        home, nims = federation.places["argonne"].running, federation.places["nims"].running
        await nims.dispatcher.hold("operator@nims", "so that all that is accepted waits")
        await home.campaigns.start(parse_spec(spec(2)), federation.member())
        await asyncio.sleep(60)
        waiting = nims.tasks.list("accepted")
        assert waiting
        (mandate,) = {row["mandate"] for row in home.ledger.query("SELECT mandate FROM request")}
        await home.mandates.cancel(mandate, "over", federation.member())
        await asyncio.sleep(60)
        assert not nims.tasks.list("accepted")
        assert len(nims.tasks.list("cancelled")) == len(waiting)

    run_simulated(story())


@pytest.mark.parametrize("conduct", ["suggest", "approve"])
def test_an_owner_that_would_not_understand_how_far_to_go_is_not_asked(tmp_path: Path, conduct: str) -> None:
    async def story() -> None:
        federation = await with_older(tmp_path, "nims")
        told = await asked(federation, "nims/toy.make@1", conduct=conduct)
        assert told.state is TaskState.REFUSED
        (reason,) = told.reasons
        assert reason.code == "format_not_spoken"
        assert Request.payload_types[1] in reason.en
        assert "nims" in reason.ja
        assert not list(federation.places["nims"].running.ledger.streams("task/"))

    run_simulated(story())


def test_an_owner_that_speaks_no_version_of_a_request_is_not_asked(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["riken"] = replace(federation.places["riken"], formats=(Offer.payload_type,))
        await federation.start()
        told = await asked(federation, "riken/toy.simulate@1")
        assert [reason.code for reason in told.reasons] == ["format_not_spoken"]

    run_simulated(story())


def test_asking_an_older_owner_again_with_the_same_key_changes_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await with_older(tmp_path, "riken")
        clearances = ("quantum-eligible",)
        first = await asked(federation, "riken/toy.simulate@1", clearances=clearances)
        again = await asked(federation, "riken/toy.simulate@1", clearances=clearances)
        assert again.position == first.position

    run_simulated(story())


def test_a_site_states_every_kind_of_document_that_it_takes(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        assert set(federation.places["argonne"].running.exchange.inbox.kinds) == set(FORMATS)

    run_simulated(story())


def test_an_amount_is_not_set_apart_for_a_site_that_knows_nothing_of_moves(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await with_older(tmp_path, "riken")
        nims = federation.places["nims"].running
        before = nims.ledger.position("grant/grant-nims")
        boss = Session("officer@nims", "officer", float("inf"), "")
        with pytest.raises(Conflict, match="states no format"):
            await nims.grants.move("grant-nims", "all", "riken", "there", {"samples": "1"}, "why", boss)
        assert nims.ledger.position("grant/grant-nims") == before

    run_simulated(story())


def test_a_site_whose_statement_is_older_than_its_program_is_told_what_to_do(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["nims"] = replace(federation.places["nims"], formats=FIRST_SET)
        federation.places["riken"] = replace(federation.places["riken"], formats=FORMATS)
        await federation.start()
        offices = {name: place.running.governance for name, place in federation.places.items()}
        warnings = {name: governance.charter(CHARTER).warnings for name, governance in offices.items()}
        assert ["yosegi charter state" in text for text in warnings["nims"]] == [True]
        assert not warnings["riken"]

    run_simulated(story())


async def send_next(federation: Federation) -> str:
    """argonne sends riken a request in the form of a version to come; its digest."""
    home = federation.places["argonne"].running
    now = home.clock.now()
    fields = {"charter": CHARTER, "sender": "argonne", "to": "riken", "key": "0" * 16}
    document = Addressed(issued=now, not_after=now + Addressed.longest, **fields)  # type: ignore[arg-type]
    envelope = document.sign(federation.signer("argonne")).model_copy(update={"payload_type": NEXT})
    draft = sending("test.next", "riken", "test/next", envelope, {}, {})
    home.channels.posted(await home.ledger.append(Write("test", 0, (draft,), charter=CHARTER, actor="argonne")))
    return envelope.payload_digest


def test_a_document_of_a_version_to_come_is_refused_in_words_and_not_sent_for_ever(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        heard: list[str] = []
        link = federation.places["riken"].running.channels.channel(CHARTER, "argonne")
        refuse = link.refuse
        link.refuse = lambda refusal: (heard.append(refusal.why), refuse(refusal))[1]  # type: ignore[method-assign]
        digest = await send_next(federation)
        await asyncio.sleep(120)
        home = federation.places["argonne"].running
        assert heard == [f"{NEXT} is not spoken here"]
        assert home.channels.channel(CHARTER, "riken").waiting == 0
        settled = [e for e in home.ledger.read(f"exchange/{CHARTER}") if e.type == REFUSED]
        assert any(digest in str(e.facts["ids"]) for e in settled)

    run_simulated(story())


def test_beside_what_it_does_not_know_an_older_site_does_the_rest(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await send_next(federation)
        answer = await asked(federation, "riken/toy.simulate@1")
        assert answer.outcome is not None

    run_simulated(story())
