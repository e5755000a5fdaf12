"""Serving a site: ended cleanly, never twice, never on a port in use or a ledger that does not hold; backed up."""

from __future__ import annotations

import itertools
import json
import shutil
import socket
import sqlite3
import threading
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from processes.sites import PROCESS_SOURCE, TESTS, Town, alive, descendants, until
from yosegi.cli import main
from yosegi.core.errors import YosegiError
from yosegi.ledger import SqliteStore
from yosegi.trust.envelope import Envelope

pytestmark = [pytest.mark.processes, pytest.mark.timeout(200)]


def yosegi(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def one_line(result: Result, status: int = 1) -> str:
    """The one line on standard error of a command that ended with a status."""
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    return result.stderr


def copied(town: Town, target: Path) -> Path:
    """A backup of a running site, as a home."""
    assert yosegi("site", "backup", "--home", town.folder / "argonne", target).exit_code == 0
    return target


def test_sigterm_ends_a_site_with_status_0_and_leaves_no_process(town: Town) -> None:
    town.campaign("terminated", PROCESS_SOURCE)
    town.ended("terminated")
    below = [pid for pid, _ in descendants(town.pid("riken"))]
    assert below
    status = town.terminate("riken")
    left = [pid for pid in below if alive(pid)]
    town.start("riken")
    assert (status, left) == (0, [])


def test_doctor_of_a_running_site_tells_how_its_background_work_is(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))  # as the site has it: doctor imports what is published
    until(lambda: town.client("nims").peers(), "nims has heard of its peers")
    found = yosegi("site", "doctor", "--home", town.folder / "nims", "--json")
    assert found.exit_code == 0, found.output
    first, *_ = json.loads(found.stdout)["background"]
    tasks = town.client("nims").operations.background()
    assert first.endswith("tasks are well")
    assert {"alerts", "exchange", "governance"} <= {task.owner for task in tasks}


def test_a_site_whose_ledger_another_process_takes_over_ends_with_status_1_and_says_so(town: Town) -> None:
    # As if its lock had been lost (a network file system).
    usurper = SqliteStore(town.folder / "argonne" / "ledger.db")
    usurper._begin_term([])
    usurper.close()
    with pytest.raises(YosegiError):
        town.campaign("unrecorded", PROCESS_SOURCE)
    status = town.ended_by_itself("argonne")
    town.start("argonne")
    assert status == 1
    assert "the ledger of argonne has stopped" in (town.folder / "argonne.log").read_text()


def test_a_site_that_ends_lets_go_of_whoever_waits_at_it(town: Town) -> None:
    """A page's stream and a peer's long poll would else be broken off, and a page of troubles written about it."""
    log = town.folder / "argonne.log"
    before = len(log.read_text())
    seen: list[int] = []

    def follow() -> None:
        seen.extend(town.client("argonne").changes())

    follower = threading.Thread(target=follow)
    follower.start()
    until(lambda: seen, "the stream is open")
    status = town.terminate("argonne")
    follower.join()
    town.start("argonne")
    assert status == 0
    assert "Traceback" not in log.read_text()[before:]


def test_sigterm_ends_a_station_with_status_0_and_leaves_no_process(town: Town) -> None:
    below = [pid for pid, _ in descendants(town.pid("robot"))]
    status = town.terminate("robot")
    left = [pid for pid in below if alive(pid)]
    town.start("robot")
    assert (status, left) == (0, [])


@pytest.mark.parametrize("verb", ["serve", "check", "rebuild"])
def test_a_home_that_is_served_is_served_once(town: Town, verb: str) -> None:
    line = one_line(yosegi("site", verb, "--home", town.folder / "argonne"))
    assert f"process {town.pid('argonne')} writes it" in line


def test_a_port_in_use_is_said_and_the_lock_is_not_kept(town: Town, tmp_path: Path) -> None:
    home = copied(town, tmp_path / "home")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = home / "site.toml"
        old = town.urls["argonne"].removeprefix("http://")
        settings.write_text(settings.read_text().replace(f'listen = "{old}"', f'listen = "127.0.0.1:{port}"'))
        line = one_line(yosegi("site", "serve", "--home", home), 6)
        assert f"127.0.0.1:{port}" in line
        assert "in use" in line
    assert yosegi("site", "check", "--home", home).exit_code == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE ledger_entries SET header = CAST(replace(header, 'nn', 'mm') AS BLOB) WHERE sequence = {last}",
        "UPDATE ledger_bodies SET body = x'7b7d' WHERE sequence = {last}",
        "DELETE FROM ledger_entries WHERE sequence = {last}",
    ],
    ids=["header", "body", "gone"],
)
@pytest.mark.parametrize("verb", ["serve", "check"])
def test_a_damaged_ledger_refuses_to_start_and_names_the_entry(
    town: Town, tmp_path: Path, verb: str, damage: str
) -> None:
    home = copied(town, tmp_path / "home")
    database = sqlite3.connect(home / "ledger.db")
    (last,) = database.execute("SELECT MAX(sequence) FROM ledger_bodies").fetchone()
    database.execute(damage.format(last=last))
    database.commit()
    database.close()
    # The copy names the running site's port; what is damaged is found before it matters.
    line = one_line(yosegi("site", verb, "--home", home))
    assert f"entry {last}" in line
    assert "restore" in line


def test_a_file_that_is_no_database_is_refused(town: Town, tmp_path: Path) -> None:
    home = copied(town, tmp_path / "home")
    (home / "ledger.db").write_bytes(b"not a database at all" * 1000)
    assert "ledger.db" in one_line(yosegi("site", "serve", "--home", home))


def size_held(town: Town, by: str, of: str) -> int:
    """How much of a site's ledger a peer has witnessed."""
    body = json.dumps({"charter": "demo", "site": of}).encode()
    with urllib.request.urlopen(f"{town.urls[by]}/exchange/v1/witness", data=body, timeout=10) as answer:
        return int(json.loads(Envelope.read(answer.read()).payload)["size"])


def test_a_backup_made_while_the_site_runs_is_restored_and_served(town: Town, tmp_path: Path) -> None:
    town.campaign("saved", PROCESS_SOURCE)
    town.holds("saved")
    home = town.folder / "argonne"
    backup = copied(town, tmp_path / "backup")
    assert "exists already" in one_line(yosegi("site", "backup", "--home", home, backup), 5)
    assert "not empty" in one_line(yosegi("site", "restore", backup, home), 5)
    # More happens after the backup, until the owner holds a checkpoint of it.
    backed_up = sqlite3.connect(backup / "ledger.db").execute("SELECT COUNT(*) FROM ledger_entries").fetchone()[0]
    names = (f"lost-{number}" for number in itertools.count())

    def held_after_one_more() -> bool:
        name = next(names)
        town.campaign(name, PROCESS_SOURCE)
        town.holds(name)
        return size_held(town, by="riken", of="argonne") > backed_up

    until(held_after_one_more, "riken holds a checkpoint of what is to be lost")
    assert town.terminate("argonne") == 0
    home.rename(tmp_path / "lost")
    restored = yosegi("site", "restore", backup, home, "--by", "operator@argonne")
    assert restored.exit_code == 0, restored.output
    assert "epoch 2" in restored.output
    assert "riken told" not in restored.output
    town.start("argonne")
    town.holds("saved")
    town.campaign("after", PROCESS_SOURCE)
    town.holds("after")
    shutil.rmtree(tmp_path / "lost")
