"""Planning for a campaign: where it is done, and whether it can be and is still wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from yosegi.campaign.agent_points import Mixed
from yosegi.campaign.decide import Propose, decide
from yosegi.campaign.problem import problem_of
from yosegi.campaign.proposers import proposer
from yosegi.campaign.spec import CampaignSpec
from yosegi.campaign.state import Campaign
from yosegi.core.errors import Invalid
from yosegi.planner import PlannerError

Compute = Callable[[Callable[[], Mixed]], Awaitable[Mixed]]


async def in_thread(work: Callable[[], Mixed]) -> Mixed:
    """Plan beside the event loop."""
    return await asyncio.to_thread(work)


async def inline(work: Callable[[], Mixed]) -> Mixed:
    """Plan on the event loop: for a federation that runs deterministically in one process."""
    return work()


def check_planning(spec: CampaignSpec) -> None:
    """Have the planner look at the problem before anything is recorded.

    Raises:
        NotFound: a planner of no such name.
        Invalid: the planner cannot make anything of it.
    """
    proposer(spec.planner)
    try:
        problem_of(spec)
    except PlannerError as error:
        raise Invalid(f"campaign {spec.name}", str(error)) from None


def is_still_wanted(campaign: Campaign, planned: Propose) -> bool:
    """Whether a campaign that has moved on while it was planned for would still take all of the proposals."""
    due = decide(campaign)
    return any(isinstance(a, Propose) and a.count >= planned.count and a.closed == planned.closed for a in due)
