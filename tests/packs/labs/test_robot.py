"""The robot: nothing physical twice, whatever stops it."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yosegi.core.errors import Invalid, NotFound
from yosegi_packs.labs.deck import Deck, lay_out
from yosegi_packs.labs.errors import AlreadyMixed, InUse, NotMeasurable, OutOfWells, Stopped, StoppedSafely
from yosegi_packs.labs.records import Mixture, Records, WellState
from yosegi_packs.labs.robot import Robot

RECIPE = (30.0, 20.5, 40.0, 59.5)


def open_robot(folder: Path, **options: object) -> Robot:
    folder.mkdir(exist_ok=True)
    fields = ", ".join(f'"{name}": {value}' for name, value in ({"plates": 1} | options).items())
    (folder / "robot.json").write_text(f'{{"name": "robot-test", {fields}}}')
    return Robot(folder)


@pytest.fixture
def robot(tmp_path):
    robot = open_robot(tmp_path / "robot")
    yield robot
    robot.close()


def test_wells_are_used_in_order_and_never_twice(robot):
    samples = [robot.mix(RECIPE) for _ in range(10)]
    assert samples[:3] == ["robot-test.plate-1.A1", "robot-test.plate-1.B1", "robot-test.plate-1.C1"]
    assert len(set(samples)) == 10
    assert repr(robot) == "<simulated robot-test: 86 of 96 wells left, 0 spoilt>"


def test_a_transfer_takes_one_fresh_tip_and_none_for_nothing(robot):
    before = robot.statistics()["tips_left"]
    robot.mix((75.0, 0.0, 0.0, 75.0))
    assert robot.statistics()["tips_left"] == before - 2


def test_a_second_plate_follows_the_first(tmp_path):
    folder = tmp_path / "robot"
    folder.mkdir()
    records = Records(folder)
    for number in range(96):
        records.give_away(Mixture(number, f"old-{number}", None, WellState.FILLED, (0.0, 0.0, 0.0, 150.0)))
    records.close()
    robot = open_robot(folder, plates=2)
    assert robot.mix(RECIPE) == "robot-test.plate-2.A1"
    robot.close()


def test_when_wells_run_out_it_says_so_and_dispenses_nothing(tmp_path):
    folder = tmp_path / "robot"
    folder.mkdir()
    records = Records(folder)
    for number in range(96):
        records.give_away(Mixture(number, f"old-{number}", None, WellState.FILLED, (0.0, 0.0, 0.0, 150.0)))
    records.close()
    robot = open_robot(folder)
    before = robot.statistics()["tips_left"]
    with pytest.raises(OutOfWells, match="no well is left: all 96 wells of the 1 plates on the deck are used"):
        robot.mix(RECIPE)
    assert robot.statistics()["tips_left"] == before
    robot.close()


def test_fresh_plates_bring_wells_tips_and_liquids_and_no_name_comes_twice(robot, tmp_path):
    before = robot.mix(RECIPE)
    robot.renew()
    assert robot.statistics() == {"wells": 96, "wells_left": 96, "wells_spoilt": 0, "tips_left": 384}
    after = robot.mix(RECIPE)
    assert (before, after) == ("robot-test.plate-1.A1", "robot-test.plate-2.A1")
    robot.close()
    again = open_robot(tmp_path / "robot")
    assert again.mix(RECIPE) == "robot-test.plate-2.B1"
    assert again.statistics()["tips_left"] == 384 - 8
    again.close()


def test_a_sample_of_an_old_plate_keeps_its_reading_and_cannot_be_read_any_more(robot):
    read, unread = robot.mix(RECIPE), robot.mix(RECIPE)
    reading = robot.measure(read)
    robot.renew()
    assert robot.measure(read) == reading
    with pytest.raises(NotMeasurable, match="its plate was taken away before it was read"):
        robot.measure(unread)


def test_one_task_never_gets_two_wells(robot):
    sample = robot.mix(RECIPE, key="task-1")
    with pytest.raises(AlreadyMixed, match=r"task task-1 has had well robot-test.plate-1.A1, which is filled"):
        robot.mix(RECIPE, key="task-1")
    assert robot.mixture_of("task-1").sample == sample
    assert robot.statistics()["wells_left"] == 95


def test_a_reading_is_kept_so_that_asking_again_gives_the_same(robot, tmp_path):
    sample = robot.mix(RECIPE)
    first = robot.measure(sample)
    assert robot.measure(sample) == first
    robot.close()
    assert repr(robot) == "<simulated robot-test: closed>"
    again = open_robot(tmp_path / "robot")
    assert again.measure(sample) == first
    again.close()


def test_the_recipe_is_kept_as_it_was_dispensed(robot):
    sample = robot.mix((30.2, 20.3, 40.0, 59.5))
    assert robot.mixture(sample).volumes == (30.0, 20.5, 40.0, 59.5)


def test_an_unknown_sample_is_not_found(robot):
    with pytest.raises(NotFound, match=r"no sample 'robot-test.plate-1.H12'"):
        robot.measure("robot-test.plate-1.H12")


@pytest.mark.parametrize("at", range(4))
def test_a_failure_at_any_transfer_spoils_the_well_and_the_next_mixture_works(robot, monkeypatch, at):
    real = Deck.transfer

    async def fails(deck, *, tip, liquid, well, volume):
        if liquid == at:
            await deck.handler.pick_up_tips([deck.tips[tip]], use_channels=[0])
            raise OSError("the arm is stuck")
        await real(deck, tip=tip, liquid=liquid, well=well, volume=volume)

    monkeypatch.setattr(Deck, "transfer", fails)
    with pytest.raises(OSError, match="stuck"):
        robot.mix(RECIPE, key="first")
    monkeypatch.setattr(Deck, "transfer", real)
    assert robot.mixture_of("first").state is WellState.SPOILT
    with pytest.raises(NotMeasurable, match="its well is spoilt, not filled"):
        robot.measure("robot-test.plate-1.A1")
    assert robot.mix(RECIPE, key="second") == "robot-test.plate-1.B1"


def test_a_safe_stop_finishes_the_transfer_in_hand_and_leaves_the_rest(robot):
    def stop_at_half(fraction, text):
        if fraction == 0.5:
            robot.safe_stop()

    with pytest.raises(StoppedSafely, match=r"stopped as asked: after 2 of 4 transfers; well robot-test.plate-1.A1"):
        robot.mix(RECIPE, progress=stop_at_half)
    assert robot.statistics()["wells_spoilt"] == 1


def test_a_task_that_is_told_to_stop_finishes_its_transfer_and_leaves_the_robot_to_others(robot):
    told = []

    with pytest.raises(StoppedSafely) as caught:
        robot.mix(RECIPE, key="k1", progress=lambda fraction, text: told.append(fraction), stopping=lambda: bool(told))
    assert (caught.value.done, caught.value.effect, len(told)) == (1, "done", 1)
    robot.mix(RECIPE, key="k2")


def test_a_stopped_robot_takes_no_well_until_it_is_resumed(robot):
    robot.safe_stop()
    with pytest.raises(Stopped, match="robot-test took no well"):
        robot.mix(RECIPE)
    robot.resume()
    assert robot.mix(RECIPE) == "robot-test.plate-1.A1"


def test_progress_names_what_was_dispensed_and_says_it_is_simulated(robot):
    told = []
    robot.mix(RECIPE, progress=lambda fraction, text: told.append((fraction, text)))
    assert told[0] == (0.25, "30 uL red into robot-test.plate-1.A1 (simulated)")
    assert [fraction for fraction, _ in told] == [0.25, 0.5, 0.75, 1.0]


def test_many_threads_get_a_well_each(robot):
    samples: list[str] = []
    threads = [threading.Thread(target=lambda: samples.append(robot.mix(RECIPE))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(samples)) == 8


def test_two_processes_do_not_drive_one_robot(robot, tmp_path):
    with pytest.raises(InUse, match="driven by another process"):
        Robot(tmp_path / "robot")


def test_the_robot_prints_nothing(robot, capfd):
    robot.measure(robot.mix(RECIPE))
    assert capfd.readouterr() == ("", "")


def test_wrong_settings_are_refused_by_name(tmp_path):
    with pytest.raises(Invalid, match=r"robot\.json: plates"):
        open_robot(tmp_path / "robot", plates=9)


def test_a_new_folder_makes_a_robot_of_its_own(tmp_path):
    one, other = Robot(tmp_path / "one"), Robot(tmp_path / "other")
    assert one.settings.name != other.settings.name
    assert (one.settings.plates, one.settings.pace) == (3, 0.0)
    assert (tmp_path / "one" / "truth.json").exists()
    one.close()
    other.close()


def test_the_simulated_deck_refuses_a_used_tip():
    async def twice() -> None:
        deck = await lay_out(1, 0.0)
        deck.restore(tips=1, filled={}, taken=(0.0, 0.0, 0.0, 0.0))
        await deck.transfer(tip=0, liquid=0, well=0, volume=50.0)

    with pytest.raises(Exception, match="does not have a tip"):
        asyncio.run(twice())


def test_the_simulated_deck_refuses_to_run_a_well_over():
    async def too_much() -> None:
        deck = await lay_out(1, 0.0)
        deck.restore(tips=0, filled={0: 350.0}, taken=(0.0, 0.0, 0.0, 0.0))
        await deck.transfer(tip=0, liquid=0, well=0, volume=50.0)

    with pytest.raises(Exception, match="Not enough space"):
        asyncio.run(too_much())


def test_there_is_a_tip_and_enough_liquid_for_every_well():
    async def counts() -> tuple[int, int]:
        deck = await lay_out(3, 0.0)
        return len(deck.tips), len(deck.wells)

    tips, wells = asyncio.run(counts())
    assert wells == 288
    assert tips >= 4 * wells
    assert wells * 150.0 < 55_000.0


@settings(max_examples=12, deadline=None)
@given(ends=st.lists(st.tuples(st.sampled_from(["filled", "spoilt", "killed"]), st.integers(0, 4)), max_size=12))
def test_records_show_at_least_what_was_used_however_tasks_end(tmp_path_factory, ends):
    folder = tmp_path_factory.mktemp("records")
    records = Records(folder)
    started = 0
    for number, (end, transfers) in enumerate(ends):
        records.give_away(Mixture(number, f"s{number}", f"k{number}", WellState.FILLING, (1.0, 2.0, 3.0, 4.0)))
        for liquid in range(transfers):
            assert records.start_transfer(well=number, liquid=liquid, volume=1.0) == started
            started += 1
        if end == "killed":
            records.close()
            records = Records(folder)
            assert [m.sample for m in records.spoil_unfinished()] == [f"s{number}"]
        else:
            records.settle(number, WellState(end))
    assert records.next_well() == len(ends)
    assert records.tips_used() == started == sum(records.taken(4))
    assert records.wells_in(WellState.FILLED) == sum(end == "filled" for end, _ in ends)
    records.close()


@pytest.mark.processes
def test_a_kill_in_the_middle_of_dispensing_uses_up_that_well_and_no_other(tmp_path):
    script = f"""
import sys
from pathlib import Path
from yosegi_packs.labs.robot import Robot
robot = Robot(Path({str(tmp_path / "robot")!r}))
robot.mix({RECIPE}, key="whole")
robot.mix({RECIPE}, key="killed", progress=lambda fraction, text: print(fraction, flush=True))
"""
    (tmp_path / "robot").mkdir()
    (tmp_path / "robot" / "robot.json").write_text('{"name": "robot-test", "plates": 1, "pace": 0.2}')
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    for _ in range(2):
        child.stdout.readline()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    robot = open_robot(tmp_path / "robot")
    assert [mixture.key for mixture in robot.spoilt] == ["killed"]
    assert robot.mixture_of("killed").state is WellState.SPOILT
    with pytest.raises(AlreadyMixed):
        robot.mix(RECIPE, key="killed")
    assert robot.mix(RECIPE, key="next") == "robot-test.plate-1.C1"
    robot.measure("robot-test.plate-1.A1")
    robot.close()
