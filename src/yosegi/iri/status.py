"""Resources, incidents and events; for everybody. No team, no person and no reason is told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query

from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import NotFound
from yosegi.http.authentication import Here
from yosegi.iri.calls import Addresses, At, Limit, Moment, Offset, Words, is_newer, page
from yosegi.iri.calls import router as router_of
from yosegi.iri.resources import UNITS, resource, resources
from yosegi.iri.schemas import IncidentType, IriEvent, IriIncident, IriResource, Resolution, Status
from yosegi.services.incidents.schemas import ConditionChange, IncidentDetail

router = router_of("status")
Name = Annotated[str, Path(max_length=200)]
From = Annotated[Moment | None, Query(alias="from")]
_SEGMENT = r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2}|[!$&'()*+,;=@]|/)+"
TypeUrn = Annotated[
    str,
    Query(
        min_length=15,
        max_length=400,
        pattern=rf"^urn:doe-iri:[A-Za-z0-9][A-Za-z0-9-]{{0,31}}:{_SEGMENT}(?::{_SEGMENT})*$",
    ),
]
UnitUrn = Annotated[
    str, Query(min_length=24, max_length=400, pattern=rf"^urn:doe-iri:allocation:{_SEGMENT}(?::{_SEGMENT})*$")
]


@router.get("/resources", operation_id="getResources")
async def list_resources(
    site: Here,
    at: At,
    name: Words | None = None,
    description: Words | None = None,
    group: Words | None = None,
    offset: Offset = 0,
    limit: Limit = 100,
    modified_since: Moment | None = None,
    resource_type: TypeUrn | None = None,
    current_status: Status | None = None,
    capability: Annotated[list[UnitUrn] | None, Query(min_length=1, max_length=20)] = None,
) -> list[IriResource]:
    """What can be used here, and whether it runs."""
    units = [at("account", "capabilities", unit) for unit, urn in UNITS.items() if urn in (capability or ())]
    found = [
        one
        for one in resources(site, at)
        if name in (None, one.name)
        and (description is None or description in (one.description or ""))
        and group in (None, one.group)
        and is_newer(one.last_modified, modified_since)
        and (resource_type is None or f"{one.resource_type}:".startswith(f"{resource_type}:"))
        and current_status in (None, one.current_status)
        and (capability is None or any(unit in one.capability_uris for unit in units))
    ]
    return page(found, offset, limit)


@router.get("/resources/{resource_id}", operation_id="getResource")
async def show_resource(resource_id: Name, site: Here, at: At) -> IriResource:
    """One resource."""
    return resource(site, at, resource_id)


@router.get("/incidents", operation_id="getIncidents")
async def list_incidents(
    site: Here,
    at: At,
    name: Words | None = None,
    description: Words | None = None,
    status: Status | None = None,
    type: IncidentType | None = None,
    from_: From = None,
    time: Moment | None = None,
    to: Moment | None = None,
    modified_since: Moment | None = None,
    resource_id: Words | None = None,
    offset: Offset = 0,
    limit: Limit = 100,
    resolution: Resolution | None = None,
) -> list[IriIncident]:
    """Times in which less than everything ran, the newest first."""
    kept = [
        one
        for one in site.incidents.listing()
        if _overlaps(one.began, one.ended, from_, time, to) and (resource_id is None or resource_id in one.capabilities)
    ]
    found = [
        one
        for one in (_incident(detail, at) for detail in kept)
        if name in (None, one.name)
        and (description is None or description in (one.description or ""))
        and status in (None, one.status)
        and type in (None, one.type)
        and resolution in (None, one.resolution)
        and is_newer(one.last_modified, modified_since)
    ]
    return page(found, offset, limit)


@router.get("/incidents/{incident_id}", operation_id="getIncident")
async def show_incident(incident_id: Name, site: Here, at: At) -> IriIncident:
    """One incident."""
    for one in site.incidents.listing():
        if one.id == incident_id:
            return _incident(one, at)
    raise NotFound("incident", incident_id)


@router.get("/events", operation_id="getEventsByIncident")
async def list_events(
    site: Here,
    at: At,
    incident_id: Words | None = None,
    resource_id: Words | None = None,
    name: Words | None = None,
    description: Words | None = None,
    status: Status | None = None,
    from_: From = None,
    time: Moment | None = None,
    to: Moment | None = None,
    modified_since: Moment | None = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> list[IriEvent]:
    """Changes of resources' status, the newest first."""
    kept = [
        change
        for incident in site.incidents.listing()
        for change in reversed(incident.changes)
        if incident_id in (None, incident.id)
        and resource_id in (None, change.capability)
        and _overlaps(change.at, change.at, from_, time, to)
    ]
    found = [
        one
        for one in (_event(change, at) for change in kept)
        if name in (None, one.name)
        and (description is None or description in (one.description or ""))
        and status in (None, one.status)
        and is_newer(one.last_modified, modified_since)
    ]
    return page(found, offset, limit)


@router.get("/events/{event_id}", operation_id="getEventByIncident")
async def show_event(event_id: Name, site: Here, at: At) -> IriEvent:
    """One event."""
    for incident in site.incidents.listing():
        for change in incident.changes:
            if change.id == event_id:
                return _event(change, at)
    raise NotFound("event", event_id)


def _overlaps(began: str, ended: str, from_: datetime | None, time: datetime | None, to: datetime | None) -> bool:
    """Whether a time concerns a moment, or a span of time; one without an end lasts."""
    first, last = parse_timestamp(began), parse_timestamp(ended) if ended else None
    after = [moment for moment in (from_, time) if moment is not None]
    before = [moment for moment in (to, time) if moment is not None]
    return all(last is None or last >= moment for moment in after) and all(first <= moment for moment in before)


def _incident(one: IncidentDetail, at: Addresses) -> IriIncident:
    uri = at("status", "incidents", one.id)
    return IriIncident(
        id=one.id, name=one.title, description=one.title, last_modified=one.changed, status=one.condition,
        start=one.began, end=one.ended or None, type="planned" if one.planned else "unplanned",
        resolution="completed" if one.ended else "unresolved", self_uri=uri,
        event_uris=[at("status", "events", change.id) for change in one.changes],
        resource_uris=[at("status", "resources", name) for name in one.capabilities],
        links={"self": {"href": uri}},
    )  # fmt: skip


def _event(change: ConditionChange, at: Addresses) -> IriEvent:
    uri = at("status", "events", change.id)
    return IriEvent(
        id=change.id, name=f"{change.capability} is {change.condition}",
        description=f"{change.capability} is {change.condition}", last_modified=change.at, occurred_at=change.at,
        status=change.condition, self_uri=uri, resource_uri=at("status", "resources", change.capability),
        incident_uri=at("status", "incidents", change.incident), links={"self": {"href": uri}},
    )  # fmt: skip
