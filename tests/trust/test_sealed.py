"""Sealed boxes. The vector is RFC 9180, appendix A.2.1 (X25519, HKDF-SHA256, ChaCha20-Poly1305), sequence number 0."""

from __future__ import annotations

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from yosegi.core.errors import Invalid
from yosegi.trust import sealed
from yosegi.trust.errors import Untrusted
from yosegi.trust.sealed import Sealed, SealingKey, Unsealer

HOLDER, OTHER = Unsealer.from_seed(b"h" * 32), Unsealer.from_seed(b"o" * 32)
CONTEXT = b"demo|argonne|nims"


def test_the_suite_is_that_of_rfc_9180():
    suite = sealed._SUITES["hpke-x25519-sha256-chacha20poly1305"]
    private = X25519PrivateKey.from_private_bytes(
        bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
    )
    box = bytes.fromhex(
        "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
    )
    plaintext = openssl.hpke._decrypt_with_aad(suite, box, private, b"Ode on a Grecian Urn", b"Count-0")
    assert plaintext == b"Beauty is truth, truth beauty"


def test_what_was_sealed_is_what_is_opened():
    box = HOLDER.public.seal(b"secret", context=CONTEXT)
    assert HOLDER.open(Sealed.read(box.to_bytes()), context=CONTEXT) == b"secret"


def test_a_box_shows_nothing_of_what_is_in_it():
    assert b"secret" not in HOLDER.public.seal(b"secret", context=CONTEXT).box


def test_two_boxes_of_the_same_bytes_differ():
    assert HOLDER.public.seal(b"secret", context=CONTEXT) != HOLDER.public.seal(b"secret", context=CONTEXT)


def test_another_site_cannot_open_it():
    with pytest.raises(Untrusted) as caught:
        OTHER.open(HOLDER.public.seal(b"secret", context=CONTEXT), context=CONTEXT)
    assert caught.value.reason == "sealed_to_another_key"


def test_a_box_relabelled_for_another_key_stays_shut():
    box = HOLDER.public.seal(b"secret", context=CONTEXT).model_copy(update={"key_id": OTHER.public.key_id})
    with pytest.raises(Untrusted) as caught:
        OTHER.open(box, context=CONTEXT)
    assert caught.value.reason == "seal_broken"


@pytest.mark.parametrize("at", [0, 31, 32, -1])
def test_a_changed_byte_breaks_the_seal(at):
    box = HOLDER.public.seal(b"secret", context=CONTEXT)
    changed = bytearray(box.box)
    changed[at] ^= 1
    with pytest.raises(Untrusted, match="changed on the way"):
        HOLDER.open(box.model_copy(update={"box": bytes(changed)}), context=CONTEXT)


@pytest.mark.parametrize("size", [0, 31, 47])
def test_a_truncated_box_stays_shut(size):
    box = HOLDER.public.seal(b"secret", context=CONTEXT)
    with pytest.raises(Untrusted):
        HOLDER.open(box.model_copy(update={"box": box.box[:size]}), context=CONTEXT)


def test_a_box_moved_to_another_conversation_stays_shut():
    with pytest.raises(Untrusted):
        HOLDER.open(HOLDER.public.seal(b"secret", context=CONTEXT), context=b"demo|argonne|riken")


def test_nothing_is_sealed_to_a_key_everybody_knows():
    with pytest.raises(Invalid, match="cannot be sealed to"):
        SealingKey(public=bytes(32)).seal(b"secret", context=CONTEXT)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_sealing_key_has_32_bytes(size):
    with pytest.raises(ValueError, match="32 bytes"):
        SealingKey(public=bytes(size))


def test_an_unsealer_keeps_its_key_in_a_private_file(tmp_path):
    HOLDER.save(tmp_path / "sealing.pem")
    assert Unsealer.load(tmp_path / "sealing.pem").public == HOLDER.public
    assert (tmp_path / "sealing.pem").stat().st_mode & 0o077 == 0
