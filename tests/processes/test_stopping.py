"""Aborting a site ends the processes that run for it, wherever they run, and nothing happens twice afterwards."""

from __future__ import annotations

import pytest

from processes.sites import PROCESS_SOURCE, ROBOT_SOURCE, Town, alive, until
from yosegi.services.operations.schemas import StopStatus

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("site", "source"), [("riken", PROCESS_SOURCE), ("nims", ROBOT_SOURCE)])
def test_an_abort_of_a_site_ends_what_runs_and_a_release_lets_the_campaign_go_on(
    town: Town, site: str, source: str
) -> None:
    before, client = len(town.effects()), town.client(site)
    with town.held():
        town.campaign(f"abort-{site}", source)
        key, child = town.next_effect(before)
        told = client.operations.set_stop_level("abort", "smoke")
        assert told == StopStatus(held=True, word="abort", by=f"operator@{site}", since=told.since, why="smoke")
        until(lambda: not alive(child), "the process that did it ends")
        until(lambda: town.tasks(f"abort-{site}", site)["uncertain"] == 1, "its effect is unknown")
    assert len(town.effects()) == before + 1
    client.operations.set_stop_level("release", "it was steam")
    town.holds(f"abort-{site}", uncertain=1)
    client.tasks.settle(key.removeprefix("task/"), "done", "it is used")
