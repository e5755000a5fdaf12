"""Where one background task of a site stands, and what may follow."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class BackgroundState(StrEnum):
    """Where one background task stands."""

    RUNNING = "running"
    """At work, or waiting for something to do."""
    BACKING_OFF = "backing_off"
    """Failed, and begins again by itself."""
    FAILED = "failed"
    """Failed, and is not begun again by the supervisor."""
    ENDED = "ended"
    """Has done what it was for, or was closed."""

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return not TRANSITIONS[self]


TRANSITIONS: Mapping[BackgroundState, frozenset[BackgroundState]] = {
    BackgroundState.RUNNING: frozenset(
        {BackgroundState.RUNNING, BackgroundState.BACKING_OFF, BackgroundState.FAILED, BackgroundState.ENDED}
    ),
    BackgroundState.BACKING_OFF: frozenset({BackgroundState.RUNNING, BackgroundState.ENDED}),
    BackgroundState.FAILED: frozenset(),
    BackgroundState.ENDED: frozenset(),
}
