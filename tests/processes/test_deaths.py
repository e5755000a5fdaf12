"""kill -9 of every kind of process in the middle of a campaign: it ends, and nothing physical happens twice."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from processes.sites import PROCESS_SOURCE, PURE_SOURCE, ROBOT_SOURCE, Town, alive, descendants, parent, until

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_home_site_that_dies_while_others_work_takes_its_campaign_up_again(town: Town) -> None:
    before = len(town.effects())
    with town.held():
        town.campaign("home", ROBOT_SOURCE, PURE_SOURCE)
        town.next_effect(before)
        town.restart("argonne")
    town.holds("home")


def test_a_home_site_that_dies_right_after_a_campaign_was_started_goes_on_with_it(town: Town) -> None:
    town.campaign("start", PROCESS_SOURCE)
    town.restart("argonne")
    town.holds("start")


def test_an_owner_whose_station_goes_on_asks_it_what_became_of_the_task(town: Town) -> None:
    before = len(town.effects())
    with town.held():
        town.campaign("owner", ROBOT_SOURCE)
        town.next_effect(before)
        town.restart("nims")
    town.holds("owner")


def test_a_station_that_dies_after_the_effect_leaves_one_uncertain_task_and_the_campaign_goes_on(town: Town) -> None:
    before = len(town.effects())
    with town.held():
        town.campaign("station", ROBOT_SOURCE)
        key, _ = town.next_effect(before)
        town.restart("robot")
    town.holds("station", uncertain=1)
    task = key.removeprefix("task/")
    assert task in {alert.task for alert in town.client("nims").operations.alerts()}
    town.client("nims").tasks.settle(task, "done", "it is used")
    assert town.tasks("station", "nims")["uncertain"] == 0


def test_a_station_that_dies_and_loses_its_log_does_nothing_more_until_a_person_has_looked(town: Town) -> None:
    before = len(town.effects())
    with town.held():
        town.campaign("amnesia", ROBOT_SOURCE)
        town.next_effect(before)
        town.kill("robot")
        for path in town.robot.glob("intents.sqlite*"):
            path.unlink()
        town.start("robot")
        nims = town.client("nims")
        until(lambda: "station/robot/forgot" in {alert.name for alert in nims.operations.alerts()}, "it is told")
    # The campaign asks for more samples, is refused each, and leaves the source alone.
    until(lambda: town.handle("amnesia").state().state == "held", "the campaign waits")
    refused = [t for t in town.handle("amnesia").state().trial if t.state == "refused"]
    assert {trial.why for trial in refused} == {"station_unsettled"}
    assert len(town.effects()) == before + 1
    nims.operations.settle_station("robot", "one is used")
    town.handle("amnesia").move("resume", "mended")
    town.holds("amnesia", uncertain=1)


def test_a_mailbox_host_that_dies_loses_no_mail(town: Town) -> None:
    before = len(town.effects())
    with town.held():
        town.campaign("mailbox", ROBOT_SOURCE)
        town.next_effect(before)
        town.kill("riken")
    until(lambda: town.tasks("mailbox", "nims")["ended"] or town.tasks("mailbox", "nims")["completed"], "it is made")
    town.start("riken")
    town.holds("mailbox")


def test_an_owner_that_dies_with_a_consuming_process_does_not_repeat_it(town: Town) -> None:
    before = len(town.effects())
    with town.held():
        town.campaign("process", PROCESS_SOURCE)
        _, child = town.next_effect(before)
        assert child in {pid for pid, _ in descendants(town.pid("riken"))}
        town.restart("riken")
        assert not alive(child)
    town.holds("process", uncertain=1)


@pytest.mark.parametrize("who", ["child", "fork-server"])
def test_a_process_of_a_site_that_dies_makes_its_task_uncertain_and_harms_no_other(town: Town, who: str) -> None:
    before = len(town.effects())
    with town.held():
        town.campaign(who, PROCESS_SOURCE)
        _, child = town.next_effect(before)
        victim = child if who == "child" else parent(child)
        assert victim != town.pid("riken")
        os.kill(victim, signal.SIGKILL)
        until(lambda: not alive(child), "the process ends")
    town.holds(who, uncertain=1)
    assert town.client("riken").site().site == "riken"


def test_whatever_dies_at_random_the_campaign_ends_and_nothing_happens_twice(town: Town) -> None:
    chance = random.Random(2026)
    town.campaign("random", ROBOT_SOURCE, PURE_SOURCE, trials=6)
    for _ in range(6):
        time.sleep(chance.uniform(0.0, 0.5))
        town.restart(chance.choice(("argonne", "riken", "nims", "robot")))
    state = town.ended("random")
    uncertain = town.tasks("random", "nims")["uncertain"]
    assert state["state"] == "ended", state["why"]
    town.holds("random", uncertain=uncertain, completed=6)
