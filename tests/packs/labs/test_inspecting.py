"""What a station sees on a robot's deck, as PyLabRobot lays it out, drafted as Python that is a capability and runs."""

from __future__ import annotations

import ast
import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pylabrobot", reason="the extra `labs` is not installed")

from pylabrobot.liquid_handling import LiquidHandler
from pylabrobot.resources.hamilton import Trough_CAR_5R60_A00, hamilton_1_trough_60mL_Vb

from packs.labs.test_protocol import context, make, use_a_tip
from yosegi.core.capability import Capability
from yosegi.core.errors import Invalid
from yosegi_packs.labs.inspecting import FoundLabware, draft, inspect, look
from yosegi_packs.labs.protocol import run_protocol

HERE = "packs.labs.test_inspecting:with_water"


def with_water() -> LiquidHandler:
    """The other tests' deck with a trough of water."""
    front = make()
    troughs = Trough_CAR_5R60_A00(name="trough_carrier")
    troughs[0] = water = hamilton_1_trough_60mL_Vb(name="water")
    front.deck.assign_child_resource(troughs, rails=30)
    water.tracker.set_volume(1000.0)
    return front


def test_it_says_what_stands_where_and_what_is_in_it(tmp_path: Path) -> None:
    found = {one.name: one for one in look(tmp_path, HERE)}
    # The makers' own figures, in the names of PyLabRobot's definitions: 96 tips, 96 wells of 360 µL, a trough of 60 mL.
    assert (found["tips"].items, found["tips"].left, found["tips"].is_tips) == (96, 96, True)
    assert (found["plate"].items, found["plate"].most, found["plate"].left) == (96, 360.0, 0.0)
    assert (found["water"].items, found["water"].most, found["water"].left) == (1, 60_000.0, 1000.0)
    assert "trash" not in found


def test_what_the_station_has_on_record_of_its_deck_counts(tmp_path: Path) -> None:
    run_protocol(use_a_tip, with_water, context(tmp_path, "k1"))
    assert {one.name: one.left for one in look(tmp_path, HERE)}["tips"] == 95


def test_a_deck_that_pylabrobot_saved_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "saved.json"
    with_water().deck.save(str(file))
    assert [one.name for one in look(tmp_path, str(file))] == [one.name for one in look(tmp_path, HERE)]
    compile(inspect(tmp_path, [str(file)]), "drafted", "exec")


@pytest.mark.parametrize(
    ("name", "says"),
    [("packs.labs.nowhere:make", "No module named"), ("json:dumps", "TypeError"), ("os:getcwd", "str")],
)
def test_what_gives_no_deck_is_said(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        look(tmp_path, name)


def test_the_draft_runs_as_it_is_on_a_simulated_deck(tmp_path: Path) -> None:
    code = draft(HERE, look(tmp_path, HERE))
    assert 'TIPS, SOURCE, TARGET = "tips", "water", "plate"' in code
    sys.modules["drafted_deck"] = types.ModuleType("drafted_deck")
    module: dict[str, Any] = vars(sys.modules["drafted_deck"])
    exec(compile(code, "drafted_deck", "exec"), module)
    drafted = module["transfer"]
    assert isinstance(drafted, Capability)
    assert drafted.contract.inputs["properties"]["volume"]["maximum"] == 360
    done = drafted(50.0, context=context(tmp_path, "k1"))
    before, after = (json.loads(path.read_text()) for path in (done.before, done.after))
    changed = {name for name in before if before[name] != after[name]}
    assert {"water", done.well} <= changed
    assert done.well.endswith("A1")


def test_a_name_of_labware_is_text_in_a_draft_and_nothing_else() -> None:
    hostile = 'tips"\nraise SystemExit #'
    code = draft(HERE, [FoundLabware(hostile, "", (0, 0, 0), True, 96, 96.0, 0.0)])
    (names,) = (one for one in ast.parse(code).body if isinstance(one, ast.Assign))
    assert ast.literal_eval(names.value) == (hostile, "TODO", "TODO")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type": "Nothing"}', "\x00"])
def test_a_file_that_is_no_saved_deck_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "deck.json").write_text(text)
    with pytest.raises(Invalid, match="no deck that PyLabRobot saved"):
        look(tmp_path, str(tmp_path / "deck.json"))
