"""What only machines call: the exchange between sites, and the stations of this one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from yosegi.core.errors import NotFound
from yosegi.core.identifiers import CharterId, SiteId
from yosegi.core.values import Value
from yosegi.http.authentication import Here
from yosegi.http.limits import body_of

router = APIRouter(include_in_schema=False)


class CheckpointQuery(Value):
    """Which ledger's checkpoint is asked for."""

    charter: CharterId
    site: SiteId


@router.post("/exchange/v1/witness")
async def witness(request: Request, site: Here) -> dict[str, Any]:
    """The latest checkpoint held here of a site: signed by that site, and what it needs after a restore."""
    body = CheckpointQuery.read(await body_of(request.receive), what="the question")
    return site.channels.witness.last(body.charter, body.site).model_dump(mode="json")


@router.post("/station/v1/{name}")
async def station(name: str, request: Request, site: Here) -> Response:
    """A call of a station of this site."""
    engine = site.engines.answering.get(name)
    if engine is None:
        raise NotFound("station", name)
    return Response(await engine.handle(await body_of(request.receive)), media_type="application/json")
