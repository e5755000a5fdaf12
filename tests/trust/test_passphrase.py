"""Passphrases of local accounts."""

from __future__ import annotations

import base64

import pytest

from yosegi.core.errors import Invalid
from yosegi.trust.passphrase import check_passphrase, hash_passphrase

GOOD = "correct horse battery staple"


def stored(salt: bytes, cost: int, lanes: int, key: str) -> str:
    salt64, key64 = (base64.b64encode(part).decode() for part in (salt, bytes.fromhex(key)))
    return f"scrypt$ln={cost},r=8,p={lanes}${salt64}${key64}"


def test_the_hash_is_scrypt_as_in_rfc_7914():
    # RFC 7914, section 12, the second and third vectors.
    second = (
        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
        "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
    )
    third = (
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
    )
    assert check_passphrase("password", stored(b"NaCl", 10, 16, second))
    assert check_passphrase("pleaseletmein", stored(b"SodiumChloride", 14, 1, third))
    assert not check_passphrase("pleaseletmeout", stored(b"SodiumChloride", 14, 1, third))


def test_the_right_passphrase_is_known_again_and_a_wrong_one_is_not():
    kept = hash_passphrase(GOOD)
    assert check_passphrase(GOOD, kept)
    assert not check_passphrase(GOOD + " ", kept)


def test_the_same_passphrase_is_kept_differently_each_time():
    assert hash_passphrase(GOOD) != hash_passphrase(GOOD)


def test_an_account_that_does_not_exist_is_refused_after_the_same_work():
    assert not check_passphrase(GOOD, None)


def test_letters_composed_differently_are_the_same_passphrase():
    assert check_passphrase(
        "パスフレーズがここにあります", hash_passphrase("ハ\u309aスフレース\u3099か\u3099ここにあります")
    )


@pytest.mark.parametrize("text", ["", "short", "x" * 1025])
def test_too_short_or_too_long_a_passphrase_is_refused(text):
    with pytest.raises(Invalid, match="passphrase"):
        hash_passphrase(text)


@pytest.mark.parametrize("kept", ["", "plain", "scrypt$ln=15,r=8,p=3$x", "bcrypt$ln=1,r=1,p=1$AA==$AA=="])
def test_a_stored_text_of_another_form_is_refused(kept):
    with pytest.raises(Invalid, match="stored passphrase"):
        check_passphrase(GOOD, kept)
