"""What a station sees of Bluesky plans, drafted as Python that is a capability and runs over a real soft IOC."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("bluesky", reason="the extra `bluesky` is not installed")

from packs.devices.conftest import Bench
from yosegi.core.capability import Capability, Context
from yosegi.core.errors import Invalid, NotFound
from yosegi_packs.devices.inspecting_plans import draft, find_plans, inspect

BEAMLINE = "packs.devices.beamline"


def test_a_plan_s_parameters_are_inputs_devices_or_left_at_their_defaults() -> None:
    [plan] = find_plans(f"{BEAMLINE}:step_scan")
    assert [(one.name, one.role, one.kind, one.default) for one in plan.parameters] == [
        ("detectors", "detectors", None, None), ("motor", "motor", None, None), ("start", "input", float, None),
        ("stop", "input", float, None), ("num", "input", int, "3"), ("md", "default", None, "None"),
    ]  # fmt: skip
    assert plan.about == "Read the detectors at evenly spaced places of a motor"


def test_without_annotations_names_and_defaults_say_what_a_parameter_is() -> None:
    [plan] = find_plans(f"{BEAMLINE}:bare")
    assert [(one.name, one.role) for one in plan.parameters] == [
        ("dets", "detectors"), ("sample_motor", "motor"), ("shots", "input"), ("note", "input"),
    ]  # fmt: skip


def test_a_module_is_all_the_plans_that_it_defines_itself() -> None:
    assert [plan.name for plan in find_plans(BEAMLINE)] == ["bare", "step_scan"]


def test_the_plans_of_bluesky_itself_are_found_and_told(tmp_path: Path) -> None:
    told = inspect(tmp_path, ["bluesky.plans:count", "bluesky.plans:scan"])
    assert "#   num: int = 1 (an input)" in told
    assert "#   *args: " in told
    assert "plan(detectors=[Readable(devices, name) for name in READ], num=num)" in told
    compile(told, "drafted", "exec")


def test_what_is_no_plan_or_cannot_be_imported_is_said() -> None:
    with pytest.raises(NotFound, match="step_scan"):
        find_plans(f"{BEAMLINE}:no_plan")
    with pytest.raises(Invalid, match="No module named"):
        find_plans("packs.devices.nowhere:plan")


@pytest.mark.processes
@pytest.mark.slow
def test_the_draft_runs_once_its_todos_are_edited(bench: Bench, tmp_path: Path) -> None:
    edits = {
        "VARIABLES: list[Variable] = []": (
            "from packs.devices.conftest import FIELD, current\nVARIABLES = [current(), FIELD]"
        ),
        "READ: list[str] = []": 'READ: list[str] = ["field"]',
        'MOVED = ""': 'MOVED = "current"',
        "simulated=False, restore": 'simulated=True, identity="MAG:SIMULATED", restore',
        "simulated=False": "simulated=True",
    }
    code = draft(find_plans(f"{BEAMLINE}:step_scan"))
    for old, new in edits.items():
        assert old in code
        code = code.replace(old, new, 1)
    sys.modules["drafted_plan"] = types.ModuleType("drafted_plan")
    module: dict[str, Any] = vars(sys.modules["drafted_plan"])
    exec(compile(code, "drafted_plan", "exec"), module)
    drafted = module["step_scan"]
    assert isinstance(drafted, Capability)
    assert set(drafted.contract.inputs["properties"]) == {"start", "stop", "num"}
    assert drafted.contract.inputs["required"] == ["start", "stop"]
    context = Context(key="t1", seed=1, state=bench.folder, folder=tmp_path)
    found = drafted(-1.0, 1.0, context=context)
    assert found.events == 3
    assert bench.look("MAG:CUR:SP") == 0.0
