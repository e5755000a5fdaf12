"""Answers about jobs."""

from __future__ import annotations

from yosegi.core.engine import Outcome
from yosegi.core.states import TaskState
from yosegi.services.answer import Answer, Decimals, JsonObject, Timestamp
from yosegi.trust.explanation import Explanation


class JobDetail(Answer):
    """A job, and where its task stands.

    Args:
        key: the task's, which is the job's too.
        capability: name and version within this site.
        name: what its caller called it.
        specification: what its caller sent; none once it was erased.
        state: of the task; `new` until its owner has decided.
        waits: whether a person, or something else that its reasons name, must come first.
        outcome: how it ended.
        charged: the cost settled.
        reasons: why it was refused, or waits.
        changed: when the task's state last changed.
    """

    key: str
    charter: str
    team: str
    capability: str
    person: str
    name: str
    specification: JsonObject | None
    state: TaskState
    waits: bool
    outcome: Outcome | None
    charged: Decimals
    reasons: tuple[Explanation, ...]
    changed: Timestamp
