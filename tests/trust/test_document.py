"""Opening a signed document: each guard has a test that fails if it is removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from yosegi.core.errors import Invalid
from yosegi.trust.document import SKEW, Addressed, Document
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import by_id
from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
SIGNER = Ed25519Signer.from_seed(bytes(32))
KEYS = by_id([SIGNER.public])


class Note(Addressed):
    kind: ClassVar[str] = "note"
    text: str


class Lasting(Document):
    kind: ClassVar[str] = "lasting"
    needs: ClassVar = ("ed25519", "ml-dsa-65")
    text: str


def note(**changes: object) -> Note:
    fields = {
        "charter": "demo",
        "sender": "riken",
        "to": "argonne",
        "key": "k1",
        "issued": NOW,
        "not_after": NOW + timedelta(minutes=10),
        "text": "hello",
    }
    return Note(**(fields | changes))


def open_note(envelope, **changes):
    return Note.open(envelope, KEYS, **({"now": NOW, "to": "argonne", "charter": "demo", "sender": "riken"} | changes))


def test_what_was_signed_is_what_is_read():
    assert open_note(note().sign(SIGNER)) == note()


def test_the_payload_type_names_kind_and_version():
    assert Note.payload_type == "application/vnd.yosegi.note.v1+json"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"charter": "other"}, "wrong_charter"),
        ({"to": "nims"}, "wrong_addressee"),
        ({"sender": "nims"}, "wrong_sender"),
        ({"now": NOW - SKEW - timedelta(seconds=1)}, "document_not_yet_valid"),
        ({"now": NOW + timedelta(minutes=10) + SKEW + timedelta(seconds=1)}, "document_expired"),
    ],
)
def test_what_was_signed_for_elsewhere_or_another_time_is_refused(changes, reason):
    with pytest.raises(Untrusted) as caught:
        open_note(note().sign(SIGNER), **changes)
    assert caught.value.reason == reason


@pytest.mark.parametrize("now", [NOW - SKEW, NOW + timedelta(minutes=10) + SKEW])
def test_clocks_may_differ_by_thirty_seconds(now):
    assert open_note(note().sign(SIGNER), now=now) == note()


def test_a_document_of_another_kind_is_refused():
    with pytest.raises(Untrusted) as caught:
        Note.open(Lasting(text="x").sign(SIGNER), KEYS, now=NOW)
    assert caught.value.reason == "wrong_payload_type"


def test_a_kind_that_must_last_needs_both_algorithms():
    second = MlDsa65Signer.from_seed(bytes(32))
    with pytest.raises(Untrusted) as caught:
        Lasting.open(Lasting(text="x").sign(SIGNER), KEYS, now=NOW)
    assert caught.value.reason == "algorithm_missing"
    keys = KEYS | by_id([second.public])
    assert Lasting.open(Lasting(text="x").sign(SIGNER, second), keys, now=NOW).text == "x"


def test_nothing_in_a_document_is_read_before_its_signature_holds():
    forged = note().sign(SIGNER).model_copy(update={"payload": b"not even json"})
    with pytest.raises(Untrusted) as caught:
        open_note(forged)
    assert caught.value.reason == "bad_signature"


def test_an_unknown_field_is_refused_though_signed():
    payload = note().to_bytes()[:-1] + b',"zz":1}'
    envelope = note().sign(SIGNER)
    signed = type(envelope).sign(Note.payload_type, payload, SIGNER)
    with pytest.raises(Invalid, match="zz"):
        open_note(signed)


@pytest.mark.parametrize("life", [timedelta(), -timedelta(seconds=1), timedelta(days=8)])
def test_a_document_lives_for_a_sane_time(life):
    with pytest.raises(ValueError, match="must end"):
        note(not_after=NOW + life)


def test_a_moment_without_offset_is_refused():
    with pytest.raises(ValueError, match="offset"):
        note(issued=datetime(2026, 11, 21))  # noqa: DTZ001


def test_another_kind_cannot_even_be_peeked_into():
    with pytest.raises(Untrusted) as caught:
        Note.peek(Lasting(text="x").sign(SIGNER))
    assert caught.value.reason == "wrong_payload_type"


def test_the_claimed_sender_can_be_read_to_find_its_keys():
    assert Note.peek(note().sign(SIGNER)).sender == "riken"
