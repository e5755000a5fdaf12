"""What is refused in settings says which field, and addresses are printed as browsers take them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from yosegi.app.home import Home
from yosegi.app.local_address import url_of
from yosegi.app.settings import Settings
from yosegi.core.errors import Invalid
from yosegi.core.toml_text import MOST_BYTES
from yosegi.core.values import Value
from yosegi.identity.accounts import Role, Session
from yosegi.services.operations.stop_permission import MayStop, StopPermission

FIXED = 'site = "riken"\ntitle = "RIKEN"\nreach = "carried"\n'


def home(folder: Path, text: str) -> Home:
    (folder / "site.toml").write_bytes(text.encode())
    return Home(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FIXED + 'listen = "127.0.0.1:70000"', "listen: .*70000 is above 65535"),
        (FIXED + 'listen = "127.0.0.1:1"\n[notices]\nrepeat_minutes = nan', "notices.repeat_minutes: is nan"),
        (FIXED + 'listen = "127.0.0.1:1"\n[notices]\nrepeat_minutes = inf', "notices.repeat_minutes: is inf"),
        ("\ufeff" + FIXED + 'listen = "127.0.0.1:1"', r"byte order mark \(BOM\)"),
    ],
)
def test_a_setting_that_cannot_hold_is_refused_with_its_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        home(tmp_path, text).settings()


def test_a_json_file_that_begins_with_a_mark_is_refused_in_words() -> None:
    with pytest.raises(Invalid, match="byte order mark"):
        Value.read(b"\xef\xbb\xbf{}")


@pytest.mark.parametrize(
    ("listen", "bind", "url"),
    [
        ("127.0.0.1:8100", ("127.0.0.1", 8100), "http://127.0.0.1:8100"),
        ("[::1]:8100", ("::1", 8100), "http://[::1]:8100"),
        ("0.0.0.0:8100", ("0.0.0.0", 8100), "http://127.0.0.1:8100"),
        ("[::]:8100", ("::", 8100), "http://[::1]:8100"),
        ("lab.example:80", ("lab.example", 80), "http://lab.example:80"),
    ],
)
def test_an_address_is_bound_bare_and_printed_in_brackets(listen: str, bind: Any, url: str) -> None:
    settings = Settings.read({"site": "riken", "title": "RIKEN", "reach": "carried", "listen": listen})
    assert settings.host_and_port == bind
    assert settings.local_url == url


def test_an_ipv6_number_stands_in_brackets_as_in_the_standard() -> None:
    # RFC 3986, section 3.2.2, with the example address of RFC 2732.
    assert url_of("3ffe:2a00:100:7031::1", 80) == "http://[3ffe:2a00:100:7031::1]:80"


@pytest.mark.parametrize(
    ("by", "person", "role", "may"),
    [
        ("anybody", "x@nims", "member", True),
        ("own_people", "x@nims", "member", False),
        ("own_people", "visitor@nims", "member", True),
        ("own_people", "x@riken", "member", True),
        ("operators", "x@riken", "member", False),
        ("operators", "visitor@nims", "member", True),
        ("operators", "x@riken", "operator", True),
        ("operators", "x@riken", "officer", True),
    ],
)
def test_the_settings_say_who_may_stop_a_site(by: MayStop, person: str, role: Role, may: bool) -> None:
    rule = StopPermission("riken", by, ("visitor@nims",))
    assert rule.allows(Session(person, role, 0.0, "")) is may


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://", "names no host"),
        ("https:///prefix", "names no host"),
        ("riken.example.org", "only http and https"),
        ("https://riken.example.org:0", "port is no number between 1 and 65535"),
        ("https://riken.example.org:70000", "port is no number between 1 and 65535"),
        ("https://riken.example.org:https", "port is no number between 1 and 65535"),
        ("https://ri ken.example.org", "characters that do not belong"),
        ("https://user:password@riken.example.org", "carries credentials"),
        ("https://riken_.example.org", "host is no host name"),
    ],
)
def test_an_address_that_nobody_could_call_is_refused_with_a_sentence(tmp_path: Path, url: str, said: str) -> None:
    listens = FIXED.replace("carried", "listens") + f'listen = "127.0.0.1:1"\nurl = "{url}"\n'
    with pytest.raises(Invalid, match=f"url: is no address that others could call: .*{said}"):
        home(tmp_path, listens).settings()


@pytest.mark.parametrize("url", ["https://riken.example.org", "http://[::1]:8100", "http://127.0.0.1:8100/prefix"])
def test_an_address_that_can_be_called_is_taken(tmp_path: Path, url: str) -> None:
    listens = FIXED.replace("carried", "listens") + f'listen = "127.0.0.1:1"\nurl = "{url}"\n'
    assert home(tmp_path, listens).settings().url == url


def test_a_pipe_or_a_folder_in_place_of_the_settings_is_told_and_not_waited_for(tmp_path: Path) -> None:
    for name, make in (("pipe", os.mkfifo), ("folder", os.mkdir)):
        (tmp_path / name).mkdir()
        make(tmp_path / name / "site.toml")
        with pytest.raises(Invalid, match=r"site\.toml: is no file"):
            Home(tmp_path / name).settings()
        with pytest.raises(Invalid, match=r"site\.toml: is no file"):
            Home(tmp_path / name).local_url()


def test_settings_that_are_too_large_are_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "site.toml").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(Invalid, match=f"larger than {MOST_BYTES} bytes"):
        Home(tmp_path).settings()
