"""The last line of every job's script, whatever the scheduler."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def command_line(launch: Sequence[str]) -> str:
    """The command, in place of the shell: so a signal to the script reaches it, and its exit status is the job's."""
    return f"exec {shlex.join(launch)}"
