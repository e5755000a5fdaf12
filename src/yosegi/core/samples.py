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


def samples_named(schema: Mapping[str, Any], values: Mapping[str, Any] | None, site: str) -> Iterator[str]:
    """The samples among inputs or outputs, under their names in the federation.

    Args:
        schema: of the inputs or outputs, in a contract.
        values: of them; None where there are none.
        site: whose names those are that name no site.
    """
    for name, one in schema.get("properties", {}).items():
        value = (values or {}).get(name)
        if is_sample(one) and isinstance(value, str):
            sample = value if "/" in value else f"{site}/{value}"
            if is_sample_id(sample):
                yield sample
