"""What one member can make a site record in some hours, and hold in memory: the sums that the threat model states.

Made of the numbers that the program keeps to, so that neither the page nor the program can change alone.
"""

from __future__ import annotations

from yosegi.app.settings import Settings
from yosegi.exchange.budget import AHEAD, OVERHEAD, RECORDED, Rate
from yosegi.execution.admission import BYTES_OF_A_TASK, REFUSED_BYTES, REFUSED_ON_RECORD
from yosegi.services.document_kinds import TABLE

ENTRY = 1024
"""Bytes of an entry that says little: its header, its facts, and names in its body."""
ENTRIES_OF_A_DOCUMENT = 2
"""That one document leaves, with what is said to it."""
ENTRIES_OF_A_TASK = 4
"""Accepted, dispatched, ended, and one more for what came between: a cancellation, or that its outcome is unknown."""
MEMORY = 256 * 1024 * 1024
"""Bytes more than before that a site holds while one member attacks it, and afterwards."""

TASKS = Settings.model_fields["most_tasks_an_hour"].default
"""Of one peer, admitted at once and in an hour, where the settings say nothing else."""


def _within(rate: Rate, hours: float) -> float:
    return rate.burst + rate.hourly * hours


def documents_within(hours: float) -> int:
    """Documents of kinds with a rate that are examined; each counts `OVERHEAD` bytes at least."""
    by_kind = sum(_within(row.rate, hours) for row in TABLE if row.rate is not None)
    return int(min(by_kind, _within(RECORDED, hours) / OVERHEAD))


def entries_within(hours: float, *, tasks: bool = True) -> int:
    """Entries that one member can make a site write.

    Args:
        hours: since nothing was used.
        tasks: whether those of the tasks are counted that policy lets it ask for.
    """
    entries = ENTRIES_OF_A_DOCUMENT * documents_within(hours)
    entries += int(_within(REFUSED_ON_RECORD, hours) + _within(AHEAD, hours))
    return entries + (int(ENTRIES_OF_A_TASK * TASKS * (1 + hours)) if tasks else 0)


def recorded_within(hours: float, *, tasks: bool = True) -> int:
    """Bytes of headers and bodies that one member can make a site write; arguments as for `entries_within`."""
    size = _within(RECORDED, hours) + _within(REFUSED_BYTES, hours)
    size += OVERHEAD * _within(REFUSED_ON_RECORD, hours) + ENTRY * _within(AHEAD, hours)
    return int(size + (BYTES_OF_A_TASK * TASKS * (1 + hours) if tasks else 0))
