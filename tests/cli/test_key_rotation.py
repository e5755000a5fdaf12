"""New online keys for a site, by its own governance keys alone; what was signed before goes on verifying."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from cli.asking import document, refused, told
from yosegi.app.bootstrap import Founder, Plan, found
from yosegi.app.home import Home
from yosegi.app.keyring import begin_next, signer, successions
from yosegi.app.stations import make_station, station_table
from yosegi.cli.documents import documents_of, last_statement
from yosegi.core.clock import SystemClock
from yosegi.execution.engines.station.documents import KeySuccession
from yosegi.governance.charter.charter import Team
from yosegi.governance.charter.key_history import KeyHistory
from yosegi.governance.charter.statement import Statement
from yosegi.trust.keys import unbase64


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founded")
    founders = tuple(
        Founder(settings={"site": name, "title": name, "listen": "127.0.0.1:8100", "reach": "carried"}, country=country)
        for name, country in (("argonne", "US"), ("riken", "JP"))
    )
    team = Team(id="toys", title="Toys", lead="argonne", sites=("argonne", "riken"))
    asyncio.run(found(folder, Plan("demo", "Demo", team, ("research",), founders), SystemClock(), "pass phrase"))
    return folder


@pytest.fixture
def home(founded: Path, tmp_path: Path) -> Path:
    return shutil.copytree(founded / "riken", tmp_path / "riken")


def ids(home: Path) -> dict[str, str]:
    """Key ids of the online keys by algorithm."""
    return {
        one["algorithm"]: one["key_id"]
        for one in document("site", "key", "show", "--home", home)
        if one["key"] == "site"
    }


def stated(home: Path) -> Statement:
    last = last_statement(documents_of(home, "demo"), "riken")
    assert last is not None
    return last


def test_a_rotation_at_a_site_without_stations_says_nothing_of_them(home: Path) -> None:
    assert "station" not in told("site", "key", "rotate", "--home", home)


def test_a_rotation_prints_the_key_that_a_station_takes(home: Path) -> None:
    key = make_station(home / "robot", home, "robot", ("lab:mix",))
    with Home(home).settings_file.open("a", encoding="utf-8") as settings:
        settings.write(f"\n{station_table('robot', ('lab:mix',), key)}\n")
    said = told("site", "key", "rotate", "--home", home)
    printed = said.rpartition('site_key = "')[2].partition('"')[0]
    now = signer(Home(home), "site").public
    assert printed == unbase64(now.public).hex()
    assert len(printed) == 64
    (given,) = successions(Home(home))
    assert KeySuccession.peek(given).key == now


def test_a_rotation_states_both_and_the_new_keys_take_their_place(home: Path) -> None:
    old = ids(home)
    told("site", "key", "rotate", "--home", home)
    new = ids(home)
    assert not set(old.values()) & set(new.values())
    assert {key.key_id for key in stated(home).keys} == {*old.values(), *new.values()}
    assert stated(home).serial == 2


def test_the_ledger_goes_on_verifying_with_what_the_old_key_signed(home: Path) -> None:
    told("site", "key", "rotate", "--home", home)
    told("site", "key", "rotate", "--home", home)
    assert "holds together" in told("site", "check", "--home", home)


def test_retired_keys_are_believed_for_what_they_signed_before(home: Path) -> None:
    old = ids(home)
    told("site", "key", "rotate", "--home", home)
    told("site", "key", "retire", "--home", home)
    last = stated(home)
    assert {key.key_id for key in last.keys} == set(ids(home).values())
    assert {(one.key_id, one.why) for one in last.revoked} == {(key, "retired") for key in old.values()}
    statements = [Statement.peek(e) for e in documents_of(home, "demo") if e.payload_type == Statement.payload_type]
    span = KeyHistory(one for one in statements if one.site == "riken").span("riken", old["ed25519"])
    assert span is not None
    assert span.why == "retired"
    assert span.ends == last.revoked[0].since


def test_a_stolen_key_is_withdrawn_from_the_moment_it_may_have_been_stolen(home: Path) -> None:
    old = ids(home)["ed25519"]
    assert "rotate" in refused("site", "key", "revoke", "--home", home, old)
    told("site", "key", "rotate", "--home", home)
    told("site", "key", "revoke", "--home", home, old, "--since", "2026-01-02T03:04:05")
    (revoked,) = (one for one in stated(home).revoked if one.key_id == old)
    assert (revoked.why, f"{revoked.since:%FT%T}") == ("compromised", "2026-01-02T03:04:05")
    assert old not in {key.key_id for key in stated(home).keys}


def test_a_later_statement_forgets_no_revocation(home: Path, tmp_path: Path) -> None:
    old = ids(home)["ed25519"]
    told("site", "key", "rotate", "--home", home)
    told("site", "key", "revoke", "--home", home, old)
    told("charter", "state", "--home", home, "demo", "--out", tmp_path / "again.json")
    assert old in {one.key_id for one in stated(home).revoked}


def test_an_unknown_key_is_not_revoked(home: Path) -> None:
    assert "no online key" in refused("site", "key", "revoke", "--home", home, "ed25519-0000")
    assert stated(home).serial == 1


def test_without_its_governance_keys_a_rotation_changes_nothing(home: Path, tmp_path: Path) -> None:
    """They lie offline, and are brought as files."""
    old, offline = ids(home), tmp_path / "stick"
    offline.mkdir()
    for name in ("governance.key", "governance-pq.key"):
        (home / "keys" / name).rename(offline / name)
    refused("site", "key", "rotate", "--home", home)
    assert {key.key_id for key in stated(home).keys} == set(old.values())
    told(
        "site",
        "key",
        "rotate",
        "--home",
        home,
        "--key",
        offline / "governance.key",
        "--key",
        offline / "governance-pq.key",
    )
    assert stated(home).serial == 2


def test_a_rotation_that_died_in_the_middle_is_finished_by_the_next(home: Path) -> None:
    new = [one.public.key_id for one in begin_next(Home(home))]
    assert "holds together" in told("site", "check", "--home", home)
    told("site", "key", "rotate", "--home", home)
    assert sorted(ids(home).values()) == sorted(new)
