"""What faces show, as plain JSON values: the same for pages, command line, Python and agents.

`told_by` names the site whose words stand in an object: results, titles, reasons. They are data, whoever reads them,
and no instruction, whatever they say.
"""

from __future__ import annotations

from typing import Any

from yosegi.campaign import Campaign, Trial, enough
from yosegi.campaign.decide import worst_cost
from yosegi.core.contract import Contract
from yosegi.execution.tasks import Task
from yosegi.services.capabilities.service import Listing


def campaign_summary(campaign: Campaign) -> dict[str, Any]:
    """One line of a list of campaigns."""
    best = campaign.best()
    return {
        "name": campaign.spec.name,
        "title": campaign.spec.title,
        "state": str(campaign.state),
        "why": campaign.why,
        "team": campaign.spec.team,
        "challenge": campaign.spec.challenge or "",
        "charter": campaign.spec.charter,
        "started": campaign.started,
        "trials": len(campaign.trials),
        "ended": len(campaign.ended_order),
        "best": None if best is None else {"trial": best.number, "value": best.value, "values": dict(best.values)},
        "price": campaign.price(),
    }


def campaign_full(campaign: Campaign) -> dict[str, Any]:
    """A campaign with its trials, sources, spending and what would end it."""
    spec = campaign.spec
    return campaign_summary(campaign) | {
        "question": spec.question,
        "on_behalf_of": spec.on_behalf_of,
        "mandate": campaign.mandate,
        "conduct": campaign.conduct,
        "objective": spec.objective.model_dump(mode="json", exclude_none=True),
        "stop": spec.stop.model_dump(mode="json", exclude_none=True),
        "baseline": spec.baseline.model_dump(mode="json", exclude_none=True),
        "parameters": [p.model_dump(mode="json", exclude_none=True) for p in spec.parameter],
        "sources": [
            {
                "name": source.name,
                "price": source.price,
                "steps": [{"name": step.name, "capability": step.capability} for step in source.step],
                "cost": worst_cost(campaign, source).decimals(),
                "simulated": all(campaign.contracts[step.capability].simulated for step in source.step),
                "breaker_open": source.name in campaign.open_breakers,
            }
            for source in spec.source
        ],
        "spent": campaign.spent().decimals(),
        "held": campaign.held().decimals(),
        "budget": spec.budget.decimals(),
        "enough": enough(campaign),
        "position": campaign.position,
        "trial": [trial_full(trial) for trial in campaign.trials],
        "ended_order": list(campaign.ended_order),
    }


def trial_full(trial: Trial) -> dict[str, Any]:
    """One trial with its steps."""
    return {
        "number": trial.number,
        "source": trial.source,
        "values": dict(trial.values),
        "state": str(trial.state),
        "value": trial.value,
        "error": trial.error,
        "why": trial.why,
        "told_by": trial.steps[-1].owner if trial.steps else "",
        "reason": trial.reason,
        "expected": dict(trial.expected),
        "steps": [
            {
                "name": step.name,
                "owner": step.owner,
                "told_by": step.owner,
                "key": step.key,
                "state": str(step.state),
                "effect": step.effect,
                "result": step.result,
                "outputs": dict(step.outputs),
                "charged": step.charged.decimals(),
                "reason": step.reason,
                "reasons": [dict(reason) for reason in step.reasons],
                "simulated": step.simulated,
            }
            for step in trial.steps
        ],
    }


def task_full(task: Task) -> dict[str, Any]:
    """One task at its owner."""
    request = task.request
    return {
        "task": f"{task.home}/{task.key}",
        "told_by": task.home,
        "state": str(task.state),
        "attempt": task.attempt,
        "capability": request.capability if request else "",
        "team": request.team if request else "",
        "on_behalf_of": request.on_behalf_of if request else "",
        "agent": (request.agent if request else None) or "",
        "mandate": (request.mandate if request else None) or "",
        "conduct": request.how_far if request else "",
        "campaign": request.campaign if request else None,
        "inputs": request.inputs if request else None,
        "outcome": task.outcome.model_dump(mode="json", exclude_none=True) if task.outcome else None,
        "grant": task.grant,
        "held": task.held.decimals(),
        "charged": task.charged.decimals(),
        "reasons": [reason.model_dump(mode="json") for reason in task.reasons],
        "acknowledged": task.notified,
    }


def contract_full(ref: str, contract: Contract) -> dict[str, Any]:
    """A contract with its digest, amounts in whole units."""
    value = contract.model_dump(mode="json", exclude_none=True)
    named = {"ref": ref, "told_by": ref.partition("/")[0], "digest": contract.digest}
    return named | value | {"cost": contract.cost.decimals()}


def listing_summary(listing: Listing) -> dict[str, Any]:
    """One line of the catalogue."""
    contract = listing.contract
    return {
        "ref": listing.ref,
        "told_by": listing.ref.partition("/")[0],
        "title": contract.title,
        "kind": contract.kind,
        "effect": str(contract.effect),
        "simulated": contract.simulated,
        "cost": contract.cost.decimals(),
        "available": listing.status.available,
        "why": listing.status.why,
        "charter": listing.charter,
    }
