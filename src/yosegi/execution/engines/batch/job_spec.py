"""What a job asks of a scheduler, in the words of PSI/J's `JobSpec`, which the IRI facility API uses too.

It comes from a site's settings alone; a request can change nothing of it. Every text may stand in a script as it is.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from yosegi.core.values import Value

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:/@+=,\[\]*&|-]{0,199}$")]
"""A value that a scheduler's option takes: no blank, no quote, no line end."""
AttributeName = Annotated[str, StringConstraints(pattern=r"^(slurm|pjm|pbs|lsf)\.[A-Za-z][A-Za-z0-9_-]{0,40}$")]
_COMMENT = re.compile(r"[A-Za-z0-9_.:/@+-]{1,200}")


class BatchJobTemplate(Value):
    """What is asked for each job of an engine, or of one of its capabilities."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    node_count: int = Field(default=1, ge=1, le=1_000_000)
    """Nodes of one job."""
    processes_per_node: int = Field(default=1, ge=1, le=1024)
    """Processes that its parallel steps start on each node."""
    cpu_cores_per_process: int = Field(default=1, ge=1, le=1024)
    """Cores of each process, and threads that its numerical libraries may start."""
    gpu_cores_per_process: int = Field(default=0, ge=0, le=64)
    """GPUs of each process."""
    memory_mib: int = Field(default=0, ge=0)
    """Memory of each node that is asked for, in MiB; 0 for what the queue gives."""
    exclusive_node_use: bool = False
    """Whether no other job may run on its nodes."""
    queue_name: Word | None = None
    """Queue, partition or resource group."""
    account: Word | None = None
    """Project that is charged, where the account map names none."""
    reservation_id: Word | None = None
    """Reservation it runs in."""
    custom_attributes: dict[AttributeName, Word] = Field(default_factory=dict, max_length=32)
    """Options of one scheduler, e.g. `slurm.constraint = "a64fx"`; those of others are left out."""


class JobCaps(Value):
    """The most that any job of an engine may ask; settings that ask for more are refused at the start."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    nodes: int = Field(default=1, ge=1)
    """Nodes of one job."""
    seconds: float = Field(default=86400.0, gt=0)
    """Seconds of wall time of one job."""
    queues: tuple[Word, ...] = ()
    """Queues that may be named; all if none is given."""

    def broken_by(self, template: BatchJobTemplate, seconds: float) -> str:
        """Which cap a job would break, in words; empty if none."""
        if template.node_count > self.nodes:
            return f"asks for {template.node_count} nodes, and caps.nodes is {self.nodes}"
        if seconds > self.seconds:
            return f"takes up to {seconds:.0f} seconds, and caps.seconds is {self.seconds:g}"
        if self.queues and template.queue_name not in self.queues:
            return f"names queue {template.queue_name or '(none)'}, and caps.queues has {', '.join(self.queues)}"
        return ""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job, ready to be put into a scheduler's words.

    Args:
        name: by which it is found again: a letter and 26 of a-z and 2-7; never used for a second job.
        key: the task's key, for whoever looks at the queue; stands in the comment where it can.
        folder: the job's, on a file system that the nodes share with the site.
        launch: the command that the script ends in.
        duration: seconds of wall time.
        warning: seconds before the end at which SIGTERM is sent.
        setup: lines that the centre has run before, e.g. `module load python`.
    """

    name: str
    key: str
    folder: Path
    launch: tuple[str, ...]
    duration: float
    warning: float
    template: BatchJobTemplate
    account: str = ""
    setup: tuple[str, ...] = ()

    @property
    def minutes(self) -> int:
        """The wall time in whole minutes, which is how schedulers count it."""
        return math.ceil(self.duration / 60)

    @property
    def comment(self) -> str:
        """The key, if it needs no quoting; else nothing."""
        return self.key if _COMMENT.fullmatch(self.key) else ""

    def own_attributes(self, scheduler: str) -> dict[str, str]:
        """The custom attributes that are this scheduler's, without its name."""
        own = f"{scheduler}."
        return {n.removeprefix(own): v for n, v in sorted(self.template.custom_attributes.items()) if n.startswith(own)}
