"""Proposers by name: the planners that come with this program, and those of installed packages.

An installed package names a proposer in the entry points `yosegi.proposers`: an object of the shape
`yosegi.planner.suggest.Planner`, or a class that makes one without arguments. It is imported by the site's own process
when a campaign names it, so a site installs only what it trusts as itself. It must be a pure function of what it is
given: a bundle is replayed with it.
"""

from __future__ import annotations

from typing import cast

from yosegi.core.errors import Invalid, NotFound
from yosegi.core.plugins import found, load, package_of
from yosegi.planner import PLANNERS
from yosegi.planner.suggest import Planner

GROUP = "yosegi.proposers"


def proposers() -> tuple[str, ...]:
    """Every name that a campaign may give as its planner; nothing is imported."""
    return (*PLANNERS, *sorted(set(found(GROUP)) - set(PLANNERS)))


def proposer(name: str) -> Planner:
    """The proposer of a name; those of this program go first, so that no package takes their place.

    Raises:
        NotFound: there is none of that name.
        Invalid: two packages have it, it cannot be imported, or it is no proposer.
    """
    if name in PLANNERS:
        return PLANNERS[name]
    if name not in proposers():
        raise NotFound("planner", name, proposers())
    made = load(GROUP, name, "proposer")
    if isinstance(made, type):
        made = made()
    if not callable(getattr(made, "suggest", None)):
        raise Invalid(f"proposer {name}", "has no method `suggest`", "see docs/how-to/add-a-proposer.md")
    return cast(Planner, made)


def version_of(name: str) -> dict[str, str]:
    """Package and version of a proposer that is not this program's, for the record of what it proposed."""
    if name in PLANNERS:
        return {}
    package, version = package_of(GROUP, name, "proposer")
    return {package: version}
