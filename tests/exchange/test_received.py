"""A message counts only if every rule of `yosegi.exchange.received` holds, whatever its sender signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.ledgers import Book, site
from governance.world import NOW
from yosegi.core.errors import Invalid, YosegiError
from yosegi.exchange.outbox import sending
from yosegi.exchange.parcel import Message
from yosegi.exchange.received import (
    Arrival,
    DocumentKind,
    Received,
    believed_by_its_own_signatures_only,
    carried,
    verify,
)
from yosegi.ledger import Draft, Write
from yosegi.services.document_kinds import FORMATS, TABLE
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import by_id
from yosegi.trust.messages import Cancel
from yosegi.trust.signer import Ed25519Signer

NIMS, THIEF = Ed25519Signer.from_seed(bytes(32)), Ed25519Signer.from_seed(b"\1" * 32)
FIELDS: dict[str, Any] = {
    "charter": "demo", "sender": "nims", "to": "riken", "key": "k1", "reason": "enough",
    "issued": NOW, "not_after": NOW + timedelta(hours=1),
}  # fmt: skip


async def _nothing(received: Received[Any]) -> None:
    """Keep it."""


CANCEL = DocumentKind(Cancel, _nothing)
ARRIVAL = Arrival("riken", "demo", "nims", by_id([NIMS.public]), NOW)


@dataclass
class Sender:
    """A site of which only its ledger is real: it may write and sign whatever it likes."""

    book: Book

    def message(self, envelope: Envelope, facts: dict[str, Any] | None = None, **recorded: str) -> Message:
        """A document with the receipt of the entry that sends it, or of one with other facts."""
        to = recorded.get("to", "riken")
        draft = sending("test.sent", to, "t", envelope, {}, {})
        if facts is not None:
            draft = Draft("test.sent", facts, draft.body)
        write = Write("sent", None, (draft,), recorded.get("charter", "demo"), "nims")
        (entry,) = self.book.run(self.book.ledger.append(write))
        return Message(document=envelope, receipt=self.book.ledger.receipt(entry.sequence).model_dump(mode="json"))


@pytest.fixture
def nims(tmp_path: Path) -> Iterator[Sender]:
    with site(tmp_path) as book:
        yield Sender(book)


def cancel(signer: Ed25519Signer = NIMS, **changes: Any) -> Envelope:
    return Cancel(**(FIELDS | changes)).sign(signer)


def test_a_message_for_which_every_rule_holds_is_handed_on_typed(nims: Sender) -> None:
    received = verify(CANCEL, nims.message(cancel()), ARRIVAL)
    assert isinstance(received.document, Cancel)
    assert (received.document.key, received.sender, received.charter) == ("k1", "nims", "demo")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"to": "argonne"}, "wrong_addressee"),
        ({"sender": "argonne"}, "wrong_sender"),
        ({"charter": "other"}, "wrong_charter"),
        ({"issued": NOW - timedelta(hours=2), "not_after": NOW - timedelta(hours=1)}, "document_expired"),
        ({"issued": NOW + timedelta(days=61), "not_after": NOW + timedelta(days=62)}, "document_not_yet_valid"),
        ({"signer": THIEF}, "unknown_key"),
    ],
)
def test_a_document_of_another_place_time_or_key_is_refused(nims: Sender, changes: dict[str, Any], reason: str) -> None:
    message = nims.message(cancel(**changes))
    with pytest.raises(Untrusted) as refused:
        verify(CANCEL, message, ARRIVAL)
    assert refused.value.reason == reason


@pytest.mark.parametrize("ahead", [timedelta(hours=9), timedelta(days=40)])
def test_what_was_made_while_its_senders_clock_was_ahead_counts_from_when_it_is_brought(
    nims: Sender, ahead: timedelta
) -> None:
    early = cancel(issued=NOW + ahead, not_after=NOW + ahead + timedelta(hours=1))
    assert verify(CANCEL, nims.message(early), ARRIVAL).document.key == "k1"


WRONG: dict[str, Callable[[Sender], Message]] = {
    "no receipt": lambda nims: Message(document=cancel()),
    "a receipt for another message": lambda nims: Message(
        document=cancel(), receipt=nims.message(cancel(key="k2")).receipt
    ),
    "a receipt for another site": lambda nims: nims.message(cancel(), to="argonne"),
    "a receipt under another charter": lambda nims: nims.message(cancel(), charter="other"),
    "a receipt of an entry that sends nothing": lambda nims: nims.message(cancel(), facts={}),
    "send is a text": lambda nims: nims.message(cancel(), facts={"send": "x"}),
    "send is a list": lambda nims: nims.message(cancel(), facts={"send": ["riken"]}),
    "send is a number": lambda nims: nims.message(cancel(), facts={"send": 3}),
    "send is null": lambda nims: nims.message(cancel(), facts={"send": None}),
    "the receipt is no receipt": lambda nims: Message(document=cancel(), receipt={"header": []}),
}


@pytest.mark.parametrize("wrong", list(WRONG))
def test_a_message_without_a_receipt_for_it_is_refused_whatever_its_facts_look_like(nims: Sender, wrong: str) -> None:
    with pytest.raises(YosegiError):
        verify(CANCEL, WRONG[wrong](nims), ARRIVAL)


def test_a_receipt_that_the_sender_did_not_sign_is_refused(nims: Sender) -> None:
    message = nims.message(cancel())
    with pytest.raises(Untrusted):
        verify(CANCEL, message, replace(ARRIVAL, keys=by_id([THIEF.public])))


def test_a_document_that_another_carries_is_judged_as_of_when_it_was_issued(nims: Sender) -> None:
    outer = verify(CANCEL, nims.message(cancel()), ARRIVAL)
    late = replace(ARRIVAL, now=NOW + timedelta(days=30))
    assert carried(Cancel, cancel(key="old"), outer, late).document.key == "old"
    with pytest.raises(Untrusted) as refused:
        carried(Cancel, cancel(sender="argonne"), outer, late)
    assert refused.value.reason == "wrong_sender"


def test_each_payload_type_is_in_the_table_once() -> None:
    assert len(FORMATS) == len(set(FORMATS))


def test_only_documents_of_governance_are_not_verified_by_the_inbox() -> None:
    unverified = {row.document.kind for row in TABLE if row.verify is believed_by_its_own_signatures_only}
    assert unverified == {"charter", "statement", "agreement"}


def test_a_message_of_the_wrong_form_names_what_it_is(nims: Sender) -> None:
    with pytest.raises(Invalid, match="no receipt"):
        verify(CANCEL, Message(document=cancel()), ARRIVAL)
