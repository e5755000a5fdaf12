"""Amounts as options of a command say them."""

from __future__ import annotations

from collections.abc import Iterable

from yosegi.core.errors import Invalid


def amounts_of(option: str, texts: Iterable[str]) -> dict[str, str]:
    """Decimals by unit, of an option that is repeated.

    Raises:
        Invalid: one is not of the form unit=decimal.
    """
    amounts: dict[str, str] = {}
    for text in texts:
        unit, equals, number = text.partition("=")
        if not equals:
            raise Invalid(f"{option} {text}", "is not of the form unit=decimal", "e.g. node_h=20")
        amounts[unit] = number
    return amounts
