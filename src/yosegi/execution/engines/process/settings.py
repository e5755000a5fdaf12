"""The settings of a process engine."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from yosegi.core.variables import Variables
from yosegi.execution.engines.limits import MIB, TaskLimits
from yosegi.execution.engines.plugin import EngineSettings
from yosegi.execution.engines.process._sandbox import Sandbox
from yosegi.execution.engines.process.worker_terms import WorkerTerms

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
    open_files: int = Field(default=_DEFAULTS.files, ge=64)
    """Files and sockets that each process of a task may have open."""
    processes: int = Field(default=_DEFAULTS.processes, ge=1)
    """Processes and threads that a task may have at once; holds where tasks have control groups with the pids
    controller (see `control_group`), as the memory of all of them together does."""
    control_group: str = ""
    """The folder of a cgroup v2 in which each worker gets one of its own; the site's own group if empty. Where it
    cannot be written, a task's processes are found as orphans and ended."""
    sandbox: Literal["none", "bubblewrap"] = "none"
    """`bubblewrap` shuts workers in: no other process, none of the site's files, no network. For code that is not
    trusted as the site itself is. Needs bubblewrap and the right to user namespaces, and a process for each task."""
    network: bool = False
    """Whether workers in a sandbox reach the network; others always do."""
    hidden: tuple[str, ...] = ()
    """Folders that workers in a sandbox do not see, besides the site's home and people's homes."""
    stop_grace_seconds: float = Field(default=_DEFAULTS.grace, ge=0)
    """Seconds between being asked to stop and being ended by force, where the contract does not say."""
    import_seconds: float = Field(default=_DEFAULTS.start, gt=0)
    """Seconds that importing a capability's module may take."""
    environment: Variables = Field(default_factory=dict)
    """Variables that workers get besides a short list (PATH, locale, time zone), such as a folder for compiled code; no
    other variable of the site's reaches them."""
    import_path: tuple[str, ...] = ()
    """Folders in which modules are looked for before the usual ones."""

    def limits(self) -> TaskLimits:
        """What one task may use."""
        return TaskLimits(
            output=self.output_kib * KIB,
            printed=self.printed_kib * KIB,
            memory=self.memory_mib * MIB,
            file_size=self.file_size_mib * MIB,
            files=self.open_files,
            processes=self.processes,
            grace=self.stop_grace_seconds,
            start=self.import_seconds,
        )

    def terms(self, work: Path, home: Path | None) -> WorkerTerms:
        """What workers get that write in the folder `work`, at the site of a home."""
        return WorkerTerms(
            limits=self.limits(),
            import_path=self.import_folders(),
            control_group=self.control_group,
            sandbox=self.shut_in(work, home),
            environment=self.environment,
        )

    @model_validator(mode="after")
    def _is_possible(self) -> ProcessSettings:
        if self.sandbox != "none" and self.worker == "warm":
            raise ValueError("a warm worker cannot be in a sandbox: it has to hear signals")
        return self

    def shut_in(self, work: Path, home: Path | None) -> Sandbox | None:
        """What workers of a site are shut in that may write in the folder `work`; None for nothing."""
        if self.sandbox == "none":
            return None
        hidden = (*(() if home is None else (home,)), *(Path(folder) for folder in self.hidden))
        return Sandbox(work.absolute(), hidden, self.network, self.import_folders())

    def import_folders(self) -> tuple[Path, ...]:
        """`import_path` as paths."""
        return tuple(Path(folder) for folder in self.import_path)
