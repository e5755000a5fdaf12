"""A campaign's answer: what is best and how sure that is, what was gained, and how it is cited."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation.questions import mixes, run, two_sites
from federation.test_questions import BOTH
from yosegi.campaign import campaign_stream
from yosegi.identity.accounts import Session
from yosegi.testing.loop import run_simulated


def test_the_answer_names_the_best_its_uncertainty_and_what_was_gained(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        campaign = await run(federation, mixes())
        home = federation.places["argonne"].running
        answer = await home.campaigns.answer("mixes", federation.member())
        best = campaign.best()
        assert best is not None
        assert answer.best is not None
        assert (answer.best.trial, answer.best.value) == (best.number, best.value)
        (strength,) = answer.learned
        assert (strength.name, strength.unit, len(strength.parity)) == ("strength", "MPa", 6)
        assert strength.best_sd is not None
        assert [one.parameter for one in strength.slices] == ["x", "y"]
        # Twenty trials by hand were registered before the first.
        gained = answer.acceleration
        assert gained is not None
        assert gained.over_baseline == pytest.approx(20 / gained.trials)
        assert 1 <= gained.trials <= 6
        assert gained.random_trials is not None
        entries = home.ledger.read(campaign_stream("mixes"))
        assert answer.entry == entries[-1].hash
        assert answer.entry in answer.bibtex
        for part in (
            "Which mix?",
            "x (0 to 1",
            "6 of bench",
            "riken/toy.mix@1",
            "by hand (20 trials)",
            "strength (maximise, MPa)",
        ):
            assert part in answer.methods, part

    run_simulated(story())


def test_the_methods_say_what_an_extension_changed(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        await run(federation, mixes())
        home = federation.places["argonne"].running
        changes = {"stop": {"trials": 7}, "parameter": [{"name": "x", "low": 0.2, "high": 0.8}]}
        await home.amendments.extend("mixes", changes, "nearer", Session("pi@argonne", "member", float("inf"), ""))
        methods = (await home.campaigns.answer("mixes", federation.member())).methods
        assert "After 6 trials the campaign was extended: x 0.2 to 0.8" in methods
        assert "(before, 0 to 1" in methods
        assert "stop after trials 7 (before, 6)" in methods

    run_simulated(story())


def test_a_front_has_no_one_best_and_is_told_whole(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        campaign = await run(federation, mixes(BOTH))
        home = federation.places["argonne"].running
        answer = await home.campaigns.answer("mixes", federation.member())
        assert answer.best is None
        assert answer.acceleration is None
        assert [one.trial for one in answer.front] == [trial.number for trial in campaign.front()]
        assert {one.name for one in answer.learned} == {"strength", "effort", "purity"}
        assert "subject to purity ≥ 75 %" in answer.methods

    run_simulated(story())
