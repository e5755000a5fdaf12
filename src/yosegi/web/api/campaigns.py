"""Campaigns of a home site."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi.responses import Response
from pydantic import Field

from yosegi.campaign import parse_spec
from yosegi.core.states import CampaignState
from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Why
from yosegi.services.campaigns.schemas import AgentComparison, CampaignDetail, CampaignMoved, CampaignSummary
from yosegi.verification.bundle import Bundle
from yosegi.web.api.router import router as router_of

router = router_of("campaigns")

Word = Literal["hold", "resume", "stop", "abort"]
MOVES: dict[Word, CampaignState] = {
    "hold": CampaignState.HELD,
    "resume": CampaignState.RUNNING,
    "stop": CampaignState.STOPPING,
    "abort": CampaignState.ABORTED,
}


class StartCampaign(Body):
    """A campaign file's text."""

    spec: Annotated[str, Field(max_length=1_000_000)]
    mandate: Annotated[str, Field(max_length=130)] = ""


class MoveCampaign(Why):
    """A reason; and, for a campaign that is resumed, how far it goes from now on."""

    conduct: Literal["suggest", "approve", "run"] | None = None


@router.get("/campaigns")
async def campaigns(site: Here, who: Who) -> tuple[CampaignSummary, ...]:
    """Every campaign of this home site's teams that the caller is in; for who runs the site, all."""
    return site.campaigns.summaries(who)


@router.post("/campaigns", status_code=201)
async def start_campaign(body: StartCampaign, site: Here, who: Who) -> CampaignDetail:
    """Start a campaign from a campaign file."""
    return await site.campaigns.start(parse_spec(body.spec), who, body.mandate)


@router.get("/campaigns/{name}")
async def campaign(name: str, site: Here, who: Who) -> CampaignDetail:
    """One campaign with its trials."""
    return site.campaigns.show(name, who)


@router.get("/campaigns/{name}/hypotheses")
async def hypotheses(name: str, site: Here, who: Who) -> AgentComparison:
    """What agents thought about a campaign, what came of it, and whether they did better than the planner."""
    return site.campaigns.hypotheses(name, who)


@router.post("/campaigns/{name}/{word}")
async def move_campaign(
    name: str, word: Word, body: MoveCampaign, site: Here, who: Who
) -> CampaignDetail | CampaignMoved:
    """Hold, resume, safely stop or abort. Stopping is for everybody; what is shown is for the team."""
    conduct = body.conduct if word == "resume" else None
    return await site.campaigns.move(name, MOVES[word], who, body.why, conduct)


@router.get("/campaigns/{name}/export", responses={200: {"model": Bundle}}, response_model=None)
async def export(name: str, site: Here, who: Who) -> Response:
    """The whole campaign as a bundle that verifies offline."""
    return Response(await site.campaigns.export_for(name, who), media_type="application/json")
