"""Entry points of installed packages: https://packaging.python.org/specifications/entry-points. The site's extensions.

`yosegi.engines` and `yosegi.proposers` are imported by the site itself when its settings, or a campaign, name them;
`yosegi.packs` never are: only their names and modules are read, and a worker imports them.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any

from yosegi.core.errors import Invalid, NotFound


def found(group: str) -> dict[str, list[EntryPoint]]:
    """What installed packages name in a group, by name; more than one where they quarrel about it."""
    by_name: dict[str, list[EntryPoint]] = {}
    for point in _points(group, tuple(sys.path)):
        others = by_name.setdefault(point.name, [])
        if all(other.value != point.value for other in others):
            others.append(point)
    return by_name


@lru_cache(maxsize=8)
def _points(group: str, path: tuple[str, ...]) -> EntryPoints:
    """Those of a group; looking through every installed package takes as long as importing an engine.

    Args:
        group: e.g. `yosegi.engines`.
        path: where packages are looked for, so that they are looked for again where that has changed.
    """
    return entry_points(group=group)


def one(group: str, name: str, what: str) -> EntryPoint:
    """The one entry point of a name; nothing is imported.

    Raises:
        NotFound: no installed package has it.
        Invalid: two packages have it.
    """
    known = found(group)
    points = known.get(name, [])
    if not points:
        raise NotFound(what, name, tuple(sorted(known)))
    if len(points) > 1:
        both = " and ".join(sorted(_package(point) for point in points))
        raise Invalid(f"{what} {name}", f"both {both} have one of that name", "uninstall one of them")
    return points[0]


def load(group: str, name: str, what: str) -> Any:
    """What the one entry point of a name refers to, imported.

    Raises:
        NotFound: no installed package has it.
        Invalid: two packages have it, or it cannot be imported.
    """
    point = one(group, name, what)
    try:
        return point.load()
    except Exception as error:  # a package may raise anything while it is imported
        why = f"{point.value} of {_package(point)} cannot be imported ({type(error).__name__}: {error})"
        raise Invalid(f"{what} {name}", why, "mend or uninstall that package") from error


def package_of(group: str, name: str, what: str) -> tuple[str, str]:
    """Name and version of the package that has an entry point; of what is on record of a decision.

    Raises:
        NotFound, Invalid: as `one`.
    """
    point = one(group, name, what)
    return (point.dist.name, point.dist.version) if point.dist is not None else ("", "")


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
