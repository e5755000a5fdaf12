"""What the facility API sends: public information of a facility, accounts and tasks.

The fields and their meaning are those of its published description (`all_spec_v2.json`, version 2.0.0, BSD-3-Clause).
`_links` is additive there, and some clients need it on six of the types. The description that this face publishes names
each type without `Iri`, as the original does.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["up", "down", "degraded", "unknown"]
IncidentType = Literal["planned", "unplanned", "reservation"]
Resolution = Literal["unresolved", "cancelled", "completed", "extended", "pending"]
JobState = Literal["new", "queued", "held", "active", "completed", "failed", "canceled"]
FileState = Literal["pending", "active", "completed", "failed", "canceled"]
Attributes = dict[str, Any]


class IriAnswer(BaseModel):
    """The base of what is sent."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)


class IriLinked(IriAnswer):
    """Something with an address of its own."""

    id: str
    name: str | None = None
    description: str | None = None
    attributes: Attributes | None = None
    self_uri: str
    links: dict[str, Any] = Field(alias="_links")


class IriFacility(IriLinked):
    """The institution."""

    last_modified: str
    short_name: str | None = None
    organization_name: str | None = None
    support_uri: str | None = None
    site_uris: list[str]


class IriSite(IriLinked):
    """A place of the institution."""

    last_modified: str
    short_name: str | None = None
    operating_organization: str | None
    country_name: str | None = None
    locality_name: str | None = None
    resource_uris: list[str]


class IriResource(IriLinked):
    """A capability, or the store of objects."""

    last_modified: str
    group: str | None = None
    current_status: Status | None = None
    resource_type: str
    supported_endpoints: list[Literal["compute", "filesystem"]] = []
    site_uri: str
    capability_uris: list[str]


class IriIncident(IriLinked):
    """A time in which less than everything runs."""

    last_modified: str
    status: Status
    start: str
    end: str | None = None
    type: IncidentType
    resolution: Resolution
    event_uris: list[str]
    resource_uris: list[str]


class IriEvent(IriLinked):
    """A change of a resource's status."""

    last_modified: str
    occurred_at: str
    status: Status
    resource_uri: str
    incident_uri: str | None


class IriCapability(IriLinked):
    """Something that can be allocated: here a unit of grants."""

    last_modified: str | None = None
    units: list[str]


class IriProject(IriAnswer):
    """A team."""

    id: str
    name: str
    description: str
    user_ids: list[str]
    last_modified: str
    self_uri: str
    attributes: Attributes | None = None


class IriAllocationEntry(IriAnswer):
    """An amount in a unit."""

    allocation: float
    usage: float
    unit: str
    attributes: Attributes | None = None


class IriProjectAllocation(IriAnswer):
    """One unit of a grant of a team."""

    id: str
    entries: list[IriAllocationEntry]
    project_uri: str
    capability_uri: str
    attributes: Attributes | None = None


class IriUserAllocation(IriAnswer):
    """What one member used of it, and may use."""

    id: str
    user_id: str
    entries: list[IriAllocationEntry]
    project_allocation_uri: str
    attributes: Attributes | None = None


class IriTaskCommand(IriAnswer):
    """What was asked."""

    router: str
    command: str
    args: dict[str, Any]


class IriFileTask(IriAnswer):
    """Work with a file."""

    id: str
    status: FileState
    result: dict[str, Any] | None = None
    command: IriTaskCommand | None = None


class IriTaskSubmitted(IriAnswer):
    """Where to ask for it."""

    task_id: str
    task_uri: str


class IriStorageInstance(IriAnswer):
    """Where a project's files are."""

    logical_name: Literal["home", "scratch", "project", "campaign", "archive", "shared", "temporary"]
    path: str
    filesystem: str | None = None
    performance_tier: str | None = None
    purge_policy_days: int | None = None
    shared: bool = False
    access: dict[str, bool]


class IriAccessEndpoint(IriAnswer):
    """A Globus, XRootD or S3 endpoint; the store of objects has none."""

    id: str
    resource_id: str
    protocol: Literal["globus", "xrootd", "s3"]
    auth_type: str
    capabilities: list[str]


class IriInvalidParameter(IriAnswer):
    """A part of a call that does not hold."""

    name: str
    reason: str


class IriReason(IriAnswer):
    """Why something was refused: this site's own code, and words for people."""

    code: str
    en: str
    ja: str


class IriProblem(IriAnswer):
    """What went wrong (RFC 9457)."""

    type: str
    status: int
    title: str
    detail: str
    instance: str
    code: str
    reasons: list[IriReason] = []
    invalid_params: list[IriInvalidParameter] = []
