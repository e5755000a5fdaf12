"""A cautious campaign over a federation, on simulated time: where it asks, and that its decisions are found again."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from campaign.test_caution import CAUTIOUS
from federation.toys import three_sites
from yosegi.campaign import parse_spec
from yosegi.campaign.trial import Trial
from yosegi.testing.loop import run_simulated
from yosegi.verification.bundle import read_bundle, replay_bundle, verify_bundle

REACH, LIMIT = 0.1, 0.2


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def run_cautiously(folder: Path) -> tuple[tuple[Trial, ...], list[str]]:
    async def story() -> tuple[tuple[Trial, ...], list[str]]:
        federation = three_sites(folder)
        await federation.start()
        home = federation.places["argonne"].running
        asked = CAUTIOUS.replace("{ trials = 2 }", "{ trials = 8 }").replace("parallel = 2", "parallel = 1")
        await home.campaigns.start(parse_spec(asked), federation.member())
        for _ in range(200):
            await asyncio.sleep(5)
            if home.campaigns.get("toy").state.final:
                break
        bundle = read_bundle(await home.campaigns.export("toy"))
        verify_bundle(bundle)
        return tuple(home.campaigns.get("toy").trials), [one.verdict for one in replay_bundle(bundle)]

    return run_simulated(story())


def test_it_begins_where_it_was_told_goes_in_short_steps_and_is_found_again(tmp_path: Path) -> None:
    trials, verdicts = run_cautiously(tmp_path)
    own = [float(trial.values["x"]) for trial in trials if trial.source == "experiment"]
    assert own[:2] == [0.3, 0.35]
    for number, x in enumerate(own[2:], start=2):
        # By the toy's own formula each point here keeps the limit, so that each may be stepped from.
        assert (x - 0.35) ** 2 <= LIMIT
        assert min(abs(x - before) for before in own[:number]) <= REACH + 1e-6
    assert own[4] == min(own[:4], key=lambda x: (x - 0.35) ** 2), "after four, the best once more"
    assert len(own) == 8
    assert set(verdicts) == {"identical"}
