"""Physical samples in contracts: which inputs and outputs name one, and how it is called outside its maker's site."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from yosegi.core.identifiers import SAMPLE_ID

SAMPLE = "yosegi-sample"
"""The `format` of a sample's name in a contract's schema."""


def is_sample(schema: Mapping[str, Any]) -> bool:
    """Whether a property of a contract names a physical sample.

    Example:
        >>> is_sample({"type": "string", "format": "yosegi-sample"}), is_sample({"type": "string"})
        (True, False)
    """
    return schema.get("format") == SAMPLE


def is_sample_id(text: str) -> bool:
    """Whether a text is the name of a sample in the federation.

    Example:
        >>> is_sample_id("riken/film-17"), is_sample_id("film-17"), is_sample_id("riken/a tray")
        (True, False, False)
    """
    return len(text) <= 121 and re.fullmatch(SAMPLE_ID, text) is not None


def sample_values(schema: Mapping[str, Any], values: Any) -> Iterator[str]:
    """Every text among inputs or outputs that a schema marks as the name of a sample, however deep, as it was written.

    Args:
        schema: of the inputs or outputs, in a contract.
        values: of them; None where there are none.

    Example:
        >>> film = {"type": "string", "format": "yosegi-sample"}
        >>> schema = {"properties": {"film": film, "others": {"type": "array", "items": film}, "x": {"type": "string"}}}
        >>> list(sample_values(schema, {"film": "riken/a", "others": ["b", "c"], "x": "d"}))
        ['riken/a', 'b', 'c']
    """
    return _values(schema, values, schema.get("$defs", {}), set())


def _values(schema: Mapping[str, Any], value: Any, definitions: Mapping[str, Any], followed: set[str]) -> Iterator[str]:
    if is_sample(schema) and isinstance(value, str):
        yield value
    if (ref := schema.get("$ref", "")) and ref not in followed:
        # A definition that is met again within itself without a level of values between them says nothing more.
        yield from _values(definitions.get(ref.rpartition("/")[2], {}), value, definitions, followed | {ref})
    for choice in (one for word in ("anyOf", "oneOf", "allOf") for one in schema.get(word, ())):
        yield from _values(choice, value, definitions, followed)
    if isinstance(value, Mapping):
        others = schema.get("additionalProperties")
        named = schema.get("properties", {})
        for name, one in value.items():
            part = named.get(name, others)
            if isinstance(part, Mapping):
                yield from _values(part, one, definitions, set())
    elif isinstance(value, list | tuple):
        first = schema.get("prefixItems", ())
        rest = schema.get("items")
        for place, one in enumerate(value):
            part = first[place] if place < len(first) else rest
            if isinstance(part, Mapping):
                yield from _values(part, one, definitions, set())


def samples_named(schema: Mapping[str, Any], values: Mapping[str, Any] | None, site: str) -> Iterator[str]:
    """The samples among inputs or outputs, under their names in the federation.

    Args:
        schema: of the inputs or outputs, in a contract.
        values: of them; None where there are none.
        site: whose names those are that name no site.
    """
    for value in sample_values(schema, values):
        sample = value if "/" in value else f"{site}/{value}"
        if is_sample_id(sample):
            yield sample
