"""What a validation found wrong, in sentences: the one place that reads pydantic's errors for people.

The library speaks of inputs, instances and models. Here a field is named as its writer knows it, and what it has to be
is said. What was given is not repeated: it may be anybody's words, or a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from yosegi.core.field_names import instead_of


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


def first_fault(error: _Errors, model: Any = None) -> FieldFault:
    """The first of them; with the model that was read, it says which field an unknown one was meant to be."""
    one = error.errors()[0]
    return FieldFault(tuple(one["loc"]), why_of(one, model), str(one["type"]))


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
    "string_pattern_mismatch": lambda of: form_of(of["pattern"]),
    "string_unicode": "is no text in UTF-8",
    "too_short": lambda of: _too_few(of["min_length"], "entries"),
    "too_long": lambda of: f"has more than {of['max_length']} entries",
    "json_invalid": lambda of: f"is no JSON ({of.get('error', '')})",
    "int_from_float": "must be a whole number",
    "none_required": "must be left out",
    "url_scheme": lambda of: f"must begin with {of['expected_schemes']}",
    "timezone_aware": "needs its offset from UTC, e.g. 2026-04-01T09:00:00+09:00",
}  # fmt: skip


def why_of(one: Mapping[str, Any], model: Any = None) -> str:
    """One error of pydantic's as what the field has to be.

    Args:
        one: the error.
        model: that was read, so that a field it does not have is answered with one that it has.

    Example:
        >>> why_of({"type": "greater_than_equal", "ctx": {"ge": 64}, "msg": "Input should be …"})
        'must be 64 or more'
    """
    kind, of = str(one["type"]), one.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(one["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if (said := _SAID.get(kind)) is not None:
        meant = instead_of(model, one["loc"]) if kind == "extra_forbidden" and model is not None else ""
        if meant:
            return f"is not known here. {meant}"
        return said if isinstance(said, str) else said(of)
    found = re.fullmatch(r"(?:is_)?(\w+?)(?:_type|_parsing|_from_\w+|_of|_instance\w*)?", kind)
    if found and (wanted := _TYPES.get(found[1])):
        return f"must be {wanted}"
    # A kind that no value of ours has brought yet: the library's own words say more than none.
    return str(one["msg"])


_ID = "[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*"
_VERSIONED = rf"{_ID}(?:\.{_ID})*@[1-9][0-9]{{0,5}}"
_SAMPLE = "[A-Za-z0-9][A-Za-z0-9._-]{0,79}"
_KEY = "letters, digits and . _ : -, beginning with a letter or digit"
FORMS = {
    rf"^{_ID}$": "a name of small letters and digits, parted by - or _, e.g. alloy-team",
    rf"^{_ID}@{_ID}$": "a person at a site, e.g. pi@argonne",
    rf"^{_VERSIONED}$": "a capability with its version, e.g. oven.anneal@1",
    rf"^{_ID}/{_VERSIONED}$": "a capability as site/name@version, e.g. nims/oven.anneal@1",
    rf"^{_ID}/{_SAMPLE}$": "a sample as site/name, e.g. nims/film-17",
    rf"^{_SAMPLE}$": "letters, digits and . _ -, beginning with a letter or digit, at most 80",
    "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$": f"{_KEY}, at most 128",
    "^([A-Za-z0-9][A-Za-z0-9._:-]{0,127})?$": f"{_KEY}, at most 128",
    "^([A-Za-z0-9][A-Za-z0-9._:-]{0,109})?$": f"{_KEY}, at most 110",
    "^[A-Za-z][A-Za-z0-9_]{0,39}$": "a letter, then letters, digits or _, at most 40 in all, e.g. bath_temperature",
    r"^[A-Za-z]\w*(\.[A-Za-z]\w*)?$": "the name of a parameter, or step.output, e.g. mix.sample",
    "^[a-z][a-z0-9-]*$": "small letters, digits and -, beginning with a letter, e.g. research",
    "^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$": "small letters and digits, parted by -, e.g. films-2026",
    "^[A-Za-z0-9][A-Za-z0-9.:_-]*$": "letters, digits and . : _ -, beginning with a letter or digit",
    r"^[a-z][a-z0-9_-]*/(?:\*|[a-z0-9._@-]+\*?)$": "site/name, of which the end may be *, e.g. nims/oven.*",
    "^[A-Z]{2}$": "a country of two capital letters, e.g. JP (ISO 3166-1)",
    "^[a-z]{3}$": "a currency of three small letters, e.g. usd (ISO 4217)",
    r"^\d{1,9}(\.\d{1,6})?$": "an amount, e.g. 12.5",
    "^sha256:[0-9a-f]{64}$": "sha256: and 64 digits of 0-9 and a-f",
    "^[0-9a-f]{64}$": "64 digits of 0-9 and a-f",
    r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$": "a time in UTC, e.g. 2026-04-01T00:00:00.000000Z",
    "^[a-z0-9][a-z0-9.+_-]{0,60}/[a-z0-9][a-z0-9.+_-]{0,60}$": "a media type, e.g. text/csv",
    r"^[\w.\-\[\]:]+:\d{1,5}$": "host:port, e.g. 127.0.0.1:8101",
    r"^[^\s@,]+@[^\s@,]+$": "a mail address, e.g. pi@example.org",
    r"^[^\s@]+@[^\s@]+$": "a mail address, e.g. pi@example.org",
    r"^https?://[^\s/?#]+(/[^\s?#]*)?$": "an address that begins with http:// or https://, without ? and #",
    r"^(https?://[^\s/?#@]+[^\s?#]*)?$": "an address that begins with http:// or https://, without ? and #",
    r"^((https|mailto):\S+)?$": "an address that begins with https: or mailto:",
    "^https?://[!-~]{1,400}$": "an address that begins with http:// or https://",
    "^https?://": "an address that begins with http:// or https://",
    "^(/[a-z0-9][a-z0-9._-]*)+$": "a path that begins with /, e.g. /iri",
    "^/": "a path that begins with /",
    "^[a-z][a-z0-9_]{0,62}$": "a small letter, then small letters, digits or _, at most 63",
    r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*|[A-Za-z][\w.-]*)$": "module:function, or the name of a pack, e.g. lab:anneal",
}
"""What the regular expressions of this program ask for, in words: people are shown these. A test holds that those of
files that people write are all here."""


def form_of(pattern: str) -> str:
    """What a text has to be that does not match a regular expression."""
    words = FORMS.get(pattern)
    return f"must be of the form {pattern} (a regular expression)" if words is None else f"must be {words}"


def _too_few(least: int, of: str) -> str:
    return "is empty" if least == 1 else f"has fewer than {least} {of}"


def _plain(number: Any) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)
