"""What happens at an owner of which others at this site are told (`yosegi.core.events`)."""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.execution.tasks import Task


@dataclass(frozen=True, slots=True)
class TaskChanged:
    """One more entry of a task is on record; `task` is as it stands now."""

    task: Task


@dataclass(frozen=True, slots=True)
class RemoteMandateVouched:
    """Another site says anew that a mandate of its own stands: what waits for that may start."""


@dataclass(frozen=True, slots=True)
class RemoteMandateRevoked:
    """Another site says that a mandate of its own is over: what stands on it may have to stop."""
