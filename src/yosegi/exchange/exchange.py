"""Documents between sites: at least once into idempotent receivers, over whatever reach a peer has.

A site that listens is called; a site that only dials out calls its mailbox, which holds its mail sealed. One verb
serves all: a parcel goes, a parcel comes back, and the answer may be held back until there is something to say (long
poll). What crosses is evidence by itself, so no hop has to be believed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from yosegi.core import canonical
from yosegi.core.clock import Clock
from yosegi.core.errors import Corrupt, Invalid, Unavailable, YosegiError
from yosegi.core.ids import derived_key
from yosegi.core.transport import Transport
from yosegi.data import AT_ONCE, CHUNK, Chunk, Want
from yosegi.exchange.clockwatch import ClockWatch
from yosegi.exchange.link import RESEND, RESEND_MAIL, Link, Load
from yosegi.exchange.mailbox import Mailbox
from yosegi.exchange.outbox import ACKNOWLEDGED, REFUSED, Outgoing, message, waiting
from yosegi.exchange.parcel import LONGEST_WAIT, Mail, Message, Parcel, Refusal
from yosegi.exchange.witness import EVERY, Witness
from yosegi.governance.explanation import explained
from yosegi.governance.registry import Registry
from yosegi.governance.statement import Listens, Outbound
from yosegi.ledger import Draft, Entry, Ledger, Receipt, Write
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Signer

PATH = "/exchange/v1"
MOST_CALLS = 4
MOST_HELD = 2
"""Answers held back at a time for one peer; fewer than its calls, so that something new always gets through."""
QUICK = 1.0
"""Seconds an answer may be held back when something was just sent: a task that ends quickly comes back in it."""
IDLE = 30.0
LIFETIME = timedelta(minutes=2)
MAIL_LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A verified message: who sent it under which charter. The document itself is verified by its handler."""

    message: Message
    sender: str
    charter: str


Handler = Callable[[Incoming], Awaitable[None]]


async def _ignored(out: Outgoing, why: str) -> None:
    """Nobody minds."""


Give = Callable[[str, str, Want], Awaitable[Chunk]]
ROOM = AT_ONCE * CHUNK
"""Bytes of documents and pieces of objects in one parcel: sealed and carried in another it is still readable."""


async def _gives_nothing(charter: str, peer: str, want: Want) -> Chunk:
    return Chunk.why_not(want, explained("object_unknown", digest=want.sha256, task=want.task))


async def _nobody(documents: tuple[Envelope, ...]) -> bool:
    return False


@dataclass(repr=False)
class Exchange:
    """The conversations of one site with all others.

    Args:
        directory: who is in which charter, with what keys, and how they are reached.
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
    mailbox: Mailbox | None = None
    lasting: Signer | None = None
    expects: Callable[[str, str], bool] = lambda charter, peer: False
    introduce: Callable[[tuple[Envelope, ...]], Awaitable[bool]] = _nobody
    refused: Callable[[Outgoing, str], Awaitable[None]] = _ignored
    barred: Callable[[str, str], bool] = lambda charter, peer: False
    gives: Give = _gives_nothing
    takes: Callable[[str, Chunk], object] = lambda peer, chunk: None
    witness: Witness = field(init=False)
    clocks: ClockWatch = field(default_factory=ClockWatch)
    _handlers: dict[str, Handler] = field(default_factory=dict)
    _links: dict[tuple[str, str], Link] = field(default_factory=dict)
    _settled: dict[str, list[str]] = field(default_factory=dict)
    _settle_wake: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _seen: dict[str, float] = field(default_factory=dict)
    _counter: int = 0

    def __repr__(self) -> str:
        return f"<exchange of {self.site} with {len(self._links)} peers>"

    def __post_init__(self) -> None:
        self.witness = Witness(self.site, self.ledger, self.clock, self.directory, self.lasting)

    def on(self, kind: type[Document], handler: Handler) -> None:
        """Give documents of a kind, in every version, to a handler, which returns when it has recorded them durably.

        A handler raises `Unavailable` to have the message sent again, any other YosegiError to refuse it for good.
        """
        self._handlers |= dict.fromkeys(kind.payload_types, handler)

    def posted(self, entries: Sequence[Entry]) -> None:
        """Entries were appended; send what they send."""
        for entry in entries:
            out = Outgoing.of(entry)
            if out is not None:
                self.link(out.charter, out.to).post(out)

    def link(self, charter: str, peer: str) -> Link:
        """The conversation with a peer; begun if there was none."""
        key = (charter, peer)
        if key not in self._links:
            self._links[key] = Link(charter, peer, since=self.clock.monotonic())
            if self._tasks:
                self._spawn(self._converse(self._links[key]))
        return self._links[key]

    def patience(self, link: Link) -> float:
        """Seconds after which something that was asked of a peer is asked for again."""
        return self._resend(link)

    def start(self) -> None:
        """Take up every conversation where it was left."""
        self.witness.start()
        self._spawn(self._settle())
        for charter in self.directory.charters():
            self.meet(charter)
        for out in waiting(self.ledger):
            self.link(out.charter, out.to).post(out)

    def meet(self, charter: str) -> None:
        """Converse with every member of a charter, and look again at whom that concerns."""
        for peer in self.directory.sites(charter):
            if peer != self.site:
                self.link(charter, peer).wake()

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
                "reach": _reach_text(self._reach_of(link.charter, link.peer)),
                "heard_seconds_ago": None if link.last_heard is None else round(now - link.last_heard, 1),
                "unheard_seconds": round(now - (link.since if link.last_heard is None else link.last_heard), 1),
                "trouble": link.trouble if link.failures else "",
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
        parcel = await self._read(body)
        link = self.link(parcel.charter, parcel.sender)
        await self._receive(link, parcel)
        await self._keep_mail(parcel)
        if parcel.wait and link.held < MOST_HELD:
            await self._hold(link, parcel)
            # While the answer was held back its addressee may have been removed or suspended.
            self._keys_of(parcel.charter, parcel.sender)
        now, resend = self.clock.monotonic(), self._resend(link)
        load = self._take(link)
        if link.due(now, resend):
            link.wake()
        # A request just sent in the answer is answered by the peer's next call; it is due again if none comes.
        chunks = await self._chunks(link, load)
        return self._pack(link, load, mail=self._mail_for(parcel), chunks=chunks).to_bytes()

    async def _hold(self, link: Link, parcel: Parcel) -> None:
        """Wait until there is something to say, for as long as the caller allows."""
        resend = self._resend(link)
        link.held += 1
        try:
            async with asyncio.timeout(parcel.wait):
                while not self._mail_for(parcel) and not link.due(now := self.clock.monotonic(), resend):
                    await self._until_changed(link, link.patience(now))
        except TimeoutError:
            pass
        finally:
            link.held -= 1

    async def _receive(self, link: Link, parcel: Parcel) -> None:
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

    async def _take_in(self, link: Link, item: Message) -> None:
        handler = self._handlers.get(item.document.payload_type)
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

    def _check_receipt(self, link: Link, item: Message) -> None:
        """A message must stand in its sender's ledger, and the receipt must say so."""
        if item.receipt is None:
            raise Invalid("a message", "it has no receipt", "the sender records before it sends")
        header = Receipt.read(item.receipt).verify(self.directory.keys_of(link.charter, link.peer))
        sent = header.facts.get("send", {})
        if (header.site, header.charter, sent.get("to"), sent.get("id")) != (
            link.peer,
            link.charter,
            self.site,
            item.id,
        ):
            raise Invalid("a message", "its receipt is for another message, site or charter")

    def _settled_as(self, link: Link, message_id: str, how: str) -> None:
        if link.drop(message_id):
            self._settled.setdefault(f"{how} {link.charter}", []).append(f"{message_id} {link.peer}")
            self._settle_wake.set()

    async def _settle(self) -> None:
        """Record what was acknowledged, many at a time and off the path of any task."""
        while True:
            await self._settle_wake.wait()
            await self.clock.sleep(0.5)
            self._settle_wake.clear()
            settled, self._settled = self._settled, {}
            for kind, ids in settled.items():
                how, _, charter = kind.partition(" ")
                draft = Draft(type=how, facts={"ids": ids})
                write = Write(f"exchange/{charter}", None, (draft,), charter=charter, actor=self.site)
                try:
                    await self.ledger.append(write)
                except Unavailable:
                    # A full disk: what is not recorded as acknowledged would only be sent again after a restart.
                    self._settled.setdefault(kind, []).extend(ids)
                    self._settle_wake.set()

    # -- calling --------------------------------------------------------------------------------------------------

    async def _converse(self, link: Link) -> None:
        """Send what is due and keep a long poll open while something is awaited."""
        chance = random.Random(derived_key(self.site, link.peer, link.charter))
        under_way: set[asyncio.Task[None]] = set()
        while True:
            under_way = {task for task in under_way if not task.done()}
            link.calls = len(under_way)
            resend = self._resend(link)
            calls = self._dials(link) and not (link.failures and under_way)
            if calls:
                # What is due goes with an answer that is held back, where there is one.
                now = self.clock.monotonic()
                due = not link.held and link.due(now, resend) and not self.clocks.seconds_off
                gossips = self._gossip_in(link) <= 0
                if (due and len(under_way) < MOST_CALLS) or ((self._awaits(link) or gossips) and not under_way):
                    # Taken here and now: what one call takes along is due no more.
                    load = self._take(link)
                    link.called = now
                    call = asyncio.create_task(self._call(link, load, QUICK if due else LONGEST_WAIT * 0.66, chance))
                    call.add_done_callback(lambda _: link.wake())
                    self._keep(call)
                    under_way.add(call)
                    continue
            # What cannot be sent now, as the peer only dials out or a call to it is being made again, is no reason to
            # look every millisecond: the next call wakes this.
            due_in = link.patience(self.clock.monotonic()) if calls and len(under_way) < MOST_CALLS else IDLE
            await self._until_changed(link, min(resend, due_in, max(0.05, self._gossip_in(link))))

    async def _call(self, link: Link, load: Load, wait: float, chance: random.Random) -> None:
        try:
            await self._deliver(link, load, wait if self._awaits(link) or load.messages else 0.0)
            link.failures, link.trouble = 0, ""
        except (YosegiError, OSError) as error:
            link.untake(load)
            link.failures += 1
            link.trouble = str(error)[:300]
            # Exponential back-off with full jitter, at most half a minute.
            await self.clock.sleep(chance.uniform(0.05, min(IDLE, 0.2 * 2 ** min(link.failures, 8))))
        except BaseException:
            link.untake(load)
            raise

    async def _deliver(self, link: Link, load: Load, wait: float) -> None:
        reach = self._reach(link)
        chunks = await self._chunks(link, load)
        if link.peer == self.site:
            # A site's own capabilities are asked like anybody's, and need no network for it.
            answer = await self.handle(self._pack(link, load, chunks=chunks).to_bytes())
            await self._take_answer(link, await self._read(answer))
        elif isinstance(reach, Listens):
            parcel = self._pack(link, load, wait=wait, chunks=chunks)
            answer = await self.transport.call(reach.url + PATH, parcel.to_bytes(), timeout=wait + 10.0)
            await self._take_answer(link, await self._read(answer))
        elif isinstance(reach, Outbound):
            await self._leave_mail(link, load, reach.mailbox, chunks)

    async def _take_answer(self, link: Link, answer: Parcel) -> None:
        if answer.sender != link.peer:
            raise Invalid("an answer", f"from {answer.sender} where {link.peer} was called")
        await self._receive(link, answer)
        for mail in answer.mail:
            await self._read_mail(link, mail)

    # -- mail -----------------------------------------------------------------------------------------------------

    async def _leave_mail(self, link: Link, load: Load, host: str, chunks: tuple[Chunk, ...]) -> None:
        """Seal a parcel to the peer and leave it at its mailbox."""
        if not load:
            return
        inner = self._pack(link, load, lifetime=MAIL_LIFETIME, chunks=chunks).to_bytes()
        key = self.directory.sealing_key_of(link.charter, link.peer)
        box = key.seal(inner, context=_mail_context(self.site, link.peer))
        mail = Mail(sender=self.site, to=link.peer, id=self._nonce(), box=box)
        reach = self.directory.reach_of(link.charter, host)
        if not isinstance(reach, Listens):
            raise Unavailable(f"the mailbox of {link.peer}", f"{host} does not listen")
        carrier = self.link(link.charter, host)
        parcel = self._pack(carrier, Load(), mail=(mail,))
        answer = await self.transport.call(reach.url + PATH, parcel.to_bytes(), timeout=10.0)
        await self._take_answer(carrier, await self._read(answer))

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

    async def _read_mail(self, host: Link, mail: Mail) -> None:
        try:
            box = self.sealing.open(mail.box, context=_mail_context(mail.sender, self.site))
            parcel = await self._read(box, fresh=False)
            if parcel.sender != mail.sender:
                raise Invalid("mail", f"signed by {parcel.sender} and left in the name of {mail.sender}")
            await self._receive(self.link(parcel.charter, parcel.sender), parcel)
        except Invalid as error:
            # What cannot be read now never can be; its sender will send again what matters.
            host.trouble = str(error)
        host.collect(mail.id)

    # -- parts ----------------------------------------------------------------------------------------------------

    async def _chunks(self, link: Link, load: Load) -> tuple[Chunk, ...]:
        return tuple([await self.gives(link.charter, link.peer, want) for want in load.gifts])

    def _documents(self, link: Link, load: Load, room: int) -> tuple[Message, ...]:
        """The documents of a load, as many as there is room for, and one in any case; the others are due again."""
        kept: list[Message] = []
        for number, out in enumerate(load.messages):
            one = message(self.ledger, out)
            room -= len(one.document.payload)
            if kept and room < 0:
                link.untake(Load(messages=load.messages[number:]))
                break
            kept.append(one)
        return tuple(kept)

    def _pack(
        self,
        link: Link,
        load: Load,
        *,
        mail: tuple[Mail, ...] = (),
        wait: float = 0.0,
        lifetime: timedelta = LIFETIME,
        chunks: tuple[Chunk, ...] = (),
    ) -> Envelope:
        now = self.clock.now()
        parcel = Parcel(
            charter=link.charter,
            sender=self.site,
            to=link.peer,
            key=self._nonce(),
            issued=now,
            not_after=now + lifetime,
            messages=self._documents(link, load, ROOM - sum(len(chunk.data) for chunk in chunks)),
            acknowledged=load.acknowledged,
            refused=load.refused,
            mail=mail,
            collected=load.collected,
            history=None if link.peer == self.site else self.witness.history(link.charter, link.peer),
            wants=load.wants or None,
            chunks=chunks or None,
            wait=wait,
        )
        return parcel.sign(self.signer)

    async def _read(self, body: bytes, *, fresh: bool = True) -> Parcel:
        """A verified parcel; what in it proves itself may make its sender known first."""
        try:
            return self._open(body, fresh=fresh)
        except Untrusted:
            parcel = Parcel.peek(Envelope.read(body))
            if not await self.introduce(tuple(message.document for message in parcel.messages)):
                raise
            return self._open(body, fresh=fresh)

    def _open(self, body: bytes, *, fresh: bool = True) -> Parcel:
        envelope = Envelope.read(body)
        claim = canonical.loads(envelope.payload, what="a parcel")
        if not isinstance(claim, dict):
            raise Invalid("a parcel", "not an object")
        charter, sender = str(claim.get("charter")), str(claim.get("sender"))
        keys, now = self._keys_of(charter, sender), self.clock.now()
        try:
            parcel = Parcel.open(envelope, keys, now=now, to=self.site, charter=charter, sender=sender)
        except Untrusted as error:
            if fresh and error.reason in ("document_not_yet_valid", "document_expired"):
                # One of two clocks is off; signed it is all the same, and so it tells whose.
                then = Parcel.peek(envelope).issued
                late = Parcel.open(envelope, keys, now=then, to=self.site, charter=charter, sender=sender)
                self._hear_clock(late, now, in_force=False)
                self.clocks.check_own()
            raise
        self._refuse_replay(parcel)
        if fresh:
            self._hear_clock(parcel, now, in_force=True)
        return parcel

    def _keys_of(self, charter: str, sender: str) -> Mapping[str, PublicKey]:
        if sender in self.witness.forked or self.barred(charter, sender):
            raise Invalid(f"a parcel of {sender}", f"{sender} is suspended at {self.site}")
        return self.directory.keys_of(charter, sender)

    def _hear_clock(self, parcel: Parcel, now: datetime, *, in_force: bool) -> None:
        if parcel.sender != self.site and parcel.not_after - parcel.issued <= LIFETIME:
            self.clocks.hear(parcel.sender, parcel.issued, now, in_force=in_force)
            self.clocks.check_peer(parcel.sender)

    def _refuse_replay(self, parcel: Parcel) -> None:
        now = self.clock.monotonic()
        window = LIFETIME.total_seconds() * 2
        if len(self._seen) > 20_000:
            self._seen = {key: at for key, at in self._seen.items() if now - at < window}
        key = f"{parcel.sender} {parcel.key}"
        if key in self._seen:
            raise Invalid(f"a parcel of {parcel.sender}", "it was received before (a replay)")
        self._seen[key] = now

    def _nonce(self) -> str:
        self._counter += 1
        return derived_key(self.site, self.clock.now().isoformat(), self._counter)

    def _reach(self, link: Link) -> object:
        try:
            reach: object = self.directory.reach_of(link.charter, link.peer)
        except Untrusted as error:
            # Two sites that were both away would else never hear that the other is back.
            link.reserved = error.reason == "statement_expired"
            return self.directory.last_reach(link.charter, link.peer) if link.reserved else None
        except YosegiError:
            return None
        link.reserved = False
        return reach

    def _reach_of(self, charter: str, site: str) -> object:
        try:
            return self.directory.reach_of(charter, site)
        except YosegiError:
            return None

    def _dials(self, link: Link) -> bool:
        reach = self._reach(link)
        if self.barred(link.charter, link.peer):
            return False
        if link.peer == self.site or isinstance(reach, Listens):
            return True
        return isinstance(reach, Outbound) and reach.mailbox != self.site

    def _awaits(self, link: Link) -> bool:
        if link.peer == self.site:
            return False
        own = self._reach_of(link.charter, self.site)
        is_my_mailbox = isinstance(own, Outbound) and own.mailbox == link.peer
        listens = isinstance(self._reach(link), Listens)
        return listens and (is_my_mailbox or self.expects(link.charter, link.peer))

    def _take(self, link: Link) -> Load:
        """What is due; nothing while this site's clock is off, for what it signs then is refused."""
        return Load() if self.clocks.seconds_off else link.take(self.clock.monotonic(), self._resend(link))

    def _gossip_in(self, link: Link) -> float:
        """Seconds until a peer is called only to tell each other where the ledgers stand."""
        if link.peer == self.site or not isinstance(self._reach(link), Listens):
            return IDLE
        quiet = self.witness.quiet_for(link.charter, link.peer)
        return max(quiet, link.called + EVERY - self.clock.monotonic())

    def _resend(self, link: Link) -> float:
        near = link.peer == self.site or isinstance(self._reach(link), Listens)
        return RESEND if near else RESEND_MAIL

    async def _until_changed(self, link: Link, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds if seconds < IDLE else IDLE):
                await link.changed.wait()
        except TimeoutError:
            pass

    def _spawn(self, work: Any) -> None:
        self._keep(asyncio.create_task(work))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _mail_context(sender: str, to: str) -> bytes:
    return f"yosegi mail from {sender} to {to}".encode()


def _reach_text(reach: object) -> str:
    if isinstance(reach, Listens):
        return f"listens at {reach.url}"
    if isinstance(reach, Outbound):
        return f"dials out; mailbox at {reach.mailbox}"
    return "carried" if reach is not None else "no valid statement"
