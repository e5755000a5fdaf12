"""The officer's minute: trace, suspend, report and prove, beside a running site."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.asking import document, pi, refused, told, yosegi
from cli.test_rights import TERMS
from processes.sites import Town, until
from yosegi.cli._trace_report import show_access
from yosegi.verification.access_report import AccessEvent

pytestmark = pytest.mark.processes


def test_what_a_member_touched_is_traced_beside_the_running_site(town: Town, tmp_path: Path) -> None:
    lines = document("incident", "trace", "--home", town.folder / "riken", "person", "pi@argonne")
    tasks = {str(row[0]) for row in town.ask("riken", "SELECT stream FROM task")}
    assert {line["stream"] for line in lines if line["stream"].startswith("task/")} == tasks
    assert document("incident", "trace", "--home", town.folder / "riken", "person", "nobody@argonne") == []
    assert "not the home of a site" in refused("incident", "trace", "--home", tmp_path, "person", "pi@argonne")


def test_a_trace_names_each_stream_in_full_and_fits_a_terminal_of_80_columns(town: Town) -> None:
    home = town.folder / "riken"
    lines = document("incident", "trace", "--home", home, "person", "pi@argonne")
    streams = list(dict.fromkeys(line["stream"] for line in lines))
    shown = told("incident", "trace", "--home", home, "person", "pi@argonne").splitlines()
    assert [line for line in shown if line in streams] == streams
    assert len(shown) == len(lines) + len(streams) + 2
    assert all(len(line) <= 80 and line == line.rstrip() for line in shown)
    assert [int(line.split()[0]) for line in shown if line.startswith("  ")] == [
        line["sequence"] for stream in streams for line in lines if line["stream"] == stream
    ]


def test_who_touched_what_takes_two_lines_in_a_narrow_terminal_and_one_in_a_pipe(
    town: Town, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = town.folder / "argonne"
    events = [AccessEvent(**event) for event in document("incident", "trace", "--home", home)]
    asked = [event for event in events if event.what == "asked of others"]
    show_access(asked)
    piped = capsys.readouterr().out.splitlines()
    assert len(piped) == len(asked) + 1
    assert all(event.capability in line for event, line in zip(asked, piped[1:], strict=True))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    show_access(asked)
    narrow = capsys.readouterr().out
    assert max(map(len, narrow.splitlines())) <= 80
    assert narrow.count(asked[0].capability) == len(asked)
    assert narrow.count("pi@argonne") == len(asked)


def test_a_report_is_signed_and_verifies_anywhere(town: Town, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    told(
        "incident",
        "report",
        "--home",
        town.folder / "riken",
        "person",
        "pi@argonne",
        "--since",
        "2020-01-01",
        "--out",
        report,
    )
    found = document("incident", "verify", report)
    assert (found["site"], found["subject"], found["ok"]) == ("riken", "person", True)
    assert found["lines"] > 0
    (charter,) = town.client("riken").charters()
    told("incident", "verify", report, "--charter", charter.digest)
    refused("incident", "verify", report, "--charter", "sha256:" + "0" * 64)
    value = json.loads(report.read_text())
    value["payload"] = value["payload"][:-8] + value["payload"][-4:] + value["payload"][-8:-4]
    report.write_text(json.dumps(value))
    refused("incident", "verify", report)


def test_a_person_is_suspended_and_lifted_at_a_running_site(town: Town) -> None:
    home = town.folder / "riken"
    told("incident", "suspend", "--home", home, "person", "pi@argonne", "--why", "a look")
    try:
        (one,) = document("incident", "list", "--home", home)
        assert (one["kind"], one["name"], one["why"]) == ("person", "pi@argonne", "a look")
    finally:
        told("incident", "lift", "--home", home, "person", "pi@argonne", "--why", "seen")
    assert document("incident", "list", "--home", home) == []
    assert "no suspension" in refused("incident", "lift", "--home", home, "person", "pi@argonne", "--why", "again")
    refused("incident", "suspend", "--home", home, "person", "Not A Person", "--why", "x")


def test_an_officer_is_suspended_and_let_in_again_by_another_of_the_same_home(town: Town) -> None:
    person = ("--home", town.folder / "riken", "person", "officer@riken")
    assert "acting as operator@riken" in yosegi("incident", "suspend", *person, "--why", "a lost key").stderr
    lifted = yosegi("incident", "lift", *person, "--why", "found")
    assert (lifted.exit_code, "acting as operator@riken" in lifted.stderr) == (0, True), lifted.output
    assert document("incident", "list", "--home", town.folder / "riken") == []


def test_the_last_who_runs_a_site_is_not_suspended_there_while_it_runs(town: Town) -> None:
    home = town.folder / "argonne"
    told_why = refused("incident", "suspend", "--home", home, "person", "operator@argonne", "--why", "x")
    assert "no operator's key lies in its home other than operator@argonne" in told_why
    assert document("incident", "list", "--home", home) == []


def test_an_account_that_was_closed_is_not_acted_as_at_a_running_site(town: Town) -> None:
    home = town.folder / "riken"
    told("site", "account", "--home", home, "another@riken", "--role", "officer", "--passphrase", "")
    told("site", "account", "close", "--home", home, "another@riken")
    told("site", "account", "close", "--home", home, "officer@riken", "--leave-no-officer")
    try:
        assert "acting as operator@riken" in yosegi("incident", "list", "--home", home).stderr
    finally:
        told("site", "account", "--home", home, "officer@riken", "--role", "officer", "--passphrase", "")


def test_audit_events_go_to_the_institutions_own_log_one_a_line(town: Town) -> None:
    lines = [json.loads(line) for line in told("incident", "export", "--home", town.folder / "riken").splitlines()]
    assert [line["sequence"] for line in lines] == list(range(len(lines)))
    assert all("body" not in line for line in lines)
    rest = told("incident", "export", "--home", town.folder / "riken", "--after", str(len(lines) - 2)).splitlines()
    assert json.loads(rest[0])["sequence"] == len(lines) - 1


def test_a_spill_in_a_task_is_erased_at_both_sites_and_the_command_says_who_has_not_answered(town: Town) -> None:
    home = town.folder / "riken"
    # A task of its own: the campaign's results are for other tests.
    asked = document("task", "ask", "riken/toy.simulate@1", *TERMS, "--input", "x=0.125", *pi(town))
    asked_by, key = "argonne", asked["request"].rpartition("/")[2]
    ended = f"SELECT 1 FROM task WHERE key = '{key}' AND state = 'ended'"
    until(lambda: town.ask("riken", ended), "the task has ended")
    task = f"{asked_by}/riken/{key}"
    first = told("incident", "erase", "--home", home, task, "--why", "a name in it")
    assert "gone at riken" in first
    until(lambda: not document("incident", "erasures", "--home", home)[0]["waiting"], "everybody has answered")
    (found,) = document("incident", "erasures", "--home", home)
    assert found["gone"] == sorted({asked_by, "riken"})
    assert "a name in it" in told("incident", "erasures", "--home", home)
    assert task in told("incident", "erasures", "--home", town.folder / asked_by)


@pytest.mark.parametrize(
    ("task", "why"),
    [("nonsense", "is not home/owner/key"), ("argonne/riken/unheard", "no task 'argonne/riken/unheard'")],
)
def test_what_is_no_task_is_said_so_and_nothing_is_erased(town: Town, task: str, why: str) -> None:
    home = town.folder / "riken"
    before = document("incident", "erasures", "--home", home)
    assert why in refused("incident", "erase", "--home", home, task, "--why", "x")
    assert document("incident", "erasures", "--home", home) == before
