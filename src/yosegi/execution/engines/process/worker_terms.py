"""What the processes that do the work get, whatever does it: a process for each task, or a warm one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.process._sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class WorkerTerms:
    """What a worker may use and where it runs.

    Args:
        limits: of one task.
        import_path: folders in which modules are looked for before the usual ones.
        control_group: in which each worker gets a control group of its own; that of this process if empty.
        sandbox: what workers are shut in; None for nothing.
        environment: variables that workers get besides the few that they always do.
    """

    limits: TaskLimits = field(default_factory=TaskLimits)
    import_path: tuple[Path, ...] = ()
    control_group: str = ""
    sandbox: Sandbox | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
