"""What `campaign watch` shows: the newest trials in a small terminal, a line a trial in a pipe, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from federation.questions import mixes, run, two_sites
from yosegi.cli import campaigns
from yosegi.cli.campaigns import line_of_trial, screen_of
from yosegi.services.campaigns.schemas import CampaignDetail
from yosegi.testing.loop import run_simulated


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> CampaignDetail:
    async def story() -> CampaignDetail:
        federation = two_sites(tmp_path_factory.mktemp("watch"))
        await federation.start()
        await run(federation, mixes().replace("trials = 6", "trials = 30").replace("parallel = 2", "parallel = 4"))
        home = federation.places["argonne"].running
        return home.campaigns.show("mixes", federation.member())

    text_of_many = run_simulated(story())
    assert len(text_of_many.trial) == 30
    return text_of_many


def test_the_newest_trials_fit_a_terminal_of_80_by_24(ended: CampaignDetail) -> None:
    console = Console(width=80, height=24, record=True, force_terminal=True, highlight=False, markup=False)
    with console.capture() as shown:
        console.print(screen_of(ended, 80, 24))
    lines = shown.get().rstrip("\n").splitlines()
    assert len(lines) <= 24
    assert lines[-1].lstrip().removeprefix("\x1b[0m").startswith("30")


def test_a_trial_is_one_line_in_a_pipe(ended: CampaignDetail) -> None:
    lines = [line_of_trial(ended, trial) for trial in ended.trial]
    assert all("\n" not in line for line in lines)
    assert lines[0].startswith("1\tbench\tx=")
    assert ended.best is not None
    assert [line for line in lines if line.endswith(" best")] == [lines[ended.best.trial - 1]]


def test_ctrl_c_stops_watching_and_not_the_campaign(ended: CampaignDetail, monkeypatch: pytest.MonkeyPatch) -> None:
    class Handle:
        name = "mixes"

    class Asked:
        def campaign(self, name: str) -> Handle:
            return Handle()

    def interrupted(client: Any, handle: Any) -> Iterator[CampaignDetail]:
        yield ended
        raise KeyboardInterrupt

    monkeypatch.setattr(campaigns, "client_of", lambda **site: Asked())
    monkeypatch.setattr(campaigns, "follow", interrupted)
    result = CliRunner().invoke(campaigns.campaign, ["watch", "mixes", "--url", "http://127.0.0.1:1"])
    assert result.exit_code == 130
    assert "stopped watching mixes; it goes on" in result.stderr
    assert result.stdout.count("\tbench\t") == 30
