"""How often somebody may be wrong when signing in, within memory that does not grow with who tries.

Three counts of wrong attempts within a minute: of one person from one address, of one address for anybody, and of one
person from everywhere. The last keeps no address out from which that person has signed in before, so that strangers who
guess lock nobody out of their own site; and a part of it is kept for addresses that have not guessed at that person
within the hour, so that a member who comes from a new place need not wait until the guessing ends.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from yosegi.core.fifo_cache import FifoCache

WINDOW = 60.0
"""Seconds within which wrong attempts are counted."""
MOST_OF_PERSON_AT_ADDRESS = 10
MOST_AT_ADDRESS = 60
MOST_OF_PERSON = 100
KEPT_FOR_NEW = 20
"""Of them, for addresses that were not wrong with that person within `LASTING`."""
LASTING = 3600.0
"""Seconds for which an address that was wrong with a person is no new one."""
DOUBTED_AFTER = 3
"""Wrong attempts of one address after which it waits behind those that were not wrong."""
REMEMBERED = 4096
"""Persons and addresses that are counted at once; the oldest are forgotten first."""

Key = tuple[str, ...]


@dataclass
class Throttle:
    """Counts wrong attempts, in monotonic seconds that its caller gives.

    An attempt counts as wrong from its beginning until `succeeded` says otherwise, so that many at once are not all
    tried before the first has failed.
    """

    _wrong: FifoCache[Key, deque[float]] = field(default_factory=lambda: FifoCache(REMEMBERED))
    _known: FifoCache[Key, bool] = field(default_factory=lambda: FifoCache(REMEMBERED))
    _guessed: FifoCache[Key, float] = field(default_factory=lambda: FifoCache(REMEMBERED))
    """When a person was last tried from an address that they are not known from."""

    def allows(self, person: str, address: str, now: float) -> bool:
        """Whether an attempt may be made; one that may is counted."""
        both, at_address, of_person = _keys(person, address)
        counts = {both: MOST_OF_PERSON_AT_ADDRESS, at_address: MOST_AT_ADDRESS}
        if not self._known.get(both):
            counts[of_person] = MOST_OF_PERSON if self._is_new(both, now) else MOST_OF_PERSON - KEPT_FOR_NEW
        if any(len(self._lately(key, now)) >= most for key, most in counts.items()):
            return False
        for key in counts:
            self._lately(key, now).append(now)
        if of_person in counts:
            self._guessed.drop(both)  # what is put anew is forgotten last
            self._guessed.put(both, now)
        return True

    def knows(self, person: str, address: str) -> bool:
        """Whether the person has signed in from that address before."""
        return bool(self._known.get(("both", person, address)))

    def doubts(self, address: str, now: float) -> bool:
        """Whether so many attempts of an address were wrong lately that others go before it."""
        return len(self._lately(("address", address), now)) >= DOUBTED_AFTER

    def succeeded(self, person: str, address: str) -> None:
        """The attempt was right: it counts no more, and the person is known from that address."""
        both, at_address, of_person = _keys(person, address)
        counted = (both, at_address) if self._known.get(both) else (both, at_address, of_person)
        self._known.put(both, True)
        self._guessed.drop(both)
        for key in counted:
            wrong = self._wrong.get(key)
            if wrong:
                wrong.pop()

    def _is_new(self, both: Key, now: float) -> bool:
        """Whether the person was not tried from the address within the hour."""
        last = self._guessed.get(both)
        return last is None or now - last >= LASTING

    def _lately(self, key: Key, now: float) -> deque[float]:
        """The moments of wrong attempts within the window."""
        wrong = self._wrong.get(key)
        if wrong is None:
            wrong = deque()
            self._wrong.put(key, wrong)
        while wrong and now - wrong[0] >= WINDOW:
            wrong.popleft()
        return wrong


def _keys(person: str, address: str) -> tuple[Key, Key, Key]:
    """What is counted: the person from the address, the address, the person."""
    return ("both", person, address), ("address", address), ("person", person)
