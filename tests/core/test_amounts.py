"""Amounts against Python's own exact decimals."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yosegi.core.amounts import LARGEST, Amounts, Unit
from yosegi.core.errors import Invalid
from yosegi.core.values import Value

units = st.sampled_from([unit.value for unit in Unit])
some = st.dictionaries(units, st.integers(0, 10**12)).map(Amounts)


@given(some, some)
def test_a_sum_less_a_part_is_the_other_part(a: Amounts, b: Amounts) -> None:
    assert (a + b) - b == a
    assert (a + b).covers(a)


@given(st.dictionaries(units, st.integers(0, 10**12)))
def test_decimals_are_exact_and_read_back(milli: dict[str, int]) -> None:
    decimals = Amounts(milli).decimals()
    assert {unit: Decimal(text) * 1000 for unit, text in decimals.items()} == {u: n for u, n in milli.items() if n}
    assert Amounts.parse(decimals) == Amounts(milli)


@pytest.mark.parametrize("milli", [-1, LARGEST + 1, 1.0, float("nan"), float("inf"), True, "1"])
def test_what_is_no_whole_count_is_refused(milli: object) -> None:
    with pytest.raises(Invalid):
        Amounts({"usd": milli})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "text",
    ["0.0001", "1e-4", "NaN", "Infinity", "-1", "one", "", "\uff11", "\u0663", "\u0663.5", "1_0", " 1", "1\n", "1.2.3"],
)
def test_a_decimal_that_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Amounts.parse({"jpy": text})


def test_an_unknown_unit_is_refused_and_the_known_are_named() -> None:
    with pytest.raises(Invalid, match="node_h"):
        Amounts({"euros": 1})


def test_a_difference_below_zero_is_refused() -> None:
    with pytest.raises(Invalid, match="-1"):
        Amounts({"samples": 1}) - Amounts({"samples": 2})


def test_a_unit_that_is_not_there_is_zero_and_not_in_it() -> None:
    amounts = Amounts({"samples": 1, "usd": 0})
    assert (amounts["samples"], amounts["usd"], amounts["jpy"]) == (1, 0, 0)
    assert [unit in amounts for unit in ("samples", "usd", "jpy")] == [True, False, False]
    assert list(amounts) == ["samples"]


def test_amounts_travel_as_milli_units() -> None:
    class Bill(Value):
        cost: Amounts

    assert Bill(cost=Amounts.parse({"samples": "1.5"})).to_bytes() == b'{"cost":{"samples":1500}}'
    assert Bill.read(b'{"cost":{"samples":1500}}').cost["samples"] == 1500
    with pytest.raises(Invalid):
        Bill.read(b'{"cost":{"samples":1.5}}')
