"""A key in hardware: what happens when the token goes away, comes back, or is another one."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from trust import softhsm
from yosegi.core.errors import Conflict, Invalid, Unavailable
from yosegi.trust.keys import unbase64
from yosegi.trust.pkcs11 import Pkcs11Signer, Slot, _public, make_key
from yosegi.trust.signer import Ed25519Signer


@pytest.fixture
def slot(tmp_path_factory: pytest.TempPathFactory) -> Slot:
    return softhsm.slot(tmp_path_factory.mktemp("token"))


@pytest.fixture
def signer(slot: Slot) -> Pkcs11Signer:
    return Pkcs11Signer(slot, lambda: softhsm.PIN)


def away(slot: Slot) -> None:
    """Take the token out for good."""
    subprocess.run(["softhsm2-util", "--delete-token", "--token", slot.token], check=True, capture_output=True)
    softhsm.renew()


def test_a_lost_session_is_opened_again(signer):
    softhsm.renew()
    assert signer.public.verify(signer.sign(b"message"), b"message")


def test_a_closed_session_is_opened_again(signer):
    signer._session.close()
    assert signer.public.verify(signer.sign(b"message"), b"message")


def test_a_token_that_went_away_signs_nothing_and_says_so(slot, signer):
    away(slot)
    with pytest.raises(Unavailable, match=r"no such token.*nothing was signed"):
        signer.sign(b"message")


def test_a_token_that_comes_back_signs_again(slot, signer, tmp_path):
    folder = next(
        path for path in softhsm.tokens().iterdir() if slot.token.encode() in (path / "token.object").read_bytes()
    )
    folder.rename(tmp_path / "away")
    softhsm.renew()
    with pytest.raises(Unavailable):
        signer.sign(b"message")
    (tmp_path / "away").rename(folder)
    assert signer.public.verify(signer.sign(b"message"), b"message")


def test_another_key_in_its_place_signs_nothing(slot, signer):
    away(slot)
    softhsm.init(slot.token)
    make_key(slot, lambda: softhsm.PIN)
    with pytest.raises(Unavailable, match="another key"):
        signer.sign(b"message")


def test_an_answer_that_does_not_verify_is_no_signature(signer):
    signer._public = Ed25519Signer.generate().public
    with pytest.raises(Unavailable, match="does not verify"):
        signer.sign(b"message")


def test_a_wrong_pin_is_refused_and_not_told(slot):
    with pytest.raises(Invalid, match="PIN is refused") as caught:
        Pkcs11Signer(slot, lambda: "another-secret")
    assert "another-secret" not in str(caught.value)


def test_two_keys_of_one_token_sign_side_by_side(slot, signer):
    other = replace(slot, label="governance")
    make_key(other, lambda: softhsm.PIN)
    second = Pkcs11Signer(other, lambda: softhsm.PIN)
    for one in (signer, second, signer):
        assert one.public.verify(one.sign(b"message"), b"message")
    assert signer.public != second.public


def test_threads_share_one_key(signer):
    found: list[bool] = []

    def work() -> None:
        for number in range(20):
            message = f"{threading.get_ident()} {number}".encode()
            found.append(signer.public.verify(signer.sign(message), message))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 80


def test_a_key_is_never_overwritten(slot):
    with pytest.raises(Conflict, match="never overwritten"):
        make_key(slot, lambda: softhsm.PIN)


def test_the_private_half_does_not_leave_the_token(signer):
    import pkcs11

    assert signer._private[pkcs11.Attribute.SENSITIVE]
    assert not signer._private[pkcs11.Attribute.EXTRACTABLE]
    with pytest.raises(pkcs11.PKCS11Error):
        signer._private[pkcs11.Attribute.VALUE]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"module": "/nowhere/lib.so"}, "cannot open"),
        ({"token": "not-there"}, "no such token"),
        ({"label": "not-there"}, "site key make"),
    ],
)
def test_what_is_not_there_is_named(slot, change, why):
    with pytest.raises(Invalid, match=why):
        Pkcs11Signer(replace(slot, **change), lambda: softhsm.PIN)


def test_a_token_is_opened_for_reading_alone_to_sign_with(signer):
    assert not signer._session.rw


def test_without_its_library_it_says_how_to_install_it(slot, monkeypatch):
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    for open_it in (make_key, Pkcs11Signer):
        with pytest.raises(Invalid, match=r"python-pkcs11 is not there.*pip install 'yosegi\[pkcs11\]'"):
            open_it(slot, lambda: softhsm.PIN)


def test_whatever_else_a_token_answers_is_told(slot, signer, monkeypatch):
    import pkcs11

    class Broken:
        def get_token(self, token_label: str) -> None:
            raise pkcs11.DeviceError("the device is on fire")

    monkeypatch.setattr(pkcs11, "lib", lambda module: Broken())
    with pytest.raises(Invalid, match="the device is on fire"):
        Pkcs11Signer(slot, lambda: softhsm.PIN)


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_tokens_point_is_read_as_tokens_have_it(slot, wrapped):
    from pkcs11 import Attribute

    key = Ed25519Signer.from_seed(bytes(32)).public
    raw = unbase64(key.public)
    # PKCS #11 3.0, 2.3.3: CKA_EC_POINT is a DER octet string (tag 4, length 32); some tokens give the bytes bare.
    assert _public(slot, {Attribute.EC_POINT: b"\x04\x20" + raw if wrapped else raw}) == key


@pytest.mark.parametrize("size", [0, 31, 33, 35])
def test_a_point_of_another_size_is_no_key(slot, size):
    from pkcs11 import Attribute

    with pytest.raises(Invalid, match=f"its point has {size} bytes, and an Ed25519 key has 32"):
        _public(slot, {Attribute.EC_POINT: b"x" * size})
