"""`yosegi engine`: the kinds of engines that are installed here, and what each may be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args, get_origin

import click

from yosegi.cli._lazy import WholeGroup
from yosegi.cli.output import as_json, explained, say, show_json, show_table

if TYPE_CHECKING:
    from pydantic import BaseModel


@click.group(cls=WholeGroup)
def engine() -> None:
    """See which kinds of engines are installed, and the settings of each, for [engine.NAME] in site.toml."""


@engine.command("list")
@as_json
@explained
def list_(json_: bool) -> None:
    """List the kinds of engines that installed packages have.

    \b
    Example: yosegi engine list
    """
    # Only here: the other commands need none of it.
    from yosegi.execution.engines.registry import kind_of, kinds

    found = {name: _first_line(kind_of(name).Settings.__doc__) for name in kinds()}
    if json_:
        show_json(found)
        return
    show_table(("kind", "what it is"), found.items())


@engine.command()
@click.argument("kind")
@as_json
@explained
def show(kind: str, json_: bool) -> None:
    """Show the settings of KIND: what stands in [engine.NAME] beside kind = "KIND", with units and defaults.

    \b
    Example: yosegi engine show batch
    """
    from yosegi.execution.engines.registry import kind_of

    settings = kind_of(kind).Settings
    if json_:
        show_json(settings.model_json_schema())
        return
    say(f'{_first_line(settings.__doc__)}\n\n[engine.NAME]\nkind = "{kind}"\n')
    show_table(("setting", "type", "default", "what it is"), _rows(settings, ""))


def _rows(settings: type[BaseModel], above: str) -> Iterator[tuple[str, str, str, str]]:
    """A line for each setting; those of a table within follow it by their whole names."""
    for name, field in settings.model_fields.items():
        within = _table_of(field.annotation)
        yield _row(above + name, field, None if within is None else within[0])
        if within is not None:
            yield from _rows(within[0], f"{above}{name}.{within[1]}")


def _table_of(annotation: Any) -> tuple[type[BaseModel], str] | None:
    """The table that a setting is, and what stands before its fields' names: of a table of tables, any name."""
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        return annotation, ""
    parts = get_args(annotation)
    if get_origin(annotation) is dict:
        found = _table_of(parts[1])
        return None if found is None else (found[0], "NAME.")
    return next((found for part in parts if (found := _table_of(part)) is not None), None)


def _row(name: str, field: Any, table: type[BaseModel] | None) -> tuple[str, str, str, str]:
    if table is not None:
        return name, "table", "none" if field.default is None else "as below", _described(field)
    kind = field.annotation.__name__ if isinstance(field.annotation, type) else str(field.annotation)
    default = "required" if field.is_required() else str(field.get_default(call_default_factory=True))
    kind = kind.replace("typing.", "").partition("[")[0] if "Annotated" in kind else kind.replace("typing.", "")
    return name, " ".join([kind, *_bounds(field)]), default, _described(field)


def _described(field: Any) -> str:
    return " ".join((field.description or "").split())


def _bounds(field: Any) -> Iterator[str]:
    """What a number must keep to, e.g. `≤ 256`."""
    for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
        yield from (f"{sign} {bound}" for rule in field.metadata if (bound := getattr(rule, name, None)) is not None)


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
