"""What policy answers, before anybody acts, and the site's own rules."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body
from yosegi.services.governance.schemas import AccessLine, PolicyAnswer, PolicyWarnings, WhatIfAnswer
from yosegi.services.governance.service import PolicyQuery
from yosegi.web.api.router import Name
from yosegi.web.api.router import router as router_of

router = router_of("policy")


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


@router.post("/policy/explain")
async def explain(body: PolicyQuery, site: Here, who: Who) -> PolicyAnswer:
    """What policy would answer here and at the owner, and why not."""
    return await site.governance.explain(body, who)


@router.post("/policy/what-if")
async def what_if(body: AskIf, site: Here, who: Who) -> WhatIfAnswer:
    """What it would answer if; nothing is changed."""
    asking = PolicyQuery(**{name: getattr(body, name) for name in PolicyQuery.model_fields})
    return await site.governance.what_if(asking, who, add=body.add, without=body.without, rules=body.rules)


@router.post("/policy")
async def reload(body: Rules, site: Here, who: Who) -> PolicyWarnings:
    """Take other rules of the site's own and another table of expectations, or neither."""
    return await site.governance.reload(body.rules, body.table, who)


@router.get("/access")
async def access(site: Here, who: Who, person: str = "", purpose: str = "") -> tuple[AccessLine, ...]:
    """What somebody may use in each of their teams, and why not the rest."""
    return await site.governance.access(who, person, purpose)
