"""The settings of a process engine."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from yosegi.execution.engines.limits import MIB, TaskLimits
from yosegi.execution.engines.plugin import EngineSettings

KIB = 1024
_DEFAULTS = TaskLimits()


class ProcessSettings(EngineSettings):
    """Capabilities run by processes of this machine."""

    slots: int = Field(default=2, ge=1, le=256)
    """Tasks of all these capabilities together that may run at once."""
    worker: Literal["per_task", "warm"] = "per_task"
    """A process of its own for each task; or `warm`: one long-lived process a capability, one task at a time, for what
    takes long to get ready (a compiler, a model). It is replaced when a task ends it or has to be ended by force."""
    memory_mib: int = Field(default=_DEFAULTS.memory // MIB, ge=64)
    """Address space a process may take, in MiB."""
    output_kib: int = Field(default=_DEFAULTS.output // KIB, ge=1, le=3 * KIB)
    """Size of a task's answer as JSON, in KiB; what is larger is an object."""
    printed_kib: int = Field(default=_DEFAULTS.printed // KIB, ge=1)
    """What a task may print before it is ended, in KiB; what a warm worker prints goes nowhere."""
    file_size_mib: int = Field(default=_DEFAULTS.file_size // MIB, ge=1)
    """Size of each file that a task writes, in MiB."""
    stop_grace_seconds: float = Field(default=_DEFAULTS.grace, ge=0)
    """Seconds between being asked to stop and being ended by force, where the contract does not say."""
    import_seconds: float = Field(default=_DEFAULTS.start, gt=0)
    """Seconds that importing a capability's module may take."""
    import_path: tuple[str, ...] = ()
    """Folders in which modules are looked for before the usual ones."""

    def limits(self) -> TaskLimits:
        """What one task may use."""
        return TaskLimits(
            output=self.output_kib * KIB,
            printed=self.printed_kib * KIB,
            memory=self.memory_mib * MIB,
            file_size=self.file_size_mib * MIB,
            grace=self.stop_grace_seconds,
            start=self.import_seconds,
        )

    def import_folders(self) -> tuple[Path, ...]:
        """`import_path` as paths."""
        return tuple(Path(folder) for folder in self.import_path)
