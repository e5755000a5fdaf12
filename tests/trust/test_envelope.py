"""DSSE envelopes. The vectors are those of the specification (secure-systems-lab/dsse, protocol.md and envelope.md)."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yosegi.core.errors import Invalid
from yosegi.trust.envelope import Envelope, Signature, pae
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import by_id
from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer

KIND = "application/vnd.yosegi.test.v1+json"
ALICE, BOB, CAROL = (Ed25519Signer.from_seed(bytes([n]) * 32) for n in (1, 2, 3))
LASTING = MlDsa65Signer.from_seed(bytes([4]) * 32)
KEYS = by_id([ALICE.public, BOB.public, LASTING.public])


def reason_of(envelope: Envelope, **options: object) -> str:
    with pytest.raises(Untrusted) as caught:
        envelope.verify(KEYS, **({"payload_type": KIND} | options))
    return caught.value.reason


def test_the_encoding_is_that_of_the_specification():
    # protocol.md, "Test Vectors".
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_the_encoding_counts_bytes_and_not_letters():
    # protocol.md: LEN(s) is the length in bytes of the UTF-8 encoding.
    assert pae("寄木", "寄".encode()) == b"DSSEv1 6 " + "寄木".encode() + b" 3 " + "寄".encode()


@given(st.tuples(st.text(max_size=8), st.binary(max_size=12)), st.tuples(st.text(max_size=8), st.binary(max_size=12)))
def test_two_different_pairs_never_share_an_encoding(one, other):
    assert (pae(*one) == pae(*other)) == (one == other)


def test_the_payload_of_the_specification_reads_in_either_base64_alphabet():
    # envelope.md: consumers accept standard and URL-safe base64.
    signed = {"keyid": "k", "algorithm": "ed25519", "sig": "+/+/"}
    for sig in ("+/+/", "-_-_"):
        envelope = Envelope.read(
            {
                "payload": "aGVsbG8gd29ybGQ=",
                "payloadType": "http://example.com/HelloWorld",
                "signatures": [signed | {"sig": sig}],
            }
        )
        assert envelope.payload == b"hello world"
        assert envelope.signatures[0].sig == base64.b64decode("+/+/")


def test_what_was_signed_comes_back():
    envelope = Envelope.sign(KIND, b'{"a":1}', ALICE)
    assert Envelope.read(envelope.to_bytes()).verify(KEYS, payload_type=KIND) == b'{"a":1}'


def test_it_travels_in_the_standard_form():
    assert set(Envelope.sign(KIND, b"{}", ALICE).model_dump(mode="json")) == {"payload", "payloadType", "signatures"}


def test_both_algorithms_verify_together():
    envelope = Envelope.sign(KIND, b"{}", ALICE, LASTING)
    assert envelope.verify(KEYS, payload_type=KIND, needs=("ed25519", "ml-dsa-65")) == b"{}"


def test_a_missing_second_algorithm_is_refused():
    assert reason_of(Envelope.sign(KIND, b"{}", ALICE), needs=("ed25519", "ml-dsa-65")) == "algorithm_missing"


def test_without_any_signature_it_is_refused():
    assert reason_of(Envelope.sign(KIND, b"{}")) == "not_signed"


def test_an_extra_signature_by_a_stranger_is_refused():
    assert reason_of(Envelope.sign(KIND, b"{}", ALICE, CAROL)) == "unknown_key"


def test_a_key_that_signed_twice_is_refused():
    assert reason_of(Envelope.sign(KIND, b"{}", ALICE, ALICE)) == "signed_twice"


def test_another_kind_of_document_is_refused():
    assert reason_of(Envelope.sign("application/other", b"{}", ALICE)) == "wrong_payload_type"


def test_a_relabelled_kind_breaks_the_signature():
    envelope = Envelope.sign("application/other", b"{}", ALICE)
    assert reason_of(envelope.model_copy(update={"payload_type": KIND})) == "bad_signature"


def test_a_swapped_payload_is_refused():
    assert reason_of(Envelope.sign(KIND, b"{}", ALICE).model_copy(update={"payload": b"[]"})) == "bad_signature"


def test_one_wrong_signature_beside_a_right_one_is_refused():
    envelope = Envelope.sign(KIND, b"{}", ALICE, BOB)
    broken = envelope.signatures[1].model_copy(update={"sig": bytes(64)})
    assert reason_of(envelope.model_copy(update={"signatures": (envelope.signatures[0], broken)})) == "bad_signature"


def test_a_signature_that_names_another_algorithm_than_its_key_is_refused():
    envelope = Envelope.sign(KIND, b"{}", ALICE)
    other = envelope.signatures[0].model_copy(update={"algorithm": "ml-dsa-65"})
    assert reason_of(envelope.model_copy(update={"signatures": (other,)}), needs=()) == "wrong_algorithm"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ed25519ph", ""])
def test_an_algorithm_that_is_not_in_use_cannot_even_be_read(algorithm):
    wire = Envelope.sign(KIND, b"{}", ALICE).model_dump(mode="json")
    wire["signatures"][0]["algorithm"] = algorithm
    with pytest.raises(Invalid, match="algorithm"):
        Envelope.read(wire)


def test_a_key_filed_under_another_identifier_is_unknown():
    envelope = Envelope.sign(KIND, b"{}", ALICE)
    with pytest.raises(Untrusted) as caught:
        envelope.verify({ALICE.public.key_id: BOB.public}, payload_type=KIND)
    assert caught.value.reason == "unknown_key"


def test_signatures_can_be_gathered_one_by_one():
    envelope = Envelope.sign(KIND, b"{}", ALICE).signed_also_by(BOB).signed_also_by(BOB, ALICE)
    assert [s.key_id for s in envelope.signatures] == [ALICE.public.key_id, BOB.public.key_id]
    envelope.verify(KEYS, payload_type=KIND)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b'{"payload":"e30="}', b"\xff", b"[" * 5000])
def test_what_is_no_envelope_gets_a_clear_error(data):
    with pytest.raises(Invalid):
        Envelope.read(data)


@pytest.mark.parametrize("payload", ["e30", "e31=", "e3 0=", "é"])
def test_loose_base64_is_refused(payload):
    with pytest.raises(Invalid, match="payload"):
        Envelope.read({"payload": payload, "payloadType": KIND, "signatures": []})


def test_the_digest_names_the_payload_whoever_signed_it():
    assert Envelope.sign(KIND, b"{}", ALICE).payload_digest == Envelope.sign(KIND, b"{}", BOB).payload_digest


def test_unknown_fields_of_a_signature_are_refused():
    with pytest.raises(Invalid, match="cert"):
        Signature.read({"keyid": "k", "algorithm": "ed25519", "sig": "", "cert": "x"})
