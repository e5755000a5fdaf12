"""The form of what is signed or recorded grows by optional fields alone: documents stand in ledgers for ever, and sites
of two versions read each other's. Another bound, default or required field is a new version of a format.

`vectors/formats.json` has each kind's JSON Schema (draft 2020-12) as it was when it was last agreed on. To agree on a
new one: `PYTHONPATH=tests python tests/governance/test_formats.py`.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yosegi.core.values import Value
from yosegi.governance.agreements.suspensions import Suspension
from yosegi.governance.grants.grant import Grant
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.question import Question
from yosegi.governance.policy.what_if import Expectation
from yosegi.ledger import Header, Receipt
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey
from yosegi.trust.sealed import Sealed, SealingKey

RECORDED = (
    Decision,
    Expectation,
    Grant,
    Question,
    Suspension,
    Header,
    Receipt,
    Envelope,
    PublicKey,
    Sealed,
    SealingKey,
)
"""What is no signed document, and stands in one or in a ledger."""


def documents() -> Iterator[type[Document]]:
    for room in ("trust", "governance", "ledger", "campaign", "services"):
        package = importlib.import_module(f"yosegi.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"yosegi.{room}."):
            if found.name != "yosegi.ledger.postgres":
                importlib.import_module(found.name)
    waiting = [Document]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.kind and kind.__module__.startswith("yosegi."):
            yield kind


FORMATS: tuple[type[Value], ...] = (*sorted(documents(), key=lambda kind: kind.__name__), *RECORDED)
FILE = Path(__file__).parent / "vectors" / "formats.json"


def plain(schema: Any) -> Any:
    """Without what is for people alone."""
    if isinstance(schema, dict):
        spoken = {name for name in ("title", "description") if isinstance(schema.get(name), str)}
        return {name: plain(part) for name, part in schema.items() if name not in spoken}
    return [plain(part) for part in schema] if isinstance(schema, list) else schema


def form(kind: type[Value]) -> dict[str, Any]:
    """What it is called when it is signed, and its schema."""
    payload_types = {"payload_types": list(kind.payload_types)} if issubclass(kind, Document) else {}
    return payload_types | {"schema": plain(kind.model_json_schema())}


def changes(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """Where a form is not what it was, other than by fields, parts and words of an enumeration that it gained."""
    if isinstance(before, dict) and isinstance(after, dict):
        may_grow = where.endswith(("/properties", "/$defs"))
        yield from (f"{where}/{name}" for name in after.keys() - before.keys() if not may_grow)
        for name in before:
            yield from changes(before[name], after.get(name), f"{where}/{name}")
    elif where.endswith(("/enum", "/payload_types")):
        yield from (f"{where}: {word}" for word in before if word not in (after or ()))
    elif before != after:
        yield f"{where}: {before!r} became {after!r}"


AGREED: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
"""New kinds join when somebody agrees on them; what is here stays."""


@pytest.mark.parametrize("name", AGREED)
def test_the_form_of_what_is_signed_has_only_grown(name):
    now = {kind.__name__: kind for kind in FORMATS}
    assert list(changes(AGREED[name], form(now[name]))) == []


def test_a_field_that_is_required_from_now_on_is_a_change():
    before = {"properties": {"a": {"maxLength": 3}}, "required": ["a"]}
    assert list(changes(before, {"properties": {"a": {"maxLength": 3}, "b": {}}, "required": ["a"]})) == []
    assert list(changes(before, {"properties": {"a": {"maxLength": 3}, "b": {}}, "required": ["a", "b"]})) != []
    assert list(changes(before, {"properties": {"a": {"maxLength": 4}}, "required": ["a"]})) != []
    assert list(changes(before, {"properties": {}, "required": ["a"]})) != []


if __name__ == "__main__":
    lines = (f"{json.dumps(kind.__name__)}: {json.dumps(form(kind), sort_keys=True)}" for kind in FORMATS)
    FILE.write_text("{\n" + ",\n".join(sorted(lines)) + "\n}\n", "utf-8")
