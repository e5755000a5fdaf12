"""TOML that people write: read into plain values, with a sentence and the field for what would only fail later."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yosegi.core.errors import Invalid
from yosegi.core.files import read_regular

MOST_BYTES = 4 * 1024 * 1024
"""Of a file of TOML that is read."""
BOM = "\ufeff"
MOST_PARTS = 16
"""Parts of one key. `tomllib` takes a time that grows with their square: a key of 60,000 would stop a site."""
KEY_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
"""One part of a key, as a regular expression that tries no text twice."""
_DEEP_KEY = re.compile(rf"(?<![A-Za-z0-9_-]){KEY_PART}(?:[ \t]*+\.[ \t]*+{KEY_PART}){{{MOST_PARTS}}}")


def read_toml_file(path: Path) -> dict[str, Any]:
    """The values in a file.

    Raises:
        Invalid: as `parse_toml`, or not UTF-8, larger than `MOST_BYTES`, or no file.
        FileNotFoundError: there is none.
    """
    try:
        return parse_toml(read_regular(path, MOST_BYTES).decode(), what=str(path))
    except UnicodeDecodeError as error:
        raise Invalid(str(path), f"is not UTF-8 text ({error})", "save it as UTF-8") from None


def parse_toml(text: str, *, what: str, finite: bool = True) -> dict[str, Any]:
    """The values in a text.

    Args:
        text: TOML.
        what: how messages call it.
        finite: whether a number that is not finite is refused here; else its reader does.

    Example:
        >>> parse_toml("limit = nan", what="site.toml")
        Traceback (most recent call last):
        ...
        yosegi.core.errors.Invalid: site.toml: limit: is nan. Give a finite number

    Raises:
        Invalid: not TOML, it begins with a byte order mark, a key has too many parts, or a number in it is not finite
            or too long; names the field.
    """
    if text.startswith(BOM):
        raise Invalid(what, "begins with a byte order mark (BOM)", "save it as UTF-8 without one")
    if deep := _DEEP_KEY.search(text):
        line = text.count("\n", 0, deep.start()) + 1
        raise Invalid(what, f"line {line}: a key of more than {MOST_PARTS} parts", "give tables of their own")
    try:
        value = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of too many digits is a ValueError alone
        raise Invalid(what, f"not TOML ({error})") from None
    for path, number in numbers_in(value) if finite else ():
        if not math.isfinite(number):
            raise Invalid(what, f"{'.'.join(map(str, path))}: is {number}", "give a finite number")
    return value


def numbers_in(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], float]]:
    """Every floating-point number, with its place."""
    if isinstance(value, float):
        yield at, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from numbers_in(item, (*at, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from numbers_in(item, (*at, number))
