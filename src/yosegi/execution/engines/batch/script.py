"""The last lines of every job's script, whatever the scheduler."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from yosegi.execution.engines.batch.job_spec import JobSpec


def command_line(launch: Sequence[str]) -> str:
    """The command, in place of the shell: so a signal to the script reaches it, and its exit status is the job's."""
    return f"exec {shlex.join(launch)}"


def warning_line(spec: JobSpec) -> str:
    """What asks the job to stop before its wall time is over, where the scheduler does not: a process beside it.

    `$$` is the script's own number, and stays that of the command that takes its place.
    """
    seconds = max(1, spec.minutes * 60 - round(spec.warning))
    return f"(sleep {seconds}; kill -TERM $$) >/dev/null 2>&1 &"
