"""What is asked of a site by those who watch over it: whether it is well, and figures for Prometheus."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response
from prometheus_client import CONTENT_TYPE_LATEST

from yosegi.http.authentication import Here, bearer
from yosegi.http.errors import told

router = APIRouter(include_in_schema=False)


@router.get("/health")
async def health(site: Here) -> Response:
    """Whether the site is well, for whoever restarts it: status 200, or 503 once its ledger has stopped."""
    return told({"well": site.metrics.healthy}, 200 if site.metrics.healthy else 503)


@router.get("/metrics")
async def metrics(site: Here, authorization: Annotated[str | None, Header()] = None) -> Response:
    """Figures in the text form of Prometheus, for the token in the settings or an operator's session."""
    token = bearer(authorization)
    text = await site.metrics.text(token, site.sessions.get(token, program=True))
    return Response(text, media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})
