"""Reading a campaign file (TOML) and the tables it names; what is wrong is said with its line."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from pydantic import ValidationError

from yosegi.campaign.findings import BadCampaign, located
from yosegi.campaign.spec import AS_FAR_AS_READABLE, CampaignSpec
from yosegi.campaign.spec_consistency import Inconsistent
from yosegi.campaign.spec_tables import candidates_of, earlier_of
from yosegi.core import canonical
from yosegi.core.amounts import Amounts
from yosegi.core.errors import Invalid
from yosegi.core.field_faults import why_of
from yosegi.core.file_findings import FileFinding
from yosegi.core.toml_lines import KeyPath, Lines, line_of, lines_of
from yosegi.core.toml_text import numbers_in, parse_toml

MOST_FINDINGS = 30
_TAGS = frozenset({"float", "PriceSpec", "constrained-float"})
"""Parts of a validation error's place that name a branch of a union, not a key of the file."""


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """A campaign file as it was read.

    Args:
        spec: what it asks.
        lines: where each thing stands in it.
        what: how messages call it.
    """

    spec: CampaignSpec
    lines: Lines
    what: str = "the campaign file"


def read_spec(path: Path) -> CampaignSpec:
    """Read a campaign file and the tables beside it.

    Raises:
        Invalid: no such file, not TOML (with line and column), or a field that does not hold (named, with its line).
    """
    text = text_of(path)
    return parse_spec(text, what=f"campaign file {path}", files=files_beside(path, text))


def parse_spec(text: str, *, what: str = "the campaign file", files: Mapping[str, str] | None = None) -> CampaignSpec:
    """The same from text already read; `files` are the tables that it names."""
    return parse_file(text, what=what, files=files).spec


def parse_file(text: str, *, what: str = "the campaign file", files: Mapping[str, str] | None = None) -> CampaignFile:
    """The same with the line of each thing."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    value = parse_toml(text, what=what, finite=False)
    lines = lines_of(text)
    return CampaignFile(_spec(value, what, files or {}, lines), lines, what)


def spec_of(value: Mapping[str, Any], *, files: Mapping[str, str] | None = None) -> CampaignSpec:
    """A specification from a program's own values, as a file would give them."""
    return _spec(dict(value), "the campaign", files or {}, {})


def files_named(text: str) -> tuple[str, ...]:
    """The tables that a campaign file names; none where it cannot be read."""
    try:
        return named_in(parse_toml(text.removeprefix("\ufeff"), what="the campaign file", finite=False))
    except Invalid:
        return ()


def named_in(value: Mapping[str, Any]) -> tuple[str, ...]:
    """The tables that a campaign names."""
    earlier = value.get("earlier", ())
    found = [value.get("candidates")]
    found += [one.get("table") for one in earlier if isinstance(one, dict)] if isinstance(earlier, list | tuple) else []
    return tuple(dict.fromkeys(name for name in found if isinstance(name, str)))


def files_beside(path: Path, text: str) -> dict[str, str]:
    """The tables that a campaign file names, read where it lies.

    Only beside it or below: a file that somebody else wrote cannot have others of this machine sent along.

    Raises:
        Invalid: one cannot be read, or lies elsewhere.
    """
    return {name: text_of(path.parent / beside(name)) for name in files_named(text)}


def beside(name: str) -> str:
    """The name of a table, if it lies beside its campaign file or below.

    Raises:
        Invalid: it does not.
    """
    if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
        raise Invalid(f"file {name}", "does not lie beside the campaign file", "put it there, or a copy")
    return name


def text_of(path: Path) -> str:
    """A file's text, UTF-8 with or without a mark.

    Raises:
        Invalid: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        kind = "campaign file" if path.suffix == ".toml" else "file"
        raise Invalid(f"{kind} {path}", f"cannot be read ({error})") from None


def _spec(value: dict[str, Any], what: str, files: Mapping[str, str], lines: Lines) -> CampaignSpec:
    found = [*_not_finite(value), *_read_parts(value, files)]
    try:
        spec = CampaignSpec.model_validate_json(canonical.dumps(value))
    except ValidationError as error:
        found += _findings(error)
    else:
        if not found:
            return _checked(spec, what, lines)
    raise BadCampaign(what, located(found, lines), _readable(value, found), lines)


def _readable(value: dict[str, Any], found: Iterable[FileFinding]) -> CampaignSpec | None:
    """The campaign without what is wrong with it, to be held against contracts; None if that leaves none."""
    rest = without(value, [one.path for one in found])
    try:
        return CampaignSpec.model_validate_json(canonical.dumps(rest), context=AS_FAR_AS_READABLE)
    except ValidationError:
        return None


def _checked(spec: CampaignSpec, what: str, lines: Lines) -> CampaignSpec:
    claimed = [place for place, one in enumerate(spec.constraint) if one.of is not None]
    if claimed:
        path = ("constraint", claimed[0], "of")
        why = "only the program says of which contract a constraint is"
        raise BadCampaign(what, [FileFinding(path, "constraint", why, "leave `of` out", line_of(lines, path))])
    return spec


def _read_parts(value: dict[str, Any], files: Mapping[str, str]) -> Iterator[FileFinding]:
    """Read amounts and tables in place; what cannot be read is taken out of `value` and said."""
    if isinstance(value.get("budget"), dict):
        amounts = {}
        for unit, amount in value["budget"].items():
            try:
                if exact := Amounts.parse({unit: str(amount)}):
                    amounts[unit] = exact[unit]
                    continue
                # Amounts drop what is zero, and what a budget does not name is not bounded: the opposite of 0.
                yield FileFinding(("budget", unit), "budget", f"{unit} is 0", "leave it out where it is not bounded")
            except Invalid as error:
                yield FileFinding(("budget", unit), "budget", f"{error.what}: {error.why}", error.todo)
        value["budget"] = amounts
    if isinstance(value.get("candidates"), str):
        try:
            value["candidates"] = candidates_of(value["candidates"], files, value)
        except Invalid as error:
            del value["candidates"]
            yield FileFinding(("candidates",), error.what, error.why, error.todo)
    if isinstance(value.get("earlier"), list | tuple):
        earlier = []
        for number, one in enumerate(value["earlier"]):
            try:
                earlier.append(earlier_of(one, files, value))
            except Invalid as error:
                earlier.append(one)
                yield FileFinding(("earlier", number), error.what, error.why, error.todo)
        value["earlier"] = earlier


def _not_finite(value: dict[str, Any]) -> list[FileFinding]:
    """Numbers that are none, each replaced by 1, so that nothing else is said of them."""
    found = []
    for path, number in numbers_in(value):
        if not math.isfinite(number):
            found.append(FileFinding(path, _said(path), f"is {number}", "give a finite number"))
    for one in found:
        holder: Any = value
        for part in one.path[:-1]:
            holder = holder[part]
        holder[one.path[-1]] = 1.0
    return found


def without(value: dict[str, Any], paths: Iterable[KeyPath]) -> dict[str, Any]:
    """A copy of values without some of them; the elements of a list after one that goes move up."""
    rest = copy.deepcopy(value)
    # The last elements of lists first, so that the places of those before them stay.
    for path in sorted(set(paths), key=lambda path: [(isinstance(p, str), p) for p in path], reverse=True):
        holder: Any = rest
        for part in path[:-1]:
            holder = holder[part] if _has(holder, part) else None
        if path and _has(holder, path[-1]):
            del holder[path[-1]]
    return rest


def _has(holder: Any, part: str | int) -> bool:
    if isinstance(holder, dict):
        return part in holder
    return isinstance(holder, list) and isinstance(part, int) and part < len(holder)


def _said(path: KeyPath) -> str:
    return ".".join(str(part) for part in path) or "the whole"


def _findings(error: ValidationError) -> list[FileFinding]:
    found: dict[tuple[str, str], FileFinding] = {}
    for one in error.errors()[:MOST_FINDINGS]:
        path = tuple(part for part in one["loc"] if part not in _TAGS)
        between = one.get("ctx", {}).get("error")
        if isinstance(between, Inconsistent):
            faults = [FileFinding(at, _said(at[:1]), why) for at, why in between.faults[:MOST_FINDINGS]]
        else:
            faults = [FileFinding(path, _said(path), why_of(one, CampaignSpec))]
        for finding in faults:
            found.setdefault((finding.where, finding.why), finding)
    # A list of which one element does not hold is said to be too short: the element alone says it.
    paths = [one.path for one in found.values()]
    return [one for one in found.values() if not any(path[: len(one.path)] == one.path != path for path in paths)]
