"""Making and reading parcels: what this site signs for a peer, and what it believes of one that arrives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from yosegi.core.clock import Clock
from yosegi.core.errors import Corrupt, Invalid, SenderSuspended
from yosegi.core.identifiers import derived_key
from yosegi.core.used_once import Use, UsedOnce
from yosegi.data import AT_ONCE, CHUNK, Chunk
from yosegi.data.pulling import Offload
from yosegi.exchange.clock_watch import ClockWatch
from yosegi.exchange.outbox import Rebuild, message
from yosegi.exchange.parcel import Mail, Message, Parcel
from yosegi.exchange.peer_channel import Batch, PeerChannel
from yosegi.exchange.received import check_parts
from yosegi.exchange.witness import Witness
from yosegi.governance.charter.registry import Registry
from yosegi.ledger import Ledger
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey
from yosegi.trust.signer import Signer

log = logging.getLogger("yosegi.exchange")

LIFETIME = timedelta(minutes=2)
MOST_REMEMBERED = 100_000
"""Parcels of one peer that are remembered, so that none is taken twice; more within four minutes are refused."""
LARGE = 64 * 1024
"""Bytes of a parcel, or of a document, that is read off the event loop."""
ROOM = AT_ONCE * CHUNK
"""Bytes of documents and pieces of objects in one parcel: sealed and carried in another it is still readable."""


@dataclass
class ParcelCodec:
    """Signs parcels with this site's key; verifies others' by the charter, each once.

    Args:
        introduce: takes documents that prove themselves from a parcel whose sender is not believed yet; whether
            anything was learned.
        barred: whether nothing is exchanged with a peer under a charter.
        rebuilds: makes documents anew that entries do not hold whole.
        offload: reads large parcels elsewhere.
    """

    site: str
    ledger: Ledger
    signer: Signer
    directory: Registry
    clock: Clock
    witness: Witness
    clocks: ClockWatch
    introduce: Callable[[tuple[Envelope, ...]], Awaitable[bool]]
    barred: Callable[[str, str], bool]
    rebuilds: Mapping[str, Rebuild]
    offload: Offload
    _large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    _seen: UsedOnce = field(init=False)
    _counter: int = 0

    def __post_init__(self) -> None:
        self._seen = UsedOnce(self.clock, 2 * LIFETIME, MOST_REMEMBERED)

    def pack(
        self,
        channel: PeerChannel,
        batch: Batch,
        *,
        mail: tuple[Mail, ...] = (),
        wait: float = 0.0,
        lifetime: timedelta = LIFETIME,
        chunks: tuple[Chunk, ...] = (),
    ) -> Envelope:
        """A signed parcel; documents there is no room for are due again."""
        now, by_mail = self.clock.now(), lifetime > LIFETIME
        charter, peer = channel.charter, channel.peer
        parcel = Parcel(
            charter=channel.charter,
            sender=self.site,
            to=channel.peer,
            key=self.nonce(),
            issued=now,
            not_after=now + lifetime,
            messages=self._documents(channel, batch, ROOM - sum(len(chunk.data) for chunk in chunks)),
            acknowledged=batch.acknowledged,
            refused=batch.refused,
            mail=mail,
            collected=batch.collected,
            history=None if peer == self.site else self.witness.history(charter, peer, by_mail=by_mail),
            asks=(not by_mail and self.witness.asks(charter, peer)) or None,
            wants=batch.wants or None,
            chunks=chunks or None,
            wait=wait,
        )
        return parcel.sign(self.signer)

    def _documents(self, channel: PeerChannel, batch: Batch, room: int) -> tuple[Message, ...]:
        """The documents of a load, as many as there is room for, and one in any case; the others are due again."""
        kept: list[Message] = []
        for number, out in enumerate(batch.messages):
            try:
                one = message(self.ledger, out, self.rebuilds)
            except Corrupt as error:
                # What it was made from was erased since: it can never be sent, and must not keep the others waiting.
                log.warning("not sent to %s: %s", channel.peer, error)
                channel.drop(out.id)
                continue
            room -= len(one.document.payload)
            if kept and room < 0:
                channel.requeue(Batch(messages=batch.messages[number:]))
                break
            kept.append(one)
        return tuple(kept)

    def nonce(self) -> str:
        """A key that this site has given to nothing else."""
        self._counter += 1
        return derived_key(self.site, self.clock.now().isoformat(), self._counter)

    async def read(self, body: bytes, *, fresh: bool = True) -> Parcel:
        """A verified parcel; what in it proves itself may make its sender known first.

        Args:
            body: its bytes.
            fresh: whether it was made a moment ago, and so tells what its sender's clock says.

        Raises:
            Invalid: not a parcel, not for this site, by nobody of the charter, out of date, or seen before.
        """
        if len(body) <= LARGE:
            envelope, claim = _peeked(body)
        else:
            # Elsewhere, so that others are answered meanwhile, and few at a time, so that they do not fill the pool.
            async with self._large:
                envelope, claim = await self.offload(_peeked, body)
        try:
            return self._open(envelope, claim, fresh=fresh)
        except Untrusted:
            if not await self.introduce(tuple(message.document for message in claim.messages)):
                raise
            return self._open(envelope, claim, fresh=fresh)

    def _open(self, envelope: Envelope, claim: Parcel, *, fresh: bool = True) -> Parcel:
        charter, sender = claim.charter, claim.sender
        keys, now = self._keys_for(claim), self.clock.now()
        try:
            parcel = Parcel.open(envelope, keys, now=now, to=self.site, charter=charter, sender=sender, peeked=claim)
        except Untrusted as error:
            if fresh and error.reason in ("document_not_yet_valid", "document_expired"):
                # One of two clocks is off; signed it is all the same, and so it tells whose.
                late = Parcel.open(
                    envelope, keys, now=claim.issued, to=self.site, charter=charter, sender=sender, peeked=claim
                )
                self._hear_clock(late, now, in_force=False)
                self.clocks.check_own()
                self.clocks.check_apart(sender)
            raise
        self._refuse_replay(parcel)
        if fresh:
            self._hear_clock(parcel, now, in_force=True)
        return parcel

    def _keys_for(self, claim: Parcel) -> Mapping[str, PublicKey]:
        """The keys to read a parcel with; one of an accused peer is read if it may show a restoration, for that alone.

        Raises:
            Invalid: its sender is suspended here, or no member.
        """
        accused = claim.sender in self.witness.forked and not self.barred(claim.charter, claim.sender)
        if accused and self.witness.verdicts.may_explain(claim.sender, claim.history):
            return self.directory.keys_of(claim.charter, claim.sender)
        return self.keys_of(claim.charter, claim.sender)

    def keys_of(self, charter: str, sender: str) -> Mapping[str, PublicKey]:
        """The keys by which a sender is believed now.

        Raises:
            SenderSuspended: it is suspended here.
            Invalid: no member.
        """
        if sender in self.witness.forked or self.barred(charter, sender):
            raise SenderSuspended(sender, self.site)
        return self.directory.keys_of(charter, sender)

    def _hear_clock(self, parcel: Parcel, now: datetime, *, in_force: bool) -> None:
        if parcel.sender != self.site and parcel.not_after - parcel.issued <= LIFETIME:
            self.clocks.hear(parcel.sender, parcel.issued, now, in_force=in_force)
            self.clocks.check_peer(parcel.sender)

    def give_back(self, parcel: Parcel) -> None:
        """Read the same parcel as if for the first time, for it could not be taken in here."""
        self._seen.give_back(parcel.sender, parcel.key)

    def _refuse_replay(self, parcel: Parcel) -> None:
        use = self._seen.take(parcel.sender, parcel.key)
        if use is Use.AGAIN:
            raise Invalid(f"a parcel of {parcel.sender}", "it was received before (a replay)")
        if use is Use.TOO_MANY:
            raise Invalid(f"a parcel of {parcel.sender}", f"{MOST_REMEMBERED} came in the last minutes", "send fewer")


def _peeked(body: bytes) -> tuple[Envelope, Parcel]:
    """A parcel as it claims to be, NOT verified.

    Raises:
        Invalid: not a parcel, or one of more values than are read.
    """
    check_parts(body, "an envelope")
    envelope = Envelope.read(body)
    check_parts(envelope.payload, "a parcel")
    return envelope, Parcel.peek(envelope)
