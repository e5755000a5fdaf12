"""The JSON face of a site's governance: charters, agreements, policy, grants, usage, suspensions. It holds no rules."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from yosegi.governance.agreements.suspensions import Barred
from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Text
from yosegi.http.strict_json import StrictRoute
from yosegi.services.governance.service import PolicyQuery

governance = APIRouter(prefix="/api/v1", route_class=StrictRoute)
Name = Annotated[str, Field(max_length=130)]


class Publish(Body):
    """A signed charter, statement or agreement."""

    document: dict[str, Any]


class AskIf(PolicyQuery):
    """The same, if agreements were added or dropped, or the site had other rules."""

    # Lists in JSON; strict as values are, a question takes nothing else for a tuple.
    add: tuple[dict[str, Any], ...] = Field(default=(), max_length=20, strict=False)
    without: tuple[Name, ...] = Field(default=(), max_length=200, strict=False)
    rules: dict[Name, str] | None = None


class Rules(Body):
    """The site's own forbids by file name, and its table of expectations."""

    rules: dict[Name, str]
    table: tuple[dict[str, Any], ...] = Field(default=(), max_length=10_000)


class Suspend(Body):
    """What is barred here, or barred no more."""

    kind: Barred
    name: Annotated[str, Field(min_length=1, max_length=121)]
    charter: Name = ""
    why: Text = ""


class RegisterOutcome(Body):
    """What came of a campaign."""

    kind: Literal["paper", "dataset", "model", "answer"]
    title: Annotated[str, Field(min_length=1, max_length=400)]
    link: Annotated[str, Field(max_length=400)] = ""


@governance.get("/programme")
async def everything(site: Here, who: Who, charter: str = "") -> list[dict[str, Any]]:
    """The programme office's view: teams, challenges, agreements, grants, campaigns with baselines and outcomes."""
    return site.programme.list(charter)


@governance.post("/outcomes/{name}", status_code=201)
async def outcome(name: str, body: RegisterOutcome, site: Here, who: Who) -> dict[str, Any]:
    """Record what came of a campaign: a paper, data set, model or answered question."""
    return await site.programme.register_outcome(name, body.kind, body.title, body.link, who)


@governance.get("/charters")
async def charters(site: Here, who: Who) -> list[dict[str, Any]]:
    """Every charter this site lives in."""
    return site.governance.charters()


@governance.get("/charters/{charter}")
async def charter(charter: str, site: Here, who: Who) -> dict[str, Any]:
    """One charter, with whose statement is in force."""
    return site.governance.charter(charter)


@governance.get("/charters/{charter}/documents")
async def documents(charter: str, site: Here, who: Who) -> list[dict[str, Any]]:
    """Every document accepted under a charter, as it was signed."""
    return site.governance.documents(charter)


@governance.post("/governance")
async def publish(body: Publish, site: Here, who: Who) -> dict[str, Any]:
    """Put a signed charter, statement or agreement in force, and pass it on to whom it concerns."""
    return await site.governance.publish(body.document, who)


@governance.get("/agreements")
async def agreements(site: Here, who: Who, charter: str = "") -> list[dict[str, Any]]:
    """The agreements this site is a party to."""
    return site.governance.agreements(charter)


@governance.post("/policy/explain")
async def explain(body: PolicyQuery, site: Here, who: Who) -> dict[str, Any]:
    """What policy would answer here and at the owner, and why not."""
    return await site.governance.explain(body, who)


@governance.post("/policy/what-if")
async def what_if(body: AskIf, site: Here, who: Who) -> dict[str, Any]:
    """What it would answer if; nothing is changed."""
    asking = PolicyQuery(**{name: getattr(body, name) for name in PolicyQuery.model_fields})
    return await site.governance.what_if(asking, who, add=body.add, without=body.without, rules=body.rules)


@governance.post("/policy")
async def reload(body: Rules, site: Here, who: Who) -> dict[str, Any]:
    """Take other rules of the site's own and another table of expectations, or neither."""
    return {"warnings": await site.governance.reload(body.rules, body.table, who)}


@governance.get("/access")
async def access(site: Here, who: Who, person: str = "", purpose: str = "") -> list[dict[str, Any]]:
    """What somebody may use in each of their teams, and why not the rest."""
    return await site.governance.access(who, person, purpose)


@governance.get("/suspensions")
async def suspensions(site: Here, who: Who) -> list[dict[str, Any]]:
    """What is barred here."""
    return site.governance.suspensions()


@governance.post("/suspensions")
async def suspend(body: Suspend, site: Here, who: Who) -> dict[str, Any]:
    """Bar a site, person, agent, team, agreement or capability here, at once."""
    return await site.governance.suspend(body.kind, body.name, who, body.why, body.charter)


@governance.post("/suspensions/lift")
async def lift(body: Suspend, site: Here, who: Who) -> dict[str, Any]:
    """Bar it no more."""
    return await site.governance.lift(body.kind, body.name, who, body.why, body.charter)
