"""What a site publishes: an entry, `package.module:attribute`, or a pack by name. Only worker processes import them.

An installed package names its packs in the entry points `yosegi.packs`, each with the module in which its capabilities
are: every one of them that is public there (in `__all__`, or without an underscore) is the pack's.
"""

from __future__ import annotations

import importlib
import re
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import StringConstraints

from yosegi.core.errors import Invalid, NotFound, YosegiError
from yosegi.core.plugins import one

if TYPE_CHECKING:
    from yosegi.core.capability import Capability

PACKS = "yosegi.packs"
Publication = Annotated[str, StringConstraints(pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*|[A-Za-z][\w.-]*)$")]
"""What is published: `package.module:attribute`, or the name of an installed pack."""

_ENTRY = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")
_PACKS = "yosegi_packs"


class CannotImport(YosegiError):
    """The module of an entry cannot be imported here."""

    code = "cannot_import"

    def __init__(self, entry: str, why: str, todo: str) -> None:
        self.entry, self.why, self.todo = entry, why, todo
        super().__init__(f"{entry} cannot be imported: {why}. {todo}")


def split_entry(entry: str) -> tuple[str, str]:
    """`('yosegi_packs.labs', 'mix')` of `yosegi_packs.labs:mix`.

    Raises:
        Invalid: not of that form.
    """
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise Invalid(f"entry {entry!r}", "not of the form package.module:attribute", "e.g. yosegi_packs.labs:mix")
    return match[1], match[2]


def place_of(publication: str) -> str:
    """Where a publication is found: an entry as it stands, and of a pack its module; nothing is imported.

    Raises:
        Invalid: no entry, and no pack of that name is installed; or two are.
    """
    if ":" in publication:
        split_entry(publication)
        return publication
    try:
        point = one(PACKS, publication, "pack")
    except NotFound as error:
        why = "not of the form package.module:attribute, and no installed pack is called so"
        raise Invalid(f"entry {publication!r}", why, f"e.g. yosegi_packs.labs:mix; {error}") from None
    if point.attr:
        raise Invalid(f"pack {publication}", f"{point.value} is no module", "name the module with its capabilities")
    return point.module


def load_all(place: str) -> dict[str, Capability[Any, Any]]:
    """The capability of an entry, or every public one of a module, by entry. Never called in a site's process.

    Raises:
        CannotImport, Invalid: as `load`; or the module has none.
    """
    from yosegi.core.capability import Capability  # with contracts, which whoever only reads settings needs not

    if ":" in place:
        return {place: load(place)}
    module = _module(place, place)
    public = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    found = {f"{place}:{n}": v for n in public if isinstance(v := getattr(module, n, None), Capability)}
    if not found:
        raise Invalid(f"pack module {place}", "has no public capability", "decorate a function with @capability(...)")
    return found


def load(entry: str) -> Capability[Any, Any]:
    """Import an entry. Never called in a site's process.

    Raises:
        CannotImport: its module, or one that it needs, is missing or fails.
        Invalid: there is no such attribute, or it is not a capability.
    """
    from yosegi.core.capability import Capability  # with contracts, which whoever only reads settings needs not

    name, attribute = split_entry(entry)
    module = _module(name, entry)
    if not hasattr(module, attribute):
        have = ", ".join(sorted(n for n, value in vars(module).items() if isinstance(value, Capability)))
        raise Invalid(f"entry {entry}", f"module {name} has no {attribute!r}", f"It has: {have or 'no capability'}")
    found = getattr(module, attribute)
    if not isinstance(found, Capability):
        raise Invalid(
            f"entry {entry}",
            f"is a {type(found).__name__} and not a capability",
            "decorate the function with @capability(...)",
        )
    return found


def _module(name: str, entry: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise CannotImport(entry, str(error), how_to_get(error, name)) from error
    except Exception as error:  # a pack may raise anything while it is imported
        last = f"{type(error).__name__}: {error}"
        raise CannotImport(entry, last, "Mend the module, or publish another") from error


def how_to_get(error: ModuleNotFoundError, module: str) -> str:
    """What to install for a module that is missing, seen from the module that wanted it."""
    missing = error.name or "the module"
    package, _, rest = module.partition(".")
    pack = rest.partition(".")[0]
    if package == _PACKS and pack and not missing.startswith(_PACKS):
        return f"Install what the pack needs: pip install 'yosegi[{pack}]'"
    if missing == module or module.startswith(f"{missing}."):
        return f"Check the spelling, and that the package with {missing} is installed where the site runs"
    return f"Install {missing} where the site runs"
