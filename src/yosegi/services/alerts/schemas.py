"""Answers about alerts: what a person must look at."""

from __future__ import annotations

from typing import Literal

from yosegi.services.answer import Answer, Timestamp, ToldBy


class AlertDetail(Answer):
    """Something that a person must look at: a task, or a condition of the site.

    Args:
        task: `home/key`; empty for a condition.
        name: what it is acknowledged by.
        ja: the text in Japanese; empty for a task.
    """

    task: str
    name: str
    kind: Literal["uncertain", "approval", "condition"]
    capability: str
    since: Timestamp
    text: str
    ja: str
    told_by: ToldBy


class AlertAcknowledged(Answer):
    """The name of the alert that was acknowledged."""

    acknowledged: str
