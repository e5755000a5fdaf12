"""What a parcel brings: documents to their handlers, acknowledgements to the outbox, pieces to whoever wants them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from yosegi.core.clock import Clock
from yosegi.core.errors import Corrupt, Unavailable, YosegiError
from yosegi.core.fifo_cache import FifoCache
from yosegi.data import Chunk
from yosegi.data.pulling import Offload
from yosegi.exchange.budget import AHEAD, OVERHEAD, RECORDED, REFUSALS, PeerBudget
from yosegi.exchange.clock_watch import ClockWatch
from yosegi.exchange.outbox import ACKNOWLEDGED, REFUSED, Outgoing
from yosegi.exchange.parcel import Message, Parcel, Refusal
from yosegi.exchange.peer_channel import PeerChannel
from yosegi.exchange.received import Arrival, DocumentKind, Received, check_size, size_of, verify
from yosegi.exchange.witness import Witness
from yosegi.governance.charter.registry import Registry
from yosegi.ledger import Draft, Ledger, Overtaken, Receipt, Write
from yosegi.trust.document import SKEW, Document
from yosegi.trust.errors import Untrusted

log = logging.getLogger("yosegi.inbox")

SIGNED_AHEAD = "exchange.signed_ahead"
"""Names documents that say they were made later than they came: digest, sender, and by how many seconds."""
AT_ONCE, BYTES_AT_ONCE = 8, 64 * 1024
"""Documents that are begun between two looks at whoever else calls, and their bytes."""
LARGE = 16 * 1024
"""Bytes of a document that is verified off the event loop."""

Refused = Callable[[Outgoing, str], Awaitable[None]]
"""Told of a message that its receiver will never take, and why."""


@dataclass
class Inbox:
    """Takes in what verified parcels hold.

    Args:
        kinds: every kind of document that is taken here, by each payload type it has.
        refused: each is told of messages of this site that their receiver will never take.
        takes: told of each piece of an object that comes, with its sender.
        budget: what each peer may have done here.
        offload: verifies large documents elsewhere.
    """

    site: str
    ledger: Ledger
    directory: Registry
    clock: Clock
    witness: Witness
    clocks: ClockWatch
    kinds: dict[str, DocumentKind]
    refused: tuple[Refused, ...]
    takes: Callable[[str, Chunk], object]
    budget: PeerBudget
    offload: Offload
    _large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    _settled: dict[str, list[str]] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _taking: asyncio.Event = field(default_factory=asyncio.Event)
    _unforeseen: FifoCache[str, bool] = field(default_factory=lambda: FifoCache(256))

    def __post_init__(self) -> None:
        self._taking.set()

    def hold(self) -> None:
        """Hear where ledgers stand, and take nothing else in before `release`."""
        self._taking.clear()

    def release(self) -> None:
        """Take in everything, what came meanwhile too."""
        self._taking.set()

    async def receive(self, channel: PeerChannel, parcel: Parcel) -> None:
        """Take in everything; returns when it is recorded, or will be sent again."""
        channel.last_heard = self.clock.monotonic()
        if not await self._hear_of_ledger(channel, parcel):
            return
        await self._taking.wait()
        for message_id in parcel.acknowledged:
            self._settled_as(channel, message_id, ACKNOWLEDGED)
        for refusal in parcel.refused:
            if (out := channel.find(refusal.id)) is not None:
                for told in self.refused:
                    await told(out, refusal.why)
            self._settled_as(channel, refusal.id, REFUSED)
        channel.asked(parcel.wants or ())
        for chunk in parcel.chunks or ():
            self.takes(parcel.sender, chunk)
        begun = size = 0
        async with asyncio.TaskGroup() as group:
            for item in parcel.messages:
                if begun == AT_ONCE or size > BYTES_AT_ONCE:
                    # A parcel of the largest size keeps nobody else waiting until all of it is judged.
                    begun = size = 0
                    await asyncio.sleep(0)
                begun, size = begun + 1, size + len(item.document.payload)
                group.create_task(self._take_in(channel, item))

    async def _hear_of_ledger(self, channel: PeerChannel, parcel: Parcel) -> bool:
        """Where the sender's ledger stands, and what it asks of this one; whether anything else is taken of it.

        Raises:
            Forked: it tells another story than before.
        """
        accused = parcel.sender in self.witness.forked
        if parcel.asks and not accused:
            self.witness.asked_by(channel.charter, channel.peer)
        if parcel.history is not None:
            hear = self.witness.explain if accused else self.witness.hear
            await hear(channel.charter, channel.peer, parcel.history)
        return not accused

    async def _take_in(self, channel: PeerChannel, item: Message) -> None:
        if self.budget.is_spent(channel.peer, "refusals", REFUSALS):
            self.budget.exceeded[channel.peer, "refusals"] += 1
            channel.trouble = f"too much of what {channel.peer} sends is refused"
            return
        kind = self.kinds.get(item.document.payload_type)
        if kind is None:
            # Rule 1 of `received`.
            self._refuse(channel, item, f"{item.document.payload_type} is not spoken here")
        elif self._has_budget(channel, kind, item) and await self._take(channel, kind, item):
            channel.acknowledge(item.id, self.clock.monotonic())

    def _has_budget(self, channel: PeerChannel, kind: DocumentKind, item: Message) -> bool:
        """Whether a document may be looked at now, by its number and by its bytes; takes that from its sender's."""
        peer, name = channel.peer, kind.document.kind
        if kind.rate is None:
            return True
        if not self.budget.allows(peer, name, kind.rate):
            channel.trouble = f"{peer} sends more of {name} than {kind.rate.hourly} an hour"
            return False
        if not self.budget.allows(peer, "bytes", RECORDED, size_of(item) + OVERHEAD):
            self.budget.give_back(peer, name, kind.rate)
            channel.trouble = f"{peer} sends more than {RECORDED.hourly} bytes an hour to be recorded"
            return False
        return True

    async def _take(self, channel: PeerChannel, kind: DocumentKind, item: Message) -> bool:
        """Verify a document and hand it on; whether it is durably recorded."""
        try:
            check_size(kind, item)
            # By a clock that is off nothing is judged, and a ledger that is not proven to continue proves nothing.
            self.clocks.check_own()
            self.witness.check_proven(channel.charter, channel.peer)
            keys = self.directory.keys_of(channel.charter, channel.peer)
            arrival = Arrival(self.site, channel.charter, channel.peer, keys, self.clock.now())
            received = await self._verified(kind, item, arrival)
            self._check_hour(channel, received, arrival.now)
            if item.receipt is not None and channel.peer != self.site:
                await self.witness.see(channel.charter, channel.peer, Receipt.parsed(item.receipt).checkpoint)
            await kind.handler(received)
            self._note_hour(channel, received, arrival.now)
            return True
        except (Unavailable, Corrupt, Overtaken) as error:
            # Nothing of this is a word on the document: it comes again.
            self._wait(channel, kind, item, error)
        except YosegiError as error:
            if isinstance(error, Untrusted) and error.reason == "document_not_yet_valid":
                # Made while its sender's clock was ahead: it comes again, and one day it is valid.
                self._wait(channel, kind, item, error)
            else:
                self._refuse(channel, item, str(error)[:2000])
        except Exception:  # noqa: BLE001 - a peer's document meets code that may be wrong; logged in `_not_foreseen`
            self._not_foreseen(channel, item)
        return False

    async def _verified(self, kind: DocumentKind, item: Message, arrival: Arrival) -> Received[Document]:
        if len(item.document.payload) <= LARGE:
            return verify(kind, item, arrival)
        async with self._large:
            verified: Received[Document] = await self.offload(verify, kind, item, arrival)
        return verified

    def _wait(self, channel: PeerChannel, kind: DocumentKind, item: Message, error: YosegiError) -> None:
        """It comes again; until then it takes nothing from its sender's budget."""
        channel.trouble = str(error)
        if kind.rate is not None:
            self.budget.give_back(channel.peer, kind.document.kind, kind.rate)
            self.budget.give_back(channel.peer, "bytes", RECORDED, size_of(item) + OVERHEAD)

    def _check_hour(self, channel: PeerChannel, received: Received[Document], now: datetime) -> None:
        """See that not too much is to be noted of documents that were made later than now.

        Raises:
            Unavailable: it is; they come again.
        """
        ahead = getattr(received.document, "issued", now) > now + SKEW
        if ahead and not self.budget.allows(channel.peer, "signed ahead", AHEAD):
            raise Unavailable(f"documents of {channel.peer}", "many say that they were made later than now")

    def _refuse(self, channel: PeerChannel, item: Message, why: str) -> None:
        self.budget.spend(channel.peer, "refusals", REFUSALS)
        channel.refuse(Refusal(id=item.id, why=why))

    def _note_hour(self, channel: PeerChannel, received: Received[Document], now: datetime) -> None:
        """Have it on record that a document was made while its sender's clock was ahead."""
        issued = getattr(received.document, "issued", now)
        if issued > now + SKEW and received.receipt is not None:
            seconds = round((issued - now).total_seconds())
            place = f"{received.envelope.payload_digest} {channel.peer} {seconds}"
            self._settled.setdefault(f"{SIGNED_AHEAD} {channel.charter}", []).append(place)
            self._wake.set()

    def _not_foreseen(self, channel: PeerChannel, item: Message) -> None:
        """A fault of this program must not lose a document, nor end the conversation: the sender sends it again.

        It is logged once for each document, however often that comes.
        """
        channel.trouble = f"a fault of this site while {item.document.payload_type} was taken in"
        if self._unforeseen.get(item.id) is None:
            self._unforeseen.put(item.id, True)
            log.exception("%s of %s could not be taken in", item.document.payload_type, channel.peer)

    def _settled_as(self, channel: PeerChannel, message_id: str, how: str) -> None:
        if channel.drop(message_id):
            self._settled.setdefault(f"{how} {channel.charter}", []).append(f"{message_id} {channel.peer}")
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
