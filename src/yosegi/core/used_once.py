"""What counts once: a memory of what was used, bounded for each holder, at the same cost however much it holds."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from yosegi.core.clock import Clock


class Use(StrEnum):
    """What somebody's use of a name is."""

    FIRST = "first"
    """New; from now on it is not."""
    AGAIN = "again"
    """It was used before."""
    TOO_MANY = "too_many"
    """Its holder has used so many lately that no more are remembered: refuse it, for it could be used again."""


@dataclass
class UsedOnce:
    """Remembers names for as long as each could be used again, and never more than a share for each holder.

    Whoever uses up a share is refused until its oldest runs out; nobody else's share is touched, and nothing is ever
    forgotten before its time. A name costs 16 bytes and its place, however long it is.

    Args:
        window: how long a name could be used again.
        share: how many names of one holder are remembered.

    Example:
        >>> from yosegi.core.clock import SystemClock
        >>> used = UsedOnce(SystemClock(), timedelta(minutes=4), share=2)
        >>> [str(used.take("nims", name)) for name in ("a", "a", "b", "c")], str(used.take("riken", "a"))
        (['first', 'again', 'first', 'too_many'], 'first')
    """

    clock: Clock
    window: timedelta
    share: int
    _used: dict[str, dict[bytes, float]] = field(default_factory=dict)

    def take(self, holder: str, name: str) -> Use:
        """Use a name; the holder must have proved to be who it says, or others could use up its share."""
        now = self.clock.monotonic()
        if holder not in self._used:
            self._forget_the_silent(now)
        own = self._used.setdefault(holder, {})
        # Kept in the order of their arrival: what is too old to be used again stands first.
        for key in list(itertools.islice(own, 2)):
            if self._is_over(own[key], now):
                del own[key]
        key = _short(name)
        if key in own:
            return Use.AGAIN
        if len(own) >= self.share:
            return Use.TOO_MANY
        own[key] = now
        return Use.FIRST

    def give_back(self, holder: str, name: str) -> None:
        """Let a name be used once more."""
        self._used.get(holder, {}).pop(_short(name), None)

    def __len__(self) -> int:
        return sum(len(own) for own in self._used.values())

    def _forget_the_silent(self, now: float) -> None:
        """Forget holders whose latest use is out of date."""
        for holder in [h for h, own in self._used.items() if not own or self._is_over(own[next(reversed(own))], now)]:
            del self._used[holder]

    def _is_over(self, used: float, now: float) -> bool:
        return now - used >= self.window.total_seconds()


def _short(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
