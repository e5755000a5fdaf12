"""Pages for members and for the programme office: what may be used and why not; what was agreed, given and achieved."""

from __future__ import annotations

from fastapi import APIRouter, Response

from yosegi.services.programme.service import USAGE_BY
from yosegi.web.pages.caller import Here, show, signed_in

router = APIRouter(include_in_schema=False)


@router.get("/catalogue")
async def catalogue(caller: Here, purpose: str = "") -> Response:
    """Everything that is known here: what the person may use in each team, and why not the rest."""
    session = signed_in(caller)
    lines = await caller.site.governance.access(session, "", purpose[:60])
    return show(caller, "catalogue", page="catalogue", lines=lines, purpose=purpose[:60])


@router.get("/programme")
async def governance(caller: Here, charter: str = "") -> Response:
    """Focus areas, challenges, teams, agreements, grants, and campaigns with their baselines and outcomes."""
    charters = caller.site.programme.list(signed_in(caller), charter[:60])
    return show(caller, "programme", page="programme", charters=charters)


@router.get("/programme/usage.csv")
async def usage_csv(caller: Here) -> Response:
    """What tasks held and spent here, as CSV."""
    signed_in(caller)
    table = caller.site.grants.usage_csv((*USAGE_BY, "capability"))
    headers = {"Content-Disposition": "attachment"}
    return Response(table, media_type="text/csv; charset=utf-8", headers=headers)
