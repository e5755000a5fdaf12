"""A few things that were worked out lately, so that they need not be worked out again at once."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class FifoCache(Generic[K, V]):
    """Remembers the latest values by key, and forgets the oldest; for any number of threads.

    Example:
        >>> recent = FifoCache[str, int](2)
        >>> for name in "abc":
        ...     recent.put(name, ord(name))
        >>> recent.get("a"), recent.get("c")
        (None, 99)
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[K, V] = {}
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value, if it is remembered."""
        return self._values.get(key)

    def drop(self, key: K) -> None:
        """Forget a value."""
        with self._lock:
            self._values.pop(key, None)

    def put(self, key: K, value: V) -> None:
        """Remember a value."""
        with self._lock:
            if len(self._values) >= self._most and key not in self._values:
                del self._values[next(iter(self._values))]
            self._values[key] = value
