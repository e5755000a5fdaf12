from __future__ import annotations

import asyncio
import errno
import os
import shlex
import socket
import stat
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cli.asking import document, refused, told, yosegi
from yosegi.app.compose import open_ledger
from yosegi.app.home import Home
from yosegi.app.settings import Settings
from yosegi.core.clock import SystemClock

ANSWERS = "listen", "reached", "accounts", "keys", "published", "stations", "rules", "advice"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "riken"
    told("site", "init", home, "--name", "riken", "--url", "http://127.0.0.1:8100")
    return home


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_new_home_has_keys_that_only_its_owner_may_read(home: Path) -> None:
    keys = sorted((home / "keys").glob("*.key"))
    assert [key.name for key in keys] == [
        "governance-pq.key",
        "governance.key",
        "sealing.key",
        "site-pq.key",
        "site.key",
    ]
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert stat.S_IMODE((home / "keys").stat().st_mode) == 0o700


def test_a_command_that_is_told_to_be_next_can_be_copied_whatever_the_path(tmp_path: Path) -> None:
    folder = tmp_path / "our site" / "理研"
    folder.parent.mkdir()
    said = told("site", "init", folder, "--name", "riken", "--url", "http://127.0.0.1:8100")
    (line,) = (line for line in said.splitlines() if line.startswith("next: "))
    first, then = line.removeprefix("next: ").split(", then ")
    assert shlex.split(first) == ["yosegi", "site", "account", "--home", str(folder), "pi@riken"]
    assert shlex.split(then) == ["yosegi", "site", "serve", "--home", str(folder)]


def test_a_rule_in_another_encoding_is_named(home: Path) -> None:
    (home / "policy" / "night.cedar").write_bytes("// 夜\n".encode("shift-jis"))
    assert "night.cedar: is not UTF-8. Save it as UTF-8" in refused("site", "doctor", "--home", home)


def test_a_home_that_could_not_be_made_leaves_nothing_that_would_be_taken_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, synced = tmp_path / "riken", list[int]()
    really = os.fsync

    def full_after_a_while(handle: int) -> None:
        synced.append(handle)
        if len(synced) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        really(handle)

    monkeypatch.setattr(os, "fsync", full_after_a_while)
    assert "No space left on device" in refused("site", "init", home, "--name", "riken", "--mailbox", "argonne")
    assert files(home) == {}
    monkeypatch.undo()
    told("site", "init", home, "--name", "riken", "--mailbox", "argonne")


def test_a_home_is_not_made_twice(home: Path) -> None:
    before = files(home)
    assert "is the home of a site already" in refused("site", "init", home, "--name", "other", "--mailbox", "riken")
    assert files(home) == before


@pytest.mark.parametrize(
    ("option", "value"),
    [("--name", "Riken!"), ("--name", ""), ("--listen", "everywhere"), ("--name", "r" * 41)],
)
def test_a_home_that_would_not_hold_is_not_made(tmp_path: Path, option: str, value: str) -> None:
    home = tmp_path / "home"
    options = {"--name": "riken", "--mailbox": "argonne"} | {option: value}
    refused("site", "init", home, *(part for pair in options.items() for part in pair))
    assert not (home / "site.toml").exists()
    assert not list(home.rglob("*.key"))


def test_an_account_is_given_with_a_key_and_kept_without_the_passphrase(home: Path) -> None:
    told("site", "account", "--home", home, "pi@riken", "--passphrase", "secret words")
    assert (home / "people" / "pi@riken.key").exists()
    assert all(b"secret words" not in content for content in files(home).values())
    assert document("site", "doctor", "--home", home)["accounts"] == {"pi@riken": "member"}


def test_an_account_is_disabled_enabled_given_another_role_and_closed(home: Path) -> None:
    told("site", "account", "--home", home, "pi@riken", "--passphrase", "secret words")

    def now() -> tuple[str, str, str]:
        one = document("site", "account", "list", "--home", home)[0]
        return one["role"], one["state"], one["signs_in_with"]

    assert now() == ("member", "open", "passphrase, key")
    told("site", "account", "role", "--home", home, "pi@riken", "operator")
    told("site", "account", "--home", home, "other@riken", "--role", "officer", "--passphrase", "secret words")
    told("site", "account", "disable", "--home", home, "pi@riken")
    assert now() == ("operator", "disabled", "passphrase, key")
    told("site", "account", "enable", "--home", home, "pi@riken")
    assert now() == ("operator", "open", "passphrase, key")
    told("site", "account", "close", "--home", home, "pi@riken")
    assert now() == ("operator", "closed", "")
    assert "neither passphrase nor key" in refused("site", "account", "enable", "--home", home, "pi@riken")
    assert "no account" in refused("site", "account", "close", "--home", home, "x@riken")


def test_doctor_says_which_accounts_let_nobody_in(home: Path) -> None:
    for person in ("a@riken", "b@riken", "c@riken"):
        told("site", "account", "--home", home, person, "--passphrase", "secret words")
    told("site", "account", "disable", "--home", home, "b@riken")
    told("site", "account", "close", "--home", home, "c@riken")
    accounts = {"a@riken": "member", "b@riken": "member, disabled", "c@riken": "member, closed"}
    assert document("site", "doctor", "--home", home)["accounts"] == accounts


@pytest.mark.parametrize("person", ["pi", "PI@riken", "pi@riken/../../x", "", "pi@riken\n"])
def test_an_account_of_no_person_is_refused(home: Path, person: str) -> None:
    before = files(home)
    refused("site", "account", "--home", home, person, "--passphrase", "x")
    assert files(home) == before


def test_doctor_does_not_take_a_stranger_on_the_port_for_the_site(tmp_path: Path) -> None:
    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(HTTPServer):
        address_family = socket.AF_INET6

    try:
        server = Server(("::1", 0), Stranger)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback address")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        listen = f"[::1]:{server.server_port}"
        told("site", "init", tmp_path / "riken", "--name", "riken", "--mailbox", "argonne", "--listen", listen)
        advice = "; ".join(document("site", "doctor", "--home", tmp_path / "riken")["advice"])
        assert "the site is not running, and something else than a site" in advice
    finally:
        server.shutdown()
        server.server_close()


def test_doctor_is_one_page_that_says_what_to_mend(home: Path) -> None:
    found = document("site", "doctor", "--home", home)
    assert found["site"] == "riken"
    assert set(ANSWERS[1:]) <= set(found)
    advice = "; ".join(found["advice"])
    assert "governance key" in advice
    assert "nobody can sign in" in advice
    assert "not running" in advice
    (home / "keys" / "site.key").chmod(0o644)
    assert "site.key may be read by others" in "; ".join(document("site", "doctor", "--home", home)["advice"])
    assert "governance key" in told("site", "doctor", "--home", home)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('colour = "red"', "colour"),
        ('reach = "telepathy"', "reach"),
        ("[process]\nslots = 0", "slots"),
        ('[process]\npublish = ["not an entry"]', "publish"),
        ("title = ", "not TOML"),
    ],
)
@pytest.mark.parametrize("verb", ["serve", "doctor", "check"])
def test_settings_that_do_not_hold_are_refused_by_name(home: Path, verb: str, line: str, why: str) -> None:
    settings = home / "site.toml"
    text = settings.read_text()
    lines = [old for old in text.splitlines() if old.partition(" ")[0] != line.partition(" ")[0]]
    settings.write_text("\n".join([*lines, line]))
    assert why in refused("site", verb, "--home", home)


@pytest.mark.parametrize(("options", "shown"), [((), "parties"), (("--policies-shown-to", "nobody"), "nobody")])
def test_whom_a_new_site_shows_its_policies_is_a_line_that_can_be_read(
    tmp_path: Path, options: tuple[str, ...], shown: str
) -> None:
    home = tmp_path / "nims"
    told("site", "init", home, "--name", "nims", "--mailbox", "riken", *options)
    assert f'policies_shown_to = "{shown}"' in (home / "site.toml").read_text("utf-8").splitlines()
    assert document("site", "doctor", "--home", home)["policies shown to"] == shown


def test_a_home_that_says_nothing_shows_its_policies_to_nobody(home: Path) -> None:
    settings = home / "site.toml"
    lines = [line for line in settings.read_text("utf-8").splitlines() if "policies_shown_to" not in line]
    settings.write_text("\n".join(lines) + "\n", "utf-8")
    assert document("site", "doctor", "--home", home)["policies shown to"] == "nobody"


@pytest.mark.parametrize("verb", ["serve", "doctor", "check", "rebuild", "account", "backup"])
def test_a_folder_that_is_no_home_is_said_and_stays_empty(tmp_path: Path, verb: str) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    more = {"account": ("pi@riken", "--passphrase", "x"), "backup": (tmp_path / "target",)}.get(verb, ())
    assert "is not the home of a site" in refused("site", verb, "--home", folder, *more)
    assert list(tmp_path.iterdir()) == [folder]
    assert not list(folder.iterdir())


def test_a_home_without_a_ledger_is_not_checked(home: Path) -> None:
    assert "Serve the site once" in refused("site", "check", "--home", home)


def test_what_is_published_and_no_capability_is_refused_when_served(home: Path) -> None:
    with (home / "site.toml").open("a") as settings:
        settings.write('\n[process]\npublish = ["no_such_pack:f"]\n')
    text = (home / "site.toml").read_text().replace('listen = "127.0.0.1:8100"', 'listen = "127.0.0.1:0"')
    (home / "site.toml").write_text(text)
    assert "no_such_pack" in refused("site", "serve", "--home", home)


def test_a_command_says_its_version() -> None:
    assert yosegi("--version").output.startswith("yosegi")


def test_the_current_folder_is_the_site_if_it_holds_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert document("site", "doctor")["site"] == "riken"


@pytest.mark.parametrize(
    "command", [("site", "doctor"), ("task", "list"), ("station", "init", "f", "--publish", "a:b")]
)
def test_no_site_named_is_refused_with_the_ways_to_name_one(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = yosegi(*command)
    assert result.exit_code == 2
    assert all(way in result.stderr for way in ("--home FOLDER", "YOSEGI_HOME", "yosegi site init"))


def test_a_backup_is_not_put_into_the_home_that_it_copies(home: Path) -> None:
    assert "lies in the home" in refused("site", "backup", "--home", home, home / "copy")
    assert not (home / "copy").exists()


def test_a_home_without_a_ledger_is_told_so_and_not_copied(home: Path, tmp_path: Path) -> None:
    before = files(home)
    assert "there is none yet" in refused("site", "backup", "--home", home, tmp_path / "b")
    assert files(home) == before
    assert not (tmp_path / "b").exists()


def test_a_home_that_another_command_makes_meanwhile_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, really = tmp_path / "riken", Settings.read

    def while_another_makes_it(value: dict[str, object], *, what: str) -> Settings:
        home.mkdir()
        (home / "site.toml").touch()
        return really(value, what=what)

    monkeypatch.setattr(Settings, "read", while_another_makes_it)
    assert "is the home of a site already" in refused("site", "init", home, "--name", "riken", "--mailbox", "argonne")
    assert files(home) == {"site.toml": b""}


def test_a_backup_that_could_not_be_finished_is_told_in_words_and_leaves_nothing(home: Path, tmp_path: Path) -> None:
    place = Home(home)

    async def served() -> None:
        (await open_ledger(place, place.settings(), SystemClock())).close()

    asyncio.run(served())
    (home / "policy" / "night.cedar").symlink_to(tmp_path / "gone")
    assert "night.cedar is unavailable: it cannot be copied" in refused(
        "site", "backup", "--home", home, tmp_path / "b"
    )
    assert not (tmp_path / "b").exists()


def test_a_restoration_that_could_not_be_finished_leaves_nothing(home: Path, tmp_path: Path) -> None:
    (home / "ledger.db").write_bytes(b"no ledger" * 1000)
    told_why = refused("site", "restore", home, tmp_path / "again")
    assert "ledger" in told_why
    assert not (tmp_path / "again").exists()


def test_the_command_says_as_whom_it_acts_where_nobody_is_named(home: Path) -> None:
    told("site", "account", "--home", home, "pi@riken", "--passphrase", "secret words")
    told("site", "account", "--home", home, "officer@riken", "--role", "officer", "--passphrase", "secret words")
    # It says so before it asks the site, which does not run here.
    assert "acting as officer@riken" in yosegi("task", "list", "--home", home).stderr
    assert "acting as" not in yosegi("task", "list", "--home", home, "--as", "pi@riken").stderr


def test_whoever_cannot_sign_in_is_not_acted_as_where_nobody_is_named(home: Path) -> None:
    for person in ("a@elsewhere", "b@riken", "c@riken", "d@riken"):
        told("site", "account", "--home", home, person, "--passphrase", "secret words")
    told("site", "account", "close", "--home", home, "b@riken")
    told("site", "account", "disable", "--home", home, "c@riken")
    assert "acting as d@riken" in yosegi("task", "list", "--home", home).stderr


def test_an_account_that_is_there_is_not_replaced_and_one_that_was_closed_is_opened_anew(home: Path) -> None:
    account = ("site", "account", "--home", home, "pi@riken", "--passphrase", "secret words")
    told(*account, "--role", "officer")
    before = files(home)
    again = yosegi(*account)
    assert again.exit_code == 5
    assert "yosegi site account role" in again.stderr
    assert files(home) == before
    told("site", "account", "close", "--home", home, "pi@riken", "--leave-no-officer")
    told(*account)


def test_an_account_of_another_institution_says_when_it_is_let_in(home: Path) -> None:
    said = told("site", "account", "--home", home, "visitor@nims", "--passphrase", "secret words")
    assert "while a charter here names nims" in said


def open_accounts(home: Path, **roles: str) -> None:
    for name, role in roles.items():
        told("site", "account", "--home", home, f"{name}@riken", "--role", role, "--passphrase", "secret words")


@pytest.mark.parametrize("change", [("close",), ("disable",), ("role", "operator")])
def test_the_last_officer_is_kept_unless_it_is_meant(home: Path, change: tuple[str, ...]) -> None:
    open_accounts(home, officer="officer", pi="operator")
    verb, *role = change
    line = ("site", "account", verb, "--home", home, "officer@riken", *role)
    before = files(home)
    assert "last open account of an officer" in refused(*line)
    assert files(home) == before
    meant = yosegi(*line, "--leave-no-officer")
    assert meant.exit_code == 0
    assert "--role officer" in meant.stderr


def test_an_officer_who_is_not_the_last_is_closed_without_more(home: Path) -> None:
    open_accounts(home, officer="officer", other="officer")
    told("site", "account", "close", "--home", home, "officer@riken")


def test_the_last_who_runs_a_site_is_kept_unless_it_is_meant(home: Path) -> None:
    open_accounts(home, runs="operator", pi="member")
    assert "of an operator or officer" in refused("site", "account", "close", "--home", home, "runs@riken")
    told("site", "account", "role", "--home", home, "runs@riken", "officer")
    told("site", "account", "close", "--home", home, "pi@riken")
