"""Entries name where a capability lives: `package.module:attribute`. Only worker processes import them."""

from __future__ import annotations

import importlib
import re
from typing import Any

from yosegi.core.capability import Capability
from yosegi.core.errors import Invalid, YosegiError

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


def load(entry: str) -> Capability[Any, Any]:
    """Import an entry. Never called in a site's process.

    Raises:
        CannotImport: its module, or one that it needs, is missing or fails.
        Invalid: there is no such attribute, or it is not a capability.
    """
    name, attribute = split_entry(entry)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise CannotImport(entry, str(error), how_to_get(error, name)) from error
    except Exception as error:  # a pack may raise anything while it is imported
        last = f"{type(error).__name__}: {error}"
        raise CannotImport(entry, last, "Mend the module, or publish another") from error
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
