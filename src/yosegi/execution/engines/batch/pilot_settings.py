"""The settings of a pilot."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from yosegi.core.values import Value


class PilotSettings(Value):
    """One job that holds an allocation and does many short tasks, with Parsl's HighThroughputExecutor inside it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    nodes: int = Field(default=1, ge=1)
    """Nodes of a pilot."""
    workers_per_node: int = Field(default=1, ge=1, le=1024)
    """Tasks at a time on each node; each in a long-lived worker that keeps what it has imported."""
    seconds: float = Field(default=3600.0, gt=0)
    """Wall time of a pilot; tasks that have not begun by then go to another."""
    idle_seconds: float = Field(default=60.0, gt=0)
    """Seconds without a task after which a pilot ends and gives its nodes back."""
    launcher: Literal["single", "srun", "mpiexec"] = "single"
    """How workers are started on the nodes; `single` is for one node."""
