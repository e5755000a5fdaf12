"""Answers about approvals: what exactly waits for a person's yes, and what was said to it."""

from __future__ import annotations

from pydantic import JsonValue

from yosegi.core.contract_terms import EffectClass
from yosegi.core.states import TaskState
from yosegi.services.answer import Answer, Decimals, Timestamp, ToldBy


class AskedInput(Answer):
    """One input, with its UCUM unit; empty if it has none."""

    name: str
    value: JsonValue
    unit: str


class ApprovalStatus(Answer):
    """What one person said, and whether it still holds."""

    id: str
    person: str
    state: str
    not_after: Timestamp


class ApprovalRequest(Answer):
    """What exactly is asked: the inputs, the most it may cost, for whom, and under what.

    Args:
        task: `home/key`.
        title: of the capability.
        agreements: by which it was accepted.
        site: the owner.
        request: digest of the signed request, which an approval names.
        contract: digest of the contract, which an approval names.
        not_after: until when the request holds.
        approvals: what was said to it.
    """

    task: str
    told_by: ToldBy
    state: TaskState
    capability: str
    title: str
    effect: EffectClass
    simulated: bool
    inputs: tuple[AskedInput, ...]
    cost: Decimals
    on_behalf_of: str
    agent: str
    team: str
    purpose: str
    campaign: str
    mandate: str
    agreements: tuple[str, ...]
    charter: str
    site: str
    request: str
    contract: str
    asked: Timestamp
    not_after: Timestamp
    approvals: tuple[ApprovalStatus, ...]


class ApprovalWithdrawn(Answer):
    """The approval that was taken back."""

    withdrawn: str
