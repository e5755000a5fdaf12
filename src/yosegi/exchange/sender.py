"""The calling side of every conversation: what is due goes, answers come back, trouble backs off."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

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

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold on to a task until it is done, or everything is closed."""

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

    async def run(self, link: PeerChannel) -> None:
        """Send what is due and keep a long poll open while something is awaited, for ever."""
        chance = random.Random(derived_key(self.site, link.peer, link.charter))
        under_way: set[asyncio.Task[None]] = set()
        while True:
            under_way = {task for task in under_way if not task.done()}
            link.calls = len(under_way)
            resend = self.router.resend(link)
            calls = self.router.dials(link) and not (link.failures and under_way)
            if calls:
                # What is due goes with an answer that is held back, where there is one.
                now = self.clock.monotonic()
                due = not link.held and link.due(now, resend) and not self.clocks.seconds_off
                gossips = self.router.gossip_in(link) <= 0
                if (due and len(under_way) < MOST_CALLS) or ((self.router.awaits(link) or gossips) and not under_way):
                    # Taken here and now: what one call takes along is due no more.
                    load = self.take(link)
                    link.called = now
                    call = asyncio.create_task(self._call(link, load, QUICK if due else LONGEST_WAIT * 0.66, chance))
                    call.add_done_callback(lambda _: link.wake())
                    self.board.keep(call)
                    under_way.add(call)
                    continue
            # What cannot be sent now, as the peer only dials out or a call to it is being made again, is no reason to
            # look every millisecond: the next call wakes this.
            due_in = link.patience(self.clock.monotonic()) if calls and len(under_way) < MOST_CALLS else IDLE
            await until_changed(link, min(resend, due_in, max(0.05, self.router.gossip_in(link))))

    def take(self, link: PeerChannel) -> Batch:
        """What is due; nothing while this site's clock is off, for what it signs then is refused."""
        return Batch() if self.clocks.seconds_off else link.take(self.clock.monotonic(), self.router.resend(link))

    async def chunks(self, link: PeerChannel, load: Batch) -> tuple[Chunk, ...]:
        """The pieces of objects that a load gives."""
        return tuple([await self.gives(link.charter, link.peer, want) for want in load.chunks_due])

    async def _call(self, link: PeerChannel, load: Batch, wait: float, chance: random.Random) -> None:
        try:
            await self._deliver(link, load, wait if self.router.awaits(link) or load.messages else 0.0)
            link.failures, link.trouble = 0, ""
        except (YosegiError, OSError) as error:
            link.requeue(load)
            link.failures += 1
            link.trouble = str(error)[:300]
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


async def until_changed(link: PeerChannel, seconds: float) -> None:
    """Wait until something about a conversation changes, or so long."""
    try:
        async with asyncio.timeout(seconds if seconds < IDLE else IDLE):
            await link.changed.wait()
    except TimeoutError:
        pass


def _mail_context(sender: str, to: str) -> bytes:
    return f"yosegi mail from {sender} to {to}".encode()
