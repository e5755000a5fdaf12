"""Agents that this site runs for campaigns: asked when places are free, shown what their endpoint may see, and bounded.

Before anything is sent to a model's endpoint, policy is asked whether it may see what the campaign has learned, under
the strictest label of it all. Where it may not, nothing is sent, the campaign says so, and the planner goes on alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yosegi.campaign import Campaign, Campaigns, propose, step_seed
from yosegi.campaign.agent_points import MOST_AT_ONCE
from yosegi.campaign.events import PointsWanted
from yosegi.core.contract import strictest
from yosegi.core.errors import YosegiError
from yosegi.core.reasons import explain
from yosegi.core.states import TrialState
from yosegi.core.supervision import TaskScope
from yosegi.exchange.request_draft import RequestDraft
from yosegi.planner import PlannerError
from yosegi.services.agents.proposer import ProposerView, ProposingAgent, agent_of
from yosegi.services.authorization.service import Authorizer

log = logging.getLogger("yosegi.agents")
MOST_HISTORY = 200
"""The latest trials that an agent is shown."""


@dataclass
class ProposingAgents:
    """The agents of one site that propose for its campaigns.

    Args:
        configured: those of the settings, by name.
    """

    engine: Campaigns
    authorizer: Authorizer
    configured: Mapping[str, ProposingAgent]
    scope: TaskScope
    _told: set[tuple[str, str]] = field(default_factory=set)
    """Campaigns, and why their agent was not asked, that are on record already."""

    def check(self, name: str) -> None:
        """See that there is an agent of a name.

        Raises:
            NotFound, Invalid: as `agent_of`.
        """
        agent_of(name, self.configured)

    def wanted(self, event: PointsWanted) -> None:
        """Ask a campaign's agent for points, beside all else."""
        terms = self.engine.get(event.campaign).spec.agent
        if terms is not None and terms.name is not None:
            self.scope.spawn(f"ask the agent of {event.campaign}", lambda: self._ask(event.campaign, event.count))

    async def _ask(self, name: str, count: int) -> None:
        campaign = self.engine.get(name)
        terms = campaign.spec.agent
        if terms is None or terms.name is None:
            return
        try:
            agent = agent_of(terms.name, self.configured)
            if agent.endpoint and (why := self._why_not_shown(campaign, agent.endpoint)):
                await self._tell(campaign, terms.name, "endpoint_not_covered", why)
                return
            advice = await agent.propose(view_of(campaign, min(count, MOST_AT_ONCE)))
            points = list(advice.points)[:count]
            if points:
                await self.engine.advise(
                    name, points, advice.use, agent=terms.name, mandate=campaign.mandate,
                    by=self.engine.site, prompt=advice.prompt, answer=advice.answer,
                )  # fmt: skip
        except YosegiError as error:
            log.info("the agent of campaign %s proposes nothing: %s", name, error)
            await self._tell(campaign, terms.name, error.code, str(error))

    def _why_not_shown(self, campaign: Campaign, endpoint: str) -> str:
        """Why an endpoint may not see what a campaign has learned; empty if it may."""
        spec = campaign.spec
        for ref, contract in campaign.contracts.items():
            draft = RequestDraft(
                charter=spec.charter,
                key="shown",
                team=spec.team,
                on_behalf_of=spec.on_behalf_of,
                purpose=spec.purpose,
                campaign=spec.name,
                capability=ref,
                contract=contract,
                inputs={},
                sensitivity=strictest("team", contract.sensitivity, campaign.learned.sensitivity),
                mandate=campaign.mandate or None,
                clearances=self.authorizer.attested(spec.on_behalf_of),
                challenge=spec.challenge,
                learned=campaign.learned,
            )
            if not self.authorizer.may_show(draft, endpoint).allow:
                return explain("endpoint_not_covered", endpoint=endpoint)
        return ""

    async def _tell(self, campaign: Campaign, agent: str, code: str, why: str) -> None:
        """Put on record, once, why an agent was not asked or gave nothing."""
        name = campaign.spec.name
        if (name, code) not in self._told:
            self._told.add((name, code))
            await self.engine.note(name, f"{code}: {why}"[:2000], by=self.engine.site, agent=agent)


def view_of(campaign: Campaign, count: int) -> ProposerView:
    """What an agent is shown of a campaign."""
    spec = campaign.spec
    ended = [campaign.trials[number - 1] for number in campaign.ended_order[-MOST_HISTORY:]]
    spent = campaign.spent() + campaign.held()
    return ProposerView(
        campaign=spec.name,
        question=spec.question,
        parameters=[p.model_dump(mode="json", exclude_none=True) for p in spec.parameter],
        constraints=[str(c.model_dump(mode="json", exclude_none=True)) for c in spec.constraint],
        objective=spec.main.model_dump(mode="json"),
        sources=[{"name": s.name, "price": s.price} for s in spec.source if s.name not in campaign.open_breakers],
        history=[
            {"trial": t.number, "source": t.source, "values": dict(t.values), "value": t.value, "error": t.error}
            for t in ended
            if t.state in (TrialState.COMPLETED, TrialState.INFEASIBLE)
        ],
        pending=[{"source": t.source, "values": dict(t.values)} for t in campaign.open_trials()],
        model=_planned(campaign),
        budget={unit: str((spec.budget[unit] - spent[unit]) / 1000) for unit in spec.budget},
        count=count,
        seed=step_seed(spec, campaign.position),
    )


def _planned(campaign: Campaign) -> list[dict[str, Any]]:
    """What the planner would measure next, and what it expects there."""
    try:
        planned = propose(campaign, 1, campaign.open_breakers)
    except PlannerError:
        return []
    return [{"values": dict(p.values), "source": p.source, **p.expected.as_dict()} for p in planned]
