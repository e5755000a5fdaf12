"""Single tasks that are asked from this home site."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

from pydantic import Field

from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Why
from yosegi.services.tasks.schemas import RequestDetail, RequestSummary
from yosegi.web.api.router import Name
from yosegi.web.api.router import router as router_of

router = router_of("requests")


class AskForTask(Body):
    """One task of one capability."""

    charter: Name
    team: Name
    capability: Annotated[str, Field(max_length=200)]
    inputs: dict[str, Any]
    purpose: Annotated[str, Field(min_length=1, max_length=200)]
    key: Annotated[str, Field(max_length=128, pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]{0,127})?$")] = ""
    conduct: Literal["suggest", "approve", "run"] = "run"
    sensitivity: Literal["public", "team", "restricted"] = "team"
    mandate: Name = ""


@router.post("/requests", status_code=201)
async def ask(body: AskForTask, site: Here, who: Who) -> RequestDetail:
    """Ask an owner for one task; the same key again asks nothing new."""
    return await site.task_requests.ask(
        who,
        key=body.key or secrets.token_hex(16),
        charter=body.charter,
        team=body.team,
        capability=body.capability,
        inputs=body.inputs,
        purpose=body.purpose,
        conduct=body.conduct,
        sensitivity=body.sensitivity,
        mandate=body.mandate,
    )


@router.get("/requests")
async def requests(site: Here, who: Who) -> tuple[RequestSummary, ...]:
    """The latest that was asked of other sites, by campaigns too."""
    return site.task_requests.list_for(who)


@router.get("/requests/{owner}/{key}")
async def request(owner: str, key: str, site: Here, who: Who) -> RequestDetail:
    """Where one request stands, as far as this home site knows."""
    return site.task_requests.show(owner, key, who)


@router.post("/requests/{owner}/{key}/withdraw")
async def withdraw(owner: str, key: str, body: Why, site: Here, who: Who) -> RequestDetail:
    """Ask the owner to take a request back; where it stands then is told as soon as the owner has answered."""
    return await site.task_requests.withdraw(owner, key, who, body.why)
