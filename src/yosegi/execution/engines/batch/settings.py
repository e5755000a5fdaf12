"""The settings of a batch engine: where its jobs' folders lie, what each job asks for, and what none may exceed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from yosegi.core.variables import Variables
from yosegi.execution.engines.batch.job_spec import BatchJobTemplate, JobCaps
from yosegi.execution.engines.batch.pilot_settings import PilotSettings
from yosegi.execution.engines.limits import MIB, TaskLimits
from yosegi.execution.engines.plugin import EngineSettings

_LIMITS = TaskLimits()
ScriptLine = Annotated[str, StringConstraints(pattern=r"^[^#\n\r][^\n\r]{0,499}$")]


class BatchSettings(EngineSettings):
    """Capabilities run as jobs of a batch scheduler."""

    dialect: Literal["slurm", "pjm", "pbs", "lsf"]
    """The scheduler: `slurm`; `pjm` (Fugaku's), `pbs` (PBS Professional, OpenPBS) or `lsf` (IBM Spectrum LSF). All but
    `slurm` are written from manuals, and have never been run on Fugaku, nor on a real PBS or LSF."""
    slots: int = Field(default=16, ge=1, le=256)
    """Jobs of all these capabilities together that are submitted at once."""
    folder: str = Field(min_length=2, pattern="^/")
    """Where each job gets a folder: on a file system that the nodes share with this machine."""
    job: BatchJobTemplate = BatchJobTemplate()
    """What each job asks for."""
    jobs: dict[str, BatchJobTemplate] = Field(default_factory=dict)
    """What jobs of one capability ask for instead, by its name, e.g. `jobs."dft.relax@1"`."""
    caps: JobCaps = JobCaps()
    """The most that any job may ask."""
    pilot: PilotSettings | None = None
    """If given, tasks go to pilots in place of a job each; what they cost is what capability and contract say."""
    python: str = sys.executable
    """The Python on the nodes that has this program and the capabilities."""
    setup: tuple[ScriptLine, ...] = ()
    """Lines of shell that each job runs before, e.g. `module load python`."""
    import_path: tuple[str, ...] = ()
    """Folders in which modules are looked for before the usual ones."""
    memory_mib: int = Field(default=1024 * 1024, ge=64)
    """Address space that one process of a task may take, in MiB; the scheduler bounds memory itself."""
    output_kib: int = Field(default=_LIMITS.output // 1024, ge=1, le=3072)
    """Size of a task's answer as JSON, in KiB; what is larger is an object."""
    printed_kib: int = Field(default=_LIMITS.printed // 1024, ge=1)
    """What a task may print before it is ended, in KiB; it is kept in the job's folder."""
    stop_grace_seconds: float = Field(default=30.0, ge=0)
    """Seconds between being asked to stop and being ended by force, where the contract does not say."""
    start_seconds: float = Field(default=300.0, gt=0)
    """Seconds that importing a capability's module may take on a node."""
    poll_seconds: float = Field(default=30.0, gt=0)
    """Seconds between two questions to the scheduler; each is about all jobs at once."""
    look_seconds: float = Field(default=2.0, gt=0)
    """Seconds between two looks into the folders of jobs."""
    command_seconds: float = Field(default=60.0, gt=0)
    """Seconds that one command of the scheduler may take."""
    variables: Variables = Field(default_factory=dict)
    """Variables that the scheduler's commands get, e.g. `SLURM_CONF`; jobs get none of them."""
    save_window_seconds: float | None = Field(default=None, ge=0)
    """Seconds for which a job that was accepted may be unknown to the scheduler; what is known of it if not given."""
    lag_seconds: float = Field(default=30.0, ge=0)
    """Seconds that a file written on a node may take to be seen here."""
    silence_seconds: float = Field(default=600.0, gt=0)
    """Seconds without a sign of a job, beyond its time limit, after which its effect is called unknown."""
    fence: Literal["proof", "hint"] | None = None
    """Whether a folder made on this machine is seen at once on the nodes, so that making it first proves that a job
    will never begin. `proof` for Slurm and `hint` for all others if not given; see docs/how-to/run-on-a-cluster.md."""
    accounting: Literal["sacct", "completion", "none"] = "sacct"
    """What tells of jobs that Slurm's controller has forgotten."""
    meter: Literal["scheduler", "contract"] = "scheduler"
    """Whether node and GPU hours are charged as the scheduler counted them, or as capability and contract say."""
    accounts: str = ""
    """The centre's account map, a TOML file; without it, and without a program, jobs run as this process's own user."""
    accounts_program: tuple[str, ...] = ()
    """The centre's program that answers in place of the file."""
    accounts_ask: str = ""
    """Whom to ask for an account, where a program answers."""
    helper: tuple[str, ...] = ()
    """The command that submits as another user, e.g. `["sudo", "-n", "/usr/libexec/yosegi-batch-helper"]`."""
    private_queue: bool = False
    """Whether the scheduler shows a user no others' jobs, so that each is asked as its own user."""
    keep_days: float = Field(default=14.0, ge=0)
    """Days for which the folder of a job that has ended is kept."""

    def limits(self) -> TaskLimits:
        """What one task may use on a node."""
        return TaskLimits(
            output=self.output_kib * 1024, printed=self.printed_kib * 1024, memory=self.memory_mib * MIB,
            file_size=_LIMITS.file_size * 1024, grace=self.stop_grace_seconds, start=self.start_seconds,
        )  # fmt: skip

    def template(self, capability: str) -> BatchJobTemplate:
        """What a job of a capability asks for."""
        return self.jobs.get(capability, self.job)

    def spool(self) -> Path:
        """`folder` as a path."""
        return Path(self.folder)
