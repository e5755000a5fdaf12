"""A member with valid keys cannot make another's ledger grow, nor keep it busy, beyond a stated budget an hour."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.governed import signed
from federation.test_refusals import forbid
from federation.toys import simulate, spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.capability import Capability
from yosegi.core.states import CampaignState, TaskState
from yosegi.exchange import sending
from yosegi.exchange.budget import Rate
from yosegi.exchange.passed_on import PASSED_ON
from yosegi.exchange.request_draft import RequestDraft
from yosegi.exchange.restore_sync import ANSWERED, ASKED, HEARD, LIFETIME, ReceiptRequest
from yosegi.execution import tasks
from yosegi.governance.agreements.agreement import Agreement
from yosegi.ledger import REFILLED, Ledger, Write
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import EPOCH, run_simulated
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Offer

_HEAD, _, _SOURCES = spec(4).partition('[[source]]\nname = "experiment"')
ONLY_SIMULATIONS = _HEAD + _SOURCES[_SOURCES.index("[[source]]") :]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def _bytes(ledger: Ledger, since: int = 0) -> int:
    """Of headers and bodies from an entry on."""
    return sum(len(entry.header_bytes) + len(entry.body_bytes or b"") for entry in ledger.scan(since))


async def _campaign(federation: Federation) -> Callable[[], CampaignState]:
    home = federation.places["argonne"].running
    await home.campaigns.start(parse_spec(ONLY_SIMULATIONS), federation.member())
    return lambda: home.campaigns.get("toy").state


async def _post(
    site: Site, type: str, to: str, number: int, document: Any, facts: dict[str, Any], stream: str = "evil"
) -> None:
    """Record and send a document as its sender's own program would."""
    envelope = document if isinstance(document, Envelope) else document.sign(site.catalogue.signer)
    draft = sending(type, to, f"evil/{number}", envelope, facts, {})
    site.channels.posted(await site.ledger.append(Write(stream, None, (draft,), charter=CHARTER, actor=site.name)))


async def _recall(site: Site, to: str, number: int, epoch: int) -> None:
    now = site.clock.now()
    document = ReceiptRequest(
        charter=CHARTER, sender=site.name, to=to, key=f"recall-{epoch}", issued=now + timedelta(microseconds=number),
        not_after=now + LIFETIME, epoch=epoch, size=0,
    )  # fmt: skip
    await _post(site, ASKED, to, number, document, {"epoch": epoch}, f"recall/{CHARTER}/{to}")


def test_sixty_requests_for_receipts_are_answered_a_few_times_in_little_and_nobody_waits_for_it(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        state = await _campaign(federation)
        while state() is not CampaignState.ENDED:
            await asyncio.sleep(5)
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        await riken.ledger.open_epoch(None, "operator@riken")
        before = argonne.ledger.size
        for number in range(60):
            await _recall(riken, "argonne", number, riken.ledger.epoch)
        await argonne.campaigns.start(parse_spec(spec(2).replace('"toy"', '"bystander"')), federation.member())
        await asyncio.sleep(300)
        assert argonne.campaigns.get("bystander").state is CampaignState.ENDED
        answers = [entry for entry in argonne.ledger.scan(before) if entry.type == ANSWERED]
        # The rate of this kind: eight at once, and four an hour.
        assert 0 < len(answers) <= 8
        receipts = answers[0].facts["receipts"]
        assert receipts > 4
        # What an answer holds is recorded as places: far less than the receipts, of which each has some 2 kB.
        assert all(len(answer.body_bytes or b"") < 2000 for answer in answers)
        # And yet it arrives whole, and is believed.
        heard = [entry for entry in riken.ledger.scan() if entry.type == HEARD]
        assert heard
        assert not [entry for entry in riken.ledger.scan() if entry.type == REFILLED]

    run_simulated(story())


def test_a_question_whose_ledger_is_not_in_the_epoch_it_names_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        await _recall(riken, "argonne", 1, 1000)
        await asyncio.sleep(30)
        assert not [entry for entry in argonne.ledger.scan() if entry.type == ANSWERED]
        assert riken.channels.channel(CHARTER, "argonne").waiting == 0

    run_simulated(story())


def _request(number: int, capability: Capability[Any, Any]) -> RequestDraft:
    return RequestDraft(
        charter=CHARTER, key=f"{number:016d}", team=TEAM, on_behalf_of="pi@argonne", purpose="research",
        capability=f"riken/{capability.contract.name}", contract=capability.contract, inputs={"x": 0.25},
    )  # fmt: skip


def test_requests_refused_faster_than_the_rate_are_told_and_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yosegi.execution.admission.REFUSED_ON_RECORD", Rate(burst=5, hourly=60))

    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["riken"].rules = {"a.cedar": forbid("nobody")}
        await federation.start()
        home, riken = federation.places["argonne"].running, federation.places["riken"].running
        for number in range(20):
            draft = home.authorizer.authorize(_request(number, simulate))
            await home.requests.ask(draft)
        await asyncio.sleep(60)
        recorded = [entry for entry in riken.ledger.scan() if entry.type == tasks.REFUSED]
        assert 5 <= len(recorded) <= 7
        ends = [home.requests.get("riken", f"{number:016d}") for number in range(20)]
        assert {end.state for end in ends} == {TaskState.REFUSED}
        # Those too that are not on record say why.
        assert {end.reasons[0].code for end in ends} == {"local_rule", "not_taken"}
        assert all("No." in end.reasons[0].en for end in ends)
        assert riken.exchange.budget.exceeded["argonne", "refused requests"] == 20 - len(recorded)
        # Nothing is held in memory of those that are on no record.
        gc.collect()
        assert not riken.repository._locks

    run_simulated(story())


def test_agreements_that_their_sender_alone_has_signed_are_not_kept(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        nims, riken = federation.places["nims"].running, federation.places["riken"].running
        before = nims.ledger.size
        for number in range(25):
            agreement = Agreement(
                charter=CHARTER, name=f"mine-{number}", version=1, title="Mine alone", teams=(TEAM,),
                parties=("riken",), capabilities=("riken/*",), purposes=("research",),
                valid_from=EPOCH - timedelta(days=1), valid_until=EPOCH + timedelta(days=300),
            )  # fmt: skip
            await _post(riken, PASSED_ON, "nims", number, signed(agreement, "riken"), {})
        await asyncio.sleep(120)
        assert riken.channels.channel(CHARTER, "nims").waiting == 0
        assert not [e for e in nims.ledger.scan(before) if e.type == "governance.accepted"]
        assert _bytes(nims.ledger, before) < 25 * 500

    run_simulated(story())


def test_a_kind_of_document_that_is_sent_too_often_waits_and_those_of_others_do_not(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        kinds, taken = argonne.exchange.inbox.kinds, []

        async def take(received: Any) -> None:
            taken.append(received.sender)

        kinds[Offer.payload_type] = replace(kinds[Offer.payload_type], rate=Rate(burst=3, hourly=60), handler=take)
        for number in range(10):
            now = riken.clock.now() + timedelta(microseconds=number)
            offer = Offer(
                charter=CHARTER, sender="riken", to="argonne", key=f"o{number}", issued=now,
                not_after=now + LIFETIME, offers=(),
            )  # fmt: skip
            await _post(riken, "capability.offering", "argonne", number, offer, {})
        state = await _campaign(federation)
        await asyncio.sleep(90)
        # Three at once and one a minute.
        assert 3 <= taken.count("riken") <= 5
        assert riken.channels.channel(CHARTER, "argonne").waiting >= 5
        while state() is not CampaignState.ENDED:
            await asyncio.sleep(5)
        await asyncio.sleep(600)
        assert taken.count("riken") == 10

    run_simulated(story())


@pytest.mark.parametrize("conduct", ["run", "suggest"])
def test_tasks_that_cost_nothing_are_admitted_up_to_a_rate_and_the_others_wait(tmp_path: Path, conduct: str) -> None:
    """A task of no cost, or one only suggested, is bounded by no grant; each leaves entries at its owner."""

    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["riken"].most_an_hour = 5
        await federation.start()
        home, riken = federation.places["argonne"].running, federation.places["riken"].running
        for number in range(12):
            draft = home.authorizer.authorize(replace(_request(number, simulate), conduct=conduct))
            await home.requests.ask(draft)
        await asyncio.sleep(60)
        admitted = [entry for entry in riken.ledger.scan() if entry.type == tasks.ACCEPTED]
        assert len(admitted) == 5
        assert riken.channels.channel(CHARTER, "argonne").trouble.startswith("room for task")
        # Nothing is lost: one more has room every twelve minutes.
        await asyncio.sleep(3600)
        admitted = [entry for entry in riken.ledger.scan() if entry.type == tasks.ACCEPTED]
        assert len(admitted) == 10

    run_simulated(story())
