"""What one member makes another record is bounded in bytes, and what is read of it is bounded before it is read.

The sender's keys and receipts are good; what it signs is large, many, or costly to read.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.asking import build_mandate
from federation.shipping import at, begun, samples, spec, tell
from federation.test_budgets import _bytes
from federation.test_fuzzed_documents import _good, _send
from federation.test_shipping import says
from federation.toys import three_sites
from yosegi.core import canonical
from yosegi.core.clock import timestamp
from yosegi.core.errors import Invalid
from yosegi.exchange.budget import OVERHEAD, Rate
from yosegi.exchange.parcel import Message, Parcel, Refusal
from yosegi.exchange.peer_channel import PeerChannel
from yosegi.exchange.received import LONGEST, LONGEST_RECEIPT, MOST_PARTS
from yosegi.execution import tasks
from yosegi.ledger import Draft, Ledger, Write
from yosegi.services.document_kinds import TABLE, Row
from yosegi.services.runtime import Site
from yosegi.services.samples.entries import ASKED_FOR, sample_stream
from yosegi.testing.federation import CHARTER, Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import AuthorizationQuery, Cancel, Erase, Offer, Renewal, Request, Revocation
from yosegi.trust.samples import SampleToShip, ShipmentAsked
from yosegi.trust.token import Token

GOVERNING = ("charter", "statement", "agreement")
SENT = 12


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def _signed(site: Site, kind: type[Document], fields: dict[str, Any]) -> Envelope:
    return Envelope.sign(kind.payload_type, canonical.dumps(fields), site.catalogue.signer)


def _another(fields: dict[str, Any], kind: str, number: int) -> dict[str, Any]:
    """The same once more, under another key and about something else."""
    other = fields | ({"key": f"k{number}"} if "key" in fields else {})
    if kind in ("token", "renewal", "revocation"):
        other |= {"mandate": f"m{number}"}
    if kind == "erase":
        other |= {"subject": f"sha256:{number:064x}"}
    if kind == "sample-given":
        other |= {"sample": f"argonne/film-{number}"}
    return other


UNASKED = [row for row in TABLE if row.rate is not None and row.document.kind not in GOVERNING]


@pytest.mark.parametrize("row", UNASKED, ids=lambda row: row.document.kind)
def test_no_kind_of_document_leaves_more_than_is_counted_of_it(tmp_path: Path, row: Row) -> None:
    """Its own bytes, its receipt's, and `OVERHEAD`: the entries that it makes, and the answers to it."""

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        await asyncio.sleep(60)
        good = _good(federation, row.document)
        documents = [_signed(argonne, row.document, _another(good, row.document.kind, n)) for n in range(SENT)]
        before = riken.ledger.size
        await _send(argonne, riken, documents)
        counted = riken.exchange.budget._used["argonne", "bytes"][0]
        assert _bytes(riken.ledger, before) <= counted

    run_simulated(story())


def _large(federation: Federation, number: int, size: int) -> Envelope:
    """A question about policy, which is put on record, with agreements to add that fill so many bytes."""
    argonne = federation.places["argonne"].running
    good = _good(federation, AuthorizationQuery) | {"key": f"k{number}", "add": [{"name": "x" * size}]}
    return _signed(argonne, AuthorizationQuery, good)


def test_what_is_recorded_of_one_peer_is_bounded_in_bytes_whatever_its_documents_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 400_000
    monkeypatch.setattr("yosegi.exchange.inbox.RECORDED", Rate(burst=most, hourly=0))

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        before, good = riken.ledger.size, _good(federation, Revocation)
        fill = {"code": "mandate_ended", "en": "x" * 2000, "ja": "x" * 2000, "contact": "x" * 2000}
        documents = [
            _signed(argonne, Revocation, good | {"key": f"k{n}", "mandate": f"m{n}", "reason": fill})
            for n in range(100)
        ]
        await _send(argonne, riken, documents)
        assert most // 2 < _bytes(riken.ledger, before) <= most
        assert riken.exchange.budget.exceeded["argonne", "bytes"] > 0
        # It is no budget of anybody else.
        assert riken.exchange.budget.allows("nims", "bytes", Rate(burst=most, hourly=0), most - 50_000)

    run_simulated(story())


def test_large_requests_that_are_refused_are_told_and_recorded_up_to_their_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 300_000
    monkeypatch.setattr("yosegi.execution.admission.REFUSED_BYTES", Rate(burst=most, hourly=0))

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        good = _good(federation, Request) | {"capability": "riken/none@1", "inputs": {"x": "y" * 60_000}}
        before = riken.ledger.size
        await _send(argonne, riken, [_signed(argonne, Request, good | {"key": f"k{n}"}) for n in range(12)])
        recorded = [entry for entry in riken.ledger.scan(before) if entry.type == tasks.REFUSED]
        assert 1 <= len(recorded) < 4
        assert riken.exchange.budget.exceeded["argonne", "bytes of refused requests"] == 12 - len(recorded)

    run_simulated(story())


def test_a_document_larger_than_its_kind_ever_is_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Refusal] = []
    monkeypatch.setattr(PeerChannel, "refuse", lambda channel, refusal: told.append(refusal))

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        before = riken.ledger.size
        await _send(argonne, riken, [_large(federation, 1, LONGEST)])
        (refusal,) = told
        # For its size, before anybody has read that it is no agreement.
        assert f"and at most {LONGEST} are taken" in refusal.why
        assert not [entry for entry in riken.ledger.scan(before) if entry.actor == "argonne"]
        assert riken.exchange.budget._used["argonne", "refusals"][0] > 0.9

    run_simulated(story())


def test_a_receipt_larger_than_any_is_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Refusal] = []
    monkeypatch.setattr(PeerChannel, "refuse", lambda channel, refusal: told.append(refusal))

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        now = argonne.clock.now()
        item = Message(
            document=_signed(argonne, Offer, _good(federation, Offer)), receipt={"header": "x" * (LONGEST_RECEIPT + 1)}
        )
        parcel = Parcel(
            charter=CHARTER, sender="argonne", to="riken", key="k", issued=now, not_after=now + timedelta(minutes=2),
            messages=(item,),
        )  # fmt: skip
        await riken.exchange.handle(parcel.sign(argonne.catalogue.signer).to_bytes())
        (refusal,) = told
        assert f"and at most {LONGEST_RECEIPT} are taken" in refusal.why

    run_simulated(story())


def test_a_peer_of_whom_too_much_is_refused_is_not_looked_at_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Refusal] = []
    monkeypatch.setattr(PeerChannel, "refuse", lambda channel, refusal: told.append(refusal))
    monkeypatch.setattr("yosegi.exchange.inbox.REFUSALS", Rate(burst=3, hourly=0))

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        bad = [_signed(argonne, Cancel, {"nonsense": n}) for n in range(12)]
        await _send(argonne, riken, bad)
        assert len(told) == 3
        assert riken.exchange.budget.exceeded["argonne", "refusals"] == 12 - 3

    run_simulated(story())


def _never(_: Envelope) -> Offer:
    raise AssertionError("it was read")


@pytest.mark.parametrize("place", ["receipt", "document"])
def test_what_would_take_long_to_read_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A parcel of 1.6 MB whose values are many and tiny took a second of the event loop."""
    many = [{"b": 1}] * (MOST_PARTS // 2)

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        now = argonne.clock.now()
        fields = _good(federation, Offer) | ({"offers": many} if place == "document" else {})
        item = Message(document=_signed(argonne, Offer, fields), receipt={"a": many} if place == "receipt" else None)
        parcel = Parcel(
            charter=CHARTER, sender="argonne", to="riken", key="k", issued=now, not_after=now + timedelta(minutes=2),
            messages=(item,),
        )  # fmt: skip
        body = parcel.sign(argonne.catalogue.signer).to_bytes()
        if place == "receipt":
            with pytest.raises(Invalid, match=rf"a parcel: \d+ values, and at most {MOST_PARTS} are read"):
                await riken.exchange.handle(body)
        else:
            monkeypatch.setattr(Offer, "peek", _never)
            await riken.exchange.handle(body)
            assert riken.exchange.budget._used["argonne", "refusals"][0] > 0.9

    run_simulated(story())


def test_documents_without_a_rate_that_say_they_are_of_a_later_hour_are_noted_a_bounded_number_of_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yosegi.exchange.inbox.AHEAD", Rate(burst=5, hourly=0))

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        good = _good(federation, Request)
        await _send(argonne, riken, [_signed(argonne, Request, good)])
        later = argonne.clock.now() + timedelta(hours=3)
        said = {"issued": timestamp(later), "not_after": timestamp(later + timedelta(minutes=5))}
        cancel = _good(federation, Cancel) | said
        await _send(argonne, riken, [_signed(argonne, Cancel, cancel | {"reason": f"no more {n}"}) for n in range(30)])
        await asyncio.sleep(5)
        noted = [entry for entry in riken.ledger.scan() if entry.type == "exchange.signed_ahead"]
        assert sum(len(entry.facts["ids"]) for entry in noted) == 5

    run_simulated(story())


def test_a_renewal_tells_an_owner_nothing_of_a_mandate_that_names_nothing_of_its_own(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, nims = federation.places["argonne"].running, federation.places["nims"].running
        mandate = build_mandate(argonne, "secret", days=1, budget={}, capabilities=("riken/*",))
        await argonne.mandates.give(mandate, federation.member())
        now = nims.clock.now()
        asked = Renewal(
            charter=CHARTER, sender="nims", to="argonne", key="k", issued=now, not_after=now + timedelta(hours=1),
            mandate="secret",
        )  # fmt: skip
        draft = Draft(
            "evil.sent",
            {"send": {"to": "argonne", "id": asked.digest, "topic": "evil"}},
            {"document": asked.sign(nims.catalogue.signer).plain},
        )
        nims.channels.posted(await nims.ledger.append(Write("evil", None, (draft,), charter=CHARTER, actor="nims")))
        await asyncio.sleep(120)
        told = [entry for entry in argonne.ledger.read("telling/secret") if entry.body]
        (said,) = [Envelope.parsed(entry.body["document"]) for entry in told if entry.body]
        assert said.payload_type not in Token.payload_types
        assert Revocation.peek(said).reason.code == "mandate_unknown"

    run_simulated(story())


def test_what_peers_had_erased_is_not_looked_through_again_at_each_look_at_what_waits_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        good, erasure = _good(federation, Erase), riken.erasure
        await _send(argonne, riken, [_signed(argonne, Erase, _another(good, "erase", n)) for n in range(20)])
        assert len(erasure.all()) == 20
        assert erasure.waits_for_a_person() == []
        read = list[str]()

        def noted(ledger: Ledger, stream: str, *args: Any, **how: Any) -> Any:
            read.append(stream)
            return reading(ledger, stream, *args, **how)

        reading = Ledger.read
        monkeypatch.setattr(Ledger, "read", noted)
        assert erasure.waits_for_a_person() == []
        assert read == []

    run_simulated(story())


def test_a_request_to_ship_many_samples_costs_as_much_as_its_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(federation: Federation) -> None:
        await begun(federation, spec(1))
        monkeypatch.setattr("yosegi.services.samples.shipments.RECORDED", Rate(burst=8 * OVERHEAD, hourly=0))
        monkeypatch.setattr("yosegi.exchange.inbox.RECORDED", Rate(burst=1000 * OVERHEAD, hourly=0))
        (film,) = samples(federation, "riken")
        wanted = SampleToShip(sample=film.id, task=film.task, trial=1)
        for number in range(6):
            await says(
                federation, "argonne", ShipmentAsked, "riken", key=f"again-{number}", team="colour-team",
                campaign="films", destination="nims", samples=(wanted,),
            )  # fmt: skip
        entries = at(federation, "riken").ledger.read(sample_stream(film.id))
        assert len([entry for entry in entries if entry.type == ASKED_FOR]) < 1 + 4

    tell(tmp_path, story)
