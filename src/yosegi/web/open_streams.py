"""How many pages are kept up to date at once: each costs the site work whenever something happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from yosegi.core.errors import Refused

MOST_OF_PERSON = 16
MOST = 256


@dataclass
class OpenStreams:
    """The event streams of one site.

    Args:
        most_of_person: at once for one person.
        most: at once for everybody.
    """

    most_of_person: int = MOST_OF_PERSON
    most: int = MOST
    _open: Counter[str] = field(default_factory=Counter)

    def __repr__(self) -> str:
        return f"<{self._open.total()} event streams of {len(self._open)} people>"

    def take(self, person: str) -> None:
        """Count one more, until `give_back`.

        Raises:
            Refused: the person has as many open as one may, or all people together have.
        """
        if self._open[person] >= self.most_of_person or self._open.total() >= self.most:
            raise Refused("one more page that is kept up to date", ("too_many_pages",))
        self._open[person] += 1

    def give_back(self, person: str) -> None:
        """One has ended."""
        self._open[person] -= 1
        if self._open[person] <= 0:
            del self._open[person]


class CountedStream(StreamingResponse):
    """An event stream that counts for a person until it ends, however that comes about.

    Raises:
        Refused: as `OpenStreams.take`, when it is made.
    """

    def __init__(self, events: AsyncIterator[str], streams: OpenStreams, person: str) -> None:
        streams.take(person)
        super().__init__(
            events,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self._streams, self._person = streams, person

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.give_back(self._person)
