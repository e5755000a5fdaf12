"""Reading a campaign file (TOML) and the tables it names; what is wrong is said with its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from pydantic import ValidationError

from yosegi.campaign.findings import BadCampaign, SpecFinding
from yosegi.campaign.spec import CampaignSpec
from yosegi.campaign.spec_tables import candidates_of, earlier_of
from yosegi.core import canonical
from yosegi.core.amounts import Amounts
from yosegi.core.errors import Invalid
from yosegi.core.toml_lines import Lines, line_of, lines_of
from yosegi.core.toml_text import parse_toml

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
    value = parse_toml(text, what=what)
    lines = lines_of(text)
    return CampaignFile(_spec(value, what, files or {}, lines), lines, what)


def spec_of(value: Mapping[str, Any], *, files: Mapping[str, str] | None = None) -> CampaignSpec:
    """A specification from a program's own values, as a file would give them."""
    return _spec(dict(value), "the campaign", files or {}, {})


def files_named(text: str) -> tuple[str, ...]:
    """The tables that a campaign file names; none where it cannot be read."""
    try:
        return named_in(parse_toml(text.removeprefix("\ufeff"), what="the campaign file"))
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
    if isinstance(value.get("budget"), dict):
        value["budget"] = {unit: Amounts.parse({unit: str(n)})[unit] for unit, n in value["budget"].items()}
    if isinstance(value.get("candidates"), str):
        value["candidates"] = candidates_of(value["candidates"], files, value)
    if isinstance(value.get("earlier"), list | tuple):
        value["earlier"] = [earlier_of(one, files, value) for one in value["earlier"]]
    try:
        spec = CampaignSpec.model_validate_json(canonical.dumps(value))
    except ValidationError as error:
        raise BadCampaign(what, _findings(error, lines)) from None
    claimed = [place for place, one in enumerate(spec.constraint) if one.of is not None]
    if claimed:
        path = ("constraint", claimed[0], "of")
        why = "only the program says of which contract a constraint is"
        raise BadCampaign(what, [SpecFinding(path, "constraint", why, "leave `of` out", line_of(lines, path))])
    return spec


def _findings(error: ValidationError, lines: Lines) -> list[SpecFinding]:
    found: dict[tuple[str, str], SpecFinding] = {}
    for one in error.errors()[:MOST_FINDINGS]:
        path = tuple(part for part in one["loc"] if part not in _TAGS)
        where = ".".join(str(part) for part in path) or "the whole"
        finding = SpecFinding(path, where, one["msg"].removeprefix("Value error, "), line=line_of(lines, path))
        found.setdefault((where, finding.why), finding)
    # A list of which one element does not hold is said to be too short: the element alone says it.
    paths = [one.path for one in found.values()]
    return [one for one in found.values() if not any(path[: len(one.path)] == one.path != path for path in paths)]
