from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.asking import document
from processes.sites import free_ports


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
