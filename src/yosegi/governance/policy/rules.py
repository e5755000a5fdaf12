"""Policies as text, and what must be true of them before they count.

A site's own rules are Cedar files that hold nothing but forbids, each with an id and a reason people can read.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import cedarpy

from yosegi.core.errors import Invalid

SCHEMA_TEXT = (files("yosegi.governance") / "schema.cedarschema").read_text("utf-8")
BUILTIN_TEXT = (files("yosegi.governance") / "builtin.cedar").read_text("utf-8")

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_SPOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*')
_BRACKETS = re.compile(r"[(\[{}\])]")
_SCHEMA_BRACKETS = re.compile(r"[(\[{<>}\])]")
_OPERATORS = re.compile(r"&&|\|\||[.+*!-]|\bif\b")
_LOCAL_NOTES = frozenset({"id", "reason", "reason_ja", "contact"})
LARGEST = 256 * 1024
DEEPEST = 64
LONGEST = 1000
_REMEMBERED = 16


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy: its id, its parsed form (Cedar's JSON) and where it was written."""

    id: str
    policy: dict[str, Any]
    where: str

    @property
    def effect(self) -> str:
        """`permit` or `forbid`."""
        return str(self.policy["effect"])

    @property
    def annotations(self) -> Mapping[str, str]:
        """What stands before it with an @."""
        notes: dict[str, str | None] = self.policy.get("annotations", {})
        return {name: text or "" for name, text in notes.items()}


def local_rules(where: str, text: str) -> list[Rule]:
    """A site's own rules from one file.

    Args:
        where: the file, for messages.
        text: Cedar.

    Raises:
        Invalid: not Cedar, a permit, a template, or a rule without id or reason.
    """
    rules = parse(where, text)
    for rule in rules:
        place = f"{where}, rule {rule.id}"
        if rule.effect != "forbid":
            raise Invalid(place, "is a permit, and only agreements permit", "sites add nothing but forbids")
        if rule.id.startswith("yosegi-"):
            raise Invalid(place, "names that begin with yosegi- are kept for the program", "rename it")
        if not rule.annotations.get("reason", "").strip():
            raise Invalid(place, "gives no reason", 'write @reason("…") before it, and @reason_ja("…") if you can')
        if unknown := sorted(set(rule.annotations) - _LOCAL_NOTES):
            raise Invalid(place, f"has the annotation @{unknown[0]}, which means nothing here")
    return rules


def parse(where: str, text: str, *, templates: bool = False) -> list[Rule]:
    """The policies in a text, each by its `@id`.

    Args:
        where: where it was written, for messages.
        text: Cedar.
        templates: whether templates may be among them: in the program's own rules alone.

    Raises:
        Invalid: not Cedar, too long, a template, or a policy without a proper id.
    """
    check_shape(where, text)
    try:
        parsed = json.loads(_as_json(text))
    except RecursionError:
        raise Invalid(where, "an expression is nested too deeply", "split the rule") from None
    except ValueError as error:
        raise Invalid(where, f"not Cedar ({' '.join(str(error).split())})") from None
    if parsed.get("templates") and not templates:
        raise Invalid(where, "holds a template", "write the policy out")
    # Cedar numbers policies as they stand; ten comes before two as text.
    found = parsed["staticPolicies"] | parsed["templates"]
    numbered = sorted(found.items(), key=lambda item: int(item[0].removeprefix("policy")))
    rules = []
    for number, policy in numbered:
        name = (policy.get("annotations") or {}).get("id") or ""
        if not _NAME.fullmatch(name) or len(name) > 60:
            raise Invalid(f"{where}, {number}", f"its @id is {name!r}", "give it an id of a-z, 0-9 and single hyphens")
        rules.append(Rule(name, policy, where))
    return rules


def check_shape(where: str, text: str, brackets: re.Pattern[str] = _BRACKETS) -> None:
    """Refuse text that Cedar's recursive parser would not survive: it ends the process, it does not raise.

    Seen with cedarpy 4.12: a thousand brackets in one another, or some ten thousand operators in a row.

    Raises:
        Invalid: too long, brackets too deep in one another, or too many operators in one policy.
    """
    if len(text) > LARGEST:
        raise Invalid(where, f"{len(text)} characters, and at most {LARGEST} are read")
    code = _SPOKEN.sub("", text)
    depth = deepest = 0
    for bracket in brackets.findall(code):
        depth = depth + 1 if bracket in "([{<" else max(0, depth - 1)
        deepest = max(deepest, depth)
    longest = max(len(_OPERATORS.findall(policy)) for policy in code.split(";"))
    if deepest > DEEPEST or longest > LONGEST:
        raise Invalid(where, "an expression is nested too deeply or is too long", "split the rule")


@functools.lru_cache(maxsize=8)
def read_schema(where: str, text: str) -> cedarpy.Schema:
    """A schema from a bundle.

    Raises:
        Invalid: not a Cedar schema, or nested too deeply.
    """
    check_shape(where, text, _SCHEMA_BRACKETS)
    try:
        return cedarpy.Schema.from_str(text)
    except ValueError as error:
        raise Invalid(where, f"not a Cedar schema ({' '.join(str(error).split())})") from None


def check_unique(rules: Iterable[Rule]) -> None:
    """Refuse two policies with one id.

    Raises:
        Invalid: names both places.
    """
    seen: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in seen:
            raise Invalid(f"{rule.where}, rule {rule.id}", f"the id is taken by {seen[rule.id].where}", "rename one")
        seen[rule.id] = rule


def check_valid(texts: Mapping[str, str], schema: cedarpy.Schema) -> None:
    """Hold policy texts against the schema: unknown attributes and types, wrong types, impossible actions.

    Raises:
        Invalid: names the text and what is wrong.
    """
    for where, text in texts.items():
        if fault := _fault(text, schema):
            raise Invalid(where, fault)


# A policy is built anew whenever a document, a suspension or the hour changes it, and most of its texts are as they
# were: Cedar needs 7 ms to read and validate the program's own each time.
@functools.lru_cache(maxsize=_REMEMBERED)
def _as_json(text: str) -> str:
    return cedarpy.policies_to_json_str(text)


@functools.lru_cache(maxsize=_REMEMBERED)
def _fault(text: str, schema: cedarpy.Schema) -> str:
    """What does not fit the schema; empty if all does."""
    result = cedarpy.validate_policies(text, schema)
    if result.validation_passed:
        return ""
    return "; ".join(error.error for error in result.errors) or "does not fit the schema"


def entities_named(policy: Any) -> set[tuple[str, str]]:
    """Every entity a policy names, as (type, id)."""
    found, waiting = set(), [policy]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if set(part) == {"type", "id"}:
                found.add((str(part["type"]), str(part["id"])))
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return found
