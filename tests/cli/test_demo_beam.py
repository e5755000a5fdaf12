"""The demonstration of an accelerator, whole, over a real soft IOC."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("at", reason="the extra `accelerator` is not installed")
pytest.importorskip("softioc", reason="the extra `accelerator` is not installed")

from cli.asking import document
from processes.sites import free_ports
from yosegi.campaign import parse_spec
from yosegi.demo.beam import MACHINE, campaign_file


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_ring_is_tuned_within_its_loss_limit_through_a_kill_and_a_trip(tmp_path: Path) -> None:
    port = str(free_ports(2)[0])
    done = subprocess.run(
        [sys.executable, "-m", "yosegi.cli", "demo", "--beam", "--folder", tmp_path / "demo", "--port", port],
        capture_output=True, text=True, check=False, timeout=380,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "was killed (SIGKILL) in the middle of a shot" in done.stdout
    assert "H1 is back at 0, verified" in done.stdout
    assert "the shot is charged, and never repeated" in done.stdout
    assert "beyond the trip at 10 %/h" in done.stdout
    bundle = tmp_path / "demo-beam" / "beam.bundle.json"
    assert document("verify", bundle)["ok"]
    assert {one["verdict"] for one in document("replay", bundle)} == {"identical"}


def test_the_campaigns_of_the_demonstration_hold() -> None:
    beam, hasty = parse_spec(campaign_file("beam")), parse_spec(campaign_file("beam_hasty"))
    assert beam.caution is not None
    assert hasty.caution is None
    assert beam.limit[0].at_most == math.log(1.0)
    assert beam.source[1].step[0].set == {"machine": MACHINE}
