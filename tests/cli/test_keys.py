"""Where keys live, asked on the command line; a PIN is never told."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.asking import document, refused, told
from trust import softhsm
from yosegi.cli.connection import own_key
from yosegi.core.errors import Invalid

HARDWARE = '\n[key.site]\nmodule = "{module}"\ntoken = "{token}"\nlabel = "site"\n{pin}\n'


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose online key is to be made in a token."""
    token = softhsm.token(tmp_path_factory.mktemp("token"))
    home = tmp_path / "riken"
    told("site", "init", home, "--name", "riken")
    with (home / "site.toml").open("a", encoding="utf-8") as settings:
        settings.write(HARDWARE.format(module=softhsm.MODULE, token=token, pin='pin_env = "YOSEGI_PIN"'))
    monkeypatch.setenv("YOSEGI_PIN", softhsm.PIN)
    return home


def test_a_key_made_in_a_token_is_shown_with_where_it_lives(home: Path) -> None:
    told("site", "key", "make", "--home", home, "site")
    shown = {(one["key"], one["algorithm"]): one["lives"] for one in document("site", "key", "show", "--home", home)}
    assert shown["site", "ed25519"].startswith("key site in token ")
    assert shown["site", "ml-dsa-65"] == "file, mode 600"
    assert shown["governance", "ed25519"] == "file, mode 600"


def test_a_key_in_a_token_is_not_made_twice(home: Path) -> None:
    told("site", "key", "make", "--home", home)
    assert "never overwritten" in refused("site", "key", "make", "--home", home)


def test_where_the_settings_name_no_hardware_none_is_made(home: Path) -> None:
    assert "Add [key.governance]" in refused("site", "key", "make", "--home", home, "governance")


def test_doctor_says_where_each_key_lives_and_which_file_is_left_over(home: Path) -> None:
    facts = document("site", "doctor", "--home", home)
    assert facts["keys"]["site"].startswith("key site in token ")
    assert facts["keys"]["governance.key"] == "file, mode 600"
    assert any("site.key lies in keys/ though it is in hardware" in line for line in facts["advice"])


def test_without_its_pin_a_command_says_what_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOSEGI_PIN", "")
    assert "YOSEGI_PIN: holds no PIN" in refused("site", "serve", "--home", home)
    assert not (home / "ledger.db").exists()


def test_a_wrong_pin_is_refused_and_not_repeated(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOSEGI_PIN", "wrong-and-secret")
    softhsm.renew()
    error = refused("site", "key", "make", "--home", home)
    assert "PIN is refused" in error
    assert "wrong-and-secret" not in error


def test_a_pin_in_the_settings_is_refused_and_not_repeated(home: Path) -> None:
    text = (home / "site.toml").read_text().replace('pin_env = "YOSEGI_PIN"', 'pin = "secret-in-settings"')
    (home / "site.toml").write_text(text)
    error = refused("site", "doctor", "--home", home)
    assert "key.site.pin" in error
    assert "secret-in-settings" not in error


def test_a_pin_file_that_others_may_read_is_refused(home: Path) -> None:
    pin = home / "keys" / "pin"
    pin.write_text(softhsm.PIN + "\n")
    pin.chmod(0o644)
    text = (home / "site.toml").read_text().replace('pin_env = "YOSEGI_PIN"', 'pin_file = "keys/pin"')
    (home / "site.toml").write_text(text)
    assert "chmod 600" in refused("site", "key", "make", "--home", home)
    pin.chmod(0o600)
    told("site", "key", "make", "--home", home)


def test_who_signs_without_a_key_is_told_so_whatever_it_is_that_they_sign() -> None:
    with pytest.raises(Invalid, match=r"^the command: signs with your own key, and none is named\. Give --key FILE"):
        own_key(None, "pi@argonne", None)
