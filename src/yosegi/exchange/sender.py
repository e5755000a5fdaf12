"""The calling side of every conversation: what is due goes, answers come back, trouble backs off."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from yosegi.core.clock import Clock
from yosegi.core.errors import Invalid, Unavailable, YosegiError
from yosegi.core.identifiers import derived_key
from yosegi.core.transport import Transport
from yosegi.data import Chunk, ChunkRequest
from yosegi.exchange.clock_watch import ClockWatch
from yosegi.exchange.inbox import Inbox
from yosegi.exchange.parcel import LONGEST_WAIT, Mail, Parcel
from yosegi.exchange.parcel_codec import ParcelCodec
from yosegi.exchange.peer_channel import Batch, PeerChannel
from yosegi.exchange.peer_router import IDLE, PeerRouter
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import Listens, Outbound
from yosegi.trust.sealed import Unsealer

log = logging.getLogger("yosegi.exchange")

PATH = "/exchange/v1"
MOST_CALLS = 4
QUICK = 1.0
"""Seconds an answer may be held back when something was just sent: a task that ends quickly comes back in it."""
MAIL_LIFETIME = timedelta(days=7)

Give = Callable[[str, str, ChunkRequest], Awaitable[Chunk]]


class ExchangePort(Protocol):
    """What a caller needs of the exchange it calls for."""

    def link(self, charter: str, peer: str) -> PeerChannel:
        """The conversation with a peer."""

    def spawn(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Future[None]:
        """Do something beside a conversation, until it is done or everything is closed."""

    async def handle(self, body: bytes) -> bytes:
        """Answer a parcel; a site's own capabilities are asked so."""


@dataclass(frozen=True, slots=True)
class PeerSender:
    """Calls those that listen, and leaves sealed mail for those that only dial out.

    Args:
        gives: a piece of an object that a peer asks for under a charter, or why not.
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
    board: ExchangePort
    gives: Give

    def take(self, link: PeerChannel) -> Batch:
        """What is due; nothing while this site's clock is off, for what it signs then is refused."""
        return Batch() if self.clocks.seconds_off else link.take(self.clock.monotonic(), self.router.resend(link))

    async def chunks(self, link: PeerChannel, load: Batch) -> tuple[Chunk, ...]:
        """The pieces of objects that a load gives."""
        return tuple([await self.gives(link.charter, link.peer, want) for want in load.chunks_due])

    async def call(self, link: PeerChannel, load: Batch, wait: float, chance: random.Random) -> None:
        """Deliver a load, and take what comes back; after any failure the load is due again, after a pause."""
        try:
            await self._deliver(link, load, wait if self.router.awaits(link) or load.messages else 0.0)
            link.failures, link.trouble = 0, ""
        except Exception as error:
            link.requeue(load)
            link.failures += 1
            link.trouble = str(error)[:300] or type(error).__name__
            if not isinstance(error, (YosegiError, OSError)):
                log.exception("a call to %s under %s failed", link.peer, link.charter)
            # Exponential back-off with full jitter, at most half a minute.
            await self.clock.sleep(chance.uniform(0.05, min(IDLE, 0.2 * 2 ** min(link.failures, 8))))
        except BaseException:
            link.requeue(load)
            raise

    async def _deliver(self, link: PeerChannel, load: Batch, wait: float) -> None:
        reach = self.router.to(link)
        chunks = await self.chunks(link, load)
        if link.peer == self.site:
            # A site's own capabilities are asked like anybody's, and need no network for it.
            answer = await self.board.handle(self.parcels.pack(link, load, chunks=chunks).to_bytes())
            await self._take_answer(link, answer)
        elif isinstance(reach, Listens):
            parcel = self.parcels.pack(link, load, wait=wait, chunks=chunks)
            answer = await self.transport.call(reach.url + PATH, parcel.to_bytes(), timeout=wait + 10.0)
            await self._take_answer(link, answer)
        elif isinstance(reach, Outbound):
            await self._leave_mail(link, load, reach.mailbox, chunks)

    async def _take_answer(self, link: PeerChannel, body: bytes) -> None:
        answer = await self.parcels.read(body)
        if answer.sender != link.peer:
            raise Invalid("an answer", f"from {answer.sender} where {link.peer} was called")
        await self.inbox.receive(link, answer)
        for mail in answer.mail:
            await self._read_mail(link, mail)

    async def _leave_mail(self, link: PeerChannel, load: Batch, host: str, chunks: tuple[Chunk, ...]) -> None:
        """Seal a parcel to the peer and leave it at its mailbox; an empty one tells where the ledger stands."""
        if not load and self.clocks.seconds_off:
            return
        inner = self.parcels.pack(link, load, lifetime=MAIL_LIFETIME, chunks=chunks).to_bytes()
        key = self.directory.sealing_key_of(link.charter, link.peer)
        box = key.seal(inner, context=_mail_context(self.site, link.peer))
        mail = Mail(sender=self.site, to=link.peer, id=self.parcels.nonce(), box=box)
        reach = self.directory.reach_of(link.charter, host)
        if not isinstance(reach, Listens):
            raise Unavailable(f"the mailbox of {link.peer}", f"{host} does not listen")
        carrier = self.board.link(link.charter, host)
        parcel = self.parcels.pack(carrier, Batch(), mail=(mail,))
        await self._take_answer(carrier, await self.transport.call(reach.url + PATH, parcel.to_bytes(), timeout=10.0))

    async def _read_mail(self, host: PeerChannel, mail: Mail) -> None:
        try:
            box = self.sealing.open(mail.box, context=_mail_context(mail.sender, self.site))
            parcel: Parcel = await self.parcels.read(box, fresh=False)
            if parcel.sender != mail.sender:
                raise Invalid("mail", f"signed by {parcel.sender} and left in the name of {mail.sender}")
            await self.inbox.receive(self.board.link(parcel.charter, parcel.sender), parcel)
        except Invalid as error:
            # What cannot be read now never can be; its sender will send again what matters.
            host.trouble = str(error)
        host.collect(mail.id)


class Conversation:
    """One peer's calls: sends what is due and keeps a long poll open while something is awaited."""

    def __init__(self, sender: PeerSender, link: PeerChannel) -> None:
        self._sender, self._link = sender, link
        self._chance = random.Random(derived_key(sender.site, link.peer, link.charter))
        self._under_way: set[asyncio.Future[None]] = set()

    def __repr__(self) -> str:
        return f"<conversation with {self._link.peer}, {len(self._under_way)} calls under way>"

    async def round(self) -> bool:
        """Begin a call if one is due, else wait until something changes; there is always another round."""
        sender, link = self._sender, self._link
        self._under_way = {call for call in self._under_way if not call.done()}
        link.calls = len(self._under_way)
        resend = sender.router.resend(link)
        calls = sender.router.dials(link) and not (link.failures and self._under_way)
        if calls and self._begin(resend):
            return True
        # What cannot be sent now, as the peer only dials out or a call to it is being made again, is no reason to
        # look every millisecond: the next call wakes this.
        more = calls and len(self._under_way) < MOST_CALLS
        due_in = link.patience(sender.clock.monotonic()) if more else IDLE
        await until_changed(link, min(resend, due_in, max(0.05, sender.router.gossip_in(link))))
        return True

    def _begin(self, resend: float) -> bool:
        """Begin a call if there is reason for one; whether there was."""
        sender, link, now = self._sender, self._link, self._sender.clock.monotonic()
        # What is due goes with an answer that is held back, where there is one.
        due = not link.held and link.due(now, resend) and not sender.clocks.seconds_off
        polls = not self._under_way and (sender.router.awaits(link) or sender.router.gossip_in(link) <= 0)
        if not ((due and len(self._under_way) < MOST_CALLS) or polls):
            return False
        # Taken here and now: what one call takes along is due no more.
        load = sender.take(link)
        link.called = now
        wait = QUICK if due else LONGEST_WAIT * 0.66
        call = sender.board.spawn(f"call to {link.peer}", partial(sender.call, link, load, wait, self._chance))
        call.add_done_callback(lambda _: link.wake())
        self._under_way.add(call)
        return True


async def until_changed(link: PeerChannel, seconds: float) -> None:
    """Wait until something about a conversation changes, or so long."""
    try:
        async with asyncio.timeout(seconds if seconds < IDLE else IDLE):
            await link.changed.wait()
    except TimeoutError:
        pass


def _mail_context(sender: str, to: str) -> bytes:
    return f"yosegi mail from {sender} to {to}".encode()
