from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.asking import document
from processes.sites import free_ports
from yosegi.cli import main
from yosegi.cli.demo import called


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_demonstration_runs_to_its_report(tmp_path: Path) -> None:
    pytest.importorskip("pylabrobot")
    pytest.importorskip("colour")
    folder = tmp_path / "demo"
    port = free_ports(3)[0]
    done = subprocess.run(
        [sys.executable, "-m", "yosegi.cli", "demo", "--quick", "--folder", folder, "--port", str(port)],
        capture_output=True,
        text=True,
        check=False,
        timeout=360,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Dashboard: http://127.0.0.1" in done.stdout.splitlines()[0]
    assert "identical" in done.stdout
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert 'lang="ja"' in report
    assert document("verify", folder / "colour.bundle.json")["ok"]
    assert json.loads((folder / "colour.bundle.json").read_text())["site"] == "argonne"


def test_what_the_demonstration_needs_is_said_before_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yosegi.cli.demo.NEEDED", {"no_such_module_here": "colour-science"})
    result = CliRunner().invoke(main, ["demo", "--folder", str(tmp_path / "federation")])
    assert result.exit_code == 6
    assert "colour-science not installed" in result.stderr
    assert "pip install 'yosegi[labs]'" in result.stderr
    assert not (tmp_path / "federation").exists()


def test_what_it_prints_can_be_called_as_it_was_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(tmp_path / ".venv" / "bin" / "yosegi"), "demo"])
    assert called() == ".venv/bin/yosegi"
    monkeypatch.setattr("sys.argv", ["/somewhere/pytest"])
    assert called() == "yosegi"
