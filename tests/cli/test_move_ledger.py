"""A ledger goes into PostgreSQL and back: the same entries under the same checkpoint, and never two that go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import postgres_server
from cli.asking import refused, told
from yosegi.app.bootstrap import Founder, Plan, found
from yosegi.app.home import Home
from yosegi.app.moving import MOVED
from yosegi.app.stores import snapshot_of
from yosegi.core.clock import SystemClock
from yosegi.governance.charter.charter import Team
from yosegi.ledger.snapshot import Snapshot

psycopg = pytest.importorskip("psycopg")
pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(postgres_server.POSTGRES is None, reason=postgres_server.ABSENT),
]


@pytest.fixture(scope="module")
def conninfo() -> Iterator[str]:
    with postgres_server.running() as found:
        yield found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    founders = [
        Founder(settings={"site": name, "title": name, "listen": "127.0.0.1:8100", "reach": "carried"}, country=country)
        for name, country in (("argonne", "US"), ("riken", "JP"))
    ]
    team = Team(id="toys", title="Toys", lead="argonne", sites=("argonne", "riken"))
    asyncio.run(
        found(tmp_path, Plan("demo", "Demo", team, ("research",), tuple(founders)), SystemClock(), "pass phrase 12")
    )
    made = Home(tmp_path / "riken")
    text = made.settings_file.read_text(encoding="utf-8")
    made.settings_file.write_text(f"# kept by hand\n{text}", encoding="utf-8")
    return made


def last(home: Home) -> tuple[int, bytes]:
    with snapshot_of(home) as ledger:
        return ledger.size, ledger.checkpoint.to_bytes()


def test_a_ledger_goes_into_postgresql_and_back_under_the_same_checkpoint(home: Home, conninfo: str) -> None:
    before = last(home)
    told("site", "move-ledger", "--home", home.folder, "--to", "postgresql", "--url", conninfo)
    assert home.settings().ledger.store == "postgresql"
    assert "# kept by hand" in home.settings_file.read_text(encoding="utf-8")
    assert last(home) == before
    assert "holds together" in told("site", "check", "--home", home.folder)
    assert "already" in refused("site", "move-ledger", "--home", home.folder, "--to", "postgresql", "--url", conninfo)
    grown = last(home)
    told("site", "move-ledger", "--home", home.folder, "--to", "sqlite")
    assert home.settings().ledger.store == "sqlite"
    assert last(home) == grown
    assert "holds together" in told("site", "check", "--home", home.folder)


def test_a_backup_of_a_ledger_on_a_server_is_brought_back_after_the_server_has_lost_it(
    home: Home, conninfo: str, tmp_path: Path
) -> None:
    url = ("--url", conninfo, "--schema-name", "fourth")
    told("site", "move-ledger", "--home", home.folder, "--to", "postgresql", *url)
    size, _ = last(home)
    told("site", "backup", "--home", home.folder, tmp_path / "backup")
    with psycopg.connect(conninfo, autocommit=True) as server:
        server.execute("DROP SCHEMA fourth CASCADE")
    again = Home(tmp_path / "again")
    assert "epoch 2 is open" in told("site", "restore", tmp_path / "backup", again.folder)
    assert last(again)[0] > size


def test_what_is_left_behind_is_a_copy_that_waits_for_an_epoch(home: Home, conninfo: str) -> None:
    url = ("--url", conninfo, "--schema-name", "second")
    told("site", "move-ledger", "--home", home.folder, "--to", "postgresql", *url)
    old = home.folder / MOVED
    with Snapshot(old) as ledger:
        assert ledger.size == last(home)[0]
    # Put back by mistake, it is not gone on with.
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(text.partition("[ledger]")[0], encoding="utf-8")
    old.rename(home.ledger)
    said = refused("site", "serve", "--home", home.folder)
    assert "epoch" in said or "copy" in said


def test_a_schema_that_holds_a_ledger_is_not_written_over_and_the_ledger_stays_where_it_was(
    home: Home, conninfo: str, tmp_path: Path
) -> None:
    other = Home(tmp_path / "argonne")
    url = ("--url", conninfo, "--schema-name", "third")
    told("site", "move-ledger", "--home", other.folder, "--to", "postgresql", *url)
    before = last(home)
    assert "there is a ledger in it already" in refused(
        "site", "move-ledger", "--home", home.folder, "--to", "postgresql", *url
    )
    assert home.settings().ledger.store == "sqlite"
    assert last(home) == before
    assert "holds together" in told("site", "check", "--home", home.folder)
