"""One byte form for every JSON value that is hashed or signed (RFC 8785), and one strict way in.

Reading refuses what readers disagree about: duplicate keys, NaN and infinities, half a character, any encoding but
UTF-8, deep nesting, oversize input (RFC 7493, I-JSON).
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

from yosegi.core import encoding
from yosegi.core.encoding import MAX_DEPTH
from yosegi.core.errors import Invalid

MAX_BYTES = 4 * 1024 * 1024

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape that may leave half of a surrogate pair alone."""


def dumps(value: object) -> bytes:
    """The canonical bytes of a JSON value (RFC 8785, JSON Canonicalization Scheme).

    Raises:
        Invalid: the value has no canonical form (NaN, an integer beyond 2^53, a key that is no string), or is nested
            deeper than `MAX_DEPTH`.
    """
    return encoding.dumps(value)


def digest(data: bytes) -> str:
    """`sha256:` and the 64 hexadecimal digits of SHA-256 (FIPS 180-4) of the bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def loads(data: bytes | str, *, what: str = "a document", max_bytes: int = MAX_BYTES) -> Any:
    """Read JSON from outside.

    Raises:
        Invalid: not JSON in UTF-8, larger than `max_bytes`, deeper than `MAX_DEPTH`, a key twice in one object, a
            number that is not finite (1e999 too, which a double does not hold), or half a character.
    """
    return _read(data, what, max_bytes, _READER)


def read(data: bytes | str, *, what: str = "a document", max_bytes: int = MAX_BYTES) -> tuple[Any, bool]:
    """`loads`, and whether a number in it is written otherwise than canonically, or may have no canonical form.

    Raises:
        Invalid: as `loads`.
    """
    numbers = _Numbers()
    reader = json.JSONDecoder(
        object_pairs_hook=_no_duplicates,
        parse_constant=_no_constants,
        parse_float=numbers.double,
        parse_int=numbers.integer,
    )
    return _read(data, what, max_bytes, reader), numbers.unusual


def _read(data: bytes | str, what: str, max_bytes: int, reader: json.JSONDecoder) -> Any:
    if len(data) > max_bytes:
        raise Invalid(what, f"{len(data)} bytes, and at most {max_bytes} are read", "send large data as an object")
    try:
        # Decoded here: left to itself the reader would guess at UTF-16 and take surrogates that stand alone.
        text = data if isinstance(data, str) else data.decode()
        value = reader.decode(text)
        if _HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise Invalid(what, f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise Invalid(what, f"not readable JSON ({error})") from None
    # Most texts have too few brackets to be too deep, and are not walked.
    if text.count("{") + text.count("[") > MAX_DEPTH and _too_deep(value, MAX_DEPTH):
        raise Invalid(what, f"nested deeper than {MAX_DEPTH} levels")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"key {twice!r} occurs twice in one object")
    return result


def _no_constants(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:40]} is beyond what a double holds")
    return number


class _Numbers:
    """Reads numbers, and notes where one is unusual: seen where they are, a long text is not searched for them."""

    __slots__ = ("unusual",)

    def __init__(self) -> None:
        self.unusual = False

    def integer(self, digits: str) -> int:
        self.unusual = self.unusual or len(digits) > 15 or digits == "-0"
        return int(digits)

    def double(self, digits: str) -> float:
        plain = len(digits) <= 15 and not digits.endswith("0") and digits.lower().find("e") < 0
        self.unusual = self.unusual or not plain
        return _finite(digits)


_READER = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constants, parse_float=_finite)


def _too_deep(value: Any, left: int) -> bool:
    kind = type(value)
    if kind is not dict and kind is not list:
        return left < 0
    items = value.values() if kind is dict else value
    return bool(items) if left <= 0 else any(_too_deep(item, left - 1) for item in items if type(item) in _NESTED)


_NESTED = (dict, list)
