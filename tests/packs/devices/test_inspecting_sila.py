"""What a SiLA 2 server offers, and that what is drafted from it commands the server."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("sila2", reason="the extra `sila` is not installed")

from sila2.features.lockcontroller import LockControllerFeature

from packs.devices.test_sila import Twin, station, twin
from yosegi.core.capability import Capability
from yosegi.core.errors import Invalid
from yosegi_packs.devices.inspecting_sila import FoundServer, draft, inspect, look, read_feature
from yosegi_packs.devices.sila_connection import SilaRefused
from yosegi_packs.devices.sila_twin import LARGEST, SERVER

assert twin  # a fixture of these tests
pytestmark = [pytest.mark.processes, pytest.mark.slow]


def test_a_server_tells_its_commands_with_types_and_bounds_and_what_is_drafted_commands_it(
    twin: Twin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = station(tmp_path, twin)
    found = look(tmp_path, "dispenser")
    assert (found.kind, found.uuid) == ("SimulatedDispenser", SERVER)
    assert found.core == ("SiLAService", "LockController")
    (command,) = found.commands
    (volume,) = command.parameters
    assert (command.name, command.is_observable, volume.basic) == ("Dispense", True, "Real")
    assert volume.bounds == {"ge": 0, "le": LARGEST}
    assert [(feature, prop.name) for feature, prop in found.properties] == [("Dispenser", "Total")]
    drafted = ModuleType("drafted_of_sila")
    monkeypatch.setitem(sys.modules, drafted.__name__, drafted)
    exec(compile(inspect(tmp_path, ["dispenser"]), "drafted", "exec"), vars(drafted))  # it is what is tested
    dispense = drafted.dispense
    assert isinstance(dispense, Capability)
    assert dispense.contract.inputs["properties"]["volume"]["maximum"] == LARGEST
    assert dispense.function(volume=2.5, context=context).dispensed == 2.5


def test_a_server_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(SilaRefused, match="does not answer"):
        look(tmp_path, "127.0.0.1:1")


def test_a_command_that_is_not_observable_is_listed_and_not_drafted() -> None:
    """SiLA's own LockController (Part C) has two; one takes a time in seconds."""
    commands, properties = read_feature(LockControllerFeature._feature_definition)
    assert [(one.name, one.is_observable) for one in commands] == [("LockServer", False), ("UnlockServer", False)]
    identifier, timeout = commands[0].parameters
    assert (identifier.basic, timeout.basic, timeout.unit, timeout.bounds) == ("String", "Integer", "s", {})
    assert [prop.name for _, prop in properties] == ["IsLocked"]
    assert "def " not in draft([FoundServer("lock", "Lock", SERVER, (), tuple(commands), tuple(properties))])


STEPS = """<Feature xmlns="http://www.sila-standard.org"><Identifier>Washer</Identifier>
<Command><Identifier>WashPlate</Identifier><Description>Wash it. Slowly.</Description><Observable>Yes</Observable>
<Parameter><Identifier>Steps</Identifier><Description>Steps.</Description>
<DataType><List><DataType><Basic>Real</Basic></DataType></List></DataType></Parameter>
<Parameter><Identifier>Class</Identifier><Description>Class.</Description>
<DataType><Basic>String</Basic></DataType></Parameter></Command></Feature>"""


def test_what_cannot_be_drafted_is_left_for_a_person() -> None:
    commands, _ = read_feature(STEPS)
    drafted = draft([FoundServer("washer", "Washer", SERVER, (), tuple(commands), ())])
    compile(drafted, "drafted", "exec")
    assert 'device.call("Washer", "WashPlate", Class=class_, Steps=...)  # TODO: Steps' in drafted
    assert '"""Wash it."""' in drafted


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("<Identifier>Washer<", "<Identifier>Washer\nimport os<", "no identifier"),
        ("<Identifier>WashPlate<", '<Identifier>Wash", os.abort(), "<', "no identifier"),
        ("<Basic>Real", "<Constrained><Basic>Real", "no XML"),
        (
            "<DataType><Basic>String</Basic></DataType>",
            "<DataType><Constrained><DataType><Basic>Real</Basic></DataType><Constraints>"
            "<MaximalInclusive>much</MaximalInclusive></Constraints></Constrained></DataType>",
            "'much' bounds a number",
        ),
    ],
)
def test_a_feature_definition_that_is_none_is_refused_in_words(old: str, new: str, says: str) -> None:
    """Identifiers are letters and digits after a capital (SiLA 2 Part A), so nothing of one acts in a draft."""
    assert old in STEPS
    with pytest.raises(Invalid, match=says):
        read_feature(STEPS.replace(old, new))


def test_what_a_server_says_is_text_in_a_draft_and_nothing_else() -> None:
    hostile = '"""; raise SystemExit #\\'
    commands, _ = read_feature(STEPS.replace("Wash it.", f"Wash {hostile}."))
    drafted = draft([FoundServer("washer", "Washer", SERVER, (), tuple(commands), ())])
    (function,) = (one for one in ast.parse(drafted).body if isinstance(one, ast.FunctionDef))
    assert ast.get_docstring(function) == "Wash '''; raise SystemExit #\\."
