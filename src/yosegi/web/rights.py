"""The JSON face of approvals, mandates and agents, and of single tasks. It holds no rules."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from yosegi.core.amounts import Amounts
from yosegi.core.errors import Invalid, NotFound
from yosegi.core.identifiers import split_capability
from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Why
from yosegi.services.schemas import task_full
from yosegi.services.tasks.requests import asked_full
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey

rights = APIRouter(prefix="/api/v1")

Name = Annotated[str, Field(max_length=130)]
Names = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=200)]
How = Literal["suggest", "approve", "run"]
Label = Literal["public", "team", "restricted"]


class Signed(Body):
    """A document in its envelope, signed with the caller's own key."""

    document: dict[str, Any]


class Terms(Body):
    """What a mandate allows, to whom, and for how long."""

    id: Name
    charter: Name
    team: Name
    capabilities: Names
    purposes: Names
    days: Annotated[float, Field(gt=0, le=366)]
    conduct: Annotated[tuple[How, ...], Field(max_length=3)] = ("suggest", "approve", "run")
    highest_sensitivity: Label = "team"
    budget: Annotated[dict[str, str], Field(max_length=20, default_factory=dict)]
    bounded: bool = True
    agent: Name = ""
    agent_key: Annotated[str, Field(max_length=200)] = ""
    parent: Name = ""


class AskForTask(Body):
    """One task of one capability."""

    charter: Name
    team: Name
    capability: Annotated[str, Field(max_length=200)]
    inputs: dict[str, Any]
    purpose: Annotated[str, Field(min_length=1, max_length=200)]
    key: Annotated[str, Field(max_length=128, pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]{0,127})?$")] = ""
    conduct: How = "run"
    sensitivity: Label = "team"
    mandate: Name = ""


# -- approvals --------------------------------------------------------------------------------------------------------


@rights.get("/approvals")
async def approvals(site: Here, who: Who) -> list[dict[str, Any]]:
    """What waits for a person's approval here, the oldest first, as far as the caller may see it."""
    return site.approvals.waiting_for(who)


@rights.get("/tasks/{home}/{key}/asked")
async def asked(home: str, key: str, site: Here, who: Who) -> dict[str, Any]:
    """What exactly a task asks, and what was said to it."""
    return site.approvals.asked(site.tasks.get_for(f"{home}/{key}", who).stream)


@rights.post("/tasks/{home}/{key}/approve")
async def approve(home: str, key: str, body: Signed, site: Here, who: Who) -> dict[str, Any]:
    """Say yes, in a document signed with the person's own key."""
    envelope = Envelope.read(body.document, what="an approval")
    return task_full(await site.approvals.give(*site.tasks.find(f"{home}/{key}"), envelope, who))


@rights.post("/tasks/{home}/{key}/refuse")
async def refuse(home: str, key: str, body: Why, site: Here, who: Who) -> dict[str, Any]:
    """Say no, with words that the asker reads."""
    return task_full(await site.approvals.refuse(*site.tasks.find(f"{home}/{key}"), body.why, who))


@rights.post("/approvals/{approval}/withdraw")
async def withdraw(approval: str, body: Why, site: Here, who: Who) -> dict[str, str]:
    """Take an approval back that was not used yet."""
    await site.approvals.withdraw(approval, body.why, who)
    return {"withdrawn": approval}


# -- mandates and agents ----------------------------------------------------------------------------------------------


@rights.get("/mandates")
async def mandates(site: Here, who: Who, person: str = "") -> list[dict[str, Any]]:
    """The mandates given at this site, the newest first: the caller's own, and all for those who run the site."""
    return site.mandates.seen_by(who, person)


@rights.get("/agents")
async def agents(site: Here, who: Who) -> list[dict[str, Any]]:
    """The agents that act for members of this site: for whom, under what, and when they were last heard of."""
    return site.mandates.agents(site.mandates.seen_by(who))


@rights.get("/mandates/{mandate}")
async def mandate(mandate: str, site: Here, who: Who) -> dict[str, Any]:
    """One mandate: its terms, what is left of it, and whether it stands."""
    return site.mandates.show(mandate, who)


@rights.post("/mandates", status_code=201)
async def give(body: Terms, site: Here, who: Who) -> dict[str, Any]:
    """Give a mandate in one's own name, or cut one from another."""
    said = {"algorithm": "ed25519", "public": body.agent_key}
    key = PublicKey.read(said, what="the agent's key") if body.agent_key else None
    drawn = site.mandates.build_mandate(
        id=body.id,
        charter=body.charter,
        team=body.team,
        person=who.person,
        capabilities=tuple(body.capabilities),
        purposes=tuple(body.purposes),
        days=body.days,
        conduct=body.conduct,
        highest_sensitivity=body.highest_sensitivity,
        budget=Amounts.parse(body.budget),
        bounded=body.bounded,
        agent=body.agent or None,
        agent_key=key,
        parent=body.parent or None,
    )
    await site.mandates.give(drawn, who)
    return site.mandates.show(body.id)


@rights.post("/mandates/{mandate}/cancel")
async def cancel(mandate: str, body: Why, site: Here, who: Who) -> dict[str, Any]:
    """End a mandate and all that was cut from it."""
    await site.mandates.cancel(mandate, body.why, who)
    return site.mandates.show(mandate)


# -- single tasks -----------------------------------------------------------------------------------------------------


@rights.post("/requests", status_code=201)
async def ask(body: AskForTask, site: Here, who: Who) -> dict[str, Any]:
    """Ask an owner for one task; the same key again asks nothing new."""
    owner = split_capability(body.capability)[0]
    key = body.key or secrets.token_hex(16)
    found = await site.task_requests.ask(
        who,
        key=key,
        charter=body.charter,
        team=body.team,
        capability=body.capability,
        inputs=body.inputs,
        purpose=body.purpose,
        conduct=body.conduct,
        sensitivity=body.sensitivity,
        mandate=body.mandate,
    )
    return asked_full(found, owner, key)


@rights.get("/requests/{owner}/{key}")
async def request(owner: str, key: str, site: Here, who: Who) -> dict[str, Any]:
    """Where one request stands, as far as this home site knows."""
    if len(key) > 128:
        raise Invalid("the key", "longer than 128 characters")
    found = site.requests.get(owner, key)
    if found.request is not None and not site.authorizer.may_see(found.request.charter, found.request.team, who):
        raise NotFound("request", key)
    return asked_full(found, owner, key)
