"""The page of one campaign, its stream, and the buttons that steer it."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Response

from yosegi.core.errors import NotFound
from yosegi.web.api.campaigns import MOVES
from yosegi.web.pages.caller import Here, act, live, show, signed_in
from yosegi.web.views import CampaignPage, Looking

router = APIRouter(include_in_schema=False)


@router.get("/campaigns/{name}")
async def campaign(name: str, caller: Here, all: str = "") -> Response:
    """One campaign."""
    view = CampaignPage(caller.look(signed_in(caller)), name, bool(all))
    spec = view.campaign.spec
    return show(
        caller,
        "campaign",
        page="campaign",
        stream=f"{quote(name)}/live{'?all=1' if all else ''}",
        parts=view.parts(),
        rows=list(view.rows().values()),
        name=name,
        title=spec.title,
        columns=",".join((*(p.name for p in spec.parameter), *spec.outcomes, "state")),
        objective=spec.main.name + ("" if spec.main.unit == "1" else f" ({spec.main.unit})"),
    )


@router.get("/campaigns/{name}/live")
async def campaign_live(name: str, caller: Here, all: str = "") -> Response:
    """Its stream; its addresses are those of the page."""
    look = Looking(caller.site, signed_in(caller), caller.w, "../")
    view = CampaignPage(look, name, bool(all))
    view.campaign  # noqa: B018 - an unknown one is refused before the stream begins
    return await live(caller, view)


@router.get("/campaigns/{name}/bundle")
async def bundle(name: str, caller: Here) -> Response:
    """The whole campaign as a bundle that verifies offline."""
    data = await caller.site.campaigns.export_for(name, signed_in(caller))
    return Response(data, media_type="application/json", headers={"Content-Disposition": "attachment"})


@router.post("/campaigns/{name}/{word}")
async def steer(name: str, word: str, caller: Here) -> Response:
    """Hold, resume, safely stop or abort a campaign."""
    move = next((state for known, state in MOVES.items() if known == word), None)
    if move is None:
        raise NotFound("button", word, tuple(MOVES))
    site = caller.site
    return await act(
        caller,
        f"campaigns/{quote(name)}",
        lambda session, form: site.campaigns.move(name, move, session, form.get("why", "")[:2000]),
    )
