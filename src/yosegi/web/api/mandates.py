"""Mandates, and the agents that act under them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from yosegi.core.amounts import Amounts
from yosegi.governance.mandates.mandate import Right
from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Why
from yosegi.services.agents.schemas import AgentActivity
from yosegi.services.delegation.schemas import AgentDetail, MandateDetail
from yosegi.services.delegation.service import MandateDraft
from yosegi.trust.keys import PublicKey
from yosegi.web.api.router import Name
from yosegi.web.api.router import router as router_of

router = router_of("mandates")

Names = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=200)]
How = Literal["suggest", "approve", "run"]


class Terms(Body):
    """What a mandate allows, to whom, and for how long."""

    id: Name
    charter: Name
    team: Name
    capabilities: Names
    purposes: Names
    days: Annotated[float, Field(gt=0, le=366)]
    conduct: Annotated[tuple[How, ...], Field(max_length=3)] = ("suggest", "approve", "run")
    highest_sensitivity: Literal["public", "team", "restricted"] = "team"
    budget: Annotated[dict[str, str], Field(max_length=20, default_factory=dict)]
    bounded: bool = True
    calls: Annotated[int | None, Field(ge=1, le=10**9)] = None
    tasks: Annotated[int | None, Field(ge=1, le=10**9)] = None
    agent: Name = ""
    agent_key: Annotated[str, Field(max_length=200)] = ""
    parent: Name = ""


@router.get("/mandates")
async def mandates(site: Here, who: Who, person: str = "") -> tuple[MandateDetail, ...]:
    """The mandates given at this site, the newest first: the caller's own, and all for those who run the site."""
    return site.mandates.seen_by(who, person)


@router.get("/agents")
async def agents(site: Here, who: Who) -> tuple[AgentDetail, ...]:
    """The agents that act for members of this site: for whom, under what, and when they were last heard of."""
    return site.mandates.agents(site.mandates.seen_by(who))


@router.get("/mandates/{mandate}/activity")
async def activity(
    mandate: str, site: Here, who: Who, most: Annotated[int, Query(ge=1, le=1000)] = 100
) -> AgentActivity:
    """What an agent called under a mandate, and what it was answered, the latest first."""
    return site.agents.activity(mandate, who, most)


@router.get("/mandates/{mandate}")
async def mandate(mandate: str, site: Here, who: Who) -> MandateDetail:
    """One mandate: its terms, what is left of it, and whether it stands."""
    return site.mandates.show(mandate, who)


@router.post("/mandates", status_code=201)
async def give(body: Terms, site: Here, who: Who) -> MandateDetail:
    """Give a mandate in one's own name, or derive one from another."""
    said = {"algorithm": "ed25519", "public": body.agent_key}
    key = PublicKey.read(said, what="the agent's key") if body.agent_key else None
    right = Right.stated(
        f"mandate {body.id}",
        capabilities=tuple(body.capabilities),
        purposes=tuple(body.purposes),
        conduct=body.conduct,
        highest_sensitivity=body.highest_sensitivity,
        budget=Amounts.parse(body.budget),
        bounded=body.bounded,
        calls=body.calls,
        tasks=body.tasks,
    )
    draft = MandateDraft(
        id=body.id,
        charter=body.charter,
        team=body.team,
        person=who.person,
        right=right,
        lifetime=timedelta(days=body.days),
        agent=body.agent or None,
        agent_key=key,
        parent=body.parent or None,
    )
    await site.mandates.give(site.mandates.build_mandate(draft), who)
    return site.mandates.show(body.id)


@router.post("/mandates/{mandate}/cancel")
async def cancel(mandate: str, body: Why, site: Here, who: Who) -> MandateDetail:
    """End a mandate and all that was derived from it."""
    return await site.mandates.cancel(mandate, body.why, who)
