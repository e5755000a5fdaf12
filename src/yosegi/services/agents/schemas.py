"""Answers about what an agent did."""

from __future__ import annotations

from yosegi.services.answer import Answer, Timestamp


class AgentCall(Answer):
    """One call of a tool.

    Args:
        sequence: of its entry in the ledger.
        outcome: `ok`, the code of the error that it was answered with, or `interrupted`, where its client did not wait
            for the answer; what it asked for may have happened.
        acts: whether the tool changes something.
        reasons: codes of a refusal.
        arguments: digest of what was given.
    """

    sequence: int
    time: Timestamp
    tool: str
    acts: bool
    outcome: str
    codes: tuple[str, ...]
    arguments: str


class AgentActivity(Answer):
    """What was called under one mandate, the latest first.

    Args:
        calls: how many in all, and how many were `refused`.
        left: calls that are left of the mandate's budget; none if it has no such budget.
    """

    mandate: str
    agent: str
    person: str
    stands: bool
    calls: int
    refused: int
    left: int | None
    latest: tuple[AgentCall, ...]
