"""The entries of a campaign's stream, as the engine writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yosegi.campaign import state as types
from yosegi.campaign.decide import EndTrial, MakeAgain, MoveCampaignTo, OpenBreaker
from yosegi.campaign.spec import CampaignSpec
from yosegi.campaign.state import Campaign
from yosegi.campaign.step_inputs import outcomes_of
from yosegi.campaign.trial import Step
from yosegi.core.states import TaskState, TrialState
from yosegi.exchange.requests import Asked
from yosegi.ledger import Draft


def is_news(step: Step, asked: Asked) -> bool:
    """Whether more is known of a step than its campaign has on record."""
    return not step.state.final and asked.state is not step.state and asked.state is not TaskState.NEW


def answer(trial: int, key: str, asked: Asked) -> Draft:
    """What an owner, or this site's own policy, said of a step."""
    facts: dict[str, Any] = {
        "trial": trial,
        "key": key,
        "state": str(asked.state),
        "charged": dict(asked.charged),
        "simulated": asked.simulated,
        "sensitivity": asked.sensitivity,
    }
    if asked.joules is not None:
        facts["joules"] = asked.joules
    body: dict[str, Any] = {
        "reason": "; ".join(reason.code for reason in asked.reasons),
        "reasons": [reason.model_dump(mode="json") for reason in asked.reasons],
    }
    if asked.outcome is not None:
        facts |= {"effect": str(asked.outcome.effect), "result": str(asked.outcome.result)}
        body["outputs"] = asked.outcome.outputs or {}
        body["reason"] = body["reason"] or f"{asked.outcome.reason}: {asked.outcome.message}".strip(": ")
    return Draft(types.ANSWERED, facts, body)


def draft_of(campaign: Campaign, action: EndTrial | MakeAgain | OpenBreaker | MoveCampaignTo) -> Draft:
    """What records an action that asks nobody for anything."""
    if isinstance(action, EndTrial):
        facts: dict[str, Any] = {"trial": action.trial, "state": str(action.state)}
        facts |= {"lost": True} if action.lost else {}
        body = {"why": action.why}
        if action.state is TrialState.COMPLETED:
            return _completed(campaign, action)
        return Draft(types.ENDED_TRIAL, facts, body)
    if isinstance(action, MakeAgain):
        return Draft(types.AGAIN, {"of": action.trial}, {"why": action.why})
    if isinstance(action, OpenBreaker):
        return Draft(types.BREAKER, {"source": action.source}, {"why": action.why})
    return Draft(types.MOVED, {"state": str(action.state)}, {"why": action.why})


def _completed(campaign: Campaign, action: EndTrial) -> Draft:
    trial = campaign.trials[action.trial - 1]
    source = campaign.spec.source_named(trial.source)
    facts = {"trial": action.trial, "state": str(action.state)}
    try:
        outcomes, errors = outcomes_of(campaign.spec, source, campaign.contracts, trial.outputs())
    except (KeyError, TypeError, ValueError) as problem:
        facts["state"] = str(TrialState.FAILED)
        return Draft(types.ENDED_TRIAL, facts, {"why": f"no value: its outputs were withheld or lack {problem}"})
    return Draft(types.ENDED_TRIAL, facts, {"why": ""} | _values(campaign.spec, outcomes, errors))


def _values(spec: CampaignSpec, outcomes: Mapping[str, Any], errors: Mapping[str, float]) -> dict[str, Any]:
    """What was measured, as it is recorded: one number alone as it was before there could be several."""
    main = spec.main.name
    if len(spec.outcomes) > 1 or spec.main.goal == "boundary" or main not in outcomes:
        return {"outcomes": dict(outcomes)} | ({"errors": dict(errors)} if errors else {})
    return {"value": outcomes[main]} | ({"error": errors[main]} if main in errors else {})
