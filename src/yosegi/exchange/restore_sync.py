"""After a backup was restored, every peer is asked for the receipts it holds of this site, and for what it awaits.

A question and its answers are messages like any other, so a peer that only dials out brings what it holds at its next
call. Receipts prove themselves; the entries they prove are refilled into the new epoch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field

from yosegi.core import canonical
from yosegi.core.clock import Clock
from yosegi.core.errors import NotFound
from yosegi.exchange.channels import Channels
from yosegi.exchange.outbox import sending
from yosegi.exchange.received import Arrival, Received, carried
from yosegi.exchange.requests import MADE
from yosegi.governance.charter.registry import Registry
from yosegi.ledger import LEDGER, OPENED, Draft, Entry, Ledger, Receipt, Write
from yosegi.trust.document import Addressed
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.messages import Request
from yosegi.trust.signer import Signer

ASKED = "recall.asked"
ANSWERED = "recall.answered"
HEARD = "recall.heard"
LIFETIME = timedelta(days=7)
MOST = 64


class ReceiptRequest(Addressed):
    """A restored site asks a peer for receipts of entries from `size` on, written before `epoch`."""

    kind: ClassVar[str] = "recall"

    epoch: int = Field(ge=1)
    size: int = Field(ge=0)


class ReceiptReply(Addressed):
    """A part of the answer; `key` is the question's.

    Args:
        receipts: of the asking site's entries.
        awaited: requests of the answering site that the asking one had taken and not ended.
        held: the furthest checkpoint of the asking site that the answering one holds.
    """

    kind: ClassVar[str] = "recalled"

    receipts: tuple[dict[str, Any], ...] = Field(default=(), max_length=MOST)
    awaited: tuple[Envelope, ...] = Field(default=(), max_length=MOST)
    held: Envelope | None = None


Lost = Callable[[Received[Request]], Awaitable[None]]


@dataclass
class RestoreSync:
    """Asks after a restoration, and answers those who ask.

    Args:
        lost: told of each request that the peer still awaits an end of.
    """

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    directory: Registry
    channels: Channels
    lost: Lost

    async def start(self) -> None:
        """If this ledger was restored, ask every member once an epoch."""
        openings = [e for e in self.ledger.read(LEDGER) if e.type == OPENED and "restored" in e.facts]
        if openings:
            for charter in self.directory.charters():
                for peer in self.directory.sites(charter):
                    if peer != self.site and self.directory.version_for(charter, peer, ReceiptRequest):
                        await self._ask(charter, peer, openings[-1])

    async def _ask(self, charter: str, peer: str, opening: Entry) -> None:
        stream, epoch = f"recall/{charter}/{peer}", opening.header.epoch
        if any(entry.type == ASKED and entry.facts["epoch"] == epoch for entry in self.ledger.read(stream)):
            return
        size = opening.facts["restored"]["size"]
        document = ReceiptRequest(**self._addressed(charter, peer, f"recall-{epoch}"), epoch=epoch, size=size)
        draft = sending(ASKED, peer, stream, document.sign(self.signer), {"epoch": epoch}, {})
        self.channels.posted(await self.ledger.append(Write(stream, None, (draft,), charter=charter, actor=self.site)))

    def _addressed(self, charter: str, peer: str, key: str) -> dict[str, Any]:
        now = self.clock.now()
        return {
            "charter": charter, "sender": self.site, "to": peer, "key": key, "issued": now,
            "not_after": now + LIFETIME,
        }  # fmt: skip

    async def on_recall(self, received: Received[ReceiptRequest]) -> None:
        """Send a restored peer what is held of it; asked again, the same again."""
        charter, peer = received.charter, received.sender
        asked = received.document
        receipts, waiting = list(self._receipts(asked)), list(self._awaited(charter, peer))
        try:
            held = self.channels.witness.last(charter, peer)
        except NotFound:
            held = None
        stream, writes = f"recall/{charter}/{peer}", []
        for part in range(max(1, -(-max(len(receipts), len(waiting)) // MOST))):
            some = slice(part * MOST, (part + 1) * MOST)
            document = ReceiptReply(
                **self._addressed(charter, peer, asked.key),
                receipts=tuple(receipts[some]), awaited=tuple(waiting[some]), held=held,
            )  # fmt: skip
            topic = f"recalled/{asked.key}/{part}"
            facts = {"epoch": asked.epoch, "receipts": len(document.receipts)}
            writes.append(sending(ANSWERED, peer, topic, document.sign(self.signer), facts, {}))
        self.channels.posted(
            await self.ledger.append(Write(stream, None, tuple(writes), charter=charter, actor=self.site))
        )

    def _receipts(self, asked: ReceiptRequest) -> Iterator[dict[str, Any]]:
        """Receipts that this site was given with reports and requests, of entries that the peer may have lost."""
        for stream in [*self.ledger.streams(f"request/{asked.sender}/"), *self.ledger.streams(f"task/{asked.sender}/")]:
            for entry in self.ledger.read(stream):
                receipt = (entry.body or {}).get("receipt")
                if receipt is not None and entry.header.charter == asked.charter:
                    header = canonical.as_doubles(canonical.loads(receipt["header"]))
                    if header["sequence"] >= asked.size and header["epoch"] < asked.epoch:
                        yield receipt

    def _awaited(self, charter: str, peer: str) -> Iterator[Envelope]:
        rows = self.ledger.query(
            "SELECT stream FROM request WHERE open = 1 AND charter = ? AND owner = ?", (charter, peer)
        )
        for row in rows:
            for entry in self.ledger.read(row["stream"]):
                if entry.type == MADE and entry.body is not None:
                    yield Envelope.read(entry.body["document"])

    async def on_recalled(self, received: Received[ReceiptReply]) -> None:
        """Refill what a peer's receipts prove, admit all that it saw of this ledger, and take up what it awaits.

        Raises:
            Untrusted, Invalid: a receipt is not of this ledger, or proves nothing.
        """
        charter, peer = received.charter, received.sender
        told = received.document
        if told.held is not None:
            await self.channels.witness.admit(charter, told.held, by=self.site)
        refilled = await self.ledger.refill((Receipt.read(receipt) for receipt in told.receipts), by=peer)
        keys = self.directory.keys_of(charter, peer)
        arrival = Arrival(self.site, charter, peer, keys, self.clock.now())
        for envelope in told.awaited:
            # One whose time is over is left out; it keeps none of the others from being taken up.
            with contextlib.suppress(Untrusted):
                await self.lost(carried(Request, envelope, received, arrival))
        facts = {"peer": peer, "refilled": len(refilled), "awaited": len(told.awaited)}
        write = Write(f"recall/{charter}/{peer}", None, (Draft(HEARD, facts),), charter=charter, actor=peer)
        await self.ledger.append(write)
