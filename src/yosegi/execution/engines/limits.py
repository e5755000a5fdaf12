"""How much one task may use before it is ended."""

from __future__ import annotations

from pydantic import Field

from yosegi.core.values import Value

MIB = 1024 * 1024


class TaskLimits(Value):
    """Limits of one task in a process of its own; the wall time comes with the task.

    Args:
        output: bytes of its answer; larger things are objects.
        printed: bytes it may print.
        memory: bytes of address space.
        file_size: bytes of each file that it writes.
        files: files and sockets that each of its processes may have open.
        processes: that it may have at once, threads included; holds where a control group has the controller.
        grace: seconds between being asked to end and being ended.
        start: seconds that importing its module may take.
    """

    output: int = Field(default=MIB, gt=0, le=3 * MIB)
    printed: int = Field(default=16 * MIB, gt=0)
    memory: int = Field(default=16 * 1024 * MIB, gt=0)
    file_size: int = Field(default=4 * 1024 * MIB, gt=0)
    files: int = Field(default=1024, ge=64)
    processes: int = Field(default=512, ge=1)
    grace: float = Field(default=2.0, ge=0)
    start: float = Field(default=60.0, gt=0)
