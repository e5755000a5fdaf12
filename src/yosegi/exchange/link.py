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
ACKNOWLEDGE_AFTER = 0.25
"""Seconds an acknowledgement waits for something to travel with; far less than `RESEND`."""


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
    held: int = 0
    """Answers to the peer that are held back for something to say."""
    failures: int = 0
    last_heard: float | None = None
    called: float = -1e18
    """When this site last called it."""
    trouble: str = ""
    _waiting: dict[str, Outgoing] = field(default_factory=dict)
    _topics: dict[str, str] = field(default_factory=dict)
    _sent: dict[str, float] = field(default_factory=dict)
    _acknowledged: dict[str, float] = field(default_factory=dict)
    _refused: dict[str, Refusal] = field(default_factory=dict)
    _collected: dict[str, None] = field(default_factory=dict)

    def post(self, out: Outgoing) -> None:
        """Something new to send; it replaces what waits on its topic."""
        before = self._topics.get(out.topic)
        if before is not None:
            self.drop(before)
        self._waiting[out.id] = out
        self._topics[out.topic] = out.id
        self.wake()

    def wake(self) -> None:
        """Have everybody who waits for a change look again."""
        self.changed.set()
        self.changed.clear()

    def drop(self, message_id: str) -> bool:
        """Stop sending a message; whether it was waiting."""
        out = self._waiting.pop(message_id, None)
        self._sent.pop(message_id, None)
        if out is not None and self._topics.get(out.topic) == message_id:
            del self._topics[out.topic]
        return out is not None

    def acknowledge(self, message_id: str, now: float) -> None:
        """Tell the peer, with the next parcel or soon, that its message is durably recorded here."""
        self._acknowledged[message_id] = now + ACKNOWLEDGE_AFTER
        self.wake()

    def refuse(self, refusal: Refusal) -> None:
        """Tell the peer that its message will never be taken."""
        self._refused[refusal.id] = refusal
        self.wake()

    def collect(self, mail_id: str) -> None:
        """Tell the mailbox that its mail was received."""
        self._collected[mail_id] = None
        self.wake()

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
        for key in load.acknowledged:
            self._acknowledged.pop(key, None)
        for key in load.collected:
            self._collected.pop(key, None)
        for refusal in load.refused:
            self._refused.pop(refusal.id, None)
        return load

    def untake(self, load: Load) -> None:
        """The parcel did not arrive, or nobody knows: everything in it is due again."""
        for out in load.messages:
            self._sent.pop(out.id, None)
        self._acknowledged.update(dict.fromkeys(load.acknowledged, -1e18))
        self._collected.update(dict.fromkeys(load.collected))
        self._refused.update({refusal.id: refusal for refusal in load.refused})

    def due(self, now: float, resend: float = RESEND) -> bool:
        """Whether there is something worth a parcel of its own."""
        if self._refused or self._collected or any(due <= now for due in self._acknowledged.values()):
            return True
        return any(now - self._sent.get(key, -1e18) >= resend for key in self._waiting)

    def patience(self, now: float) -> float:
        """Seconds until an acknowledgement has waited long enough; infinite if none waits."""
        return max(0.001, min(self._acknowledged.values(), default=float("inf")) - now)

    @property
    def waiting(self) -> int:
        """Messages not yet acknowledged."""
        return len(self._waiting)

    def __repr__(self) -> str:
        state = f"in trouble ({self.trouble})" if self.failures else "well"
        return f"<link to {self.peer} under {self.charter}: {state}, {self.waiting} waiting>"
