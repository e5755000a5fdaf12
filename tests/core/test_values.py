from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

import yosegi
from yosegi.core import canonical
from yosegi.core.errors import Invalid
from yosegi.core.values import Value
from yosegi.services.answer import Answer


class Anything(Value):
    it: Any


class Counted(Value):
    count: int
    label: str = ""


NUMBERS = st.one_of(
    st.integers(-(2**60), 2**60).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["1.0", "-0", "-0.0", "0.0", "1e3", "1E3", "1.50", "10.00", "1.000001", "-2.0e-2"]),
)  # fmt: skip
TEXTS = st.recursive(
    NUMBERS | st.text(max_size=5).map(json.dumps) | st.sampled_from(["true", "null"]),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: "[" + ", ".join(items) + "]")
        | st.dictionaries(st.text("ab:e", max_size=3), inner, max_size=3).map(
            lambda items: "{" + ",".join(f"{json.dumps(key)}: {item}" for key, item in items.items()) + "}"
        )
    ),
    max_leaves=8,
)


def shown(value: Anything) -> str:
    """1 and 1.0 look different; the order of keys does not count."""
    return json.dumps(value.it, sort_keys=True)


def read(what: bytes | dict[str, Any]) -> object:
    try:
        return shown(Anything.read(what))
    except Invalid:
        return Invalid


@given(TEXTS)
@example("1.0")
@example("[-0, 1e2]")
@example("9007199254740993")
def test_bytes_are_read_as_the_object_they_stand_for(text: str) -> None:
    whole = f'{{"it": {text}}}'
    assert read(whole.encode()) == read(canonical.loads(whole))


@given(TEXTS)
def test_what_was_parsed_is_read_as_any_object(text: str) -> None:
    try:
        value = canonical.loads(canonical.dumps(canonical.loads(f'{{"it": {text}}}')))
        expected = Anything.read(value)
    except Invalid:
        return
    assert shown(Anything.parsed(value)) == shown(expected)


def test_a_copy_with_other_fields_has_another_digest() -> None:
    one = Counted(count=1)
    assert one.digest == canonical.digest(b'{"count":1,"label":""}')
    other = one.model_copy(update={"count": 2})
    assert other.digest == canonical.digest(b'{"count":2,"label":""}')


@pytest.mark.parametrize("data", [b'{"count":1.5}', b'{"count":1,"more":2}', b'{"count":1,"count":1}', b"[]", b"{"])
def test_what_is_not_of_the_form_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        Counted.read(data)


def _below(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def test_the_types_of_every_field_of_every_value_and_answer_are_known_where_it_is_defined() -> None:
    for module in pkgutil.walk_packages(yosegi.__path__, "yosegi."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    # Answers are built at their first use, so that a command does not wait for those that it does not use.
    for kind in {*_below(Value), *_below(Answer)}:
        if kind.__module__.startswith("yosegi."):
            kind.model_rebuild(raise_errors=True)
            assert kind.__pydantic_complete__, kind
