"""The guide to large data, run: its capabilities in a federation of three sites, with its own two steps."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from federation.large import SPEC
from yosegi.campaign import Campaign, parse_spec
from yosegi.cli.main import main
from yosegi.core.states import TrialState
from yosegi.governance.charter.statement import Listens, Outbound
from yosegi.testing.federation import Federation, Place, address
from yosegi.testing.loop import run_simulated

GUIDE = (Path(__file__).parents[2] / "docs" / "how-to" / "large-data.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def guide(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that a reader would have written."""
    module = types.ModuleType("spectra")
    monkeypatch.setitem(sys.modules, "spectra", module)
    exec(block("python"), module.__dict__)
    return module


def test_its_campaign_runs_between_two_sites(guide: Any, tmp_path: Path) -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)
    places = {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
        "riken": Place("riken", Listens(url=address("riken")), capabilities=[guide.measure]),
        "nims": Place("nims", Outbound(mailbox="argonne"), capabilities=[guide.peak]),
    }
    head = SPEC.split("[[source]]")[0].replace("TRIALS", "1").replace('name = "y"', 'name = "height"')
    head = head.replace('name = "x", low = 0.0', 'name = "width", low = 0.1')

    async def story() -> Campaign:
        federation = Federation(places, tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(head + block("toml")), federation.member())
        await asyncio.sleep(120)
        campaign = home.campaigns.get("large")
        assert {line.media_type for line in home.objects.listing(federation.member(), campaign="large")} == {
            "application/x-npy",
            "text/csv",
        }
        for name in places:
            await federation.crash(name)
        return campaign

    trial = run_simulated(story()).trials[0]
    assert trial.state is TrialState.COMPLETED, trial
    # The highest point of exp(-x²/w) sampled at 20,000 points lies within a step of nought: 1 - (5/20000)²/w.
    assert trial.value == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("line", re.findall(r"^yosegi object .*$", GUIDE, re.MULTILINE))
def test_every_command_of_it_is_one(line: str, tmp_path: Path) -> None:
    words = line.split()[1:]
    options = {word for word in words if word.startswith("--")}
    told = CliRunner().invoke(main, [*words[:2], "--help"])
    assert told.exit_code == 0
    assert all(option in told.output for option in options)
