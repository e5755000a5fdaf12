"""Reading a `site.toml`: all that is wrong with it at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from datetime import date, time
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from yosegi.app.settings import Settings
from yosegi.core import canonical
from yosegi.core.errors import Invalid
from yosegi.core.field_faults import why_of
from yosegi.core.field_names import instead_of
from yosegi.core.file_findings import BadFile, FileFinding
from yosegi.core.files import read_regular
from yosegi.core.toml_lines import KeyPath, Lines, line_of, lines_of
from yosegi.core.toml_text import MOST_BYTES, parse_toml
from yosegi.core.values import Value
from yosegi.execution.engines.plugin import EngineSettings
from yosegi.execution.engines.registry import kind_in

M = TypeVar("M", bound=Value)
_PLAIN = {"extra_forbidden": "there is no such setting", "missing": "is needed, and is not given"}
MOST = 50
"""Findings of one file that are told."""


class BadSettings(BadFile):
    """A `site.toml` with which its site cannot start."""


class SiteFile:
    """The text of a `site.toml`, and where each thing stands in it.

    Raises:
        FileNotFoundError: there is none.
        Invalid: it is not TOML, no file, or too large to be settings.
    """

    def __init__(self, path: Path) -> None:
        self.what = str(path)
        try:
            text = read_regular(path, MOST_BYTES).decode()
            self.value = parse_toml(text, what=self.what)
        except UnicodeDecodeError as error:
            raise Invalid(self.what, f"is not UTF-8 text ({error})", "save it as UTF-8") from None
        self._text = text
        self._lines: Lines | None = None

    def line(self, path: Iterable[str | int]) -> int:
        """The line of a setting, or of what is nearest around it; 0 if nothing of it is there."""
        if self._lines is None:
            self._lines = lines_of(self._text)
        return line_of(self._lines, tuple(path))

    def finding(self, path: Iterable[str | int], why: str, todo: str = "", *, fatal: bool = True) -> FileFinding:
        """A finding about a setting, with its line."""
        path = tuple(path)
        where = ".".join(str(part) for part in path if part != "[key]") or "the whole"
        return FileFinding(path, where, why, todo, self.line(path), fatal)

    def settings(self) -> Settings:
        """The settings.

        Raises:
            BadSettings: a field that does not hold; all of them are told.
        """
        found: list[FileFinding] = []
        if (settings := self._read(Settings, self.value, (), found)) is None:
            raise BadSettings(self.what, found)
        return settings

    def engine(self, name: str, found: list[FileFinding]) -> tuple[str, EngineSettings] | None:
        """The kind and settings of `[engine.NAME]`; None if they do not hold, and why is added to what was found."""
        table: Mapping[str, Any] = self.value["engine"][name]
        where = ("engine", name)
        try:
            kind, model, rest = kind_in(name, table)
        except Invalid as error:
            at = (*where, "kind") if "kind" in table else where
            found.append(self.finding(at, error.why, error.todo))
            return None
        settings = self._read(model, rest, where, found)
        return None if settings is None else (kind, settings)

    def _read(
        self, model: type[M], value: Mapping[str, Any], where: tuple[str, ...], found: list[FileFinding]
    ) -> M | None:
        """The value of a model; None where it does not hold, and all that is wrong is added to what was found."""
        if dates := list(_dates(value, ())):
            found += [self.finding((*where, *path), "is a date", "write it in quotes") for path in dates]
            value = _without(value, dates)
        seen: dict[KeyPath, str] = {}
        bad: list[KeyPath] = []
        # What a whole table must fulfil is only looked at where each of its fields holds: so once more without them.
        for _ in range(2):
            try:
                made = model.model_validate_json(canonical.dumps(value))
            except ValidationError as error:
                news = [one for one in error.errors()[:MOST] if one["loc"] not in seen]
                news = [one for one in news if not _misses(one["loc"], why_of(one), bad)]
            else:
                if not seen and not dates:
                    return made
                break
            bad += [one["loc"] for one in news if one["type"] != "extra_forbidden"]
            seen |= {one["loc"]: _why(one, model) for one in news}
            value = _without(value, [one["loc"] for one in news if not isinstance(one["input"], dict)])
        found += [self.finding((*where, *place), why) for place, why in seen.items()]
        return None


def _why(one: Mapping[str, Any], model: type[Value]) -> str:
    plain = _PLAIN.get(one["type"])
    if plain is not None and one["type"] == "extra_forbidden" and (meant := instead_of(model, one["loc"])):
        return f"{plain}. {meant}"
    return plain or why_of(one)


def _misses(table: KeyPath, why: str, taken: Iterable[KeyPath]) -> bool:
    """Whether a table misses, by its own words, a setting that was only taken out of it."""
    return any(place[: len(table)] == table != place and str(place[-1]) in why for place in taken)


def _dates(value: Any, place: KeyPath) -> Iterator[KeyPath]:
    """Where a date or a time of day stands, which TOML has and no setting takes."""
    if isinstance(value, date | time):
        yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _dates(item, (*place, key))


def _without(value: Mapping[str, Any], places: Iterable[KeyPath]) -> dict[str, Any]:
    """A copy without the keys at these places; an element of a list stays, as others are counted from it."""
    copy: dict[str, Any] = deepcopy(dict(value))
    for place in places:
        table: Any = copy
        for part in place[:-1]:
            try:
                table = table[part]
            except (KeyError, IndexError, TypeError):
                break
        else:
            if isinstance(table, dict):
                table.pop(place[-1] if place else "", None)
    return copy
