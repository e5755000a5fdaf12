"""A peer's schema opens nothing, is read whole or refused, and checks a value at a bounded cost."""

from __future__ import annotations

import copy
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from yosegi.core import canonical
from yosegi.core.contract import INLINE, Contract, LinearConstraint
from yosegi.core.errors import Invalid, YosegiError
from yosegi.core.schema import LONGEST_PATTERN, MOST_WORK, Schema

PLAIN: dict[str, Any] = {
    "format": "yosegi.contract.v1", "name": "oven.bake@2", "title": "Bake a sample", "description": "It is used up.",
    "field": "materials", "kind": "instrument", "effect": "consuming", "cost": {"samples": 1000}, "time_limit": 60,
    "simulated": True, "twin": "oven.twin@1", "conduct": ["run"], "stop_grace": 3, "approval": False,
    "constraints": [{"weights": {"a": 1, "b": 2}, "at_most": 10}],
    "fidelity": {"of": "hardness", "level": "coarse"},
    "inputs": {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["a", "b"],
        "properties": {
            "a": {"type": "number", "unit": "uL", "minimum": 0, "maximum": 8},
            "b": {"type": "number", "default": 1},
            "gas": {"$ref": "#/$defs/Gas"},
            "table": {"anyOf": [{"type": "array", "items": {"pattern": "^a+$"}}, {"type": "null"}]},
        },
        "$defs": {"Gas": {"enum": ["argon", "air"]}}, "additionalProperties": False,
    },
    "outputs": {"type": "object", "properties": {"hardness": {"type": "number", "unit": "GPa"}}},
}  # fmt: skip
OF_EVERY_TYPE: tuple[Any, ...] = (
    None, True, -1, 0.5, 1e300, "x", "", "#/$defs/Gas", [], ["a"], [[]], {}, {"a": 1}, {"weights": {"a": "much"}},
)  # fmt: skip


def _with(**fields: Any) -> dict[str, Any]:
    return copy.deepcopy(PLAIN) | fields


def _schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}} | properties}


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from _places(part, (*path, name))


def _replaced(path: tuple[str | int, ...], value: Any) -> Any:
    changed = copy.deepcopy(PLAIN)
    part: Any = changed
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    return changed


@pytest.mark.parametrize("path", [path for path in _places(PLAIN) if path], ids=lambda path: ".".join(map(str, path)))
def test_a_contract_with_any_value_anywhere_is_refused_when_read_or_can_be_used(path: tuple[str | int, ...]) -> None:
    for value in OF_EVERY_TYPE:
        try:
            contract = Contract.read(canonical.dumps(_replaced(path, value)))
        except Invalid:
            continue
        for inputs in ({"a": 1, "b": 1}, {}, {"a": "x", "b": None}, {"table": ["b"]}):
            # Whatever else was raised here would end a task of the site that asked for the capability.
            try:
                contract.check_inputs(inputs)
                contract.check_outputs(inputs)
            except YosegiError:
                pass


def test_the_contract_that_the_others_are_made_from_is_read() -> None:
    contract = Contract.read(PLAIN)
    contract.check_inputs({"a": 1, "b": 1, "gas": "air", "table": ["aa"]})
    with pytest.raises(Invalid, match=r"a \+ 2·b is 12 and must be at most 10"):
        contract.check_inputs({"a": 2, "b": 5})


def test_a_constrained_input_that_is_left_out_counts_as_its_default() -> None:
    optional = copy.deepcopy(PLAIN["inputs"]) | {"required": ["a"]}
    Contract.read(_with(inputs=optional)).check_inputs({"a": 8})
    optional["properties"]["b"]["default"] = 2
    with pytest.raises(Invalid, match=r"a \+ 2·b is 12 and must be at most 10"):
        Contract.read(_with(inputs=optional)).check_inputs({"a": 8})


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_nothing_outside_a_schema_is_opened(scheme: str) -> None:
    calls: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)

        def listen() -> None:
            try:
                server.accept()[0].close()
                calls.append(True)
            except TimeoutError:
                pass

        listening = threading.Thread(target=listen)
        listening.start()
        where = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/x"
        for schema in ({"$ref": where}, {"properties": {"a": {"anyOf": [{"$ref": where}]}}}):
            with pytest.raises(Invalid, match=r"\$ref"):
                Schema(schema)
        # Data, and words that no dialect knows, are not followed either.
        Schema({"note": {"$ref": where}, "default": {"$ref": where}}).check({}, "a value")
        listening.join()
    assert not calls


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}}, "leads back to itself"),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}}}, "no such definition"),
        ({"properties": {"a": {"$ref": "#"}}}, "leads to '#'"),
        ({"$dynamicRef": "#x"}, "not taken"),
        ({"$id": "http://127.0.0.1/"}, "not taken"),
        ({"$schema": "http://127.0.0.1/dialect"}, "not taken"),
        ({"unevaluatedProperties": False}, "not taken"),
        ({"properties": []}, "must be an object"),
        ({"allOf": {}}, "must be a list"),
        ({"items": 3}, "a schema is an object or a boolean"),
        ({"type": 3}, "not valid"),
        ({"pattern": "^(?=a)b"}, "regex"),
        ({"pattern": "(\\w{90}){90}"}, "."),
        ({"pattern": "a" * (LONGEST_PATTERN + 1)}, "characters"),
        ({"description": "x" * 200_000}, "bytes"),
        ({"enum": list(range(20_000))}, "parts"),
    ],
)
def test_a_schema_outside_the_rules_is_refused_with_its_reason(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        Schema(schema).check("a" * 100, "a value")


def test_references_that_double_line_by_line_are_counted_and_refused() -> None:
    lines = {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 4} for i in range(8)}
    with pytest.raises(Invalid, match="each counted as often as references lead to it"):
        Schema({"$defs": lines | {"d8": True}, "$ref": "#/$defs/d0"})


def test_nesting_has_a_bound() -> None:
    schema: dict[str, Any] = {}
    for _ in range(40):
        schema = {"not": schema}
    with pytest.raises(Invalid, match="deeper than"):
        Schema(schema)


def test_a_check_that_would_take_too_long_is_not_begun() -> None:
    schema = Schema({"items": {"allOf": [{"minimum": 0}] * 600}})
    schema.check([1] * 100, "inputs")
    with pytest.raises(Invalid, match=f"at most {MOST_WORK}"):
        schema.check([1] * (INLINE // 2 - 1), "inputs")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"constraints": [{"weights": {"z": 1}, "at_most": 1}]}, "there is no such input"),
        ({"constraints": [{"weights": {"gas": 1}, "at_most": 1}], "inputs": _schema(gas={"type": "string"})}, "string"),
        ({"constraints": [{"weights": {"a": "much"}, "at_most": 1}]}, "constraints.0.weights.a"),
        ({"constraints": [{"at_most": 1}]}, "constraints.0.weights"),
        ({"inputs": {"properties": ["a"]}}, "inputs: schema.properties"),
        ({"inputs": _schema(c=True)}, "inputs.properties.c"),
        ({"inputs": _schema(c={"unit": 3})}, "inputs.properties.c.unit"),
        ({"outputs": {"type": "nothing"}}, "outputs"),
    ],
)
def test_a_contract_that_does_not_hold_together_is_refused_by_its_field(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(Invalid, match=named):
        Contract.read(_with(**fields))


def test_a_constrained_input_that_is_not_given_breaks_the_constraint() -> None:
    assert LinearConstraint({"a": 1}, at_most=1).broken_by({}) == "a is constrained, and not given"
