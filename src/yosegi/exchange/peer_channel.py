"""What one site has for one other under one charter, and what it waits for: state only, no I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from yosegi.data import AT_ONCE, CHUNK, ChunkRequest
from yosegi.exchange.outbox import Outgoing
from yosegi.exchange.parcel import MOST_MAIL, MOST_MESSAGES, MOST_WANTS, Refusal

RESEND = 5.0
"""Seconds after which a message that was sent and not acknowledged is sent again."""
RESEND_MAIL = 30.0
"""The same for messages left at a mailbox, whose receiver may be away."""
ACKNOWLEDGE_AFTER = 0.25
"""Seconds an acknowledgement waits for something to travel with; far less than `RESEND`."""

RATE = 64 * 1024 * 1024
"""Bytes of objects that one peer is given in a second."""


@dataclass
class Batch:
    """What one parcel takes along."""

    messages: tuple[Outgoing, ...] = ()
    acknowledged: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    collected: tuple[str, ...] = ()
    wants: tuple[ChunkRequest, ...] = ()
    """Pieces to ask for."""
    chunks_due: tuple[ChunkRequest, ...] = ()
    """Pieces that were asked for, to be given."""

    def __bool__(self) -> bool:
        parts = (self.messages, self.acknowledged, self.refused, self.collected, self.wants, self.chunks_due)
        return any(parts)


@dataclass
class PeerChannel:
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
    since: float = 0.0
    """When the conversation was begun."""
    called: float = -1e18
    """When this site last called it."""
    trouble: str = ""
    suspended_there: bool = False
    """Whether the peer said, at the last call, that it has suspended this site; it may lie, and nothing rests on it."""
    reserved: bool = False
    """Whether the peer is suspended for want of a statement: it is sent what may end that, and nothing else."""
    _waiting: dict[str, Outgoing] = field(default_factory=dict)
    _topics: dict[str, str] = field(default_factory=dict)
    _sent: dict[str, float] = field(default_factory=dict)
    _acknowledged: dict[str, float] = field(default_factory=dict)
    _refused: dict[str, Refusal] = field(default_factory=dict)
    _collected: dict[str, None] = field(default_factory=dict)
    _wants: dict[tuple[str, str, int], ChunkRequest] = field(default_factory=dict)
    _chunks_due: dict[tuple[str, str, int], ChunkRequest] = field(default_factory=dict)
    _next_gift: float = 0.0

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

    def find(self, message_id: str) -> Outgoing | None:
        """A message that waits."""
        return self._waiting.get(message_id)

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

    def want(self, want: ChunkRequest) -> None:
        """Ask the peer for a piece, once; who wants it asks again."""
        self._wants[want.name] = want
        self.wake()

    def asked(self, wants: Iterable[ChunkRequest]) -> None:
        """The peer asks for pieces; more than a few are forgotten, and it will ask again."""
        for want in wants:
            if len(self._chunks_due) < MOST_WANTS:
                self._chunks_due[want.name] = want

    def take(self, now: float, resend: float = RESEND) -> Batch:
        """Everything due, marked as sent at `now` (monotonic seconds)."""
        chunks_due = tuple(self._chunks_due.values())[:AT_ONCE] if now >= self._next_gift and not self.reserved else ()
        self._next_gift = max(self._next_gift, now) + len(chunks_due) * CHUNK / RATE if chunks_due else self._next_gift
        due = self._with_cancels([out for key, out in self._sendable() if now - self._sent.get(key, -1e18) >= resend])
        batch = Batch(
            messages=tuple(due[:MOST_MESSAGES]),
            acknowledged=tuple(self._acknowledged)[: 4 * MOST_MESSAGES],
            refused=tuple(self._refused.values())[:MOST_MESSAGES],
            collected=tuple(self._collected)[: 4 * MOST_MAIL],
            wants=tuple(self._wants.values())[:MOST_WANTS],
            chunks_due=chunks_due,
        )
        for want in batch.wants:
            self._wants.pop(want.name, None)
        for want in batch.chunks_due:
            self._chunks_due.pop(want.name, None)
        for out in batch.messages:
            self._sent[out.id] = now
        for key in batch.acknowledged:
            self._acknowledged.pop(key, None)
        for key in batch.collected:
            self._collected.pop(key, None)
        for refusal in batch.refused:
            self._refused.pop(refusal.id, None)
        return batch

    def _with_cancels(self, due: list[Outgoing]) -> list[Outgoing]:
        """What is due, behind what withdraws requests among it: an owner that heard of that starts none of them."""
        requests = f"request/{self.peer}/"
        keys = (out.topic.removeprefix(requests) for out in due if out.topic.startswith(requests))
        cancels = [self._waiting[self._topics[topic]] for key in keys if (topic := f"cancel/{key}") in self._topics]
        return [*cancels, *(out for out in due if out not in cancels)]

    def requeue(self, batch: Batch) -> None:
        """The parcel did not arrive, or nobody knows: everything in it is due again, but for pieces of objects."""
        for out in batch.messages:
            self._sent.pop(out.id, None)
        self._acknowledged.update(dict.fromkeys(batch.acknowledged, -1e18))
        self._collected.update(dict.fromkeys(batch.collected))
        self._refused.update({refusal.id: refusal for refusal in batch.refused})

    def due(self, now: float, resend: float = RESEND) -> bool:
        """Whether there is something worth a parcel of its own."""
        if self._wants or (self._chunks_due and now >= self._next_gift and not self.reserved):
            return True
        if self._refused or self._collected or any(due <= now for due in self._acknowledged.values()):
            return True
        return any(now - self._sent.get(key, -1e18) >= resend for key, _ in self._sendable())

    def _sendable(self) -> Iterable[tuple[str, Outgoing]]:
        if not self.reserved:
            return self._waiting.items()
        return [item for item in self._waiting.items() if item[1].topic.startswith(("statement/", "charter/"))]

    def patience(self, now: float) -> float:
        """Seconds until an acknowledgement has waited long enough, or a piece may be given; infinite if none waits."""
        due = min(self._acknowledged.values(), default=float("inf"))
        return max(0.001, min(due, self._next_gift if self._chunks_due and not self.reserved else float("inf")) - now)

    @property
    def waiting(self) -> int:
        """Messages not yet acknowledged."""
        return len(self._waiting)

    def __repr__(self) -> str:
        state = f"in trouble ({self.trouble})" if self.failures else "well"
        return f"<link to {self.peer} under {self.charter}: {state}, {self.waiting} waiting>"
