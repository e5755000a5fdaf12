"""Answers about mandates and the agents that act under them."""

from __future__ import annotations

from yosegi.core.contract_terms import Conduct, Sensitivity
from yosegi.services.answer import Answer, Decimals, Timestamp
from yosegi.trust.explanation import Explanation


class MandateDetail(Answer):
    """One mandate: its terms, what is left of it, whether it stands, and when it was last used.

    Args:
        campaign: the one campaign it is for; empty if it is for none alone.
        agent: the program that holds it; empty if the member does.
        agent_key: fingerprint of the agent's key.
        parent: the mandate it was derived from; empty if from none.
        depth: how many stand above it.
        budget: the most that may be used under it; what is not named is not allowed where it is `bounded`.
        left: what is left of the budget.
        calls: the most calls of agents' tools; none if they are not bounded.
        tasks: the most tasks, and `tasks_left` of them; none if they are not bounded.
        stands: whether it may be used now, and `why` not.
    """

    id: str
    charter: str
    person: str
    team: str
    campaign: str
    agent: str
    agent_key: str
    parent: str
    depth: int
    capabilities: tuple[str, ...]
    purposes: tuple[str, ...]
    conduct: tuple[Conduct, ...]
    highest_sensitivity: Sensitivity
    budget: Decimals
    bounded: bool
    left: Decimals
    calls: int | None = None
    tasks: int | None = None
    tasks_left: int | None = None
    issued: Timestamp
    not_after: Timestamp
    last_use: Timestamp
    stands: bool
    why: Explanation | None


class AgentDetail(Answer):
    """A program that acts for a member of this site.

    Args:
        stands: whether one of its mandates may be used now.
        mandates: those that may; the last one, if none may.
        parent: the mandate that the newest was derived from; empty if from none.
        keys: fingerprints of its keys under mandates that may be used.
    """

    agent: str
    person: str
    stands: bool
    last_use: Timestamp
    mandates: tuple[str, ...]
    parent: str
    keys: tuple[str, ...]
