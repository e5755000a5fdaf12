"""Amounts of grant units: exact integers of milli-units, never floats, never converted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from yosegi.core.errors import Invalid

_DECIMAL = re.compile(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?")
"""Python's `Decimal` also reads digits of other scripts, underscores and blanks, which other readers take for none."""
LARGEST = 10**15
"""Milli-units; far above any real grant and exact in a JSON number (below 2^53)."""


class Unit(StrEnum):
    """What a grant counts. One is never converted into another."""

    NODE_H = "node_h"
    GPU_H = "gpu_h"
    INSTRUMENT_H = "instrument_h"
    PERSON_H = "person_h"
    SAMPLES = "samples"
    USD = "usd"
    JPY = "jpy"


_NAMES: dict[str, str] = {unit.value: unit.value for unit in Unit}


class Amounts(Mapping[str, int]):
    """Milli-units by unit, e.g. `{"samples": 1000}` for one sample. Zero amounts are dropped.

    Sums and differences are exact; a difference may not go below zero.

    Example:
        >>> Amounts.parse({"samples": "1", "instrument_h": "0.05"}) + Amounts({"samples": 500})
        Amounts(instrument_h=0.05, samples=1.5)

    Raises:
        Invalid: an unknown unit, a number that is not a whole count of milli-units, negative, or too large.
    """

    __slots__ = ("_milli",)

    def __init__(self, milli: Mapping[str, int] | None = None) -> None:
        # Sums of amounts are made by the ten thousand: what is known is looked up before anything is asked.
        kept = [(_NAMES.get(unit) or _known(unit), n) for unit, n in milli.items()] if milli else []
        for unit, n in kept:
            if isinstance(n, bool) or not isinstance(n, int):
                raise Invalid(f"amount of {unit}", f"{n!r} is not a whole number of milli-units")
            if not 0 <= n <= LARGEST:
                raise Invalid(f"amount of {unit}", f"{n} milli-units is not between 0 and {LARGEST}")
        self._milli = {unit: n for unit, n in sorted(kept) if n}

    @classmethod
    def parse(cls, decimal: Mapping[str, str | int]) -> Amounts:
        """From exact decimal strings of whole units, e.g. `{"node_h": "0.05"}`."""
        return cls({unit: _milli(unit, value) for unit, value in decimal.items()})

    def __getitem__(self, unit: str) -> int:
        return self._milli.get(unit, 0)

    def __contains__(self, unit: object) -> bool:
        # Asking for a unit that is not there gives zero, by which a mapping would think that it holds every one.
        return unit in self._milli

    def __iter__(self) -> Iterator[str]:
        return iter(self._milli)

    def __len__(self) -> int:
        return len(self._milli)

    def __add__(self, other: Mapping[str, int]) -> Amounts:
        units = {*self._milli, *other}
        return Amounts({unit: self[unit] + other.get(unit, 0) for unit in units})

    def __sub__(self, other: Mapping[str, int]) -> Amounts:
        units = {*self._milli, *other}
        return Amounts({unit: self[unit] - other.get(unit, 0) for unit in units})

    def covers(self, other: Mapping[str, int]) -> bool:
        """Whether nothing in `other` exceeds what is here."""
        return all(self[unit] >= n for unit, n in other.items())

    def at_most(self, bound: Mapping[str, int]) -> Amounts:
        """The smaller of both in each unit; nothing of a unit that the bound does not name.

        Example:
            >>> Amounts({"samples": 9_000_000, "usd": 5}).at_most(Amounts({"samples": 1000}))
            Amounts(samples=1)
        """
        return Amounts({unit: min(n, bound.get(unit, 0)) for unit, n in self._milli.items()})

    def decimals(self) -> dict[str, str]:
        """Whole units as exact decimal strings, for people and files."""
        return {unit: format(Decimal(n) / 1000, "f") for unit, n in self._milli.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Amounts) and self._milli == other._milli

    def __hash__(self) -> int:
        return hash(tuple(self._milli.items()))

    def __repr__(self) -> str:
        return f"Amounts({', '.join(f'{unit}={value}' for unit, value in self.decimals().items())})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _from_json, serialization=core_schema.plain_serializer_function_ser_schema(dict)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        milli = {"type": "integer", "minimum": 0, "maximum": LARGEST}
        units = {str(unit): milli for unit in Unit}
        return {"type": "object", "properties": units, "additionalProperties": False}


def _from_json(value: Any) -> Amounts:
    if isinstance(value, Amounts):
        return value
    if not isinstance(value, dict):
        raise ValueError("an amount is an object of milli-units by unit")
    try:
        return Amounts(value)
    except Invalid as error:
        raise ValueError(str(error)) from None


def _known(unit: str) -> str:
    try:
        return Unit(unit).value
    except ValueError:
        raise Invalid(f"unit {unit!r}", f"not one of {', '.join(Unit)}") from None


def _milli(unit: str, value: str | int) -> int:
    try:
        if not _DECIMAL.fullmatch(str(value)):
            raise ValueError
        milli = Decimal(str(value)) * 1000
        if milli != milli.to_integral_value():
            raise Invalid(f"amount of {unit}", f"{value!r} is finer than a thousandth")
        return int(milli)
    except (InvalidOperation, OverflowError, ValueError):
        raise Invalid(f"amount of {unit}", f"{value!r} is not a decimal number") from None
