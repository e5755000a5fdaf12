"""Sites whose ledgers are in PostgreSQL, as their settings say: a campaign, a kill, a check, a backup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import postgres_server
from processes.sites import PROCESS_SOURCE, Town
from yosegi.cli import main
from yosegi.verification.bundle import read_bundle, replay_bundle, verify_bundle

pytest.importorskip("psycopg")
pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(300),
    pytest.mark.skipif(postgres_server.POSTGRES is None, reason=postgres_server.ABSENT),
]

PASSWORD = "open sesame 9182"
VARIABLE = "YOSEGI_TEST_LEDGER_PASSWORD"


@pytest.fixture
def conninfo(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that asks for a password, which the sites find in their environment."""
    monkeypatch.setenv(VARIABLE, PASSWORD)
    with postgres_server.running("password_encryption=scram-sha-256", auth="scram-sha-256", password=PASSWORD) as found:
        yield found


@pytest.fixture
def town(tmp_path: Path, conninfo: str) -> Iterator[Town]:
    """The asking site and one owner keep their ledgers there, each in a schema of its own."""
    where = {"store": "postgresql", "url": conninfo, "password_env": VARIABLE}
    town = Town(tmp_path / "town", {site: where | {"schema_name": site} for site in ("argonne", "riken")})
    try:
        yield town
    finally:
        town.end()


def yosegi(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_campaign_of_sites_on_postgresql_outlives_a_kill_and_verifies(town: Town, tmp_path: Path) -> None:
    town.start("argonne", "riken")
    town.campaign("c", PROCESS_SOURCE, trials=4, offers=5)
    town.next_effect(0)
    town.restart("riken")
    town.restart("argonne")
    state = town.ended("c")
    assert state["state"] == "ended", state["why"]
    assert not town.twice()
    bundle = read_bundle(town.handle("c").export())
    verify_bundle(bundle)
    assert {one.verdict for one in replay_bundle(bundle)} == {"identical"}
    assert not any((town.folder / site / "ledger.db").exists() for site in ("argonne", "riken"))

    # What is read beside a running site, and its backup.
    argonne, backup, again = town.folder / "argonne", tmp_path / "backup", tmp_path / "again"
    verified = yosegi("audit", "verify", argonne, town.folder / "riken")
    assert verified.exit_code == 0, verified.output
    assert yosegi("site", "backup", "--home", argonne, backup).exit_code == 0
    assert town.terminate("argonne") == 0
    checked = yosegi("site", "check", "--home", argonne)
    assert checked.exit_code == 0, checked.output
    assert "holds together" in checked.output

    # A backup is not brought back over the ledger it was made of, only into a schema without one.
    refused = yosegi("site", "restore", backup, again)
    assert refused.exit_code == 1
    assert "there is a ledger in it already" in refused.stderr
    settings = (backup / "site.toml").read_text(encoding="utf-8")
    said = "\n".join(path.read_text(encoding="utf-8") for path in town.folder.glob("*.log"))
    assert PASSWORD not in settings + said + checked.output + refused.output


def test_a_server_that_is_gone_is_told_in_words_and_its_password_is_not(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "wrong " + PASSWORD)
    refused = yosegi("site", "check", "--home", town.folder / "argonne")
    assert refused.exit_code == 1
    assert "ledger argonne in PostgreSQL" in refused.stderr
    assert PASSWORD not in refused.output
    monkeypatch.delenv(VARIABLE)
    assert f"environment variable {VARIABLE}" in yosegi("site", "check", "--home", town.folder / "argonne").stderr
