"""The program's own rules of structure, held against its source."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "yosegi"
PRIVATE_WORDS = {"unvouched", "foresaw", "gifts", "desk", "roads", "endings", "office", "burying", "mercy", "rehearse"}
"""Words of no field: a newcomer would not search for them (docs/architecture.md has the field's)."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield str(path.relative_to(SOURCE)), ast.parse(path.read_text(encoding="utf-8"))


def test_a_class_name_exists_once_in_the_program() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for name, tree in modules():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(name)
    assert {name: where for name, where in found.items() if len(where) > 1} == {}


def test_no_name_has_a_word_of_no_field() -> None:
    found = []
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                words = re.sub(r"([A-Z])", r"_\1", node.name).lower().split("_")
                found += [f"{name}:{node.lineno} {node.name}" for word in words if word in PRIVATE_WORDS]
    assert found == []


def set_from_outside(tree: ast.Module) -> Iterator[int]:
    """Lines that assign an attribute of something that is not `self`, `cls` or a value made in the same function."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        own = {"self", "cls"} | {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) else ():
                for each in target.elts if isinstance(target, ast.Tuple) else (target,):
                    if not isinstance(each, ast.Attribute):
                        continue
                    if not (isinstance(each.value, ast.Name) and each.value.id in own):
                        yield each.lineno


@pytest.mark.parametrize("package", ["app", "services"])
def test_nothing_outside_an_object_sets_its_attributes(package: str) -> None:
    found = {
        name: lines for name, tree in modules() if name.startswith(package) and (lines := [*set_from_outside(tree)])
    }
    assert found == {}


def test_no_callback_defaults_to_doing_nothing_in_app_and_services() -> None:
    """What must be told subscribes to an event, or is required by the constructor."""
    found = []
    for name, tree in modules():
        if not name.startswith(("app/", "services/", "exchange/", "identity/", "execution/")):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Lambda):
                found.append(f"{name}:{node.lineno}")
    assert found == []
