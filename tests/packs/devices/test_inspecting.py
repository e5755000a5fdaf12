"""What a station sees of process variables, read from a real soft IOC, drafted as Python that is a capability."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from packs.devices.conftest import Bench
from yosegi.core.capability import Capability
from yosegi_packs.devices.channels import DriveLimits
from yosegi_packs.devices.inspecting import FoundVariable, draft, inspect, look
from yosegi_packs.devices.variable import Reading

pytestmark = [pytest.mark.processes, pytest.mark.slow]
NAMES = ("MAG:CUR:SP", "MAG:CUR:RBV", "pva://MAG:FIELD")


def test_it_says_units_limits_and_alarms_and_what_did_not_answer(bench: Bench) -> None:
    found, others = look(bench.folder, [*NAMES, "MAG:HOLDER"])
    assert [(one.pv, one.unit) for one in found] == [
        ("ca://MAG:CUR:SP", "A"), ("ca://MAG:CUR:RBV", "A"), ("pva://MAG:FIELD", "T"),
    ]  # fmt: skip
    assert (found[0].limits.low, found[0].limits.high) == (-8.0, 8.0)
    assert "cannot be used" in others["MAG:HOLDER"]
    assert bench.look("MAG:CUR:SP") == 0.0


def test_the_draft_is_a_capability_once_its_todos_are_edited(bench: Bench, tmp_path: Path) -> None:
    names = tmp_path / "pvs.txt"
    names.write_text("\n".join(NAMES))
    text = inspect(bench.folder, [str(names)])
    assert "# ca://MAG:CUR:SP: 0 A, alarm none" in text
    module: dict[str, Any] = {"__name__": "drafted"}
    code = draft(look(bench.folder, NAMES)[0]).replace("tolerance=...", "tolerance=0.05")
    import sys
    import types

    sys.modules["drafted"] = types.ModuleType("drafted")
    module = vars(sys.modules["drafted"])
    exec(compile(code, "drafted", "exec"), module)
    drafted = module["measure"]
    assert isinstance(drafted, Capability)
    assert drafted.contract.inputs["properties"]["cur"]["maximum"] == 8.0
    assert set(drafted.contract.outputs["properties"]) == {"field"}


def test_what_an_ioc_says_is_text_in_a_draft_and_nothing_else() -> None:
    """A limit that is no number is none; `nan` would be a name of Python that nothing has."""
    hostile = 'A",)\nraise SystemExit #\\'
    nan = DriveLimits(float("nan"), float("inf"))
    pvs = (
        FoundVariable("ca://M:SP", Reading(1.0, 0.0), nan, "A"),
        FoundVariable("ca://M:RBV", Reading(1.0, 0.0), nan, hostile),
    )
    (variable, *_) = (one for one in ast.parse(draft(pvs)).body if isinstance(one, ast.Assign))
    assert isinstance(variable.value, ast.Call)
    said = {one.arg: ast.literal_eval(one.value) for one in variable.value.keywords}
    assert said["egu"] == hostile
    assert (said["low"], said["high"]) == (None, None)
