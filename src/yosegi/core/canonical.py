"""One byte form for every JSON value that is hashed or signed (RFC 8785), and one strict way in.

Reading refuses what readers disagree about: duplicate keys, NaN and infinities, half a character, any encoding but
UTF-8, deep nesting, oversize input (RFC 7493, I-JSON).

Writing gives the bytes that the `rfc8785` package gives, several times sooner; what the quick writer does not know
(keys beyond the basic plane, kinds of their own) goes to that package.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

import rfc8785

from yosegi.core.errors import Invalid

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 32

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape that may leave half of a surrogate pair alone."""


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
        if text.startswith("\ufeff"):
            raise Invalid(what, "begins with a byte order mark (BOM)", "save it as UTF-8 without one")
        value = reader.decode(text)
        if _HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise _nested_too_deep(what) from None
    except ValueError as error:
        raise Invalid(what, f"not readable JSON ({error})") from None
    # Most texts have too few brackets to be too deep, and are not walked.
    if text.count("{") + text.count("[") > MAX_DEPTH and _too_deep(value, MAX_DEPTH):
        raise _nested_too_deep(what)
    return value


def parts(text: bytes) -> int:
    """At least how many values JSON text has, found without reading it: reading costs time by these, not by bytes.

    Example:
        >>> parts(b'{"a":[1,2,{}]}')
        5
    """
    return text.count(b"{") + text.count(b"[") + text.count(b",")


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


# -- writing --------------------------------------------------------------------------------------------------------

_MAX_INTEGER = 2**53 - 1


class _Unusual(Exception):
    """A value for the general encoder; never leaves this file."""


def dumps(value: object) -> bytes:
    """The canonical bytes of a JSON value (RFC 8785, JSON Canonicalization Scheme).

    Raises:
        Invalid: the value has no canonical form (NaN, an integer beyond 2^53, a key that is no string), or is nested
            deeper than `MAX_DEPTH`.
    """
    return _encoded(_written(value))


def text(value: Any) -> str:
    """`dumps`, decoded.

    Raises:
        Invalid: the value has no canonical form, or is nested deeper than `MAX_DEPTH`.
    """
    return checked(_written(value))


def _written(value: Any) -> str:
    try:
        return _text(value, MAX_DEPTH)
    except _Unusual:
        return _general(value)


def as_doubles(value: Any) -> Any:
    """A value that was read, its large integers doubles, as section 3.2.2.3 has them: so `dumps` writes it again."""
    kind = type(value)
    if kind is int:
        return value if -_MAX_INTEGER <= value <= _MAX_INTEGER else float(value)
    # Most of what stands in a header is text, which is passed over here and now.
    if kind is dict:
        return {key: item if type(item) is str else as_doubles(item) for key, item in value.items()}
    if kind is list:
        return [item if type(item) is str else as_doubles(item) for item in value]
    return value


def normal(data: bytes | str) -> bytes:
    """The canonical bytes of JSON text.

    Raises:
        Invalid: the value has no canonical form.
    """
    return dumps(json.loads(data, parse_int=_double_if_large))


def is_normal(data: bytes) -> bool:
    """Whether JSON text is in its canonical form, which is mostly told by a quick look.

    Raises:
        Invalid: the value has no canonical form.
    """
    # Python's own encoder differs from RFC 8785 in the order of keys beyond ASCII, in doubles and in large integers.
    # Where there are none, what it gives back as it was is in canonical form.
    try:
        if data.isascii() and data.count(b"{") + data.count(b"[") <= MAX_DEPTH:
            text = data.decode()
            if _QUICK_WRITER.encode(_QUICK_READER.decode(text)) == text:
                return True
    except _Unusual:
        pass
    return normal(data) == data


def _small_integer(digits: str) -> int:
    if len(digits) > 15 or digits == "-0":
        raise _Unusual
    return int(digits)


def _no_double(digits: str) -> float:
    raise _Unusual


_QUICK_READER = json.JSONDecoder(parse_int=_small_integer, parse_float=_no_double, parse_constant=_no_double)
_QUICK_WRITER = json.JSONEncoder(ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":"))


def _double_if_large(digits: str) -> int | float:
    # The canonical form of a large double has no point in it, so it is read as an integer.
    number = int(digits)
    return number if abs(number) <= _MAX_INTEGER else float(digits)


def _general(value: Any) -> str:
    try:
        return rfc8785.dumps(value).decode()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Invalid("a value", f"has no canonical JSON form ({error})") from None


def checked(encoded: str) -> str:
    """The text itself, if it has a UTF-8 form.

    Raises:
        Invalid: a surrogate stands alone in it, so it has none.
    """
    _encoded(encoded)
    return encoded


def _encoded(written: str) -> bytes:
    try:
        return written.encode()
    except UnicodeEncodeError as error:
        raise Invalid("a value", f"has no canonical JSON form ({error.reason})") from None


quoted = encode_basestring
"""A JSON string; Python's escapes without `ensure_ascii` are those of RFC 8785, section 3.2.2.2."""


def _text(value: Any, left: int) -> str:
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is int:
        return _integer(value)
    if kind is dict:
        return _object(value, left)
    if kind is float:
        return _double(value)
    if value is None or kind is bool:
        return _WORDS[value]
    if kind is list or kind is tuple:
        if left <= 0:
            raise _nested_too_deep()
        return "[" + ",".join([_text(item, left - 1) for item in value]) + "]"
    raise _Unusual


_WORDS = {None: "null", True: "true", False: "false"}


def _integer(value: int) -> str:
    if -_MAX_INTEGER <= value <= _MAX_INTEGER:
        return str(value)
    raise Invalid("a value", f"has no canonical JSON form ({value} is beyond 2^53)", "write it as text")


def _double(value: float) -> str:
    """ECMAScript's Number::toString, as RFC 8785 (section 3.2.2.3) asks; both it and `repr` find the shortest digits.

    They differ in when an exponent is written: ECMAScript below 1e-6 and from 1e21, Python below 1e-4 and from 1e16.
    """
    size = abs(value)
    shown = repr(value)
    if 1e-4 <= size < 1e16:
        return shown.removesuffix(".0")
    if not size < math.inf:
        raise Invalid("a value", f"has no canonical JSON form ({value} is not a JSON number)")
    if size == 0:
        return "0"
    mantissa, _, exponent = shown.partition("e")
    power = int(exponent)
    if size >= 1e21 or size < 1e-6:
        return f"{mantissa}e{power:+d}"
    sign, digits = ("-", mantissa[1:]) if value < 0 else ("", mantissa)
    whole, _, fraction = digits.partition(".")
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{whole}{fraction}"
    return f"{sign}{whole}{fraction.ljust(power, '0')}"


def _object(value: Mapping[str, Any], left: int) -> str:
    if left <= 0:
        raise _nested_too_deep()
    parts = []
    try:
        keys = sorted(value)
    except TypeError:
        raise _Unusual from None
    for key in keys:
        item = value[key]
        written = _KEYS.get(key) or _key(key)
        # Most are texts: these are written here, and not by a call of their own.
        parts.append(written + (encode_basestring(item) if type(item) is str else _text(item, left - 1)))
    return "{" + ",".join(parts) + "}"


_KEYS: dict[str, str] = {}
_MOST_KEYS = 4096
"""The same few names stand in almost everything; each is written once."""


def _key(key: object) -> str:
    # UTF-16 order, which the standard asks for, is the order of code points below the surrogates.
    if type(key) is not str or (not key.isascii() and max(key) > "\ud7ff"):
        raise _Unusual
    written = encode_basestring(key) + ":"
    if len(_KEYS) < _MOST_KEYS and len(key) < 64:
        _KEYS[key] = written
    return written


def _nested_too_deep(what: str = "a value") -> Invalid:
    return Invalid(what, f"nested deeper than {MAX_DEPTH} levels")
