"""`examples/run.py` on every example that it can run: sites and stations as processes, the campaign to its end."""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from processes.sites import free_ports
from yosegi.campaign import read_spec
from yosegi.core.identifiers import split_capability

EXAMPLES = Path(__file__).parents[2] / "examples"
pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(600)]
NEEDS = {
    "alloy-ageing": ("pycalphad",),
    "aluminium-zinc": ("pycalphad",),
    "bio-strain": ("cobra",),
    "colour": ("pylabrobot", "colour"),
    "crystal-match": ("chgnet",),
    "fusion-scenario": ("torax",),
    "hep-tune": ("pythia8mc",),
    "induction": ("cobra",),
    "quantum-drag": ("qutip",),
    "quantum-footprint": ("stim", "pymatching"),
    "quantum-memory": ("stim", "pymatching"),
    "titania": (),
    "films_two_sites/campaign": (),
    "questions/candidates": (),
}
"""What each example's capabilities import. Of `questions/` one: `test_questions.py` runs all of them."""
SHIPPED = {"titania": ("riken", "kek"), "films_two_sites/campaign": ("riken", "nims")}
"""Where samples are made, and where they go."""


def told(*command: str) -> str:
    """What a program prints; all that it said, if it failed."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, cwd=EXAMPLES.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_campaign_file_beside_run_py_is_among_those_that_are_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.toml")} == {name for name in NEEDS if "/" not in name}


def test_run_py_says_where_each_capability_of_these_files_is_kept() -> None:
    sys.path.insert(0, str(EXAMPLES))
    try:
        run = importlib.import_module("run")
    finally:
        sys.path.remove(str(EXAMPLES))
    named = {split_capability(ref)[1] for name in NEEDS for ref in read_spec(EXAMPLES / f"{name}.toml").capabilities()}
    assert named <= set(run.ENTRIES) | set(run.INSTRUMENTS)


@pytest.mark.parametrize("name", NEEDS)
def test_an_example_runs_to_its_end_and_its_bundle_replays(name: str, tmp_path: Path) -> None:
    for module in NEEDS[name]:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: the example needs its pack's extra")
    trials = 3 if name in SHIPPED else 2
    folder = tmp_path / "federation"
    run = (str(EXAMPLES / "run.py"), str(EXAMPLES / f"{name}.toml"), "--folder", str(folder), "--trials", str(trials))
    said = told(*run, "--port", str(free_ports(5)[0]))
    assert f"ended: {trials} trials done" in said
    assert "(simulated)" in said
    (bundle,) = folder.glob("*.bundle.json")
    replayed = json.loads(told("-m", "yosegi.cli", "replay", str(bundle), "--json"))
    assert {one["verdict"] for one in replayed} == {"identical"}
    if name in SHIPPED:
        agreed_by_both_ledgers(folder, said, SHIPPED[name])


def agreed_by_both_ledgers(folder: Path, said: str, sites: Sequence[str]) -> None:
    """The life of each sample over giver's and receiver's ledger, each verified whole; none is told to be real."""
    samples = [line.split()[2] for line in said.splitlines() if f"{sites[1]} received " in line]
    assert len(samples) == 3
    homes = [option for site in sites for option in ("--from", str(folder / site))]
    for sample in samples:
        life: dict[str, Any] = json.loads(told("-m", "yosegi.cli", "sample", "show", sample, *homes, "--json"))
        assert life["holder"] == sites[1]
        assert life["ok"]
        assert f"received {sample} (simulated)" in said
