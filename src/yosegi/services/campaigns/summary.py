"""A campaign, as its entries make it, as the values that faces show."""

from __future__ import annotations

import statistics
from typing import Any

from yosegi.campaign import Campaign, Step, Trial, enough
from yosegi.campaign.decide import worst_cost
from yosegi.campaign.spec import ObjectiveSpec, PriceSpec, SourceSpec, StepSpec
from yosegi.core.values import Value
from yosegi.services.campaigns.schemas import (
    Baseline,
    BestTrial,
    CampaignDetail,
    CampaignOverview,
    CampaignSummary,
    LimitDetail,
    ObjectiveDetail,
    ParameterDetail,
    RouteDetail,
    SourceDetail,
    SourceStep,
    StepDetail,
    StopRule,
    TrialDetail,
)
from yosegi.services.campaigns.standing import awaits_of, explanation_of
from yosegi.trust.explanation import Explanation


def summary_of(campaign: Campaign) -> CampaignSummary:
    """One line of a list of campaigns."""
    return CampaignSummary(**_summary(campaign))


def overview_of(campaign: Campaign) -> CampaignOverview:
    """A campaign with its sources, spending and what would end it; its cost does not grow with its trials."""
    return CampaignOverview(**_overview(campaign))


def detail_of(campaign: Campaign, trouble: str = "") -> CampaignDetail:
    """A campaign with all its trials, and why its last step could not be taken."""
    return CampaignDetail(
        **_overview(campaign),
        trial=tuple(trial_of(campaign, trial) for trial in campaign.trials),
        ended_order=tuple(campaign.ended_order),
        trouble=trouble,
    )


def keeps_limits(campaign: Campaign, trial: Trial) -> bool:
    """Whether what was measured keeps every limit; where nothing was, nothing is broken."""
    return not trial.outcomes or campaign.spec.keeps_limits(trial.outcomes)


def baseline_of(campaign: Campaign) -> Baseline:
    """How it was done before."""
    return Baseline(**_fields(campaign.spec.baseline))


def trial_of(campaign: Campaign, trial: Trial) -> TrialDetail:
    """One trial with its steps, whether it keeps its campaign's limits, and which shipment it waits for."""
    return TrialDetail(
        number=trial.number,
        source=trial.source,
        values=dict(trial.values),
        state=trial.state,
        value=trial.value,
        error=trial.error,
        why=trial.why,
        told_by=trial.steps[-1].owner if trial.steps else "",
        reason=trial.reason,
        expected=dict(trial.expected),
        steps=tuple(_step(step) for step in trial.steps),
        outcomes=dict(trial.outcomes),
        errors=dict(trial.errors),
        keeps_limits=keeps_limits(campaign, trial),
        candidate=trial.candidate,
        origin=trial.origin,
        by=trial.by,
        proposed=trial.proposed_at,
        over=trial.over_at,
        awaits=awaits_of(campaign, trial),
    )


def best_of(trial: Trial) -> BestTrial:
    """A trial as the answer, or one of several."""
    return BestTrial(
        trial=trial.number,
        value=trial.value,
        values=dict(trial.values),
        outcomes=dict(trial.outcomes),
        errors=dict(trial.errors),
        candidate=trial.candidate,
    )


def _step(step: Step) -> StepDetail:
    return StepDetail(
        name=step.name,
        owner=step.owner,
        told_by=step.owner,
        key=step.key,
        state=step.state,
        effect=step.effect,
        result=step.result,
        outputs=dict(step.outputs),
        charged=step.charged.decimals(),
        reason=step.reason,
        reasons=tuple(Explanation(**reason) for reason in step.reasons),
        simulated=step.simulated,
    )


def _summary(campaign: Campaign) -> dict[str, Any]:
    spec, best = campaign.spec, campaign.best()
    return {
        "name": spec.name,
        "title": spec.title,
        "state": campaign.state,
        "why": campaign.why,
        "team": spec.team,
        "challenge": spec.challenge or "",
        "charter": spec.charter,
        "started": campaign.started,
        "trials": len(campaign.trials) - campaign.imported,
        "ended": len(campaign.ended_order) - campaign.imported,
        "objective": objective_of(spec.main),
        "best": None if best is None else best_of(best),
        "on_front": None if len(spec.objective) == 1 else len(campaign.front()),
        "price": campaign.price(),
    }


def _overview(campaign: Campaign) -> dict[str, Any]:
    spec = campaign.spec
    return _summary(campaign) | {
        "question": spec.question,
        "follows": spec.follows or "",
        "proposer": spec.proposer or "planner",
        "on_behalf_of": spec.on_behalf_of,
        "mandate": campaign.mandate,
        "conduct": campaign.conduct,
        "objectives": tuple(objective_of(one) for one in spec.objective),
        "limits": tuple(
            LimitDetail(name=one.name, at_least=one.at_least, at_most=one.at_most, unit=one.unit) for one in spec.limit
        ),
        "front": tuple(best_of(trial) for trial in campaign.front()),
        "candidates": 0 if spec.candidates is None else len(spec.candidates.ids),
        "imported": campaign.imported,
        "waits_for": explanation_of(campaign),
        "stop": StopRule(**_fields(spec.stop)),
        "baseline": baseline_of(campaign),
        "parameters": tuple(ParameterDetail(**_fields(parameter)) for parameter in spec.parameter),
        "sources": tuple(_source(campaign, source) for source in spec.source),
        "spent": campaign.spent().decimals(),
        "held": campaign.held().decimals(),
        "budget": spec.budget.decimals(),
        "enough": enough(campaign),
        "position": campaign.position,
    }


def objective_of(spec: ObjectiveSpec) -> ObjectiveDetail:
    """What is wanted of one outcome."""
    return ObjectiveDetail(name=spec.name, goal=spec.goal, target=spec.target, noise=spec.noise, unit=spec.unit)


def _routes(campaign: Campaign, step: StepSpec) -> tuple[RouteDetail, ...]:
    """What happened at each owner of a step that several can do."""
    return tuple(
        RouteDetail(
            capability=ref, price=price, asked=route.asked, under_way=route.under_way, answered=len(good),
            waited=statistics.median(a.waited for a in good) if good else None,
            ran=statistics.median(a.ran for a in good) if good else None,
            joules=statistics.median(energies) if energies else None,
        )
        for ref, price in step.alternatives().items()
        if step.any_of
        for route in (campaign.routes.of(ref),)
        for good in ([answer for answer in route.recent if answer.good],)
        for energies in ([answer.joules for answer in good if answer.joules is not None],)
    )  # fmt: skip


def _source(campaign: Campaign, source: SourceSpec) -> SourceDetail:
    return SourceDetail(
        name=source.name,
        price=source.price.base if isinstance(source.price, PriceSpec) else source.price,
        price_per=dict(source.price.per) if isinstance(source.price, PriceSpec) else {},
        steps=tuple(
            SourceStep(name=step.name, capability=step.capability, routes=_routes(campaign, step))
            for step in source.step
        ),
        cost=worst_cost(campaign, source).decimals(),
        simulated=all(campaign.contracts[ref].simulated for step in source.step for ref in step.alternatives()),
        breaker_open=source.name in campaign.open_breakers,
    )


def _fields(value: Value) -> dict[str, Any]:
    return {name: getattr(value, name) for name in type(value).model_fields}
