"""The operator's commands."""

import pytest
from click.testing import CliRunner

from yosegi_packs.labs.__main__ import main, run
from yosegi_packs.labs.robot import Robot


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "robot").mkdir()
    (tmp_path / "robot" / "robot.json").write_text('{"name": "robot-test", "plates": 1}')
    robot = Robot(tmp_path / "robot")
    robot.mix((30.0, 20.0, 40.0, 60.0), key="task-1")
    robot.close()
    return str(tmp_path / "robot")


def test_show_draws_the_deck_and_counts_what_is_left(folder):
    shown = CliRunner().invoke(main, ["show", folder], catch_exceptions=False).output
    assert "<simulated robot-test: 95 of 96 wells left, 0 spoilt>" in shown
    assert "plate_carrier" in shown
    assert "tips left: 380" in shown


def test_a_tasks_well_is_looked_up_by_its_key(folder):
    said = CliRunner().invoke(main, ["well", folder, "task-1"], catch_exceptions=False).output
    assert said == (
        "task task-1: well robot-test.plate-1.A1 is filled; "
        "asked for 30 uL red, 20 uL yellow, 40 uL blue, 60 uL water\n"
    )


def test_a_task_that_never_reached_the_robot_had_no_well(folder):
    said = CliRunner().invoke(main, ["well", folder, "task-2"], catch_exceptions=False).output
    assert said == "task task-2 was given no well; nothing was dispensed for it\n"


def test_fresh_plates_are_noted(folder):
    said = CliRunner().invoke(main, ["renew", folder], catch_exceptions=False).output
    assert said == "<simulated robot-test: 96 of 96 wells left, 0 spoilt>\n"


def test_an_error_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["labs", "well", str(tmp_path), "task-1"])
    with pytest.raises(SystemExit, match="error: no robot"):
        run()
