"""What happens to tasks at their owner that others may want to be told of (`yosegi.core.events`)."""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.execution.tasks import Task


@dataclass(frozen=True, slots=True)
class TaskChanged:
    """The state of a task moved, and is on record."""

    task: Task


@dataclass(frozen=True, slots=True)
class StopLevelChanged:
    """Somebody stopped everything this owner runs, or released it.

    Args:
        level: the level of now; empty if nothing is stopped.
    """

    level: str
