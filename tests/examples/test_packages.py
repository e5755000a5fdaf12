"""The packages under examples/ are installed into an environment of their own, without a network, and run for real."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from processes.sites import free_ports

TOP = Path(__file__).parents[2]
PACKAGES = ("pack_beam", "engine_folder", "proposer_halton")
pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(600)]


def run(*command: str) -> str:
    """What a program prints; what went wrong, with all that it said, if it failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An environment of its own: what this one has is found through it, and the three packages are in it alone."""
    own = TOP / ".uv" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    assert uv is not None, "uv is neither in .uv/ nor on the PATH: make setup-dev"
    folder = tmp_path_factory.mktemp("environment")
    run(uv, "venv", "-q", "--python", sys.executable, str(folder / "venv"))
    made = str(folder / "venv" / "bin" / "python")
    site = Path(run(made, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])").strip())
    # addsitedir and not a plain path, so that the .pth file of this editable installation counts too.
    there = sysconfig.get_paths()["purelib"]
    (site / "with_yosegi.pth").write_text(f"import site; site.addsitedir({there!r})\n")
    for name in PACKAGES:
        copy = folder / name
        shutil.copytree(TOP / "examples" / name, copy)
        options = ["--offline", "--no-deps", "--no-build-isolation", "--python", made]
        run(uv, "pip", "install", "-q", *options, str(copy))
    return made


def test_an_installed_pack_is_known_by_its_name_and_its_contracts_follow_from_its_functions(python: str) -> None:
    told = json.loads(run(python, "-m", "yosegi.cli", "capability", "check", "beam", "--json"))
    assert [one["ref"] for one in told] == ["beam.closed@1", "beam.elements@1"]


def test_the_settings_of_an_installed_engine_are_printed_with_units_defaults_and_text(python: str) -> None:
    text = run(python, "-m", "yosegi.cli", "engine", "show", "folder")
    assert "look_seconds" in text
    assert "2.0" in text
    assert "Seconds between two looks for results" in text


def test_the_engine_keeps_what_every_engine_promises(python: str, tmp_path: Path) -> None:
    tests = TOP / "examples" / "engine_folder" / "tests"
    shutil.copytree(tests, tmp_path / "tests")
    run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", str(tmp_path / "tests"))


def test_a_campaign_runs_to_its_end_with_a_pack_an_engine_and_a_proposer_from_outside(
    python: str, tmp_path: Path
) -> None:
    """The deflection is that of Gere and Goodno, Mechanics of Materials, table H-1, case 4: F L³ / (3 E I)."""
    campaign = TOP / "examples" / "pack_beam" / "campaign.toml"
    port = free_ports(2)[0]
    script = str(Path(__file__).with_name("outside.py"))
    state = json.loads(run(python, script, str(tmp_path / "sites"), str(campaign), str(port)))
    trials = [trial for trial in state["trial"] if trial["state"] == "completed"]
    assert len(trials) == 4
    for trial in trials:
        length, side = trial["values"]["length"], trial["values"]["side"] / 1e3
        expected = 1e3 * 1000.0 * length**3 / (3 * 210e9 * side**4 / 12)
        assert trial["value"] == pytest.approx(expected, rel=1e-6)
    told = run(python, "-m", "yosegi.cli", "replay", str(tmp_path / "sites" / "beam.bundle.json"), "--json")
    assert {one["verdict"] for one in json.loads(told)} == {"identical"}
