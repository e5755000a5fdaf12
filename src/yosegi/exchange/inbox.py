"""What a parcel brings: documents to their handlers, acknowledgements to the outbox, pieces to whoever wants them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from yosegi.core.clock import Clock
from yosegi.core.errors import Corrupt, Invalid, Unavailable, YosegiError
from yosegi.data import Chunk
from yosegi.exchange.clock_watch import ClockWatch
from yosegi.exchange.outbox import ACKNOWLEDGED, REFUSED, Outgoing
from yosegi.exchange.parcel import Message, Parcel, Refusal
from yosegi.exchange.peer_channel import PeerChannel
from yosegi.exchange.witness import Witness
from yosegi.governance.charter.registry import Registry
from yosegi.ledger import Draft, Ledger, Receipt, Write
from yosegi.trust.errors import Untrusted


@dataclass(frozen=True, slots=True)
class Incoming:
    """A verified message: who sent it under which charter. The document itself is verified by its handler."""

    message: Message
    sender: str
    charter: str


Handler = Callable[[Incoming], Awaitable[None]]


@dataclass
class Inbox:
    """Takes in what verified parcels hold.

    Args:
        refused: told of each message that its receiver will never take, and why.
        takes: told of each piece that comes, with its sender.
    """

    site: str
    ledger: Ledger
    directory: Registry
    clock: Clock
    witness: Witness
    clocks: ClockWatch
    refused: Callable[[Outgoing, str], Awaitable[None]]
    takes: Callable[[str, Chunk], object]
    handlers: dict[str, Handler] = field(default_factory=dict)
    _settled: dict[str, list[str]] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, link: PeerChannel, parcel: Parcel) -> None:
        """Take in everything; returns when it is recorded, or will be sent again."""
        link.last_heard = self.clock.monotonic()
        if parcel.history is not None:
            await self.witness.hear(link.charter, link.peer, parcel.history)
        for message_id in parcel.acknowledged:
            self._settled_as(link, message_id, ACKNOWLEDGED)
        for refusal in parcel.refused:
            if (out := link.find(refusal.id)) is not None:
                await self.refused(out, refusal.why)
            self._settled_as(link, refusal.id, REFUSED)
        link.asked(parcel.wants or ())
        for chunk in parcel.chunks or ():
            self.takes(parcel.sender, chunk)
        await asyncio.gather(*(self._take_in(link, item) for item in parcel.messages))

    async def _take_in(self, link: PeerChannel, item: Message) -> None:
        handler = self.handlers.get(item.document.payload_type)
        if handler is None:
            link.refuse(Refusal(id=item.id, why=f"{item.document.payload_type} is not spoken here"))
            return
        try:
            self.clocks.check_own()
            self.witness.check_proven(link.charter, link.peer)
            self._check_receipt(link, item)
            await handler(Incoming(item, link.peer, link.charter))
        except (Unavailable, Corrupt) as error:
            link.trouble = str(error)
        except YosegiError as error:
            if isinstance(error, Untrusted) and error.reason == "document_not_yet_valid":
                # Made while its sender's clock was ahead: it comes again, and one day it is valid.
                link.trouble = str(error)
                return
            link.refuse(Refusal(id=item.id, why=str(error)[:2000]))
        else:
            link.acknowledge(item.id, self.clock.monotonic())

    def _check_receipt(self, link: PeerChannel, item: Message) -> None:
        """A message must stand in its sender's ledger, and the receipt must say so."""
        if item.receipt is None:
            raise Invalid("a message", "it has no receipt", "the sender records before it sends")
        header = Receipt.parsed(item.receipt).verify(self.directory.keys_of(link.charter, link.peer))
        sent = header.facts.get("send", {})
        if (header.site, header.charter, sent.get("to"), sent.get("id")) != (
            link.peer,
            link.charter,
            self.site,
            item.id,
        ):
            raise Invalid("a message", "its receipt is for another message, site or charter")

    def _settled_as(self, link: PeerChannel, message_id: str, how: str) -> None:
        if link.drop(message_id):
            self._settled.setdefault(f"{how} {link.charter}", []).append(f"{message_id} {link.peer}")
            self._wake.set()

    async def settle(self) -> bool:
        """Record what was acknowledged, many at a time and off the path of any task; there is always another round."""
        await self._wake.wait()
        await self.clock.sleep(0.5)
        self._wake.clear()
        for kind in list(self._settled):
            how, _, charter = kind.partition(" ")
            ids = self._settled.pop(kind)
            draft = Draft(type=how, facts={"ids": ids})
            write = Write(f"exchange/{charter}", None, (draft,), charter=charter, actor=self.site)
            try:
                await self.ledger.append(write)
            except BaseException:
                # A full disk, perhaps: what is not recorded now is recorded by the next round.
                self._settled[kind] = ids + self._settled.get(kind, [])
                self._wake.set()
                raise
        return True
