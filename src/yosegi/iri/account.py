"""Units that can be allocated; and to who is signed in the projects, which are teams, and what grants give them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from fastapi import Path, Query

from yosegi.core.amounts import Unit
from yosegi.core.clock import timestamp
from yosegi.core.errors import NotFound
from yosegi.governance.charter.charter import Team
from yosegi.http.authentication import Here
from yosegi.identity.accounts import Session
from yosegi.iri.calls import Addresses, At, Limit, Moment, Offset, Who, Words, page
from yosegi.iri.calls import router as router_of
from yosegi.iri.resources import UNITS
from yosegi.iri.schemas import (
    IriAllocationEntry,
    IriCapability,
    IriProject,
    IriProjectAllocation,
    IriUserAllocation,
)
from yosegi.services.grants.schemas import GrantDetail
from yosegi.services.runtime import Site

router = router_of("account")
Name = Annotated[str, Path(max_length=200)]
NO_URN = "urn:doe-iri:allocation:unknown"
"""For units that the facility API has no name for: the unit itself stands under `attributes`."""


@router.get("/capabilities", operation_id="getCapabilities")
async def list_capabilities(
    at: At,
    name: Words | None = None,
    modified_since: Moment | None = None,
    offset: Annotated[Offset, Query(le=1000)] = 0,
    limit: Limit = 100,
) -> list[IriCapability]:
    """Units that grants are counted in; for everybody. None has changed since there is this program."""
    found = [_unit(unit, at) for unit in Unit]
    return page([one for one in found if name in (None, one.name)], offset, limit)


@router.get("/capabilities/{capability_id}", operation_id="getCapability")
async def show_capability(capability_id: Name, at: At, modified_since: Moment | None = None) -> IriCapability:
    """One unit."""
    for unit in Unit:
        if unit == capability_id:
            return _unit(unit, at)
    raise NotFound("capability", capability_id)


def _unit(unit: Unit, at: Addresses) -> IriCapability:
    uri = at("account", "capabilities", str(unit))
    said = f"Grants counted in {unit}, exact to a thousandth and never converted"
    return IriCapability(
        id=str(unit), name=str(unit), description=said, units=[UNITS.get(unit, NO_URN)], self_uri=uri,
        attributes={"unit": str(unit)}, links={"self": {"href": uri}},
    )  # fmt: skip


# -- projects ---------------------------------------------------------------------------------------------------------


def teams(site: Site, who: Session) -> Iterator[tuple[str, Team]]:
    """Every team that somebody may see, with its charter."""
    for charter in site.registry.charters():
        for team in site.registry.federation(charter).roster.charter.teams:
            if site.authorizer.may_see(charter, team.id, who):
                yield charter, team


def team_of(site: Site, who: Session, project: str) -> tuple[str, Team]:
    """The charter and team of a project, `charter.team`.

    Raises:
        NotFound: there is none, or it is not the caller's to see.
    """
    for charter, team in teams(site, who):
        if project == f"{charter}.{team.id}":
            return charter, team
    raise NotFound("project", project)


@router.get("/projects", operation_id="getProjects")
async def list_projects(site: Here, who: Who, at: At) -> list[IriProject]:
    """The caller's teams."""
    return [_project(site, charter, team, at) for charter, team in teams(site, who)]


@router.get("/projects/{project_id}", operation_id="getProject")
async def show_project(project_id: Name, site: Here, who: Who, at: At) -> IriProject:
    """One team."""
    return _project(site, *team_of(site, who, project_id), at)


def _project(site: Site, charter: str, team: Team, at: Addresses) -> IriProject:
    name = f"{charter}.{team.id}"
    return IriProject(
        id=name, name=team.title, description=f"Team {team.id} of charter {charter}, led by {team.lead}",
        user_ids=list(team.people), self_uri=at("account", "projects", name),
        last_modified=timestamp(site.registry.federation(charter).roster.charter.issued),
        attributes={"charter": charter, "team": team.id, "lead": team.lead, "sites": list(team.sites)},
    )  # fmt: skip


# -- allocations ------------------------------------------------------------------------------------------------------


def _grants(site: Site, who: Session, project: str) -> Iterator[tuple[str, GrantDetail, str]]:
    """Each unit of each grant of a team, by the name of its allocation."""
    charter, team = team_of(site, who, project)
    for grant in site.grants.list():
        if (grant.charter, grant.team) == (charter, team.id):
            for unit in grant.awarded:
                yield f"{grant.id}.{unit}", grant, unit


def _entry(unit: str, allocation: str, usage: str, held: str) -> IriAllocationEntry:
    """An amount. The exact decimals stand beside the numbers, which may be rounded."""
    exact = {"unit": unit, "allocation": allocation, "usage": usage, "held": held}
    return IriAllocationEntry(
        allocation=float(Decimal(allocation)), usage=float(Decimal(usage)), unit=UNITS.get(unit, NO_URN),
        attributes=exact,
    )  # fmt: skip


def _allocation(name: str, grant: GrantDetail, unit: str, project: str, at: Addresses) -> IriProjectAllocation:
    spent, held = grant.spent.get(unit, "0"), grant.held.get(unit, "0")
    told = {"grant": grant.id, "title": grant.title, "funder": grant.funder, "locked": grant.locked.get(unit, "0")}
    return IriProjectAllocation(
        id=name, entries=[_entry(unit, grant.awarded[unit], spent, held)],
        project_uri=at("account", "projects", project),
        capability_uri=at("account", "capabilities", unit), attributes=told,
    )  # fmt: skip


def _found(site: Site, who: Session, project: str, allocation: str) -> tuple[str, GrantDetail, str]:
    for name, grant, unit in _grants(site, who, project):
        if name == allocation:
            return name, grant, unit
    raise NotFound("project allocation", allocation)


@router.get("/projects/{project_id}/project_allocations", operation_id="getProjectAllocationsByProject")
async def list_allocations(project_id: Name, site: Here, who: Who, at: At) -> list[IriProjectAllocation]:
    """What grants give a team, one line a unit."""
    return [_allocation(*found, project_id, at) for found in _grants(site, who, project_id)]


@router.get(
    "/projects/{project_id}/project_allocations/{project_allocation_id}",
    operation_id="getProjectAllocationByProject",
)
async def show_allocation(
    project_id: Name, project_allocation_id: Name, site: Here, who: Who, at: At
) -> IriProjectAllocation:
    """One unit of one grant."""
    return _allocation(*_found(site, who, project_id, project_allocation_id), project_id, at)


@router.get(
    "/projects/{project_id}/project_allocations/{project_allocation_id}/user_allocations",
    operation_id="getUserAllocationsByProjectAllocation",
)
async def list_user_allocations(
    project_id: Name, project_allocation_id: Name, site: Here, who: Who, at: At
) -> list[IriUserAllocation]:
    """What each member used of it: all of them may use what is left."""
    found = _found(site, who, project_id, project_allocation_id)
    return _shares(site, *found, at("account", "projects", project_id, "project_allocations", found[0]))


@router.get(
    "/projects/{project_id}/project_allocations/{project_allocation_id}/user_allocations/{user_allocation_id}",
    operation_id="getUserAllocationByProjectAllocation",
)
async def show_user_allocation(
    project_id: Name, project_allocation_id: Name, user_allocation_id: Name, site: Here, who: Who, at: At
) -> IriUserAllocation:
    """What one member used of it."""
    for one in await list_user_allocations(project_id, project_allocation_id, site, who, at):
        if one.id == user_allocation_id:
            return one
    raise NotFound("user allocation", user_allocation_id)


def _shares(site: Site, name: str, grant: GrantDetail, unit: str, uri: str) -> list[IriUserAllocation]:
    rows = [row for row in site.grants.usage(["person", "grant"]) if row.grant == grant.id and row.unit == unit]
    return [
        IriUserAllocation(
            id=str(row.person), user_id=str(row.person), project_allocation_uri=uri,
            entries=[_entry(unit, grant.awarded[unit], row.spent, row.held)], attributes={"tasks": row.tasks},
        )
        for row in rows
    ]  # fmt: skip
