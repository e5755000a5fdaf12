"""The fast encoder against the `rfc8785` package and the standard's own examples."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from yosegi.core import canonical
from yosegi.core.errors import Invalid

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)


@given(values)
def test_the_bytes_are_those_of_another_library(value: Any) -> None:
    assert canonical.dumps(value) == rfc8785.dumps(value)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.floats(1e-8, 1e-3) | st.floats(1e14, 1e23))
def test_a_number_is_written_as_another_library_writes_it(number: float) -> None:
    assert canonical.dumps([number, -number]) == rfc8785.dumps([number, -number])


@given(values, st.booleans(), st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_the_quick_look_sees_what_writing_it_again_shows(value: Any, ordered: bool, ascii_: bool, marks: Any) -> None:
    for text in (canonical.dumps(value), json.dumps(value, sort_keys=ordered, ensure_ascii=ascii_, separators=marks)):
        data = text if isinstance(text, bytes) else text.encode()
        assert canonical.is_normal(data) == (canonical.normal(data) == data)


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', '{"a":-0}', '{"a":1.0}', '{"a":1e2}', '{"b":1,"a":2}', '"\\u0041"'])
def test_what_is_not_canonical_is_not_taken_for_it(text: str) -> None:
    assert not canonical.is_normal(text.encode())


def test_what_is_too_deep_has_no_canonical_form_at_a_quick_look() -> None:
    with pytest.raises(Invalid):
        canonical.is_normal(b"[" * 33 + b"]" * 33)


# RFC 8785, appendix B: the double's bits in hexadecimal, and its text.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_the_standards_numbers_are_met(bits: str, text: str) -> None:
    assert canonical.dumps(struct.unpack(">d", bytes.fromhex(bits))[0]) == text.encode()


def test_the_standards_example_is_met() -> None:
    # RFC 8785, section 3.2.2 (input) and 3.2.4 (UTF-8 output).
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '€$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    assert canonical.dumps(value) == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()
    )


def test_keys_are_ordered_as_the_standard_orders_them() -> None:
    # RFC 8785, section 3.2.3: by UTF-16 code units, so the emoji (a surrogate pair) comes before U+FB33.
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    encoded = canonical.dumps(dict.fromkeys(keys, 0)).decode()
    order = [key for _, key in sorted((encoded.index(canonical.quoted(key)), key) for key in keys)]
    assert order == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), float("nan"), float("inf"), {1: 2}, {"a": {1: 2, "b": 1}}, "\ud800", object(), {"\ud800": 1}],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(Invalid, match="no canonical JSON form"):
        canonical.dumps(value)


def test_what_is_nested_too_deep_is_refused() -> None:
    value: Any = 1
    for _ in range(canonical.MAX_DEPTH + 1):
        value = [value]
    with pytest.raises(Invalid, match="nested deeper"):
        canonical.dumps(value)
