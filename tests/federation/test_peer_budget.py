"""Every kind of attack of a member with valid keys leaves less in a ledger and in memory than is stated for one peer.

The numbers are those of `docs/security/threat-model.md`, made smaller for all of them alike so that an attack of a
second spends what takes an hour otherwise. The attacks are those of `benchmarks/hostile_peer.py`, and others.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.peer_budget import MEMORY, entries_within, recorded_within
from federation.test_fuzzed_documents import VALUES, _fields, _good, _mutants, _send
from federation.test_recorded_bytes import _another, _signed
from federation.toys import simulate, three_sites
from yosegi.core import canonical
from yosegi.core.clock import timestamp
from yosegi.core.errors import YosegiError
from yosegi.exchange.budget import Rate
from yosegi.exchange.outbox import Outgoing
from yosegi.exchange.parcel import Mail, Message, Parcel
from yosegi.exchange.peer_channel import Batch
from yosegi.governance.agreements.agreement import Agreement
from yosegi.ledger import Ledger
from yosegi.services.document_kinds import TABLE
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import EPOCH, run_simulated
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Cancel, Offer, Report, Request

SMALLER = 100
"""By how much the budgets are smaller here."""
SENT = 60
"""Documents of an attack: many times what is left of a rate."""
TASKS = 10

Attack = Callable[[Federation], Iterator[Envelope]]


@pytest.fixture(autouse=True)
def _smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """The budgets, a hundredth of what they are, where the program and where the sums of them read them."""
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)
    for place, name in (
        ("yosegi.exchange.inbox", "RECORDED"), ("yosegi.exchange.inbox", "AHEAD"),
        ("yosegi.execution.admission", "REFUSED_ON_RECORD"), ("yosegi.execution.admission", "REFUSED_BYTES"),
        ("yosegi.services.samples.shipments", "RECORDED"),
    ):  # fmt: skip
        less = _less(getattr(__import__(place, fromlist=[name]), name))
        monkeypatch.setattr(f"{place}.{name}", less)
        monkeypatch.setattr(f"federation.peer_budget.{name}", less)
    rows = tuple(row if row.rate is None else _row(row) for row in TABLE)
    monkeypatch.setattr("federation.peer_budget.TABLE", rows)
    monkeypatch.setattr("yosegi.services.document_kinds.TABLE", rows)
    monkeypatch.setattr("federation.peer_budget.TASKS", TASKS)


def _less(rate: Rate) -> Rate:
    return Rate(burst=max(2, rate.burst // SMALLER), hourly=max(2, rate.hourly // SMALLER))


def _row(row: Any) -> Any:
    return replace(row, rate=_less(row.rate))


def _argonne(federation: Federation) -> Site:
    return federation.places["argonne"].running


def _of_kind(kind: type[Document]) -> Attack:
    def attack(federation: Federation) -> Iterator[Envelope]:
        good = _good(federation, kind)
        for number in range(SENT):
            yield _signed(_argonne(federation), kind, _another(good, kind.kind, number))

    return attack


def _refusable(federation: Federation) -> Iterator[Envelope]:
    good = _good(federation, Request) | {"capability": "riken/none@1"}
    for number in range(SENT):
        yield _signed(_argonne(federation), Request, good | {"key": f"k{number}"})


def _large_refusable(federation: Federation) -> Iterator[Envelope]:
    good = _good(federation, Request) | {"capability": "riken/none@1", "inputs": {"x": "y" * 60_000}}
    for number in range(SENT):
        yield _signed(_argonne(federation), Request, good | {"key": f"k{number}"})


def _free_tasks(federation: Federation) -> Iterator[Envelope]:
    good = _good(federation, Request)
    for number in range(SENT):
        yield _signed(_argonne(federation), Request, good | {"key": f"k{number}"})


def _suggestions(federation: Federation) -> Iterator[Envelope]:
    good = _good(federation, Request) | {"conduct": "suggest"}
    for number in range(SENT):
        yield _signed(_argonne(federation), Request, good | {"key": f"k{number}"})


def _taken_back(federation: Federation) -> Iterator[Envelope]:
    for one in _free_tasks(federation):
        yield one
        key = canonical.loads(one.payload)["key"]
        yield _signed(_argonne(federation), Cancel, _good(federation, Cancel) | {"key": key})


def _thousands_of_contracts(federation: Federation) -> Iterator[Envelope]:
    contract = simulate.contract.model_dump(mode="json", exclude_none=True)
    for number in range(6):
        offers = [
            {"contract": contract | {"name": f"evil.c{number}x{n}@1"}, "status": {"available": True}}
            for n in range(1000)
        ]
        yield _signed(_argonne(federation), Offer, _good(federation, Offer) | {"key": f"k{number}", "offers": offers})


def _nested_schemas(federation: Federation) -> Iterator[Envelope]:
    doubling: dict[str, Any] = {"type": "object", "$defs": {"a0": {"type": "number"}}}
    for level in range(1, 40):
        doubling["$defs"][f"a{level}"] = {"allOf": [{"$ref": f"#/$defs/a{level - 1}"}] * 2}
    doubling["properties"] = {"x": {"$ref": "#/$defs/a39"}}
    contract = simulate.contract.model_dump(mode="json", exclude_none=True) | {"inputs": doubling}
    for number in range(SENT):
        offers = [{"contract": contract | {"name": f"evil.c{number}@1"}, "status": {"available": True}}]
        yield _signed(_argonne(federation), Offer, _good(federation, Offer) | {"key": f"k{number}", "offers": offers})


def _very_many_values(federation: Federation) -> Iterator[Envelope]:
    many = canonical.dumps([{"b": 1}] * 100_000)
    for _ in range(4):
        yield Envelope.sign(Offer.payload_type, many, _argonne(federation).catalogue.signer)


def _signed_alone(federation: Federation) -> Iterator[Envelope]:
    for number in range(SENT):
        yield Agreement(
            charter=CHARTER, name=f"mine-{number}", version=1, title="Mine alone", teams=(TEAM,), parties=("argonne",),
            capabilities=("argonne/*",), purposes=("research",),
            valid_from=EPOCH - timedelta(days=1), valid_until=EPOCH + timedelta(days=300),
        ).sign(*federation.governors("argonne"))  # fmt: skip


def _ahead(federation: Federation) -> Iterator[Envelope]:
    for shift in (timedelta(hours=3), timedelta(days=20), timedelta(days=-1), timedelta(days=4000)):
        then = _argonne(federation).clock.now() + shift
        said = {"issued": timestamp(then), "not_after": timestamp(then + timedelta(minutes=5))}
        for number in range(SENT // 4):
            good = _good(federation, Cancel) | said
            yield _signed(_argonne(federation), Cancel, good | {"reason": f"{number} {shift}"})


def _malformed(federation: Federation) -> Iterator[Envelope]:
    for row in TABLE:
        good = _good(federation, row.document)
        for number, mutant in enumerate(_mutants(good)):
            if number % 40 == 0:
                yield Envelope.sign(
                    row.document.payload_type, canonical.dumps(mutant), _argonne(federation).catalogue.signer
                )


def _reports_not_asked_for(federation: Federation) -> Iterator[Envelope]:
    for number in range(SENT):
        fields = _good(federation, Report) | {"key": f"k{number}", "reasons": [{"code": "x", "en": "y" * 2000}] * 20}
        yield _signed(_argonne(federation), Report, fields)


DOCUMENTS: dict[str, Attack] = {
    row.document.kind: _of_kind(row.document) for row in TABLE if _fields(row.document.kind)
}
DOCUMENTS |= {
    "requests that are refused": _refusable,
    "large requests that are refused": _large_refusable,
    "tasks that cost nothing": _free_tasks,
    "suggestions": _suggestions,
    "tasks that are taken back at once": _taken_back,
    "thousands of contracts": _thousands_of_contracts,
    "nested schemas": _nested_schemas,
    "very many values": _very_many_values,
    "agreements signed alone": _signed_alone,
    "dates far ahead and behind": _ahead,
    "malformed documents of every kind": _malformed,
    "reports not asked for": _reports_not_asked_for,
}


async def _documents(federation: Federation, attack: Attack) -> None:
    await _send(_argonne(federation), federation.places["riken"].running, list(attack(federation)))


async def _garbage_letters(federation: Federation) -> None:
    """From riken, left at argonne for nims, which dials out."""
    riken, argonne = federation.places["riken"].running, _argonne(federation)
    key = riken.registry.sealing_key_of(CHARTER, "nims")
    for first in range(0, 256, 64):
        letters = tuple(
            Mail(sender="riken", to="nims", id=f"l{n}", box=key.seal(b"rubbish", context=b"rubbish"))
            for n in range(first, first + 64)
        )
        channel = riken.channels.channel(CHARTER, "argonne")
        await argonne.exchange.handle(riken.exchange._codec.pack(channel, Batch(), mail=letters).to_bytes())
    await asyncio.sleep(60)


async def _old_letters(federation: Federation) -> None:
    """Sealed rightly, and out of date: what a site that was off for a week finds."""
    riken, argonne = federation.places["riken"].running, _argonne(federation)
    key, channel = riken.registry.sealing_key_of(CHARTER, "nims"), riken.channels.channel(CHARTER, "nims")
    inner = riken.exchange._codec.pack(channel, Batch(), lifetime=timedelta(seconds=1)).to_bytes()
    await asyncio.sleep(5)
    letters = tuple(
        Mail(sender="riken", to="nims", id=f"l{n}", box=key.seal(inner, context=b"mail riken nims")) for n in range(64)
    )
    carrier = riken.channels.channel(CHARTER, "argonne")
    await argonne.exchange.handle(riken.exchange._codec.pack(carrier, Batch(), mail=letters).to_bytes())
    await asyncio.sleep(60)


async def _replays(federation: Federation) -> None:
    """One document in two hundred parcels, and each parcel twice."""
    argonne, riken = _argonne(federation), federation.places["riken"].running
    await _documents(federation, _free_tasks)
    sent = argonne.ledger.read("evil")
    outs = [Outgoing(str(e.facts["send"]["id"]), CHARTER, "riken", "evil", e.sequence) for e in sent[:4]]
    channel = argonne.channels.channel(CHARTER, "riken")
    for _ in range(100):
        body = argonne.exchange._codec.pack(channel, Batch(messages=tuple(outs))).to_bytes()
        await riken.exchange.handle(body)
        for other in (body, body[:-7], b"x", b"[" * 5000):
            with pytest.raises(YosegiError):
                await riken.exchange.handle(other)


async def _malformed_receipts(federation: Federation) -> None:
    """Good documents under receipts that are none, of every JSON type."""
    argonne, riken = _argonne(federation), federation.places["riken"].running
    documents = list(_free_tasks(federation))
    for number, value in enumerate(VALUES):
        for receipt in (value, {"header": value, "checkpoint": value, "proof": value}):
            if not isinstance(receipt, dict):
                continue
            now = argonne.clock.now()
            parcel = Parcel(
                charter=CHARTER, sender="argonne", to="riken", key=f"p{number}{len(receipt)}", issued=now,
                not_after=now + timedelta(minutes=1),
                messages=tuple(Message(document=one, receipt=receipt) for one in documents),
            )  # fmt: skip
            await riken.exchange.handle(parcel.sign(argonne.catalogue.signer).to_bytes())


OTHERS: dict[str, Callable[[Federation], Awaitable[None]]] = {
    "garbage letters": _garbage_letters,
    "letters of last week": _old_letters,
    "replays and garbage": _replays,
    "malformed receipts": _malformed_receipts,
}


def _kept(ledger: Ledger, since: int) -> tuple[int, int]:
    """Entries since, and their bytes."""
    entries = list(ledger.scan(since))
    return len(entries), sum(len(one.header_bytes) + len(one.body_bytes or b"") for one in entries)


@pytest.mark.parametrize("name", [*DOCUMENTS, *OTHERS])
def test_an_attack_leaves_no_more_in_any_ledger_and_in_memory_than_is_stated(tmp_path: Path, name: str) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        for place in federation.places.values():
            place.most_an_hour = TASKS
        await federation.start()
        await asyncio.sleep(60)
        attacked = [federation.places[site].running for site in ("riken", "nims")]
        before = [site.ledger.size for site in attacked]
        tracemalloc.start()
        began = tracemalloc.get_traced_memory()[0]
        try:
            if name in DOCUMENTS:
                await _documents(federation, DOCUMENTS[name])
            else:
                await OTHERS[name](federation)
            await asyncio.sleep(120)
            gc.collect()
            now, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        hours = 0.1
        for site, size in zip(attacked, before, strict=True):
            entries, recorded = _kept(site.ledger, size)
            # What a site writes of itself in these minutes, without any attack, is a few entries.
            assert entries <= entries_within(hours) + 20, (site.name, entries)
            assert recorded <= recorded_within(hours) + 20 * 4096, (site.name, recorded)
        # The federation is one process: the attacker's memory counts too.
        assert most - began < MEMORY
        assert now - began < MEMORY // 8

    run_simulated(story())
