"""The API's description in docs/ is the one the program has, and tells of each operation what it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import jsonschema_rs
import pytest

from yosegi.web.app import openapi

KEPT = Path(__file__).parents[2] / "docs" / "openapi.json"
FREE = {
    "JsonValue",  # inputs, outputs and JSON Schemas: described by a capability's contract
}


def current() -> dict[str, Any]:
    site = SimpleNamespace(name="any", clock=None, ledger=None, authenticator=None, institution=None)
    return openapi(cast("Any", site))


def operations() -> Iterator[Any]:
    described = json.loads(KEPT.read_text(encoding="utf-8"))
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield pytest.param(operation, described["components"], id=f"{method} {path.removeprefix('/api/v1')}")


def answers(operation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Media type and content of each answer of an operation that succeeds."""
    good = [response for status, response in operation["responses"].items() if status.startswith("2")]
    return [item for response in good for item in response.get("content", {}).items()]


def test_the_description_in_the_documents_is_current() -> None:
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    assert kept == current(), "write it again: python -m web.test_openapi in tests/"


def test_only_the_api_is_described() -> None:
    assert all(path.startswith("/api/v1/") for path in current()["paths"])


@pytest.mark.parametrize(("operation", "components"), list(operations()))
def test_an_operation_says_what_it_does_and_what_it_answers(
    operation: dict[str, Any], components: dict[str, Any]
) -> None:
    assert operation["description"]
    assert answers(operation)
    for _, content in answers(operation):
        assert_typed(content["schema"], components["schemas"])


def assert_typed(schema: dict[str, Any], schemas: dict[str, Any]) -> None:
    """An answer has named fields, or is a list of such, or one of several, or text of a stated kind."""
    if "anyOf" in schema:
        for one in schema["anyOf"]:
            assert_typed(one, schemas)
    elif schema.get("type") == "array":
        assert_typed(schema["items"], schemas)
    elif schema.get("type") != "string":
        assert schemas[schema["$ref"].rpartition("/")[2]]["properties"]


def test_every_field_of_every_answer_has_a_type() -> None:
    schemas = current()["components"]["schemas"]
    used = {name for op in operations() for _, content in answers(op.values[0]) for name in named(content["schema"])}
    while more := {name for one in used for name in named(schemas[one])} - used:
        used |= more
    untyped = {
        f"{name}.{field}"
        for name in used - FREE
        for field, schema in schemas[name].get("properties", {}).items()
        if not schema.keys() & {"type", "$ref", "anyOf", "oneOf", "enum", "const"}
    }
    assert untyped == set()


def named(value: Any) -> Iterator[str]:
    """The names of the schemas that a schema refers to."""
    if isinstance(value, dict):
        if isinstance(ref := value.get("$ref"), str):
            yield ref.rpartition("/")[2]
        for part in value.values():
            yield from named(part)
    elif isinstance(value, list):
        for part in value:
            yield from named(part)


@pytest.mark.parametrize(("operation", "components"), list(operations()))
def test_an_operation_shows_an_example_that_its_own_schema_accepts(
    operation: dict[str, Any], components: dict[str, Any]
) -> None:
    for _, content in answers(operation):
        schema = content["schema"] | {"components": components}
        jsonschema_rs.Draft202012Validator(schema).validate(content["example"])


if __name__ == "__main__":
    KEPT.write_text(json.dumps(current(), indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
