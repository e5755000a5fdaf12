"""What is measured next: the planner's points, and an agent's where the campaign's file lets one propose.

All of it is a pure function of the campaign at one position, so that a bundle is replayed without asking anybody.
"""

from __future__ import annotations

from collections.abc import Sequence

from yosegi.campaign.agent_guard import admitted, is_agents_turn
from yosegi.campaign.agent_points import MOST_WAITING, AdvisedPoint, Mixed, why_unfit
from yosegi.campaign.problem import history_of, pending_of, problem_of
from yosegi.campaign.proposers import proposer
from yosegi.campaign.spec import CampaignSpec
from yosegi.campaign.state import Campaign
from yosegi.core.errors import Conflict, Invalid
from yosegi.core.identifiers import derived_key
from yosegi.core.states import CampaignState
from yosegi.planner import Pending, Proposal, suggest


def step_seed(spec: CampaignSpec, position: int) -> int:
    """The planner's seed at a position of the campaign's stream."""
    return int(derived_key("seed", spec.name, spec.seed, position).replace("-", "")[:12], 16) % 2**31


def propose(campaign: Campaign, count: int, closed: frozenset[str]) -> list[Proposal]:
    """What is proposed at the campaign's present position: the same for ever, so that it can be replayed."""
    return list(mixed(campaign, count, closed).proposals)


def mixed(campaign: Campaign, count: int, closed: frozenset[str]) -> Mixed:
    """The agent's points as far as they are taken, and the planner's for what is left, by the campaign's rule."""
    problem, history, pending = problem_of(campaign.spec, closed), history_of(campaign), pending_of(campaign)
    terms, first = campaign.spec.agent, len(campaign.trials) + 1
    places = range(first, first + count)
    turns = [terms is not None and (terms.mix != "alternate" or is_agents_turn(number)) for number in places]
    advised, declined = admitted(campaign, problem, history, pending, sum(turns)) if terms is not None else ([], [])
    running = [*pending, *(Pending(proposal.values, proposal.source) for _, proposal in advised)]
    planned = suggest(
        problem,
        history,
        pending=running,
        count=count - len(advised),
        seed=step_seed(campaign.spec, campaign.position),
        planner=proposer(campaign.spec.planner),
    )
    order: list[tuple[int, Proposal]] = []
    agents, planners = iter(advised), iter(planned)
    for turn in turns:
        point = next(agents, None) if turn else None
        if point is not None:
            order.append((point[0].number, point[1]))
        elif (plan := next(planners, None)) is not None:
            order.append((0, plan))
    return Mixed(tuple(one for _, one in order), tuple(number for number, _ in order), tuple(declined))


def check_advice(campaign: Campaign, points: Sequence[AdvisedPoint]) -> None:
    """See that an agent may propose these points now.

    Raises:
        Conflict: the campaign does not run, its file lets no agent propose, or too many points wait.
        Invalid: a point that can be none of the campaign.
    """
    name, what = campaign.spec.name, f"campaign {campaign.spec.name}"
    if campaign.state is not CampaignState.RUNNING:
        raise Conflict(what, f"is {campaign.state} and takes no points", "nothing was recorded")
    if campaign.spec.agent is None:
        raise Conflict(what, "is proposed for by its planner alone", 'its file says proposer = "agent" where one may')
    if len(campaign.waiting) + len(points) > MOST_WAITING:
        raise Conflict(what, f"{len(campaign.waiting)} points wait already", "wait until some are measured")
    problem = problem_of(campaign.spec)
    for number, point in enumerate(points, 1):
        if why := why_unfit(campaign.spec, problem, point):
            raise Invalid(f"point {number} for {name}", why)
