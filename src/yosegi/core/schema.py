"""JSON Schemas from other sites: what one may contain, and checking a value against it at a bounded cost.

A schema is a program that whoever holds it runs. Nothing outside the schema itself is ever read, a reference never
leads back to where it stands, patterns are matched without backtracking (the `regex` crate), and the work of one check
is bounded before it begins: subschemas, references expanded, times the parts of the value that each may meet.

The dialect is JSON Schema 2020-12 without what pydantic never writes: identifiers, anchors and dynamic references
(they change what a reference means), and unevaluated properties and items (their cost is not local).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs

from yosegi.core import canonical
from yosegi.core.errors import Invalid

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOST_BYTES = 128 * 1024
MOST_DEPTH = 32
MOST_PARTS = 20_000
"""JSON values in a schema, each counted as often as references lead to it."""
LONGEST_PATTERN = 500
MOST_WORK = 1_000_000
"""Steps of one check, of about 0.15 us each (measured with jsonschema-rs 0.60 on one core)."""
MOST_WORK_EXPLAINED = 20_000
"""Steps of a check above which it is only said that a value does not fit: an explanation costs far more."""

_ONE = frozenset({"not", "if", "then", "else"})
_MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
_REPEATED = frozenset({"items", "contains", "additionalProperties", "propertyNames", "patternProperties"})
"""Keywords whose subschemas may meet every part of a value."""
_REFUSED = frozenset(
    {
        "$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef", "$vocabulary",
        "unevaluatedItems", "unevaluatedProperties", "definitions", "dependencies", "contentSchema",
    }
)  # fmt: skip
_PATTERN_WORK = 50
_UNIQUE_WORK = 8
_PATTERNS = jsonschema_rs.RegexOptions(size_limit=256 * 1024, dfa_size_limit=1024 * 1024)
_DEFINITIONS = "#/$defs/"


def _name(reference: str) -> str:
    """The definition that `#/$defs/NAME` leads to (RFC 6901 escapes)."""
    return reference.removeprefix(_DEFINITIONS).replace("~1", "/").replace("~0", "~")


@dataclass(slots=True)
class _Survey:
    """Walks a schema as a check would, and counts.

    Args:
        what: what it is of, for refusals.
    """

    what: str
    definitions: dict[str, Any]
    straight: int = 0
    repeated: int = 0
    _within: list[str] = field(default_factory=list)

    def schema(self, schema: Any, where: str, depth: int, often: bool) -> None:
        """A subschema; `often` if it may meet every part of a value."""
        self._count(1, often, where, depth)
        if isinstance(schema, bool):
            return
        if not isinstance(schema, dict):
            raise Invalid(self.what, f"{where} is a {type(schema).__name__}, and a schema is an object or a boolean")
        for keyword, value in schema.items():
            self._keyword(keyword, value, f"{where}.{keyword}", depth + 1, often)

    def _keyword(self, keyword: str, value: Any, where: str, depth: int, often: bool) -> None:
        if keyword in _REFUSED or (keyword == "$schema" and value != DIALECT):
            raise Invalid(self.what, f"{where} is not taken", "write plain JSON Schema 2020-12, as pydantic does")
        often = often or keyword in _REPEATED
        if keyword == "$ref":
            self._reference(value, where, depth, often)
        elif keyword in ("pattern", "uniqueItems"):
            self._laborious(keyword, value, where, depth)
        elif keyword in _ONE or (keyword in _REPEATED and keyword not in _NAMED):
            self.schema(value, where, depth, often)
        elif keyword in _MANY or keyword in _NAMED:
            for name, part in self._parts(keyword, value, where):
                self.schema(part, f"{where}.{name}", depth + 1, often)
        else:
            self._data(value, where, depth, often)

    def _parts(self, keyword: str, value: Any, where: str) -> Iterator[tuple[str, Any]]:
        named = "a list" if keyword in _MANY else "an object"
        if not isinstance(value, list if keyword in _MANY else dict):
            raise Invalid(self.what, f"{where} is a {type(value).__name__}, and must be {named}")
        if keyword == "patternProperties":
            for pattern in value:
                self._laborious("pattern", pattern, where, 0)
        yield from value.items() if isinstance(value, dict) else ((str(i), part) for i, part in enumerate(value))

    def _reference(self, value: Any, where: str, depth: int, often: bool) -> None:
        if not isinstance(value, str) or not value.startswith(_DEFINITIONS):
            raise Invalid(self.what, f"{where} leads to {str(value)[:100]!r}", f"refer to {_DEFINITIONS}NAME only")
        name = _name(value)
        if name not in self.definitions:
            raise Invalid(self.what, f"{where} leads to {value[:100]!r}, and no such definition is there")
        if name in self._within:
            raise Invalid(self.what, f"{where} leads back to itself ({value[:100]})", "a bounded depth is written out")
        self._within.append(name)
        self.schema(self.definitions[name], where, depth, often)
        self._within.pop()

    def _laborious(self, keyword: str, value: Any, where: str, depth: int) -> None:
        if keyword == "pattern" and isinstance(value, str) and len(value) > LONGEST_PATTERN:
            raise Invalid(self.what, f"{where} has {len(value)} characters, and at most {LONGEST_PATTERN} are taken")
        self._count(_PATTERN_WORK if keyword == "pattern" else _UNIQUE_WORK, True, where, depth)

    def _data(self, value: Any, where: str, depth: int, often: bool) -> None:
        self._count(1, often, where, depth)
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for part in parts:
            self._data(part, where, depth + 1, often)

    def _count(self, parts: int, often: bool, where: str, depth: int) -> None:
        if often:
            self.repeated += parts
        else:
            self.straight += parts
        if depth > MOST_DEPTH:
            raise Invalid(self.what, f"{where[:200]} is deeper than {MOST_DEPTH} levels")
        if self.straight + self.repeated > MOST_PARTS:
            raise Invalid(self.what, f"more than {MOST_PARTS} parts, each counted as often as references lead to it")


class Schema:
    """A schema that keeps the rules of this module, ready to check values.

    Raises:
        Invalid: names the first rule that it does not keep.
    """

    def __init__(self, schema: dict[str, Any], what: str = "a schema") -> None:
        if (size := len(canonical.dumps(schema))) > MOST_BYTES:
            raise Invalid(what, f"{size} bytes, and at most {MOST_BYTES} are taken")
        definitions = schema.get("$defs", {})
        if not isinstance(definitions, dict):
            raise Invalid(what, "$defs is no object")
        survey = _Survey(what, definitions)
        survey.schema(schema, "schema", 0, often=False)
        self._straight, self._repeated = survey.straight, survey.repeated
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                schema, validate_formats=False, offline=True, pattern_options=_PATTERNS
            )
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise Invalid(what, _first_line(str(error))) from None

    def check(self, value: Any, what: str) -> None:
        """Check a value.

        Raises:
            Misfit: it does not fit; says where.
            Invalid: to check it would take more than `MOST_WORK` steps.
        """
        work = self._straight + self._repeated * _size(value)
        if work > MOST_WORK:
            raise Invalid(what, f"checking them takes {work} steps, and at most {MOST_WORK} are taken")
        if self._validator.is_valid(value):
            return
        if work > MOST_WORK_EXPLAINED:
            raise Misfit(what, (), "they do not fit their schema, and are too large to say where")
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            raise Misfit(what, tuple(error.instance_path), error.message[:500]) from None


class Misfit(Invalid):
    """A value that does not fit its schema, and where in it.

    Args:
        path: the part of the value.
        message: what is wrong with it.
    """

    def __init__(self, what: str, path: tuple[str | int, ...], message: str) -> None:
        self.path, self.message = path, message
        where = ".".join(str(part) for part in path)
        super().__init__(what, f"{where}: {message}" if where else message)


def _first_line(text: str) -> str:
    return text.partition("\n")[0][:300] or "not a JSON Schema"


def _size(value: Any) -> int:
    """Parts of a value, long texts counted by sixteen characters."""
    count, rest = 0, [value]
    while rest:
        part = rest.pop()
        count += 1
        if isinstance(part, str):
            count += len(part) // 16
        elif isinstance(part, dict):
            rest.extend(part.values())
            count += len(part)
        elif isinstance(part, list):
            rest.extend(part)
    return count


@functools.lru_cache(maxsize=512)
def schema_of(text: bytes) -> Schema:
    """The schema in canonical JSON; one that was read a moment ago is not read again.

    Raises:
        Invalid: it does not keep the rules of this module.
    """
    return Schema(canonical.loads(text))
