"""An owner's own decisions on a task: its ledger keeps them whole, its reports tell them in short."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yosegi.core.clock import parse_timestamp
from yosegi.trust.messages import DecisionBasis, DecisionSummary, DisclosedPolicies


def append_decision(grounds: tuple[DecisionBasis, ...], body: Mapping[str, Any]) -> tuple[DecisionBasis, ...]:
    """The decisions on a task after one more entry's body; those that rest on the same stand together."""
    made = body.get("decision")
    if made is None:
        return grounds
    question = made["question"]
    judged = DecisionSummary(
        action=question["action"],
        at=parse_timestamp(question["now"]),
        allow=made["allow"],
        reasons=tuple(made["reasons"]),
        approved=question.get("approved") or None,
    )
    shown = DisclosedPolicies(**body["shown"]) if "shown" in body else None
    last = grounds[-1] if grounds else None
    on = (made["policies_digest"], made["entities_digest"], made["cedar"], shown)
    if last is not None and (last.policies, last.entities, last.cedar, last.shown) == on:
        return (*grounds[:-1], last.model_copy(update={"judged": (*last.judged, judged)}))
    policies, entities, cedar, _ = on
    return (*grounds, DecisionBasis(policies=policies, entities=entities, cedar=cedar, shown=shown, judged=(judged,)))
