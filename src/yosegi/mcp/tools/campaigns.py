"""Campaigns: started, looked at, held and stopped."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from pydantic import Field

from yosegi.campaign import parse_spec
from yosegi.campaign.agent_points import MOST_AT_ONCE, AdvisedPoint, ModelUse
from yosegi.core.errors import Refused
from yosegi.core.states import CampaignState
from yosegi.http.bodies import Body
from yosegi.mcp.tool import Call, Tool
from yosegi.services.answer import Answer
from yosegi.services.campaigns.schemas import (
    AgentComparison,
    CampaignOverview,
    CampaignSummary,
    NoteTaken,
    PlannerSummary,
    TrialDetail,
)

Name = Annotated[str, Field(max_length=130)]
MOST_SPEC = 65_536
"""Characters of a campaign file; a longer one is for a person to bring."""
MOVES = {"hold": CampaignState.HELD, "stop": CampaignState.STOPPING}


class ListCampaigns(Body):
    """The newest first."""

    most: Annotated[int, Field(ge=1, le=100)] = 50


class CampaignsFound(Answer):
    """Campaigns that the caller may see; `more` are older."""

    campaigns: tuple[CampaignSummary, ...]
    more: int


class OneCampaign(Body):
    """One campaign."""

    name: Name


class SomeTrials(Body):
    """Trials of one campaign, after a number."""

    name: Name
    after: Annotated[int, Field(ge=0)] = 0
    most: Annotated[int, Field(ge=1, le=100)] = 50


class TrialsFound(Answer):
    """Trials in order; `more` follow the last."""

    trials: tuple[TrialDetail, ...]
    more: int


class LookAhead(Body):
    """How many points of what the planner would measure next."""

    name: Name
    count: Annotated[int, Field(ge=1, le=4)] = 1


class CampaignWanted(Body):
    """A campaign file's text (TOML); it acts under the caller's mandate."""

    spec: Annotated[str, Field(max_length=MOST_SPEC)]


class CampaignStop(Body):
    """A campaign under the caller's mandate: hold it (start nothing new), or stop it safely."""

    name: Name
    word: Literal["hold", "stop"]
    why: Annotated[str, Field(max_length=1000)] = ""


class Point(Body):
    """One point, the hypothesis it tests, and the outcome that would refute it."""

    values: Annotated[
        dict[str, str | int | float | bool],
        Field(max_length=200, description="by parameter name, in the parameters' units"),
    ]
    source: Annotated[str, Field(max_length=40, description="the campaign's first source if none is named")] = ""
    hypothesis: Annotated[str, Field(min_length=3, max_length=1000)]
    expects: Annotated[str, Field(max_length=1000, description="the outcome you expect, in words")] = ""
    at_least: Annotated[float | None, Field(description="the objective's value is at least this, in its unit")] = None
    at_most: Annotated[float | None, Field(description="the objective's value is at most this, in its unit")] = None


class UsedModel(Body):
    """Which model proposed it, and what that took; digests of what it was sent and gave."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    version: Annotated[str, Field(max_length=120)] = ""
    prompt: Annotated[str | None, Field(pattern=r"^sha256:[0-9a-f]{64}$")] = None
    answer: Annotated[str | None, Field(pattern=r"^sha256:[0-9a-f]{64}$")] = None
    tokens_in: Annotated[int, Field(ge=0, le=10**9)] = 0
    tokens_out: Annotated[int, Field(ge=0, le=10**9)] = 0
    cost: Annotated[str, Field(pattern=r"^\d{1,9}(\.\d{1,6})?$")] = "0"
    currency: Annotated[str, Field(pattern=r"^[a-z]{3}$")] = "usd"


class ProposePoints(Body):
    """Points for a campaign whose proposer is an agent."""

    campaign: Name
    points: Annotated[list[Point], Field(min_length=1, max_length=MOST_AT_ONCE)]
    model: UsedModel | None = None


class TakeNote(Body):
    """A note to be kept with a campaign: words, which change nothing."""

    campaign: Name
    text: Annotated[str, Field(min_length=1, max_length=4000)]


async def propose(call: Call, asked: ProposePoints) -> AgentComparison:
    """Record points; the campaign's rule says which are measured, and when."""
    points = [AdvisedPoint.read(point.model_dump(exclude_none=True), what="a point") for point in asked.points]
    use = ModelUse.read(asked.model.model_dump(exclude_none=True)) if asked.model is not None else ModelUse()
    return await call.site.campaigns.advise(asked.campaign, points, use, call.who)


async def hypotheses(call: Call, asked: OneCampaign) -> AgentComparison:
    """What agents thought, and what came of it."""
    return call.site.campaigns.hypotheses(asked.name, call.who)


async def note(call: Call, asked: TakeNote) -> NoteTaken:
    """Keep a note."""
    return await call.site.campaigns.note(asked.campaign, asked.text, call.who)


async def listing(call: Call, asked: ListCampaigns) -> CampaignsFound:
    """Every campaign the caller may see."""
    found = sorted(call.site.campaigns.summaries(call.who), key=lambda one: one.started, reverse=True)
    return CampaignsFound(campaigns=tuple(found[: asked.most]), more=max(0, len(found) - asked.most))


async def show(call: Call, asked: OneCampaign) -> CampaignOverview:
    """One campaign without its trials."""
    return call.site.campaigns.overview(asked.name, call.who)


async def trials(call: Call, asked: SomeTrials) -> TrialsFound:
    """Some of its trials."""
    found = call.site.campaigns.trials(asked.name, call.who, asked.after, asked.most)
    count = len(call.site.campaigns.get_for(asked.name, call.who).trials)
    return TrialsFound(trials=found, more=max(0, count - asked.after - len(found)))


async def model(call: Call, asked: LookAhead) -> PlannerSummary:
    """What the planner makes of the results."""
    return await call.site.campaigns.planned(asked.name, call.who, asked.count)


async def start(call: Call, asked: CampaignWanted) -> CampaignOverview:
    """Start a campaign under the caller's mandate."""
    # Beside the loop: a file that somebody made to be slow delays nobody else.
    spec = await asyncio.to_thread(parse_spec, asked.spec)
    await call.site.campaigns.start(spec, call.who)
    return call.site.campaigns.overview(spec.name, call.who)


async def move(call: Call, asked: CampaignStop) -> CampaignOverview:
    """Hold or stop a campaign of the caller's own."""
    campaign = call.site.campaigns.get_for(asked.name, call.who)
    if campaign.mandate not in call.site.mandates.held_by(call.who):
        raise Refused(f"{asked.word} of campaign {asked.name}", ("mandate_for_another",))
    await call.site.campaigns.move(asked.name, MOVES[asked.word], call.who, asked.why)
    return call.site.campaigns.overview(asked.name, call.who)


TOOLS = (
    Tool(
        "get_hypotheses",
        "Look at hypotheses",
        "Give what agents thought about a campaign, which hypotheses held or were refuted, and whether the agents did "
        "better than the planner at equal cost.",
        OneCampaign,
        AgentComparison,
        hypotheses,
    ),
    Tool(
        "propose_points",
        "Propose points",
        "Propose points for a campaign whose proposer is an agent, each with a hypothesis and a bound on the outcome "
        "that would refute it. The planner guards them and gives its own.",
        ProposePoints,
        AgentComparison,
        propose,
        needs="suggest",
    ),
    Tool(
        "take_note",
        "Keep a note",
        "Put a note on record with a campaign. It changes nothing.",
        TakeNote,
        NoteTaken,
        note,
        needs="suggest",
    ),
    Tool(
        "list_campaigns",
        "List campaigns",
        "List the campaigns of your teams, the newest first.",
        ListCampaigns,
        CampaignsFound,
        listing,
    ),
    Tool(
        "get_campaign",
        "Look at a campaign",
        "Give one campaign's question, space, sources, spending, best result and what would end it.",
        OneCampaign,
        CampaignOverview,
        show,
    ),
    Tool(
        "get_trials",
        "Look at a campaign's trials",
        "Give the trials of a campaign in order: the point, why it was proposed, and what came of it.",
        SomeTrials,
        TrialsFound,
        trials,
    ),
    Tool(
        "get_model",
        "See what the planner expects",
        "Give what a campaign's planner would measure next, and the outcome that it expects there. Nothing is asked.",
        LookAhead,
        PlannerSummary,
        model,
    ),
    Tool(
        "start_campaign",
        "Start a campaign",
        'Start a campaign from a campaign file\'s text, under your mandate. With conduct = "suggest" it proposes, and '
        "nothing is carried out before a person resumes it.",
        CampaignWanted,
        CampaignOverview,
        start,
        needs="suggest",
    ),
    Tool(
        "stop_campaign",
        "Hold or stop a campaign",
        "Have a campaign of yours start nothing new, or stop it safely. Only a person resumes it.",
        CampaignStop,
        CampaignOverview,
        move,
        ends=True,
    ),
)
