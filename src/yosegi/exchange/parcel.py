"""What travels between two sites in one go: signed documents with their receipts, acknowledgements, sealed mail."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from yosegi.core.identifiers import Digest, Key, SiteId
from yosegi.core.values import Value
from yosegi.data import AT_ONCE, Chunk, ChunkRequest
from yosegi.trust.document import Addressed
from yosegi.trust.envelope import Envelope
from yosegi.trust.sealed import Sealed

MOST_MESSAGES = 256
MOST_MAIL = 64
MOST_WANTS = 64
LONGEST_WAIT = 30.0


class Message(Value):
    """One signed document and its sender's receipt for the entry that records it.

    The receipt is kept by the receiver: the sender cannot later deny the document or drop it from its ledger.
    """

    document: Envelope
    receipt: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        """The digest of the document, whoever carries it."""
        return self.document.payload_digest


class Refusal(Value):
    """A message the receiver will never take, and why; its sender stops sending it."""

    id: Digest
    why: Annotated[str, Field(max_length=2000)]


class Mail(Value):
    """A sealed parcel for a site that only dials out, left at its mailbox."""

    sender: SiteId
    to: SiteId
    id: Key
    box: Sealed


class LedgerPosition(Value):
    """How far a ledger is known: so many entries, in an epoch."""

    size: int = Field(ge=1)
    epoch: int = Field(ge=1)


class PositionProof(Value):
    """Proof (RFC 9162, section 2.1.4) that the told checkpoint continues the ledger as it was at a place."""

    place: LedgerPosition
    proof: tuple[Digest, ...] = Field(default=(), max_length=128)


MOST_PLACES = 8
"""Places of one ledger that are to be proven at a time."""


class History(Value):
    """What a site says of its own ledger, and what it holds of the other's.

    Args:
        checkpoint: its signed checkpoint.
        since: the size that the addressee said it holds; the proof begins there.
        since_epoch: the epoch of that.
        proof: consistency (RFC 9162, section 2.1.4), from what is shared to the checkpoint.
        opened: receipts of the epochs opened since, if it was restored from a backup.
        holds: the size of the addressee's ledger that is held here; 0 for none.
        holds_epoch: the epoch of that.
        holds_too: other places of the addressee's ledger that signed checkpoints were received for.
        proofs: for what the addressee said that it holds too.
        held: the furthest signed checkpoint of the addressee's ledger that is held here, for one that asks.
    """

    checkpoint: Envelope
    since: int = Field(ge=0)
    since_epoch: int = Field(default=0, ge=0)
    proof: tuple[Digest, ...] = Field(default=(), max_length=128)
    opened: tuple[dict[str, Any], ...] = Field(default=(), max_length=64)
    holds: int = Field(default=0, ge=0)
    holds_epoch: int = Field(default=0, ge=0)
    # Absent where there is nothing, and told to sites alone that state a format of the same version.
    holds_too: tuple[LedgerPosition, ...] | None = Field(default=None, max_length=MOST_PLACES)
    proofs: tuple[PositionProof, ...] | None = Field(default=None, max_length=MOST_PLACES)
    held: Envelope | None = None


class Parcel(Addressed):
    """Everything one site has for another at one moment; the answer to a parcel is a parcel."""

    kind: ClassVar[str] = "parcel"

    messages: tuple[Message, ...] = Field(default=(), max_length=MOST_MESSAGES)
    acknowledged: tuple[Digest, ...] = Field(default=(), max_length=4 * MOST_MESSAGES)
    """Messages of the other side that are durably recorded here."""
    refused: tuple[Refusal, ...] = Field(default=(), max_length=MOST_MESSAGES)
    mail: tuple[Mail, ...] = Field(default=(), max_length=MOST_MAIL)
    """For a mailbox: mail to keep for others; from a mailbox: mail that others left."""
    collected: tuple[Key, ...] = Field(default=(), max_length=4 * MOST_MAIL)
    """Mail that was received and may be dropped by the mailbox."""
    history: History | None = None
    wants: tuple[ChunkRequest, ...] | None = Field(default=None, max_length=MOST_WANTS)
    """Pieces of objects that the sender asks for; absent if there are none, as sites of an older format expect."""
    chunks: tuple[Chunk, ...] | None = Field(default=None, max_length=AT_ONCE)
    """Pieces that the addressee asked for."""
    asks: bool | None = None
    """Whether the sender was started a moment ago and asks, before it tells of its own ledger, what is held of it."""
    wait: float = Field(default=0.0, ge=0.0, le=LONGEST_WAIT)
    """How long the receiver may hold its answer back for something to say, in seconds."""
