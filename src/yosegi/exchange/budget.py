"""What one peer may make this site do in an hour: a budget for each kind of work, counted in memory.

A peer with valid keys can sign as much as it likes, and each document costs its receiver time, entries and answers.
So every kind of document that a peer may send without having been asked has a rate; what exceeds it costs a counter,
and no entry, no verification and no answer. Nobody else's budget is touched by it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from yosegi.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Rate:
    """How much of something is allowed: a token bucket.

    Args:
        burst: at once, and before anything was used.
        hourly: what comes back in an hour.
    """

    burst: int
    hourly: int


REFUSALS = Rate(burst=1000, hourly=3600)
"""Documents of one peer, of all kinds, that are examined and refused."""

RECORDED = Rate(burst=64 * 1024 * 1024, hourly=32 * 1024 * 1024)
"""Bytes that documents of one peer make this site record, of all kinds that have a rate, with what it says to them."""
OVERHEAD = 4096
"""Bytes that are counted of each document beside its own: the entry that records it, and this site's answer."""
AHEAD = Rate(burst=256, hourly=3600)
"""Documents of one peer that say they were made later than now, and are noted as such."""


@dataclass
class PeerBudget:
    """Token buckets, one for each peer and kind of work.

    Example:
        >>> from yosegi.core.clock import SystemClock
        >>> budget, rate = PeerBudget(SystemClock()), Rate(burst=2, hourly=60)
        >>> [budget.allows("evil", "offer", rate) for _ in range(3)], budget.allows("riken", "offer", rate)
        ([True, True, False], True)
        >>> budget.exceeded["evil", "offer"]
        1
    """

    clock: Clock
    exceeded: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By peer and kind of work: how often there was nothing left, since the start."""
    _used: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def allows(self, peer: str, work: str, rate: Rate, cost: float = 1.0) -> bool:
        """Whether a peer may have this done now, taking it from its budget if it may."""
        used, now = self._now(peer, work, rate), self.clock.monotonic()
        if used + cost > rate.burst:
            self.exceeded[peer, work] += 1
            return False
        self._used[peer, work] = used + cost, now
        return True

    def is_spent(self, peer: str, work: str, rate: Rate) -> bool:
        """Whether nothing is left; takes nothing."""
        return self._now(peer, work, rate) + 1.0 > rate.burst

    def spend(self, peer: str, work: str, rate: Rate) -> None:
        """Take from a budget for what was done already."""
        self._used[peer, work] = min(self._now(peer, work, rate) + 1.0, float(rate.burst)), self.clock.monotonic()

    def give_back(self, peer: str, work: str, rate: Rate, cost: float = 1.0) -> None:
        """Take nothing after all for what has to come again, so that it cannot use up what others need."""
        self._used[peer, work] = max(0.0, self._now(peer, work, rate) - cost), self.clock.monotonic()

    def _now(self, peer: str, work: str, rate: Rate) -> float:
        used, at = self._used.get((peer, work), (0.0, 0.0))
        return max(0.0, used - (self.clock.monotonic() - at) * rate.hourly / 3600.0)
