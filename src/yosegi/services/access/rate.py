"""How many entries of one kind are written one by one; what is more is counted, and the count is written."""

from __future__ import annotations

from dataclasses import dataclass, field

WINDOW = 3600.0
"""Seconds for which entries are counted."""


@dataclass
class EntryBudget:
    """A budget for one kind of entry, in monotonic seconds that its caller gives.

    Args:
        most: entries within `WINDOW` that are written one by one.

    Example:
        >>> budget = EntryBudget(1)
        >>> budget.allows(0.0), budget.allows(1.0), budget.allows(2.0), budget.omitted(3.0)
        (True, False, False, 0)
        >>> budget.omitted(3600.0), budget.allows(3600.0)
        (2, True)
    """

    most: int
    _begun: float = field(default=-WINDOW)
    _written: int = 0
    _omitted: int = 0

    def allows(self, now: float) -> bool:
        """Whether one more is written; it is counted either way."""
        if now - self._begun >= WINDOW:
            self._begun, self._written = now, 0
        if self._written < self.most:
            self._written += 1
            return True
        self._omitted += 1
        return False

    def omitted(self, now: float) -> int:
        """How many were not written, once the window they belong to is over; they are counted anew from here."""
        if now - self._begun < WINDOW:
            return 0
        count, self._omitted = self._omitted, 0
        return count
