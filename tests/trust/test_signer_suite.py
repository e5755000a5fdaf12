"""One suite over every signer: keys in files of both algorithms, and a key in a PKCS #11 token."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from trust import softhsm
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import by_id
from yosegi.trust.pkcs11 import Pkcs11Signer
from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer, Signer

KINDS = {"ed25519": 64, "ml-dsa-65": 3309, "pkcs11": 64}


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Signer]:
    """Opens the same key each time it is called."""
    folder = tmp_path_factory.mktemp("keys")
    if request.param == "pkcs11":
        slot = softhsm.slot(folder)
        return lambda: Pkcs11Signer(slot, lambda: softhsm.PIN)
    kind = {"ed25519": Ed25519Signer, "ml-dsa-65": MlDsa65Signer}[request.param]
    kind.generate().save(folder / "key.pem")
    return lambda: kind.load(folder / "key.pem")


def test_what_it_signs_verifies_by_its_public_key(opened):
    signer = opened()
    assert signer.public.verify(signer.sign(b"message"), b"message")
    assert not signer.public.verify(signer.sign(b"message"), b"another")


def test_a_signature_is_raw_and_of_its_algorithms_size(opened, request):
    """RFC 8032, section 5.1.6, and FIPS 204, table 2."""
    assert len(opened().sign(b"")) == KINDS[request.node.callspec.params["opened"]]


@pytest.mark.parametrize("size", [0, 1, 65_537, 2_000_000])
def test_it_signs_whatever_the_length(opened, size):
    signer = opened()
    assert signer.public.verify(signer.sign(bytes(size)), bytes(size))


def test_opened_again_it_is_the_same_key(opened):
    first, second = opened(), opened()
    assert first.public == second.public
    assert first.public.verify(second.sign(b"message"), b"message")


def test_an_envelope_it_signed_opens_by_its_key(opened):
    signer = opened()
    envelope = Envelope.sign("application/test", b"{}", signer)
    needs = (signer.public.algorithm,)
    assert envelope.verify(by_id([signer.public]), payload_type="application/test", needs=needs) == b"{}"


def test_it_shows_a_fingerprint_and_no_secret(opened):
    signer = opened()
    assert signer.public.fingerprint in repr(signer)
    assert softhsm.PIN not in repr(signer)
