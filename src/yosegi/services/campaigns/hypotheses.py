"""What agents thought about a campaign and what came of it, from its fold and its entries."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from yosegi.campaign import Campaign
from yosegi.campaign.agent_guard import beats_planner
from yosegi.campaign.agent_points import ADVISED, AgentPoint
from yosegi.ledger import Entry
from yosegi.services.campaigns.schemas import AgentComparison, HypothesisDetail

LATEST = 200
"""Hypotheses that are told, the latest."""


def comparison_of(campaign: Campaign, entries: Iterable[Entry], site: str) -> AgentComparison:
    """The latest hypotheses and how agents and planner compare.

    Args:
        campaign: as it stands.
        entries: of its stream; those of other types are passed over.
        site: whose agents' words they are.
    """
    tokens, cost = 0, dict[str, Decimal]()
    for entry in entries:
        if entry.type == ADVISED:
            use = entry.facts["model"]
            tokens += int(use.get("tokens_in", 0)) + int(use.get("tokens_out", 0))
            currency = str(use.get("currency", "usd"))
            cost[currency] = cost.get(currency, Decimal()) + Decimal(str(use.get("cost", "0")))
    agents, planners, price = beats_planner(campaign)
    trials, declined = dict(campaign.measured_by), dict(campaign.declined)
    points = campaign.points[max(0, len(campaign.points) - LATEST) :]
    return AgentComparison(
        campaign=campaign.spec.name,
        hypotheses=tuple(
            _detail(campaign, p, trials.get(p.number, 0), declined.get(p.number, ""), site) for p in points
        ),
        agents_best=agents,
        planners_best=planners,
        at_price=price,
        better=_better(campaign, agents, planners),
        tokens=tokens,
        model_cost={unit: str(amount) for unit, amount in cost.items() if amount},
    )


def _detail(campaign: Campaign, point: AgentPoint, trial: int, declined: str, site: str) -> HypothesisDetail:
    measured = campaign.trials[trial - 1] if trial else None
    return HypothesisDetail(
        point=point.number,
        agent=point.agent,
        told_by=site,
        model=point.model,
        hypothesis=point.said.hypothesis,
        expects=point.said.expects,
        at_least=point.said.at_least,
        at_most=point.said.at_most,
        values=point.said.values,
        source=point.said.source or campaign.spec.source[0].name,
        verdict="declined" if declined else point.verdict(measured),
        why=declined or (measured.why if measured is not None else ""),
        trial=trial,
        value=None if measured is None else measured.value,
    )


def _better(campaign: Campaign, agents: float | None, planners: float | None) -> Literal["agent", "planner", "neither"]:
    if agents is None or planners is None or agents == planners:
        return "neither"
    goal = campaign.spec.main
    if goal.goal == "target":
        agents, planners = abs(agents - (goal.target or 0.0)), abs(planners - (goal.target or 0.0))
    better = agents > planners if goal.goal == "maximise" else agents < planners
    return "agent" if better else "planner"
