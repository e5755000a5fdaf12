"""The page of device faults: every road has every fault, and each test that a cell names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/device-faults.md").read_text(encoding="utf-8")
ROADS = ("EPICS", "Bluesky", "Queue server", "PyLabRobot", "SiLA 2", "Folder", "Person")
FAULTS = (
    "the device's process is killed",
    "the network is cut",
    "a value is refused",
    "a reading is stale",
    "the device stands still",
    "the station is killed",
    "two stations",
    "two tasks of one station",
    "a power cycle in a task",
    "a power cycle between two tasks",
    "told to stop",
)


def section(road: str) -> str:
    found = re.search(rf"^## {re.escape(road)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {road}"
    return found[1]


def rows(road: str) -> list[list[str]]:
    """Fault, effect and tests of each row."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section(road).splitlines() if "|" in line
    ]
    return cells[2:]


def names_of(road: str) -> list[str]:
    """The names of all tests in the files that a section names."""
    files = re.findall(r"`(tests/[\w/]+\.py)`", section(road))
    assert files, f"{road} names no file of tests"
    trees = [ast.parse((ROOT / file).read_text(encoding="utf-8")) for file in files]
    return [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("road", ROADS)
def test_every_road_has_every_fault_in_one_order(road: str) -> None:
    assert tuple(fault for fault, _, _ in rows(road)) == FAULTS


@pytest.mark.parametrize("road", ROADS)
def test_each_cell_names_a_test_that_exists_or_says_why_there_is_none(road: str) -> None:
    known = names_of(road)
    for fault, effect, tests in rows(road):
        named = re.findall(r"`(\w+)(…?)`", tests)
        assert named or effect.startswith("does not occur: "), f"{road}: {fault} names no test"
        for name, more in named:
            found = [one for one in known if (one.startswith if more else one.__eq__)(f"test_{name}")]
            assert len(found) == 1, f"{road}: {fault}: {name} is {found}"
