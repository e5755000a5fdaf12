"""kill -9 of what drives a device that can be asked by key: it is asked, in a worker or by its station."""

from __future__ import annotations

import os
import signal

import pytest

from processes.sites import SHOOT_SOURCE, Town, alive, until

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("site", "victim"), [("riken", "child"), ("riken", "riken"), ("nims", "child"), ("nims", "robot")]
)
def test_a_shot_whose_driver_dies_after_it_is_found_again_and_no_person_is_called(
    town: Town, site: str, victim: str
) -> None:
    before, name = len(town.effects()), f"ask-{site}-{victim}"
    with town.held():
        town.campaign(name, SHOOT_SOURCE.replace("SITE", site))
        _, child = town.next_effect(before)
        if victim == "child":
            os.kill(child, signal.SIGKILL)
        else:
            town.restart(victim)
        until(lambda: not alive(child), "the process that did it ends")
        until(lambda: town.tasks(name, site)["ended"] >= 1, "its device has told")
    town.holds(name)
    assert len(town.effects()) == before + 2
