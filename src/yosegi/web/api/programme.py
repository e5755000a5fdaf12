"""What a programme office asks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body
from yosegi.services.programme.schemas import CampaignStanding, CharterProgramme, ResultKind
from yosegi.web.api.router import router as router_of

router = router_of("programme")


class RegisterOutcome(Body):
    """What came of a campaign."""

    kind: ResultKind
    title: Annotated[str, Field(min_length=1, max_length=400)]
    link: Annotated[str, Field(max_length=400)] = ""


@router.get("/programme")
async def everything(site: Here, who: Who, charter: str = "") -> tuple[CharterProgramme, ...]:
    """The programme office's view: teams, challenges, agreements, grants, campaigns with baselines and outcomes."""
    return site.programme.list(who, charter)


@router.post("/outcomes/{name}", status_code=201)
async def outcome(name: str, body: RegisterOutcome, site: Here, who: Who) -> CampaignStanding:
    """Record what came of a campaign of one's own team: a paper, data set, model or answered question."""
    return await site.programme.register_outcome(name, body.kind, body.title, body.link, who)
