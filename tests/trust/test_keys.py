"""Keys against published vectors: RFC 8032 section 7.1, and C2SP Wycheproof (see tests/trust/vectors)."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from yosegi.trust.keys import PublicKey, by_id
from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer

VECTORS = Path(__file__).parent / "vectors"

# RFC 8032, section 7.1: TEST 1, TEST 2, TEST 3: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_signatures_are_those_of_rfc_8032(secret, public, message, signature):
    signer = Ed25519Signer.from_seed(bytes.fromhex(secret))
    assert signer.public == PublicKey.of("ed25519", bytes.fromhex(public))
    assert signer.sign(bytes.fromhex(message)).hex() == signature
    assert signer.public.verify(bytes.fromhex(signature), bytes.fromhex(message))


def verdicts(name: str, algorithm: str):
    for group in json.loads((VECTORS / name).read_text())["groups"]:
        raw = bytes.fromhex(group["key"])
        for number, message, signature, expected in group["tests"]:
            try:
                found = PublicKey.of(algorithm, raw).verify(bytes.fromhex(signature), bytes.fromhex(message))
            except ValidationError:
                found = False
            yield number, found, expected == "valid"


def test_every_ed25519_case_of_wycheproof_gets_its_verdict():
    cases = list(verdicts("wycheproof_ed25519.json", "ed25519"))
    assert len(cases) == 151
    assert [number for number, found, expected in cases if found != expected] == []


def test_every_ml_dsa_65_case_of_wycheproof_gets_its_verdict():
    cases = list(verdicts("wycheproof_mldsa65.json", "ml-dsa-65"))
    assert {expected for _, _, expected in cases} == {True, False}
    assert [number for number, found, expected in cases if found != expected] == []


# The eight points of small order and their other encodings: Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs"
# (SSR 2020), as listed in table 1.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]


@pytest.mark.parametrize("raw", SMALL_ORDER)
def test_a_key_for_which_anyone_can_sign_is_no_key(raw):
    with pytest.raises(ValidationError, match="small order"):
        PublicKey.of("ed25519", bytes.fromhex(raw))


@pytest.mark.parametrize(
    ("algorithm", "size"), [("ed25519", 31), ("ed25519", 33), ("ml-dsa-65", 32), ("ed25519", 1952)]
)
def test_a_key_of_the_wrong_size_is_refused(algorithm, size):
    with pytest.raises(ValidationError, match="bytes"):
        PublicKey.of(algorithm, bytes(range(1, 33)) * (size // 32) + bytes(size % 32))


def test_the_identifier_depends_on_the_bytes_alone():
    signer = Ed25519Signer.from_seed(bytes(32))
    assert signer.public.key_id == PublicKey.read(signer.public.to_bytes()).key_id
    assert signer.public.key_id.startswith("ed25519-")
    assert len({s.public.key_id for s in (signer, Ed25519Signer.generate(), MlDsa65Signer.generate())}) == 3


def test_a_fingerprint_can_be_read_aloud():
    key = Ed25519Signer.from_seed(bytes(32)).public
    assert key.fingerprint.replace(" ", "") == key.key_id.removeprefix("ed25519-")[:20]
    assert [len(group) for group in key.fingerprint.split()] == [4] * 5


def test_keys_are_found_by_identifier():
    key = Ed25519Signer.generate().public
    assert by_id([key]) == {key.key_id: key}


def test_a_key_never_verifies_what_another_algorithm_signed():
    one, other = Ed25519Signer.generate(), MlDsa65Signer.generate()
    assert not one.public.verify(other.sign(b"x"), b"x")
    assert not other.public.verify(one.sign(b"x"), b"x")


@pytest.mark.parametrize("public", ["", "AAAA", base64.b64encode(bytes(32)).decode().rstrip("="), "é" * 44])
def test_text_that_is_no_key_is_refused(public):
    with pytest.raises(ValidationError):
        PublicKey(algorithm="ed25519", public=public)
