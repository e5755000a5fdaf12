"""Key files: private, never overwritten, of the kind that was asked for. One suite over both kinds of signer."""

from __future__ import annotations

import stat

import pytest

from yosegi.core.errors import Invalid
from yosegi.trust.errors import LooseKeyFile
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer

KINDS = pytest.mark.parametrize("kind", [Ed25519Signer, MlDsa65Signer])


@KINDS
def test_a_saved_key_signs_as_before(kind, tmp_path):
    signer = kind.generate()
    signer.save(tmp_path / "key.pem")
    loaded = kind.load(tmp_path / "key.pem")
    assert loaded.public == signer.public
    assert signer.public.verify(loaded.sign(b"message"), b"message")


@KINDS
def test_the_same_seed_gives_the_same_key(kind):
    assert kind.from_seed(bytes(32)).public == kind.from_seed(bytes(32)).public != kind.from_seed(b"1" * 32).public


@KINDS
def test_a_key_file_is_for_its_owner_alone(kind, tmp_path):
    kind.generate().save(tmp_path / "key.pem")
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600


@KINDS
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_key_file_that_others_may_use_is_refused(kind, mode, tmp_path):
    kind.generate().save(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(mode)
    with pytest.raises(LooseKeyFile, match="chmod 600"):
        kind.load(tmp_path / "key.pem")


@KINDS
def test_a_key_is_never_overwritten(kind, tmp_path):
    kind.generate().save(tmp_path / "key.pem")
    with pytest.raises(FileExistsError):
        kind.generate().save(tmp_path / "key.pem")


@pytest.mark.parametrize("asked", [Ed25519Signer, MlDsa65Signer, Unsealer])
def test_a_key_of_another_kind_is_refused(asked, tmp_path):
    for saved in {Ed25519Signer, MlDsa65Signer, Unsealer} - {asked}:
        path = tmp_path / f"{saved.__name__}.pem"
        saved.generate().save(path)
        with pytest.raises(Invalid, match="not an"):
            asked.load(path)


def test_a_missing_key_file_is_named(tmp_path):
    with pytest.raises(Invalid, match=r"key\.pem: does not exist"):
        Ed25519Signer.load(tmp_path / "key.pem")


@KINDS
def test_a_file_that_holds_no_key_gets_a_clear_error(kind, tmp_path):
    path = tmp_path / "key.pem"
    path.write_bytes(b"not a key")
    path.chmod(0o600)
    with pytest.raises(Invalid, match="not a private key"):
        kind.load(path)


@KINDS
def test_a_signer_shown_in_a_log_shows_no_secret(kind):
    signer = kind.from_seed(bytes(range(32)))
    assert signer.public.fingerprint in repr(signer)
    assert bytes(range(32)).hex() not in repr(signer)
