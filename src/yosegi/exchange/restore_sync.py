"""After a backup was restored, every peer is asked for the receipts it holds of this site, and for what it awaits.

A question and its answers are messages like any other, so a peer that only dials out brings what it holds at its next
call. Receipts prove themselves; the entries they prove are refilled into the new epoch.

The question is cheap and the answer is not, so whoever asks is bounded (decision record 0030): a question is answered
once, and only one whose receipt shows that the asking ledger is in the epoch that it names; an answer is put together
in the background with a look at everybody else after each stream; and what is recorded of it are the places of what it
was made from, from which it is made again for each sending.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field

from yosegi.core import canonical
from yosegi.core.clock import Clock, parse_timestamp, timestamp
from yosegi.core.errors import Corrupt, Invalid, Unavailable
from yosegi.core.supervision import TaskScope
from yosegi.exchange.channels import Channels
from yosegi.exchange.outbox import sending, sending_by_digest
from yosegi.exchange.passed_on import in_force, passing_again
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
"""Receipts, and awaited requests, in one part of an answer."""
MOST_PARTS = 4096
"""Parts of one peer's answer that are taken."""
MOST_AWAITED = 2000
"""Requests that one peer may say it awaits: more than it may have open at once."""
PATIENCE = 2.0
"""Seconds that a question waits for its answer; afterwards it comes again."""


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
        held: the furthest checkpoint of the asking site, from before the restoration, that the answering one holds.
    """

    kind: ClassVar[str] = "recalled"

    receipts: tuple[dict[str, Any], ...] = Field(default=(), max_length=MOST)
    awaited: tuple[Envelope, ...] = Field(default=(), max_length=MOST)
    held: Envelope | None = None


Lost = Callable[[Received[Request]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Part:
    """What one part of an answer is made of: the sequences of the entries that hold it."""

    receipts: tuple[int, ...]
    awaited: tuple[int, ...]


@dataclass
class RestoreSync:
    """Asks after a restoration, and answers those who ask.

    Args:
        lost: told of each request that the peer still awaits an end of.
        scope: of answers that are being put together.
    """

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    directory: Registry
    channels: Channels
    lost: Lost
    scope: TaskScope
    _answers: dict[tuple[str, str, str], asyncio.Future[None]] = field(default_factory=dict)
    """By charter, peer and digest of the question: its answer, finished or on the way."""
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _asked: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    _heard: dict[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict)
    """By charter, peer and key: parts, and awaited requests, that were taken of an answer."""

    # -- asking ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """If this ledger was restored, ask every member once an epoch."""
        openings = [e for e in self.ledger.read(LEDGER) if e.type == OPENED and "restored" in e.facts]
        if openings:
            for charter in self.directory.charters():
                for peer in self.directory.sites(charter):
                    if peer != self.site and self.directory.version_for(charter, peer, ReceiptRequest):
                        await self._ask(charter, peer, openings[-1])

    async def _ask(self, charter: str, peer: str, opening: Entry) -> None:
        epoch = opening.header.epoch
        if epoch in self._epochs(charter, peer):
            return
        size = opening.facts["restored"]["size"]
        document = ReceiptRequest(**self._addressed(charter, peer, f"recall-{epoch}"), epoch=epoch, size=size)
        stream = f"recall/{charter}/{peer}"
        draft = sending(ASKED, peer, stream, document.sign(self.signer), {"epoch": epoch}, {})
        self.channels.posted(await self.ledger.append(Write(stream, None, (draft,), charter=charter, actor=self.site)))
        self._epochs(charter, peer).add(epoch)

    def _epochs(self, charter: str, peer: str) -> set[int]:
        """The epochs in which a peer was asked; read from the ledger once."""
        if (charter, peer) not in self._asked:
            entries = self.ledger.read(f"recall/{charter}/{peer}")
            self._asked[charter, peer] = {entry.facts["epoch"] for entry in entries if entry.type == ASKED}
        return self._asked[charter, peer]

    def _addressed(self, charter: str, peer: str, key: str) -> dict[str, Any]:
        now = self.clock.now()
        return {
            "charter": charter, "sender": self.site, "to": peer, "key": key, "issued": now,
            "not_after": now + LIFETIME,
        }  # fmt: skip

    # -- answering ------------------------------------------------------------------------------------------------

    async def on_recall(self, received: Received[ReceiptRequest]) -> None:
        """Send a restored peer what is held of it; the same question again is answered already.

        Raises:
            Invalid: its ledger is not in the epoch that it says was opened.
            Unavailable: the answer is being put together; the question comes again.
        """
        asked = received.document
        if _epoch_of(received) != asked.epoch:
            raise Invalid("a request for receipts", f"its receipt is not of epoch {asked.epoch}, which it says is open")
        key = (received.charter, received.sender, received.envelope.payload_digest)
        if key not in self._answers:
            self._answers[key] = self.scope.spawn(f"receipts for {received.sender}", lambda: self._answer(asked, *key))
        done, _ = await asyncio.wait({self._answers[key]}, timeout=PATIENCE)
        if not done:
            raise Unavailable(f"receipts of {received.sender}", "they are being put together", "it is asked again")
        if self._answers[key].cancelled() or self._answers[key].exception() is not None:
            del self._answers[key]
            raise Unavailable(f"receipts of {received.sender}", "they could not be put together", "it is asked again")

    async def _answer(self, asked: ReceiptRequest, charter: str, peer: str, question: str) -> None:
        stream = f"recall/{charter}/{peer}"
        async with self._one_at_a_time:
            if any(e.type == ANSWERED and e.facts.get("question") == question for e in self.ledger.read(stream)):
                return
            await self._pass_on(charter, peer)
            receipts = [sequence async for sequence in self._receipts(asked)]
            awaited = [sequence async for sequence in self._awaited(charter, peer)]
            for number in range(max(1, -(-max(len(receipts), len(awaited)) // MOST))):
                some = slice(number * MOST, (number + 1) * MOST)
                part = _Part(tuple(receipts[some]), tuple(awaited[some]))
                write = Write(
                    stream, None, (self._part(asked, part, number, question),), charter=charter, actor=self.site
                )
                self.channels.posted(await self.ledger.append(write))
                await asyncio.sleep(0)

    async def _pass_on(self, charter: str, peer: str) -> None:
        """Send a restored peer what is in force here: what came after its backup, nobody passes on a second time.

        It goes before the receipts, since what is taken up anew is judged by it.
        """
        drafts = tuple(passing_again(*held, peer) for held in in_force(self.directory, charter, peer))
        write = Write(f"recall/{charter}/{peer}", None, drafts, charter=charter, actor=self.site)
        self.channels.posted(await self.ledger.append(write))

    def _part(self, asked: ReceiptRequest, part: _Part, number: int, question: str) -> Draft:
        charter, peer = asked.charter, asked.sender
        held = self.channels.witness.known(charter, peer).before(asked.epoch)
        fields = self._addressed(charter, peer, asked.key)
        document = self._made(fields, part, held)
        body = {
            "key": asked.key, "issued": timestamp(fields["issued"]), "not_after": timestamp(fields["not_after"]),
            "receipts": list(part.receipts), "awaited": list(part.awaited),
            "held": None if held is None else held.model_dump(mode="json"),
        }  # fmt: skip
        facts = {"epoch": asked.epoch, "receipts": len(part.receipts), "question": question}
        return sending_by_digest(ANSWERED, peer, f"recalled/{asked.key}/{number}", document, facts, body)

    def rebuilt(self, entry: Entry) -> Envelope:
        """The part of an answer that an entry sends, made from what it was made from at first.

        Raises:
            Corrupt: something of that is no longer here.
        """
        body, send = entry.body or {}, entry.facts["send"]
        part = _Part(tuple(body["receipts"]), tuple(body["awaited"]))
        fields = self._addressed(entry.header.charter, send["to"], body["key"])
        fields |= {name: parse_timestamp(body[name]) for name in ("issued", "not_after")}
        held = None if body["held"] is None else Envelope.parsed(body["held"])
        return self._made(fields, part, held)

    def passed_on_again(self, entry: Entry) -> Envelope:
        """The document of governance that an entry sends, from the entry that holds it.

        Raises:
            Corrupt: it is no longer here.
        """
        return Envelope.read(self._body((entry.body or {})["accepted"])["document"])

    def _made(self, fields: dict[str, Any], part: _Part, held: Envelope | None) -> Envelope:
        receipts = tuple(self._body(sequence)["receipt"] for sequence in part.receipts)
        awaited = tuple(Envelope.parsed(self._body(sequence)["document"]) for sequence in part.awaited)
        return ReceiptReply(**fields, receipts=receipts, awaited=awaited, held=held).sign(self.signer)

    def _body(self, sequence: int) -> dict[str, Any]:
        body = self.ledger.entry(sequence).body
        if body is None:
            raise Corrupt(f"entry {sequence}", "its body was erased since")
        return body

    async def _receipts(self, asked: ReceiptRequest) -> AsyncIterator[int]:
        """Entries with receipts that this site was given with reports and requests, of what the peer may have lost."""
        for stream in [*self.ledger.streams(f"request/{asked.sender}/"), *self.ledger.streams(f"task/{asked.sender}/")]:
            await asyncio.sleep(0)
            for entry in self.ledger.read(stream):
                receipt = (entry.body or {}).get("receipt")
                if receipt is not None and entry.header.charter == asked.charter:
                    header = canonical.as_doubles(canonical.loads(receipt["header"]))
                    if header["sequence"] >= asked.size and header["epoch"] < asked.epoch:
                        yield entry.sequence

    async def _awaited(self, charter: str, peer: str) -> AsyncIterator[int]:
        """Entries with requests of this site that the peer has not ended."""
        rows = self.ledger.query(
            "SELECT stream FROM request WHERE open = 1 AND charter = ? AND owner = ?", (charter, peer)
        )
        for row in rows:
            await asyncio.sleep(0)
            for entry in self.ledger.read(row["stream"]):
                if entry.type == MADE and entry.body is not None:
                    yield entry.sequence

    # -- hearing --------------------------------------------------------------------------------------------------

    async def on_recalled(self, received: Received[ReceiptReply]) -> None:
        """Refill what a peer's receipts prove, admit all that it saw of this ledger, and take up what it awaits.

        Raises:
            Untrusted, Invalid: a receipt is not of this ledger, or proves nothing; or it was not asked for.
        """
        charter, peer = received.charter, received.sender
        told = received.document
        self._check_asked(charter, peer, told)
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

    def _check_asked(self, charter: str, peer: str, told: ReceiptReply) -> None:
        """Take answers to this site's own questions alone, and of each no more than a peer can owe.

        Raises:
            Invalid: it was not asked, or says too much.
        """
        if told.key not in {f"recall-{epoch}" for epoch in self._epochs(charter, peer)}:
            raise Invalid("receipts", f"{self.site} has not asked {peer} for them")
        parts, awaited = self._heard.get((charter, peer, told.key), (0, 0))
        parts, awaited = parts + 1, awaited + len(told.awaited)
        if parts > MOST_PARTS or awaited > MOST_AWAITED:
            why = f"{parts} parts and {awaited} awaited requests; {MOST_PARTS} and {MOST_AWAITED} are taken"
            raise Invalid(f"the answer of {peer}", why)
        self._heard[charter, peer, told.key] = parts, awaited


def _epoch_of(received: Received[ReceiptRequest]) -> int:
    """The epoch of the entry that recorded a question, as its verified receipt says."""
    receipt: dict[str, Any] = received.receipt or {}
    header: Sequence[Any] | dict[str, Any] = canonical.loads(str(receipt.get("header", "{}")))
    return int(header["epoch"]) if isinstance(header, dict) and "epoch" in header else 0
