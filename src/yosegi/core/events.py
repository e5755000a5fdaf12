"""Events inside one site: who must be told of something subscribes to its type; no callback is assigned from outside.

An event is a frozen value that says what has happened and is on record already. Subscribers are told one after another,
in the order in which they subscribed, before `publish` returns; what takes long is woken and runs elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

E = TypeVar("E")
log = logging.getLogger("yosegi.events")


class Events:
    """The events of one site.

    Examples:
        >>> events, seen = Events(), []
        >>> events.subscribe(int, seen.append)
        >>> events.publish(3)
        >>> seen
        [3]
    """

    def __init__(self) -> None:
        self._subscribers: dict[type[Any], list[Callable[[Any], object]]] = {}

    def __repr__(self) -> str:
        told = ", ".join(f"{kind.__name__} to {len(who)}" for kind, who in self._subscribers.items())
        return f"<events: {told or 'nobody subscribes'}>"

    def subscribe(self, kind: type[E], subscriber: Callable[[E], object]) -> None:
        """Tell a subscriber of every event of exactly this type."""
        self._subscribers.setdefault(kind, []).append(subscriber)

    def publish(self, event: object) -> None:
        """Tell everybody who subscribed to the event's type.

        What an event tells has happened, so a subscriber that fails neither undoes it nor keeps it from the others: its
        failure is logged with its traceback.
        """
        for subscriber in self._subscribers.get(type(event), ()):
            try:
                subscriber(event)
            except Exception:
                log.exception("a subscriber to %s failed", type(event).__name__)
