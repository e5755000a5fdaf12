"""A capability's contract follows from types and docstring, and both ends hold it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import jsonschema_rs
import pytest

from yosegi.core.capability import Context, Infeasible, capability, quantity
from yosegi.core.contract import Contract, EffectClass, LinearConstraint, strictest
from yosegi.core.errors import Invalid


@dataclass(frozen=True)
class Baked:
    hardness: Annotated[float, quantity("GPa", ge=0)]


@capability(
    "oven.bake@2",
    kind="instrument",
    effect="consuming",
    field="materials",
    simulated=True,
    cost={"samples": "1", "instrument_h": "0.25"},
    constraints=[LinearConstraint({"a": 1, "b": 1}, at_most=10)],
)
def bake(
    a: Annotated[float, quantity("uL", ge=0, le=8, resolution=0.5)],
    b: Annotated[float, quantity("uL", ge=0, le=8)],
    gas: Literal["argon", "air"] = "argon",
    *,
    context: Context,
) -> Baked:
    """Bake a sample.

    It is used up.

    Args:
        a: the first liquid.
        b: the second,
            over two lines.
        gas: what flows.
    """
    context.spend("instrument_h", "0.1")
    if a == 8:
        raise Infeasible("it boils")
    return Baked(a + b)


CONTEXT = Context(key="k", seed=1, folder=Path())


def test_title_description_and_arguments_come_from_the_docstring() -> None:
    contract = bake.contract
    assert (contract.title, contract.description) == ("Bake a sample", "It is used up.")
    assert contract.inputs["properties"]["b"]["description"] == "the second, over two lines."


def test_types_become_a_closed_schema_with_units() -> None:
    schema = bake.contract.inputs
    assert schema["properties"]["a"] | {"description": ""} == {
        "description": "", "type": "number", "unit": "uL", "minimum": 0, "maximum": 8, "resolution": 0.5,
    }  # fmt: skip
    assert schema["required"] == ["a", "b"]
    assert schema["additionalProperties"] is False
    assert "context" not in schema["properties"]
    jsonschema_rs.meta.validate(schema)


def test_the_function_stays_a_function() -> None:
    assert bake(1.0, 2.0, context=CONTEXT) == Baked(3.0)


def test_run_checks_both_ends_and_counts_what_was_spent() -> None:
    context = Context(key="k", seed=1, folder=Path())
    assert bake.run({"a": 1.0, "b": 2.0}, context) == {"hardness": 3.0}
    assert context.spent == {"instrument_h": 100}


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"a": 9.0, "b": 0.0}, "a: .*uL"),
        ({"a": 1.0}, "b"),
        ({"a": 1.0, "b": 0.0, "c": 1}, "c"),
        ({"a": "1", "b": 0.0}, "a"),
        ({"a": 6.0, "b": 6.0}, "at most 10"),
        ({"a": 1.0, "b": 0.0, "gas": "neon"}, "gas"),
    ],
)
def test_inputs_that_break_the_contract_are_refused_by_name(inputs: dict[str, object], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        bake.contract.check_inputs(inputs)


def test_an_output_out_of_range_is_refused() -> None:
    with pytest.raises(Invalid, match="hardness"):
        bake.contract.check_outputs({"hardness": -1.0})


def test_a_contract_reads_back_with_the_same_digest() -> None:
    assert Contract.read(bake.contract.to_bytes()).digest == bake.contract.digest


def test_a_function_without_types_or_words_is_no_capability() -> None:
    with pytest.raises(Invalid, match="no return type"):

        @capability("a.b@1", kind="analysis", effect="pure", field="x", simulated=True)
        def untyped(x: float):  # type: ignore[no-untyped-def]
            """Title."""

    with pytest.raises(Invalid, match="docstring"):

        @capability("a.b@1", kind="analysis", effect="pure", field="x", simulated=True)
        def silent(x: float) -> Baked:
            return Baked(x)


@pytest.mark.parametrize("effect", list(EffectClass))
def test_only_what_repeats_harmlessly_is_repeatable(effect: EffectClass) -> None:
    assert effect.repeatable == (effect in ("pure", "idempotent"))


def test_labels_inherit_the_strictest() -> None:
    assert strictest("public", "restricted", "team") == "restricted"
    assert strictest() == "public"
