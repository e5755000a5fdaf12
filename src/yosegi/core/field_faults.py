"""What a validation found wrong, in sentences: the one place that reads pydantic's errors for people.

The library speaks of inputs, instances and models. Here a field is named as its writer knows it, and what it has to be
is said. What was given is not repeated: it may be anybody's words, or a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class _Errors(Protocol):
    """A `pydantic.ValidationError`, or FastAPI's `RequestValidationError`."""

    def errors(self) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One field that does not hold.

    Args:
        path: from the outside in, e.g. `("source", 0, "price")`.
        why: what it has to be.
        kind: pydantic's name of the error, for programs.
    """

    path: tuple[str | int, ...]
    why: str
    kind: str

    @property
    def where(self) -> str:
        """The path for people, elements of a list counted from 0."""
        return ".".join(str(part) for part in self.path) or "the whole"

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


def field_faults(error: _Errors) -> list[FieldFault]:
    """Every field that does not hold, in the order in which they were read."""
    return [FieldFault(tuple(one["loc"]), why_of(one), str(one["type"])) for one in error.errors()]


def first_fault(error: _Errors) -> FieldFault:
    """The first of them."""
    return FieldFault(tuple((one := error.errors()[0])["loc"]), why_of(one), str(one["type"]))


def called_faults(error: _Errors) -> Iterator[str]:
    """The same of a call over HTTP: where a part of it is looked for is said after its name."""
    for fault in field_faults(error):
        part, *rest = fault.path or ("body",)
        if not rest:
            yield f"{_PARTS.get(str(part), str(part))}: {fault.why}"
            continue
        name = ".".join(str(one) for one in rest)
        yield f"{name}{'' if part == 'body' else f' ({_PARTS.get(str(part), str(part))})'}: {fault.why}"


_PARTS = {"body": "the body", "query": "in the query", "path": "in the address", "header": "a header"}

_TYPES = {
    "string": "a text", "int": "a whole number", "float": "a number", "bool": "true or false", "dict": "a table",
    "list": "a list", "tuple": "a list", "set": "a list", "frozen_set": "a list", "bytes": "bytes",
    "mapping": "a table",
    "model": "a table", "model_attributes": "a table", "dataclass": "a table", "datetime": "a date and time",
    "date": "a date", "time": "a time", "time_delta": "a duration", "decimal": "a decimal number", "url": "an address",
    "uuid": "a UUID", "none_required": "nothing", "iterable": "a list",
}  # fmt: skip

_SAID: dict[str, str | Callable[[Mapping[str, Any]], str]] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here: leave it out, or look how it is spelt",
    "finite_number": "must be a finite number",
    "greater_than": lambda of: f"must be more than {_plain(of['gt'])}",
    "greater_than_equal": lambda of: f"must be {_plain(of['ge'])} or more",
    "less_than": lambda of: f"must be less than {_plain(of['lt'])}",
    "less_than_equal": lambda of: f"must be {_plain(of['le'])} or less",
    "multiple_of": lambda of: f"must be a multiple of {_plain(of['multiple_of'])}",
    "literal_error": lambda of: f"must be {of['expected']}",
    "enum": lambda of: f"must be {of['expected']}",
    "string_too_short": lambda of: _too_few(of["min_length"], "characters"),
    "string_too_long": lambda of: f"has more than {of['max_length']} characters",
    "string_pattern_mismatch": lambda of: f"must be of the form {of['pattern']} (a regular expression)",
    "string_unicode": "is no text in UTF-8",
    "too_short": lambda of: _too_few(of["min_length"], "entries"),
    "too_long": lambda of: f"has more than {of['max_length']} entries",
    "json_invalid": lambda of: f"is no JSON ({of.get('error', '')})",
    "int_from_float": "must be a whole number",
    "none_required": "must be left out",
    "url_scheme": lambda of: f"must begin with {of['expected_schemes']}",
    "timezone_aware": "needs its offset from UTC, e.g. 2026-04-01T09:00:00+09:00",
}  # fmt: skip


def why_of(one: Mapping[str, Any]) -> str:
    """One error of pydantic's as what the field has to be.

    Example:
        >>> why_of({"type": "greater_than_equal", "ctx": {"ge": 64}, "msg": "Input should be …"})
        'must be 64 or more'
    """
    kind, of = str(one["type"]), one.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(one["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if (said := _SAID.get(kind)) is not None:
        return said if isinstance(said, str) else said(of)
    found = re.fullmatch(r"(?:is_)?(\w+?)(?:_type|_parsing|_from_\w+|_of|_instance\w*)?", kind)
    if found and (wanted := _TYPES.get(found[1])):
        return f"must be {wanted}"
    # A kind that no value of ours has brought yet: the library's own words say more than none.
    return str(one["msg"])


def _too_few(least: int, of: str) -> str:
    return "is empty" if least == 1 else f"has fewer than {least} {of}"


def _plain(number: Any) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)
