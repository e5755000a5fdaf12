"""Where files are, and by which protocols they are reached: the store of objects has none of its own."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path

from yosegi.http.authentication import Here
from yosegi.iri.account import team_of, teams
from yosegi.iri.calls import At, Free, Who
from yosegi.iri.calls import router as router_of
from yosegi.iri.resources import check_store
from yosegi.iri.schemas import IriAccessEndpoint, IriStorageInstance

router = router_of("storage")
Name = Annotated[str, Path(max_length=200)]
LogicalName = Literal["home", "scratch", "project", "campaign", "archive", "shared", "temporary"]
Intent = Literal["read", "write", "staging", "long-term-storage"]
Protocol = Literal["globus", "xrootd", "s3"]


@router.get("/locations/{resource_id}", operation_id="getStorageLocations")
async def locations(
    resource_id: Name,
    site: Here,
    who: Who,
    at: At,
    logicalpath: LogicalName | None = None,
    project: Free | None = None,
    allocation: Free | None = None,
    intent: Intent | None = None,
) -> list[IriStorageInstance]:
    """One for each of the caller's teams: objects are a team's, and all of its members see them."""
    check_store(resource_id)
    mine = [f"{charter}.{team.id}" for charter, team in teams(site, who)]
    if project is not None:
        charter, team = team_of(site, who, project)
        mine = [f"{charter}.{team.id}"]
    if logicalpath not in (None, "project") or intent == "staging" or allocation is not None:
        return []
    return [
        IriStorageInstance(
            logical_name="project", path=f"/{name}", filesystem="objects named by SHA-256", shared=True,
            access={"read": True, "write": True, "execute": False},
        )
        for name in mine
    ]  # fmt: skip


@router.get("/access-endpoints/{resource_id}", operation_id="getStorageAccessEndpoints")
async def access_endpoints(
    resource_id: Name,
    site: Here,
    who: Who,
    protocol: Protocol | None = None,
    endpoint_id: Free | None = None,
) -> list[IriAccessEndpoint]:
    """None: objects are fetched through this face, or through this site's own API."""
    check_store(resource_id)
    return []
