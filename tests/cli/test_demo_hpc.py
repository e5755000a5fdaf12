from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.asking import document
from processes.sites import free_ports
from yosegi.demo.chain import hamiltonian
from yosegi.demo.hpc import campaign_file
from yosegi.testing import slurm_cluster


def demo(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yosegi.cli", "demo", "--hpc", "--folder", folder, "--port", str(free_ports(3)[0])],
        capture_output=True, text=True, check=False, timeout=360, env=variables or None,
    )  # fmt: skip


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(bool(slurm_cluster.ABSENT), reason=slurm_cluster.ABSENT)
def test_a_campaign_of_a_third_site_runs_on_slurm_and_on_a_stand_in_for_pjm(tmp_path: Path) -> None:
    done = demo(tmp_path / "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "demo-hpc"
    assert "identical" in done.stdout
    compared = [line for line in done.stdout.splitlines() if "differs by" in line]
    assert len(compared) == 3
    through = next(line for line in compared if "nims says" in line)
    assert through.rstrip().endswith("differs by 0.0"), through
    assert all("'energy': -0.375" in line or "'energy': -0.37499" in line for line in compared), compared
    assert document("verify", folder / "frustration.bundle.json")["ok"]
    for site in ("argonne", "riken"):
        records = [json.loads(p.read_text()) for p in (folder / site / "engines" / "cluster" / "jobs").glob("y*.json")]
        assert records
        assert {record["outcome"]["result"] for record in records} == {"valid"}
        spent = [record["outcome"]["spent"]["node_h"] for record in records if record["usage"]["seconds"] > 0]
        counted = [record["usage"]["seconds"] / 3.6 for record in records if record["usage"]["seconds"] > 0]
        assert all(0 <= paid - used < 1 for paid, used in zip(spent, counted, strict=True))


@pytest.mark.processes
def test_where_there_can_be_no_slurm_the_demonstration_says_what_is_missing(tmp_path: Path) -> None:
    done = demo(tmp_path / "demo", PATH=str(tmp_path))
    assert done.returncode != 0
    assert "Slurm is not installed (Debian: apt-get install" in done.stdout + done.stderr


def test_the_campaign_is_the_example() -> None:
    example = Path(__file__).parents[2] / "examples" / "hpc" / "spin-chain.toml"
    assert example.read_text(encoding="utf-8") == campaign_file()


def test_the_chain_has_the_ground_state_that_majumdar_and_ghosh_found() -> None:
    """-3/8 a site at ratio ½ (J. Math. Phys. 10, 1388 (1969)); and the Heisenberg chain of four sites has -½ a site."""
    numpy = pytest.importorskip("numpy")
    for sites, ratio, energy in ((8, 0.5, -0.375), (10, 0.5, -0.375), (4, 0.0, -0.5)):
        found = numpy.linalg.eigvalsh(hamiltonian(sites, ratio).toarray())[0] / sites
        assert found == pytest.approx(energy, abs=1e-12)
