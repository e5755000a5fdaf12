"""Campaigns of a home site."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import Response
from pydantic import Field

from yosegi.campaign.measurements import MOST_ROWS, MeasuredRow
from yosegi.core.states import CampaignState
from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Why
from yosegi.services.answer import JsonObject, Level
from yosegi.services.campaigns.schemas import (
    AgentComparison,
    CampaignAnswer,
    CampaignCheck,
    CampaignDetail,
    CampaignFileText,
    CampaignMoved,
    CampaignSummary,
    MeasurementsAdded,
)
from yosegi.trust.envelope import Envelope
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
    """A campaign file's text, and that of the tables it names, by the name it gives them."""

    spec: Annotated[str, Field(max_length=1_000_000)]
    mandate: Annotated[str, Field(max_length=130)] = ""
    files: Annotated[dict[str, str], Field(max_length=16)] = Field(default_factory=dict)


NewName = Annotated[str, Query(pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]{0,109})?$")]


class AddMeasurements(Body):
    """Measurements: a signed document, rows, or a CSV table; the first that is there counts."""

    document: JsonObject | None = None
    rows: Annotated[list[JsonObject], Field(max_length=MOST_ROWS)] = Field(default_factory=list)
    table: Annotated[str, Field(max_length=4_000_000)] = ""
    source: Annotated[str, Field(max_length=40)] = ""
    file: Annotated[str, Field(max_length=200)] = ""


class AskForPoint(Why):
    """A point of one's own, by parameter, or the id of a candidate; of the first source if none is named."""

    values: Annotated[dict[str, Level], Field(max_length=200)] = Field(default_factory=dict)
    candidate: Annotated[str, Field(max_length=200)] = ""
    source: Annotated[str, Field(max_length=40)] = ""


class WithdrawTrial(Why):
    """Why a trial is taken back, and whether its point is never asked again."""

    skip: bool = False


class ExtendCampaign(Why):
    """Fields of the campaign file: budget, stop, parallel, conduct, parameter."""

    changes: JsonObject


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
    file = site.campaigns.read_file(body.spec, body.files, who)
    return await site.campaigns.start(file.spec, who, body.mandate, file.lines)


@router.post("/campaigns/check")
async def check_campaign(body: StartCampaign, site: Here, who: Who) -> CampaignCheck:
    """Everything that is wrong with a campaign file, each with its line; nothing is changed."""
    return site.campaigns.check_file(body.spec, body.files, who, body.mandate)


@router.get("/campaigns/{name}")
async def campaign(name: str, site: Here, who: Who) -> CampaignDetail:
    """One campaign with its trials."""
    return site.campaigns.show(name, who)


@router.get("/campaigns/{name}/answer")
async def campaign_answer(name: str, site: Here, who: Who) -> CampaignAnswer:
    """The answer with its uncertainty, what the model learned, the measured acceleration, and how to cite it."""
    return await site.campaigns.answer(name, who)


@router.get("/campaigns/{name}/file")
async def campaign_file(name: str, site: Here, who: Who, other: NewName = "") -> CampaignFileText:
    """The campaign's file and the tables it names; `other` gives it another name, to clone it."""
    return site.amendments.file(name, who, other)


@router.post("/campaigns/{name}/measurements", status_code=201)
async def add_measurements(name: str, body: AddMeasurements, site: Here, who: Who) -> MeasurementsAdded:
    """Bring measurements that nobody here proposed: signed with a key of one's own, as rows, or as a CSV table."""
    if body.document is not None:
        return await site.amendments.add(name, Envelope.read(body.document, what="the document"), who)
    if body.table:
        return await site.amendments.add_table(name, body.table, body.source, body.file, who)
    rows = tuple(MeasuredRow.read(row, what=f"row {number}") for number, row in enumerate(body.rows, start=1))
    return await site.amendments.add_unsigned(name, rows, body.source, body.file, who)


@router.post("/campaigns/{name}/points", status_code=201)
async def ask_for_point(name: str, body: AskForPoint, site: Here, who: Who) -> CampaignDetail:
    """Have a point of one's own measured."""
    return await site.amendments.want(name, body.values, who, body.source, body.candidate, body.why)


@router.post("/campaigns/{name}/trials/{number}/withdraw")
async def withdraw_trial(name: str, number: int, body: WithdrawTrial, site: Here, who: Who) -> CampaignDetail:
    """Take a trial back, as far as its owner can, with a reason; `skip` has its point never asked again."""
    return await site.amendments.withdraw(name, number, body.why, who, skip=body.skip)


@router.post("/campaigns/{name}/extend")
async def extend_campaign(name: str, body: ExtendCampaign, site: Here, who: Who) -> CampaignDetail:
    """Give a campaign another budget, stop rule, parallel, conduct or space; one that has ended goes on."""
    return await site.amendments.extend(name, body.changes, body.why, who)


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
