"""Documents between sites: at least once into idempotent receivers, over whatever reach a peer has.

A site that listens is called; a site that only dials out calls its mailbox, which holds its mail sealed. One verb
serves all: a parcel goes, a parcel comes back, and the answer may be held back until there is something to say (long
poll). What crosses is evidence by itself, so no hop has to be believed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from yosegi.core.clock import Clock
from yosegi.core.errors import YosegiError
from yosegi.core.supervision import TaskScope
from yosegi.core.transport import Transport
from yosegi.data import Chunk
from yosegi.data.pulling import Offload
from yosegi.exchange.budget import PeerBudget
from yosegi.exchange.channels import Channels
from yosegi.exchange.events import ChannelOpened
from yosegi.exchange.inbox import Inbox, Refused
from yosegi.exchange.mailbox import Mailbox
from yosegi.exchange.mailbox_host import MailboxHost
from yosegi.exchange.outbox import Rebuild, waiting
from yosegi.exchange.parcel import Parcel
from yosegi.exchange.parcel_codec import ParcelCodec
from yosegi.exchange.peer_channel import Batch, PeerChannel
from yosegi.exchange.received import DocumentKind
from yosegi.exchange.sender import Conversation, Give, PeerSender, until_changed
from yosegi.governance.charter.registry import Registry
from yosegi.ledger import Ledger
from yosegi.trust.envelope import Envelope
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Signer

log = logging.getLogger("yosegi.exchange")

CONFIRM_WITHIN = 2.0
"""Seconds that a start waits for what peers hold of this ledger."""
MOST_HELD = 2
"""Answers held back at a time for one peer; fewer than its calls, so that something new always gets through."""


@dataclass(repr=False)
class Exchange:
    """Sends, answers and takes in what a site and its peers have for each other.

    Args:
        directory: who is in which charter, with what keys, and how they are reached.
        channels: the conversations, one a peer.
        scope: of all background tasks of the conversations.
        kinds: every kind of document that is taken here, with its handler.
        refused: each is told of messages of this site that their receiver will never take.
        expects: each says whether it awaits something of a peer under a charter, and so a long poll is kept open.
        introduce: takes documents that prove themselves from a parcel whose sender is not believed yet; whether
            anything was learned.
        gives: a piece of an object that a peer asks for under a charter, or why not.
        takes: told of each piece that comes, with its sender.
        budget: what each peer may have done here.
        rebuilds: makes the document anew that an entry of such a type sends and does not hold.
        offload: reads what is large elsewhere.
        mailbox: kept for others by a site that listens.
    """

    site: str
    ledger: Ledger
    signer: Signer
    sealing: Unsealer
    directory: Registry
    transport: Transport
    clock: Clock
    channels: Channels
    scope: TaskScope
    kinds: Iterable[DocumentKind]
    refused: tuple[Refused, ...]
    expects: tuple[Callable[[str, str], bool], ...]
    introduce: Callable[[tuple[Envelope, ...]], Awaitable[bool]]
    gives: Give
    takes: Callable[[str, Chunk], object]
    budget: PeerBudget
    rebuilds: Mapping[str, Rebuild]
    offload: Offload
    mailbox: Mailbox | None = None
    inbox: Inbox = field(init=False)
    _codec: ParcelCodec = field(init=False)
    _sender: PeerSender = field(init=False)
    _host: MailboxHost = field(init=False)
    _started: bool = False
    _ending: bool = False

    def __repr__(self) -> str:
        return f"<exchange of {self.site} with {len(list(self.channels))} peers>"

    def __post_init__(self) -> None:
        channels, witness, clocks = self.channels, self.channels.witness, self.channels.clocks
        self._codec = ParcelCodec(
            self.site, self.ledger, self.signer, self.directory, self.clock, witness, clocks,
            introduce=self.introduce, barred=channels.router.barred, rebuilds=self.rebuilds,
            offload=self.offload,
        )  # fmt: skip
        kinds = {payload_type: kind for kind in self.kinds for payload_type in kind.document.payload_types}
        self.inbox = Inbox(
            self.site, self.ledger, self.directory, self.clock, witness, clocks, kinds, self.refused, self.takes,
            self.budget, self.offload,
        )  # fmt: skip
        self._sender = PeerSender(
            self.site, self.directory, self.transport, self.clock, self.sealing, self._codec, channels.router,
            self.inbox, clocks, channels, self.gives, self._expects, self.handle, self.scope,
        )  # fmt: skip
        self._host = MailboxHost(
            self.site, self.ledger, self.signer, self.clock, self.directory, channels, self.mailbox
        )
        channels.events.subscribe(ChannelOpened, self._opened)

    def _expects(self, charter: str, peer: str) -> bool:
        return any(expects(charter, peer) for expects in self.expects)

    # -- life -----------------------------------------------------------------------------------------------------

    def _opened(self, event: ChannelOpened) -> None:
        """Converse with a new peer at once, or with the others when this is started."""
        if self._started:
            self._converse(event.channel)

    def _converse(self, channel: PeerChannel) -> None:
        conversation = Conversation(self._sender, channel)
        self.scope.repeat(f"conversation with {channel.peer} under {channel.charter}", conversation.round)

    def start(self) -> None:
        """Take up every conversation where it was left."""
        self.channels.witness.start()
        self._started = True
        self.scope.repeat("acknowledgements", self.inbox.settle)
        if self.mailbox is not None:
            self.scope.repeat("mailbox", self._host.care)
        for channel in self.channels:
            self._converse(channel)
        for charter in self.directory.charters():
            self.channels.meet(charter)
        for out in waiting(self.ledger):
            self.channels.channel(out.charter, out.to).post(out)

    async def confirm(self) -> None:
        """Wait until each peer that can be called has told what it holds of this ledger, or cannot be reached.

        Called before anything is started that cannot be repeated: a site whose disk was put back to an earlier day
        hears so here. A link that is down holds nothing up for longer than a few seconds. No document is taken in
        meanwhile: whoever would handle it is not started.
        """
        end = self.clock.monotonic() + CONFIRM_WITHIN
        self.inbox.hold()
        try:
            while self.clock.monotonic() < end and any(map(self._unconfirmed, self.channels)):
                await self.clock.sleep(0.05)
        finally:
            self.inbox.release()

    def _unconfirmed(self, channel: PeerChannel) -> bool:
        """Whether a peer that can be called has not said yet what it holds of this ledger."""
        router, witness = self.channels.router, self.channels.witness
        asked = router.dials(channel) and router.listens(channel) and not channel.failures
        return asked and not witness.is_confirmed(channel.charter, channel.peer)

    def release_waiters(self) -> None:
        """Answer every call that is held open, and hold none any more."""
        self._ending = True
        for channel in self.channels:
            channel.wake()

    async def close(self) -> None:
        """End every conversation; what was not delivered is taken up again by the next `start`."""
        await self.scope.close()
        await self.transport.close()

    # -- answering ------------------------------------------------------------------------------------------------

    async def handle(self, body: bytes) -> bytes:
        """Answer a parcel that was posted here.

        Raises:
            Invalid: not a parcel, not for this site, by nobody of the charter, out of date, or seen before.
        """
        try:
            parcel = await self._codec.read(body)
        except YosegiError as error:
            log.info("a call was refused, %d bytes: %s", len(body), error)
            raise
        log.debug("%s calls, %d messages, %d bytes", parcel.sender, len(parcel.messages), len(body))
        channel = self.channels.channel(parcel.charter, parcel.sender)
        await self.inbox.receive(channel, parcel)
        if parcel.sender in self.channels.witness.forked:
            return self._codec.pack(channel, Batch()).to_bytes()
        await self._host.take(parcel)
        if parcel.wait and channel.held < MOST_HELD and not parcel.asks:
            await self._hold(channel, parcel)
            # While the answer was held back its addressee may have been removed or suspended.
            self._codec.keys_of(parcel.charter, parcel.sender)
        now, resend = self.clock.monotonic(), self.channels.patience(channel)
        batch = self._sender.take(channel)
        if channel.due(now, resend):
            channel.wake()
        # A request just sent in the answer is answered by the peer's next call; it is due again if none comes.
        chunks = await self._sender.chunks(channel, batch)
        mail = await self._host.waiting(parcel.sender)
        return self._codec.pack(channel, batch, mail=mail, chunks=chunks).to_bytes()

    async def _hold(self, channel: PeerChannel, parcel: Parcel) -> None:
        """Wait until there is something to say, for as long as the caller allows."""
        resend = self.channels.patience(channel)
        channel.held += 1
        try:
            async with asyncio.timeout(parcel.wait):
                while not (
                    self._host.has_mail(parcel.sender)
                    or channel.due(now := self.clock.monotonic(), resend)
                    or self._ending
                ):
                    await until_changed(channel, channel.patience(now))
        except TimeoutError:
            pass
        finally:
            channel.held -= 1
