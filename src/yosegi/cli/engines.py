"""`yosegi engine`: the kinds of engines that are installed here, and what each may be told."""

from __future__ import annotations

from typing import Any

import click

from yosegi.cli.output import as_json, explained, say, show_json, show_table


@click.group()
def engine() -> None:
    """See which kinds of engines are installed, and the settings of each, for [engine.NAME] in site.toml."""


@engine.command("list")
@as_json
@explained
def list_(json_: bool) -> None:
    """List the kinds of engines that installed packages have."""
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
    """Show the settings of KIND: what stands in [engine.NAME] beside kind = "KIND", with units and defaults."""
    from yosegi.execution.engines.registry import kind_of

    settings = kind_of(kind).Settings
    if json_:
        show_json(settings.model_json_schema())
        return
    say(f'{_first_line(settings.__doc__)}\n\n[engine.NAME]\nkind = "{kind}"\n')
    show_table(("setting", "type", "default", "what it is"), (_row(n, f) for n, f in settings.model_fields.items()))


def _row(name: str, field: Any) -> tuple[str, str, str, str]:
    kind = field.annotation.__name__ if isinstance(field.annotation, type) else str(field.annotation)
    default = "required" if field.is_required() else str(field.get_default(call_default_factory=True))
    kind = kind.replace("typing.", "").partition("[")[0] if "Annotated" in kind else kind.replace("typing.", "")
    return name, kind, default, " ".join((field.description or "").split())


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
