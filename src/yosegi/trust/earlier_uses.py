"""Signed calls that count once, at a process that was started a moment ago and remembers no earlier use."""

from __future__ import annotations

from datetime import datetime, timedelta

from yosegi.core.clock import Clock
from yosegi.trust.document import SKEW


class EarlierUses:
    """Whether something that counts once may have been used before this process began.

    It asks only until all that was signed before is out of date, by the monotonic clock: a process that began while the
    clock of its machine was ahead would else refuse everybody until that hour has come.

    Args:
        life: how long what is signed counts at most.
        lag: how far a signer's clock may be behind; what was signed so shortly before the start is believed.
    """

    def __init__(self, clock: Clock, life: timedelta, lag: timedelta = timedelta()) -> None:
        self._clock, self._life, self._lag = clock, life, lag
        self._began, self._began_at = clock.now(), clock.monotonic()

    def may_hold(self, issued: datetime) -> bool:
        """Whether what was issued then may have been used before."""
        over = self._clock.monotonic() - self._began_at >= (self._life + 2 * SKEW).total_seconds()
        return not over and issued < self._began - self._lag
