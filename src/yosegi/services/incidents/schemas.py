"""Answers about incidents: what was stopped, since when, and how far. They name no team, no person and no reason."""

from __future__ import annotations

from typing import Literal

from yosegi.services.answer import Answer, Timestamp

Condition = Literal["up", "degraded", "down"]


class ConditionChange(Answer):
    """From a moment on a capability was in a condition, within an incident."""

    id: str
    incident: str
    capability: str
    condition: Condition
    at: Timestamp


class IncidentDetail(Answer):
    """A time in which this site ran less than all it publishes.

    Args:
        planned: whether work was only held back; what runs was neither stopped nor broken.
        condition: the last one.
        ended: empty while it lasts.
        capabilities: whom it concerns.
        changes: in the order of time.
    """

    id: str
    title: str
    planned: bool
    condition: Condition
    began: Timestamp
    ended: Timestamp
    changed: Timestamp
    capabilities: tuple[str, ...]
    changes: tuple[ConditionChange, ...]
