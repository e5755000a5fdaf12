"""Documents between sites: at least once into idempotent receivers, over whatever reach a peer has.

A site that listens is called; a site that only dials out calls its mailbox, which holds its mail sealed. One verb
serves all: a parcel goes, a parcel comes back, and the answer may be held back until there is something to say (long
poll). What crosses is evidence by itself, so no hop has to be believed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.clock import Clock
from yosegi.core.errors import Invalid
from yosegi.core.transport import Transport
from yosegi.data import Chunk, ChunkRequest
from yosegi.exchange.clock_watch import ClockWatch
from yosegi.exchange.inbox import Handler, Inbox
from yosegi.exchange.mailbox import Mailbox
from yosegi.exchange.outbox import Outgoing, waiting
from yosegi.exchange.parcel import Mail, Parcel
from yosegi.exchange.parcel_codec import ParcelCodec
from yosegi.exchange.peer_channel import PeerChannel
from yosegi.exchange.peer_router import PeerRouter
from yosegi.exchange.sender import Give, PeerSender, until_changed
from yosegi.exchange.witness import Witness
from yosegi.governance.charter.registry import Registry
from yosegi.governance.policy.explanation import explained
from yosegi.ledger import Entry, Ledger
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Signer

MOST_HELD = 2
"""Answers held back at a time for one peer; fewer than its calls, so that something new always gets through."""


async def _ignored(out: Outgoing, why: str) -> None:
    """Nobody minds."""


async def _gives_nothing(charter: str, peer: str, want: ChunkRequest) -> Chunk:
    return Chunk.why_not(want, explained("object_unknown", digest=want.sha256, task=want.task))


async def _nobody(documents: tuple[Envelope, ...]) -> bool:
    return False


@dataclass(repr=False)
class Exchange:
    """The conversations of one site with all others.

    Args:
        directory: who is in which charter, with what keys, and how they are reached.
        clocks: this site's clock beside its peers'.
        lasting: signs checkpoints beside the signer, for what must be believed in twenty years.
        expects: whether this site awaits something of a peer under a charter, and so keeps a long poll open.
        mailbox: kept for others by a site that listens.
        introduce: takes documents that prove themselves from a parcel whose sender is not believed yet; whether
            anything was learned.
        barred: whether nothing is exchanged with a peer under a charter.
        gives: a piece of an object that a peer asks for under a charter, or why not.
        takes: told of each piece that comes, with its sender.
    """

    site: str
    ledger: Ledger
    signer: Signer
    sealing: Unsealer
    directory: Registry
    transport: Transport
    clock: Clock
    clocks: ClockWatch
    mailbox: Mailbox | None = None
    lasting: Signer | None = None
    expects: Callable[[str, str], bool] = lambda charter, peer: False
    introduce: Callable[[tuple[Envelope, ...]], Awaitable[bool]] = _nobody
    refused: Callable[[Outgoing, str], Awaitable[None]] = _ignored
    barred: Callable[[str, str], bool] = lambda charter, peer: False
    gives: Give = _gives_nothing
    takes: Callable[[str, Chunk], object] = lambda peer, chunk: None
    witness: Witness = field(init=False)
    _parcels: ParcelCodec = field(init=False)
    _router: PeerRouter = field(init=False)
    _inbox: Inbox = field(init=False)
    _caller: PeerSender = field(init=False)
    _links: dict[tuple[str, str], PeerChannel] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _ending: bool = False

    def __repr__(self) -> str:
        return f"<exchange of {self.site} with {len(self._links)} peers>"

    def __post_init__(self) -> None:
        site, ledger, directory, clock = self.site, self.ledger, self.directory, self.clock
        # What other rooms hook in later is looked up when it is needed.
        self.witness = witness = Witness(site, ledger, clock, directory, self.lasting)
        self._router = PeerRouter(
            site, directory, witness, clock, lambda c, peer: self.expects(c, peer), lambda c, peer: self.barred(c, peer)
        )
        self._parcels = ParcelCodec(
            site,
            ledger,
            self.signer,
            directory,
            clock,
            witness,
            self.clocks,
            lambda documents: self.introduce(documents),
            lambda charter, peer: self.barred(charter, peer),
        )
        self._inbox = Inbox(
            site,
            ledger,
            directory,
            clock,
            witness,
            self.clocks,
            lambda out, why: self.refused(out, why),
            lambda peer, chunk: self.takes(peer, chunk),
        )
        self._caller = PeerSender(
            site,
            directory,
            self.transport,
            clock,
            self.sealing,
            self._parcels,
            self._router,
            self._inbox,
            self.clocks,
            self,
            lambda charter, peer, want: self.gives(charter, peer, want),
        )

    # -- life -----------------------------------------------------------------------------------------------------

    def on(self, kind: type[Document], handler: Handler) -> None:
        """Give documents of a kind, in every version, to a handler, which returns when it has recorded them durably.

        A handler raises `Unavailable` to have the message sent again, any other YosegiError to refuse it for good.
        """
        self._inbox.handlers |= dict.fromkeys(kind.payload_types, handler)

    @property
    def spoken(self) -> frozenset[str]:
        """Payload types that this site takes now."""
        return frozenset(self._inbox.handlers)

    def posted(self, entries: Sequence[Entry]) -> None:
        """Entries were appended; send what they send."""
        for entry in entries:
            out = Outgoing.of(entry)
            if out is not None:
                self.link(out.charter, out.to).post(out)

    def link(self, charter: str, peer: str) -> PeerChannel:
        """The conversation with a peer; begun if there was none."""
        key = (charter, peer)
        if key not in self._links:
            self._links[key] = PeerChannel(charter, peer, since=self.clock.monotonic())
            if self._tasks:
                self._spawn(self._caller.run(self._links[key]))
        return self._links[key]

    def patience(self, link: PeerChannel) -> float:
        """Seconds after which something that was asked of a peer is asked for again."""
        return self._router.resend(link)

    def start(self) -> None:
        """Take up every conversation where it was left."""
        self.witness.start()
        self._spawn(self._inbox.settle())
        for charter in self.directory.charters():
            self.meet(charter)
        for out in waiting(self.ledger):
            self.link(out.charter, out.to).post(out)

    def meet(self, charter: str) -> None:
        """Converse with every member of a charter, and look again at whom that concerns."""
        for peer in self.directory.sites(charter):
            if peer != self.site:
                self.link(charter, peer).wake()

    def release_waiters(self) -> None:
        """Answer every call that is held open, and hold none any more."""
        self._ending = True
        for link in self._links.values():
            link.wake()

    async def close(self) -> None:
        """End every conversation; what was not delivered is taken up again by the next `start`."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.transport.close()

    def statistics(self) -> list[dict[str, Any]]:
        """One line a peer: how it is reached, when it was last heard, what waits for it."""
        now = self.clock.monotonic()
        return [
            {
                "charter": link.charter,
                "peer": link.peer,
                "reach": self._router.described(link.charter, link.peer),
                "heard_seconds_ago": None if link.last_heard is None else round(now - link.last_heard, 1),
                "unheard_seconds": round(now - (link.since if link.last_heard is None else link.last_heard), 1),
                "trouble": link.trouble if link.failures else "",
                "clock_seconds": self.clocks.apart.get(link.peer, 0),
                "waiting": link.waiting,
            }
            for link in self._links.values()
        ]

    # -- answering ------------------------------------------------------------------------------------------------

    async def handle(self, body: bytes) -> bytes:
        """Answer a parcel that was posted here.

        Raises:
            Invalid: not a parcel, not for this site, by nobody of the charter, out of date, or seen before.
        """
        parcel = await self._parcels.read(body)
        link = self.link(parcel.charter, parcel.sender)
        await self._inbox.receive(link, parcel)
        await self._keep_mail(parcel)
        if parcel.wait and link.held < MOST_HELD:
            await self._hold(link, parcel)
            # While the answer was held back its addressee may have been removed or suspended.
            self._parcels.keys_of(parcel.charter, parcel.sender)
        now, resend = self.clock.monotonic(), self._router.resend(link)
        load = self._caller.take(link)
        if link.due(now, resend):
            link.wake()
        # A request just sent in the answer is answered by the peer's next call; it is due again if none comes.
        chunks = await self._caller.chunks(link, load)
        return self._parcels.pack(link, load, mail=self._mail_for(parcel), chunks=chunks).to_bytes()

    async def _hold(self, link: PeerChannel, parcel: Parcel) -> None:
        """Wait until there is something to say, for as long as the caller allows."""
        resend = self._router.resend(link)
        link.held += 1
        try:
            async with asyncio.timeout(parcel.wait):
                while not (self._mail_for(parcel) or link.due(now := self.clock.monotonic(), resend) or self._ending):
                    await until_changed(link, link.patience(now))
        except TimeoutError:
            pass
        finally:
            link.held -= 1

    async def _keep_mail(self, parcel: Parcel) -> None:
        """As a mailbox: keep what was left for others, drop what was collected."""
        if self.mailbox is None:
            if parcel.mail:
                raise Invalid("a parcel", f"{self.site} keeps no mailbox")
            return
        for mail in parcel.mail:
            if mail.sender != parcel.sender or mail.to not in self.directory.sites(parcel.charter):
                raise Invalid("mail", f"from {mail.sender} to {mail.to}", "only members leave mail, in their own name")
            self.mailbox.leave(mail)
            self.link(parcel.charter, mail.to).wake()
        self.mailbox.drop(parcel.sender, parcel.collected)

    def _mail_for(self, parcel: Parcel) -> tuple[Mail, ...]:
        return () if self.mailbox is None else self.mailbox.waiting(parcel.sender)

    # -- parts ----------------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.keep(asyncio.create_task(work))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold on to a task until it is done, or everything is closed."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
