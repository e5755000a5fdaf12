"""How a command that does not do what it was asked ends: its status by the kind of error, in words or in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from cli.asking import pi, yosegi
from processes.sites import Town
from yosegi.cli import main
from yosegi.cli.output import STATUS, Failed, in_words

GUIDE = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"


@pytest.mark.processes
@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        (("capability", "show", "riken/nothing@1"), 4, "not_found"),
        (("capability", "show", "nothing"), 1, "invalid"),
        (("campaign", "show", "none"), 4, "not_found"),
        (("capability", "mend", "toy.use@1", "--note", "mine"), 3, "refused"),
    ],
)
def test_an_error_ends_with_the_status_of_its_kind(town: Town, line: tuple[str, ...], status: int, code: str) -> None:
    result = yosegi(*line, *pi(town))
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    if line[:2] != ("capability", "mend"):
        told = json.loads(yosegi(*line, *pi(town), "--json").stderr.splitlines()[-1])["error"]
        assert told["code"] == code
        assert told["message"] in result.stderr


def test_a_file_that_is_no_bundle_is_not_called_a_damaged_one(tmp_path: Path) -> None:
    file = tmp_path / "couple.toml"
    file.write_text('name = "couple"\n', encoding="utf-8")
    result = yosegi("verify", str(file))
    assert result.exit_code == 1
    assert "is no campaign's bundle" in result.stderr
    assert "corrupt" not in result.stderr


def test_a_site_that_is_not_there_is_unavailable() -> None:
    nobody = ("--url", "http://127.0.0.1:9", "--as", "pi@argonne", "--passphrase", "x")
    result = yosegi("campaign", "list", *nobody, "--json")
    assert result.exit_code == 6
    assert json.loads(result.stderr)["error"]["code"] == "unavailable"


def test_a_command_that_cannot_be_read_says_so_as_json_too() -> None:
    result = yosegi("campaign", "list", "--no-such", "--json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert json.loads(result.stderr)["error"] == {"code": "usage", "message": "No such option '--no-such'."}


def test_a_refusal_in_json_has_its_reason_codes(capsys: pytest.CaptureFixture[str]) -> None:
    Failed("no", "refused", ("not_in_team",), in_json=True).show()
    assert json.loads(capsys.readouterr().err)["error"]["reasons"] == ["not_in_team"]


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("yosegi.verification.bundle.read_bundle", interrupted)
    (tmp_path / "bundle.json").write_text("{}", encoding="utf-8")
    result = yosegi("verify", str(tmp_path / "bundle.json"))
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


def test_every_status_is_on_the_page() -> None:
    page = GUIDE.read_text(encoding="utf-8")
    assert all(f"| {status} | `{code}`" in page for code, status in STATUS.items())
    assert "| 130 |" in page


@pytest.mark.processes
def test_the_names_of_campaigns_and_capabilities_are_completed(town: Town) -> None:
    shell = ShellComplete(main, {}, "yosegi", "_YOSEGI_COMPLETE")

    def offered(*words: str, incomplete: str) -> list[str]:
        return [one.value for one in shell.get_completions(list(words), incomplete)]

    assert offered("campaign", "show", *map(str, pi(town)), incomplete="toy") == ["toy"]
    assert "riken/toy.use@1" in offered("capability", "show", *map(str, pi(town)), incomplete="riken/")


def test_where_no_site_can_be_asked_nothing_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shell = ShellComplete(main, {}, "yosegi", "_YOSEGI_COMPLETE")
    assert shell.get_completions(["campaign", "show"], "") == []


def test_a_usage_error_is_one_of_clicks() -> None:
    assert click.UsageError.exit_code == STATUS["usage"]


def test_what_an_answer_says_is_shown_in_words() -> None:
    assert in_words(["a", "b"]) == "a, b"
    assert in_words({"samples": "3", "node_h": "1"}) == "3 samples, 1 node_h"
    assert in_words({"code": "mandate_cancelled", "en": "It was cancelled.", "ja": "…"}) == "It was cancelled."
    assert [in_words(value) for value in (True, False, None, 2)] == ["yes", "no", "", "2"]
