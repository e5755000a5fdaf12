"""What every capability of every pack states: units, limits, noise, bias, cost and that it is simulated.

Checked on the contracts as a site would publish them, so that a pack added later is held to the same.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from yosegi.core.capability import Context
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid

PACKS = sorted(point.value for point in entry_points(group="yosegi.packs") if point.value.startswith("yosegi_packs."))


def published(pack: str) -> dict[str, object]:
    try:
        module = importlib.import_module(pack)
    except ModuleNotFoundError as missing:
        pytest.skip(f"{pack} needs {missing.name}, an extra that is not installed here")
    found = (getattr(module, name) for name in module.__all__)
    return {one.contract.name: one for one in found if isinstance(getattr(one, "contract", None), Contract)}


def numbers(schema: dict[str, object], name: str = "") -> Iterator[tuple[str, dict[str, object]]]:
    """Every number of a schema, also within lists and objects, with the name it stands under."""
    if schema.get("type") in ("number", "integer"):
        yield name, schema
    if isinstance(schema.get("items"), dict):
        yield from numbers(schema["items"], name)
    for key, part in (schema.get("properties") or {}).items():
        yield from numbers(part, key)
    for part in schema.get("anyOf", ()):
        yield from numbers(part, name)


@pytest.mark.parametrize("pack", PACKS)
def test_every_number_has_a_unit(pack: str) -> None:
    for name, capability in published(pack).items():
        contract = capability.contract
        bare = [
            which
            for schema in (contract.inputs, contract.outputs)
            for which, one in numbers(schema)
            if "unit" not in one
        ]
        assert not bare, f"{name}: {bare}"


@pytest.mark.parametrize("pack", PACKS)
def test_every_input_number_is_bounded(pack: str) -> None:
    for name, capability in published(pack).items():
        free = [
            which for which, one in numbers(capability.contract.inputs) if "minimum" not in one and "enum" not in one
        ]
        assert not free, f"{name}: {free}"


@pytest.mark.parametrize("pack", PACKS)
def test_a_number_below_its_limit_is_refused_before_anything_runs(pack: str, tmp_path: Path) -> None:
    for capability in published(pack).values():
        properties = capability.contract.inputs["properties"]
        which = next((key for key, one in properties.items() if "minimum" in one), None)
        if which is None:
            continue
        beyond = {key: _allowed(one) for key, one in properties.items()} | {which: properties[which]["minimum"] - 1}
        with pytest.raises(Invalid, match=which):
            capability.run(beyond, Context("k", 1, tmp_path))


@pytest.mark.parametrize("pack", PACKS)
def test_what_is_simulated_says_how_true_and_how_noisy_it_is(pack: str) -> None:
    for name, capability in published(pack).items():
        contract = capability.contract
        if contract.fidelity is not None:
            assert contract.fidelity.noise, name
            assert contract.fidelity.bias, name
            assert contract.fidelity.of in contract.outputs["properties"], name
        assert contract.cost, name
        assert contract.field, name


def _allowed(schema: dict[str, object]) -> object:
    if "enum" in schema:
        return schema["enum"][0]
    return schema.get("minimum", {"string": "a", "boolean": False}.get(str(schema.get("type")), []))
