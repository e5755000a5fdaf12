"""The calling side of every conversation: what is due goes, answers come back, trouble backs off."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from yosegi.core.clock import Clock
from yosegi.core.errors import Invalid, SenderSuspended, Unavailable, YosegiError
from yosegi.core.fifo_cache import FifoCache
from yosegi.core.identifiers import derived_key
from yosegi.core.supervision import TaskScope
from yosegi.core.transport import Transport
from yosegi.data import Chunk, ChunkRequest
from yosegi.exchange.budget import Rate
from yosegi.exchange.channels import Channels
from yosegi.exchange.clock_watch import ClockWatch
from yosegi.exchange.inbox import Inbox
from yosegi.exchange.parcel import LONGEST_WAIT, Mail, Parcel
from yosegi.exchange.parcel_codec import ParcelCodec
from yosegi.exchange.peer_channel import Batch, PeerChannel
from yosegi.exchange.peer_router import IDLE, PeerRouter
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import Listens, Outbound
from yosegi.trust.sealed import Unsealer

PATH = "/exchange/v1"
UNREADABLE_TOLD = Rate(burst=5, hourly=60)
"""Lines of log of mail that could not be read, for each site that kept it: hundreds a second may be left."""
MOST_CALLS = 4
QUICK = 1.0
"""Seconds an answer may be held back when something was just sent: a task that ends quickly comes back in it."""
MOST_FETCHED = 4096
"""Letters remembered as fetched: a mailbox gives each until it has heard that it came."""
MAIL_LIFETIME = timedelta(days=7)

log = logging.getLogger("yosegi.exchange")

Give = Callable[[str, str, ChunkRequest], Awaitable[Chunk]]
"""A piece of an object that a peer asks for under a charter, or why not."""


@dataclass(frozen=True, slots=True)
class PeerSender:
    """Calls those that listen, and leaves sealed mail for those that only dial out.

    Args:
        channels: the conversations, one a peer.
        gives: a piece of an object that a peer asks for under a charter, or why not.
        expects: whether something is awaited of a peer under a charter, and so a long poll is kept open.
        handle: answers a parcel; a site's own capabilities are asked so.
        scope: of the calls under way.
    """

    site: str
    directory: Registry
    transport: Transport
    clock: Clock
    sealing: Unsealer
    parcels: ParcelCodec
    router: PeerRouter
    inbox: Inbox
    clocks: ClockWatch
    channels: Channels
    gives: Give
    expects: Callable[[str, str], bool]
    handle: Callable[[bytes], Awaitable[bytes]]
    scope: TaskScope
    _fetched: FifoCache[tuple[str, str, str], bool] = field(default_factory=lambda: FifoCache(MOST_FETCHED))

    def awaits(self, channel: PeerChannel) -> bool:
        """Whether a long poll is kept open: the peer keeps this site's mail, or something is awaited of it."""
        if channel.peer == self.site or not self.router.listens(channel):
            return False
        return self.router.keeps_my_mail(channel) or self.expects(channel.charter, channel.peer)

    def take(self, channel: PeerChannel) -> Batch:
        """What is due; nothing while this site's clock is off, for what it signs then is refused."""
        return Batch() if self.clocks.seconds_off else channel.take(self.clock.monotonic(), self.router.resend(channel))

    async def chunks(self, channel: PeerChannel, batch: Batch) -> tuple[Chunk, ...]:
        """The pieces of objects that a load gives."""
        return tuple([await self.gives(channel.charter, channel.peer, want) for want in batch.chunks_due])

    async def call(self, channel: PeerChannel, batch: Batch, wait: float, chance: random.Random) -> None:
        """Deliver a batch, and take in what comes back; after any failure the batch is due again, after a pause."""
        try:
            await self._deliver(channel, batch, wait if self.awaits(channel) or batch.messages else 0.0)
            channel.failures, channel.trouble, channel.suspended_there = 0, "", False
        except Exception as error:
            # Whatever a peer answers, or a fault of this program makes of it: it is called again, ever more seldom.
            if not isinstance(error, YosegiError | OSError) and not channel.failures:
                log.exception("a call of %s failed", channel.peer)
            channel.requeue(batch)
            channel.failures += 1
            if channel.failures == 1:
                log.info("%s is not reached: %s", channel.peer, error)
            channel.suspended_there = isinstance(error, SenderSuspended)
            channel.trouble = str(error)[:300] or type(error).__name__
            # Exponential back-off with full jitter, at most half a minute.
            await self.clock.sleep(chance.uniform(0.05, min(IDLE, 0.2 * 2 ** min(channel.failures, 8))))
        except BaseException:
            channel.requeue(batch)
            raise

    async def _deliver(self, channel: PeerChannel, batch: Batch, wait: float) -> None:
        reach = self.router.to(channel)
        chunks = await self.chunks(channel, batch)
        if channel.peer == self.site:
            # A site's own capabilities are asked like anybody's, and need no network for it.
            answer = await self.handle(self.parcels.pack(channel, batch, chunks=chunks).to_bytes())
            await self._take_answer(channel, answer)
        elif isinstance(reach, Listens):
            parcel = self.parcels.pack(channel, batch, wait=wait, chunks=chunks)
            answer = await self.transport.call(reach.url + PATH, parcel.to_bytes(), timeout=wait + 10.0)
            await self._take_answer(channel, answer)
        elif isinstance(reach, Outbound):
            await self._leave_mail(channel, batch, reach.mailbox, chunks)

    async def _take_answer(self, channel: PeerChannel, body: bytes) -> None:
        answer = await self.parcels.read(body)
        if answer.sender != channel.peer:
            raise Invalid("an answer", f"from {answer.sender} where {channel.peer} was called")
        await self.inbox.receive(channel, answer)
        for mail in answer.mail:
            await self._read_mail(channel, mail)

    async def _leave_mail(self, channel: PeerChannel, batch: Batch, host: str, chunks: tuple[Chunk, ...]) -> None:
        """Seal a parcel to the peer and leave it at its mailbox; an empty one tells where the ledger stands."""
        if not batch and self.clocks.seconds_off:
            return
        inner = self.parcels.pack(channel, batch, lifetime=MAIL_LIFETIME, chunks=chunks).to_bytes()
        key = self.directory.sealing_key_of(channel.charter, channel.peer)
        box = key.seal(inner, context=_mail_context(self.site, channel.peer))
        mail = Mail(sender=self.site, to=channel.peer, id=self.parcels.nonce(), box=box)
        reach = self.directory.reach_of(channel.charter, host)
        if not isinstance(reach, Listens):
            raise Unavailable(f"the mailbox of {channel.peer}", f"{host} does not listen")
        carrier = self.channels.channel(channel.charter, host)
        parcel = self.parcels.pack(carrier, Batch(), mail=(mail,))
        await self._take_answer(carrier, await self.transport.call(reach.url + PATH, parcel.to_bytes(), timeout=10.0))

    async def _read_mail(self, host: PeerChannel, mail: Mail) -> None:
        """Take in a letter once; a mailbox gives it to every call until it has heard that it came."""
        letter = (host.peer, mail.sender, mail.id)
        taken_in = self._fetched.get(letter)
        if taken_in is None:
            self._fetched.put(letter, False)
            try:
                taken_in = await self._take_in(host, mail)
            finally:
                self._fetched.drop(letter)
                if taken_in:
                    self._fetched.put(letter, True)
        if taken_in:
            host.collect(mail.id)

    async def _take_in(self, host: PeerChannel, mail: Mail) -> bool:
        """Read a letter; False where it is to be fetched again, for want of something here."""
        parcel: Parcel | None = None
        taken_in = False
        try:
            box = self.sealing.open(mail.box, context=_mail_context(mail.sender, self.site))
            parcel = await self.parcels.read(box, fresh=False)
            if parcel.sender != mail.sender:
                raise Invalid("mail", f"signed by {parcel.sender} and left in the name of {mail.sender}")
            await self.inbox.receive(self.channels.channel(parcel.charter, parcel.sender), parcel)
            taken_in = True
        except Unavailable as error:
            # Something here, a clock that is off or a full disk: the mail stays where it is.
            host.trouble = str(error)
        except YosegiError as error:
            # What cannot be read now never can be, and must not stand before what can: its sender sends again what
            # matters.
            taken_in = True
            host.trouble = f"mail left by {mail.sender} could not be read: {error}"
            if self.inbox.budget.allows(host.peer, "unreadable mail told", UNREADABLE_TOLD):
                log.warning("%s", host.trouble)
        finally:
            if parcel is not None and not taken_in:
                self.parcels.give_back(parcel)  # or the same letter would be taken for a replay of itself
        return taken_in


class Conversation:
    """One peer's calls: sends what is due and keeps a long poll open while something is awaited."""

    def __init__(self, sender: PeerSender, channel: PeerChannel) -> None:
        self._sender, self._channel = sender, channel
        self._chance = random.Random(derived_key(sender.site, channel.peer, channel.charter))
        self._under_way: set[asyncio.Future[None]] = set()

    def __repr__(self) -> str:
        return f"<conversation with {self._channel.peer}, {len(self._under_way)} calls under way>"

    async def round(self) -> bool:
        """Begin a call if one is due, else wait until something changes; there is always another round."""
        sender, channel = self._sender, self._channel
        self._under_way = {call for call in self._under_way if not call.done()}
        channel.calls = len(self._under_way)
        resend = sender.router.resend(channel)
        calls = sender.router.dials(channel) and not (channel.failures and self._under_way)
        if calls and self._begin(resend):
            return True
        # What cannot be sent now, as the peer only dials out or a call to it is being made again, is no reason to
        # look every millisecond: the next call wakes this.
        more = calls and len(self._under_way) < MOST_CALLS
        due_in = channel.patience(sender.clock.monotonic()) if more else IDLE
        await until_changed(channel, min(resend, due_in, max(0.05, sender.router.gossip_in(channel))))
        return True

    def _begin(self, resend: float) -> bool:
        """Begin a call if there is reason for one; whether there was."""
        sender, channel, now = self._sender, self._channel, self._sender.clock.monotonic()
        # What is due goes with an answer that is held back, where there is one.
        due = not channel.held and channel.due(now, resend) and not sender.clocks.seconds_off
        polls = not self._under_way and (sender.awaits(channel) or sender.router.gossip_in(channel) <= 0)
        if not ((due and len(self._under_way) < MOST_CALLS) or polls):
            return False
        # Taken here and now: what one call takes along is due no more.
        batch = sender.take(channel)
        channel.called = now
        wait = QUICK if due else LONGEST_WAIT * 0.66
        work = partial(sender.call, channel, batch, wait, self._chance)
        call = sender.scope.spawn(f"call to {channel.peer} under {channel.charter}", work)
        call.add_done_callback(lambda _: channel.wake())
        self._under_way.add(call)
        return True


async def until_changed(channel: PeerChannel, seconds: float) -> None:
    """Wait until something about a conversation changes, or so long."""
    try:
        async with asyncio.timeout(seconds if seconds < IDLE else IDLE):
            await channel.changed.wait()
    except TimeoutError:
        pass


def _mail_context(sender: str, to: str) -> bytes:
    return f"yosegi mail from {sender} to {to}".encode()
