"""Every field of every kind of signed document, with values of every JSON type, through a running site.

The sender's keys and receipts are good; only what is signed is not of its form. Each is answered, none is a fault of
the program, little is recorded of them, and the campaign of a bystander goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.toys import simulate, spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core import canonical
from yosegi.core.clock import timestamp
from yosegi.core.states import CampaignState
from yosegi.exchange.budget import Rate
from yosegi.exchange.outbox import Outgoing
from yosegi.exchange.parcel import MOST_MESSAGES
from yosegi.exchange.peer_channel import Batch
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.charter import Charter
from yosegi.governance.charter.statement import Statement
from yosegi.ledger import Draft, Write
from yosegi.services.document_kinds import TABLE
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.token import Token

TOKEN_LIFE = timedelta(minutes=5)
DIGEST = "sha256:" + "0" * 64
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    2**53 - 1,
    "",
    "x",
    [],
    ["x"],
    [None],
    {},
    {"a": 1},
    [[]],
    {"a": [{}]},
)
"""Of every JSON type, empty and not; `None` stands for the field left out, too."""


def _fields(kind: str) -> dict[str, Any]:
    """What makes a document of a kind beside what all addressed ones have; good enough to get past the form."""
    person = {"team": TEAM, "on_behalf_of": "pi@argonne", "purpose": "research"}
    return {
        "request": person | {
            "capability": "riken/toy.simulate@1", "contract": simulate.contract.digest, "inputs": {"x": 0.25},
            "sensitivity": "team",
        },
        "report": {
            "request": DIGEST, "state": "completed", "reasons": [], "charged": {}, "sensitivity": "team",
            "simulated": True, "outcome": {"effect": "done", "result": "valid", "outputs": {"y": 1.0}},
        },
        "cancel": {"reason": "no more"},
        "offer": {"offers": [{"contract": simulate.contract.model_dump(mode="json", exclude_none=True),
                              "status": {"available": True}}]},
        "renewal": {"mandate": "m"},
        "revocation": {"mandate": "m", "reason": {"code": "mandate_ended"}},
        "would-you": person | {"conduct": "run", "sensitivity": "public", "capabilities": ["riken/toy.simulate@1"]},
        "would": {"answers": [{"capability": "riken/toy.simulate@1", "allow": True}]},
        "erase": {"what": "object", "subject": DIGEST, "reason": ""},
        "erased": {"what": "object", "subject": DIGEST, "gone": [], "waiting": [], "not_taken": []},
        "sample-given": {"sample": "argonne/film", "team": TEAM, "label": "", "condition": "good", "note": "",
                         "parents": ["argonne/wafer"]},
        "sample-received": {"sample": "argonne/film", "given": DIGEST, "condition": "good", "note": ""},
        "shipment-asked": {"team": TEAM, "campaign": "films", "destination": "nims",
                           "samples": [{"sample": "riken/film", "task": "k", "trial": 1}]},
        "sample-moved": {"campaign": "toy", "sample": "argonne/film", "state": "in_transit", "holder": "argonne",
                         "given_to": "riken", "position": 3, "words": [], "note": ""},
        "reservation-asked": person | {
            "capability": "riken/toy.simulate@1", "campaign": "tuning", "starts": "2026-12-07T00:00:00.000000Z",
            "ends": "2026-12-07T08:00:00.000000Z", "clearances": ["export-a"],
        },
        "reservation-cancel": {"reason": "the sample broke"},
        "reservation-report": {
            "asked": DIGEST, "state": "settled", "instrument": "beam", "ends": "2026-12-07T08:00:00.000000Z",
            "held": {"instrument_h": 8000}, "spent": {"instrument_h": 8000}, "position": 2, "reasons": [], "why": "",
        },
        "recall": {"epoch": 1, "size": 0},
        "recalled": {"receipts": [], "awaited": []},
        "mail-refusals": {"refused": [{"sender": "nims", "letters": 3}]},
        "transfer": {"grant": "g", "into": "grant-riken", "team": TEAM, "amounts": {"samples": "1"}, "reason": ""},
        "transfer-answer": {"accepted": True, "transfer": DIGEST, "why": ""},
    }.get(kind, {})  # fmt: skip


def _good(federation: Federation, kind: type[Document]) -> dict[str, Any]:
    """One of a kind that argonne could have made for riken."""
    site, to = federation.places["argonne"].running, "riken"
    for founding in federation.documents():
        if founding.payload_type in kind.payload_types:
            found: dict[str, Any] = canonical.as_doubles(canonical.loads(founding.payload))
            return found
    now = site.clock.now()
    if kind is Token:
        minted = {"charter": CHARTER, "issuer": "argonne", "audience": to, "person": "pi@argonne", "team": TEAM}
        holder = site.catalogue.signer.public.model_dump(mode="json")
        return minted | {
            "mandate": "m", "holder": holder, "issued": timestamp(now), "not_after": timestamp(now + TOKEN_LIFE)
        }  # fmt: skip
    dates = {"issued": timestamp(now), "not_after": timestamp(now + timedelta(minutes=5))}
    return {"charter": CHARTER, "sender": site.name, "to": to, "key": "k"} | dates | _fields(kind.kind)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document, at every depth."""
    if path:
        yield path
    if isinstance(value, dict):
        for name in value:
            yield from _places(value[name], (*path, name))
    elif isinstance(value, list):
        for number in range(len(value)):
            yield from _places(value[number], (*path, number))


def _with(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _with(value[path[0]], path[1:], other)
    return copy


def _mutants(good: dict[str, Any]) -> Iterator[Any]:
    yield from VALUES
    for number, path in enumerate(_places(good)):
        # A schema's own parts are fuzzed by themselves (tests/core/test_schema.py): here one value each is enough.
        for other in VALUES if len(path) <= 3 else (VALUES[number % len(VALUES)],):
            yield _with(good, path, other)


async def _send(site: Site, to: Site, documents: list[Envelope]) -> int:
    """Record documents and bring them in parcels, each with its receipt; how many parcels it took."""
    drafts = tuple(
        Draft("evil.sent", {"send": {"to": to.name, "id": one.payload_digest, "topic": "evil"}},
              {"document": one.plain})
        for one in documents
    )  # fmt: skip
    entries = await site.ledger.append(Write("evil", None, drafts, charter=CHARTER, actor=site.name))
    outs = [Outgoing(str(e.facts["send"]["id"]), CHARTER, to.name, "evil", e.sequence) for e in entries]
    channel = site.channels.channel(CHARTER, to.name)
    for first in range(0, len(outs), MOST_MESSAGES):
        parcel = site.exchange._codec.pack(channel, Batch(messages=tuple(outs[first : first + MOST_MESSAGES])))
        await to.exchange.handle(parcel.to_bytes())
    return -(-len(outs) // MOST_MESSAGES)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.document.kind)
def test_whatever_stands_in_a_signed_document_is_answered_and_no_fault_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, row: Any
) -> None:
    kind: type[Document] = row.document
    # What the budgets refuse to look at is no test of what looks at it.
    monkeypatch.setattr("yosegi.exchange.inbox.REFUSALS", Rate(burst=10**6, hourly=10**6))
    monkeypatch.setattr("yosegi.execution.admission.REFUSED_ON_RECORD", Rate(burst=10**6, hourly=10**6))
    caplog.set_level(logging.ERROR)

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, riken = federation.places["argonne"].running, federation.places["riken"].running
        kinds = riken.exchange.inbox.kinds
        for payload_type in kind.payload_types:
            object.__setattr__(kinds[payload_type], "rate", None)
        await argonne.campaigns.start(parse_spec(spec(2)), federation.member())
        governs = kind in (Charter, Statement, Agreement)
        signers = federation.governors("argonne") if governs else (argonne.catalogue.signer,)
        documents = [
            Envelope.sign(kind.payload_type, canonical.dumps(mutant), *signers)
            for mutant in _mutants(_good(federation, kind))
        ]
        before = riken.ledger.size
        await _send(argonne, riken, documents)
        channel = riken.channels.channel(CHARTER, "argonne")
        assert "a fault of this site" not in channel.trouble
        grown = sum(len(e.body_bytes or b"") + len(e.header_bytes) for e in riken.ledger.scan(before))
        assert grown < 16 * 1024 * len(documents)
        await _bystander_ends(federation)

    run_simulated(story())
    assert [record.getMessage() for record in caplog.records] == []


async def _bystander_ends(federation: Federation) -> None:
    home = federation.places["argonne"].running
    for _ in range(60):
        if home.campaigns.get("toy").state is CampaignState.ENDED:
            return
        await asyncio.sleep(5)
    raise AssertionError(home.campaigns.get("toy").state)
