"""Planning for a campaign: what its planner proposes at a position, the same for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from yosegi.campaign.decide import Propose, decide
from yosegi.campaign.problem import history_of, pending_of, problem_of
from yosegi.campaign.proposers import proposer
from yosegi.campaign.spec import CampaignSpec
from yosegi.campaign.state import Campaign
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import derived_key
from yosegi.planner import PlannerError, Proposal, suggest

Compute = Callable[[Callable[[], list[Proposal]]], Awaitable[list[Proposal]]]


async def in_thread(work: Callable[[], list[Proposal]]) -> list[Proposal]:
    """Plan beside the event loop."""
    return await asyncio.to_thread(work)


async def inline(work: Callable[[], list[Proposal]]) -> list[Proposal]:
    """Plan on the event loop: for a federation that runs deterministically in one process."""
    return work()


def step_seed(spec: CampaignSpec, position: int) -> int:
    """The planner's seed at a position of the campaign's stream."""
    return int(derived_key("seed", spec.name, spec.seed, position).replace("-", "")[:12], 16) % 2**31


def propose(campaign: Campaign, count: int, closed: frozenset[str]) -> list[Proposal]:
    """What the planner proposes at the campaign's present position: the same for ever, so that it can be replayed."""
    return suggest(
        problem_of(campaign.spec, closed),
        history_of(campaign),
        pending=pending_of(campaign),
        count=count,
        seed=step_seed(campaign.spec, campaign.position),
        planner=proposer(campaign.spec.planner),
    )


def check_planning(spec: CampaignSpec) -> None:
    """Have the planner look at the problem before anything is recorded."""
    proposer(spec.planner)
    try:
        problem_of(spec)
    except PlannerError as error:
        raise Invalid(f"campaign {spec.name}", str(error)) from None


def is_still_wanted(campaign: Campaign, planned: Propose) -> bool:
    """Whether a campaign that has moved on while it was planned for would still take all of the proposals."""
    due = decide(campaign)
    return any(isinstance(a, Propose) and a.count >= planned.count and a.closed == planned.closed for a in due)
