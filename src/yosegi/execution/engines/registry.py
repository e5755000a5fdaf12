"""Kinds of engines by name: whatever an installed package names in the entry points `yosegi.engines`.

The kinds of this package are found the same way, so that a kind from outside can do all that they can.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from yosegi.core.errors import Invalid, NotFound
from yosegi.core.plugins import found, load
from yosegi.execution.engines.plugin import EngineConcern, EngineKind, EngineSettings

if TYPE_CHECKING:
    from yosegi.core.contract import Contract

GROUP = "yosegi.engines"


@dataclass(frozen=True, slots=True)
class EngineTable:
    """One engine of a site's settings: its kind, found and read.

    Args:
        table: where it stands in site.toml, for whoever adds to it.
    """

    name: str
    kind: str
    settings: EngineSettings
    table: tuple[str, ...]


def kinds() -> tuple[str, ...]:
    """Every kind that is installed here, sorted; nothing is imported."""
    return tuple(sorted(found(GROUP)))


def kind_of(name: str) -> EngineKind:
    """The class of a kind.

    Raises:
        NotFound: no installed package has it.
        Invalid: two have it, it cannot be imported, or it is no engine kind.
    """
    kind = load(GROUP, name, "engine kind")
    settings = getattr(kind, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, EngineSettings) and callable(getattr(kind, "open", 0))):
        raise Invalid(f"engine kind {name}", "its class lacks `Settings` or `open`", "see docs/how-to/add-an-engine.md")
    return cast(EngineKind, kind)


def examined(kind: str, settings: EngineSettings, contracts: Mapping[str, Contract] | None) -> Iterable[EngineConcern]:
    """What does not fit the contracts of what an engine publishes, or this machine; nothing is opened.

    Args:
        kind: an installed one.
        settings: of that kind.
        contracts: by name and version; None where not all of them could be had.
    """
    examine = getattr(kind_of(kind), "examine", None)
    return () if examine is None else cast(Iterable[EngineConcern], examine(settings, contracts))


def read_table(name: str, table: Mapping[str, Any]) -> EngineTable:
    """The settings of one engine, held against the class of its kind.

    Args:
        name: the engine's.
        table: what stands in `[engine.NAME]`, `kind` included.

    Raises:
        Invalid: no kind, one that is not installed, or a field that does not hold (named).
    """
    kind, settings, rest = kind_in(name, table)
    return EngineTable(name, kind, settings.read(rest, what=f"[engine.{name}]"), ("engine", name))


def kind_in(name: str, table: Mapping[str, Any]) -> tuple[str, type[EngineSettings], dict[str, Any]]:
    """The kind that a table `[engine.NAME]` names, the model of its settings, and what stands beside the kind.

    Raises:
        Invalid: no kind, or one that is not installed or is none.
    """
    kind, what = table.get("kind"), f"[engine.{name}]"
    if not isinstance(kind, str):
        raise Invalid(what, "does not say its kind", f"kind = one of {', '.join(kinds())}")
    try:
        settings = kind_of(kind).Settings
    except NotFound as error:
        raise Invalid(what, str(error), "install the package that has it") from None
    except Invalid as error:
        raise Invalid(what, str(error)) from None
    return kind, settings, {field: value for field, value in table.items() if field != "kind"}
