"""What one site has for one other under one charter, and what it waits for: state only, no I/O."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from yosegi.exchange.outbox import Outgoing
from yosegi.exchange.parcel import MOST_MAIL, MOST_MESSAGES, Refusal

RESEND = 5.0
"""Seconds after which a message that was sent and not acknowledged is sent again."""
RESEND_MAIL = 30.0
"""The same for messages left at a mailbox, whose receiver may be away."""


@dataclass
class Load:
    """What one parcel takes along."""

    messages: tuple[Outgoing, ...] = ()
    acknowledged: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    collected: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.messages or self.acknowledged or self.refused or self.collected)


@dataclass
class Link:
    """The conversation with one peer under one charter."""

    charter: str
    peer: str
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    calls: int = 0
    """Calls of this site to the peer that are under way."""
    failures: int = 0
    last_heard: float | None = None
    trouble: str = ""
    _waiting: dict[str, Outgoing] = field(default_factory=dict)
    _topics: dict[str, str] = field(default_factory=dict)
    _sent: dict[str, float] = field(default_factory=dict)
    _acknowledged: dict[str, None] = field(default_factory=dict)
    _refused: dict[str, Refusal] = field(default_factory=dict)
    _collected: dict[str, None] = field(default_factory=dict)

    def post(self, out: Outgoing) -> None:
        """Something new to send; it replaces what waits on its topic."""
        before = self._topics.get(out.topic)
        if before is not None:
            self.drop(before)
        self._waiting[out.id] = out
        self._topics[out.topic] = out.id
        self.changed.set()

    def drop(self, message_id: str) -> bool:
        """Stop sending a message; whether it was waiting."""
        out = self._waiting.pop(message_id, None)
        self._sent.pop(message_id, None)
        if out is not None and self._topics.get(out.topic) == message_id:
            del self._topics[out.topic]
        return out is not None

    def acknowledge(self, message_id: str) -> None:
        """Tell the peer that its message is durably recorded here."""
        self._acknowledged[message_id] = None
        self.changed.set()

    def refuse(self, refusal: Refusal) -> None:
        """Tell the peer that its message will never be taken."""
        self._refused[refusal.id] = refusal
        self.changed.set()

    def collect(self, mail_id: str) -> None:
        """Tell the mailbox that its mail was received."""
        self._collected[mail_id] = None
        self.changed.set()

    def take(self, now: float, resend: float = RESEND) -> Load:
        """Everything due, marked as sent at `now` (monotonic seconds)."""
        due = [out for key, out in self._waiting.items() if now - self._sent.get(key, -1e18) >= resend]
        load = Load(
            messages=tuple(due[:MOST_MESSAGES]),
            acknowledged=tuple(self._acknowledged)[: 4 * MOST_MESSAGES],
            refused=tuple(self._refused.values())[:MOST_MESSAGES],
            collected=tuple(self._collected)[: 4 * MOST_MAIL],
        )
        for out in load.messages:
            self._sent[out.id] = now
        for book, taken in (
            (self._acknowledged, load.acknowledged),
            (self._collected, load.collected),
        ):
            for key in taken:
                book.pop(key, None)
        for refusal in load.refused:
            self._refused.pop(refusal.id, None)
        return load

    def untake(self, load: Load) -> None:
        """The parcel did not arrive, or nobody knows: everything in it is due again."""
        for out in load.messages:
            self._sent.pop(out.id, None)
        self._acknowledged.update(dict.fromkeys(load.acknowledged))
        self._collected.update(dict.fromkeys(load.collected))
        self._refused.update({refusal.id: refusal for refusal in load.refused})

    def due(self, now: float, resend: float = RESEND) -> bool:
        """Whether `take` would find something."""
        if self._acknowledged or self._refused or self._collected:
            return True
        return any(now - self._sent.get(key, -1e18) >= resend for key in self._waiting)

    @property
    def waiting(self) -> int:
        """Messages not yet acknowledged."""
        return len(self._waiting)

    def __repr__(self) -> str:
        state = f"in trouble ({self.trouble})" if self.failures else "well"
        return f"<link to {self.peer} under {self.charter}: {state}, {self.waiting} waiting>"
