"""A document verified where it arrives, and handed on typed: nobody behind the inbox verifies it again.

The rules, each named beside its check in `verify`:

1. The kind of document is taken here, in this version (`DocumentKind`).
2. A receipt came with it, signed by the sender's keys: the sender recorded the document before it sent it.
3. The receipt is for this very message: same sender, charter, addressee and digest.
4. The document is signed by a key that its sender states now, with every algorithm that its kind needs.
5. It is in force at this moment. One that says it was made later was made while its sender's clock was ahead: the
   sender brings it now, in a parcel of now, and so it counts from now.
6. It was made under this charter, for this site, by this sender.

Kinds that are proved otherwise replace rules 4 to 6 by their own (`DocumentKind.verify`). All of it is a pure function
of what arrived and what is known; the shape follows python-tuf's trusted metadata set.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from yosegi.core import canonical
from yosegi.core.errors import Invalid
from yosegi.exchange.budget import Rate
from yosegi.exchange.parcel import Message
from yosegi.ledger import Receipt
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey
from yosegi.trust.token import Token, accept_token

MOST_AHEAD = timedelta(days=60)
"""By how much a sender's clock may have been ahead when it made a document that it brings later, by a right one."""

LONGEST = 256 * 1024
"""Bytes of a document, where its kind says nothing else."""
LONGEST_RECEIPT = 96 * 1024
"""Bytes of the header and the checkpoint in a receipt."""
MOST_PARTS = 65_536
"""Values in a parcel, and in a document: the time that reading takes goes by these. Honest ones have half of it."""

D = TypeVar("D", bound=Document, covariant=True)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Under which circumstances a message arrived.

    Args:
        site: the site at which it arrived.
        charter: the charter of the verified parcel that brought it.
        sender: the site that signed the parcel.
        keys: the keys that the sender states now, by key id.
        now: the moment to judge by.
    """

    site: str
    charter: str
    sender: str
    keys: Mapping[str, PublicKey]
    now: datetime


@dataclass(frozen=True, slots=True)
class Received(Generic[D]):
    """A document that was verified when it arrived.

    Args:
        document: what it says.
        envelope: the evidence: what was signed, with its signatures.
        receipt: the sender's receipt as it came, for the record; None for one that another document carried.
        sender: the site whose keys signed it.
        charter: the charter it was made under.
    """

    document: D
    envelope: Envelope
    receipt: dict[str, Any] | None
    sender: str
    charter: str


Verify = Callable[[type[Document], Envelope, Arrival], Document]
Handler = Callable[[Received[Any]], Awaitable[None]]


def signed_by_sender(kind: type[Document], envelope: Envelope, arrival: Arrival) -> Document:
    """Rules 4 to 6.

    Raises:
        Untrusted: names the first rule that does not hold.
        Invalid: signed, but not a document of this kind.
    """
    peeked = kind.peek(envelope)
    return kind.open(
        envelope,
        arrival.keys,
        now=_moment(peeked, arrival.now),
        to=arrival.site,
        charter=arrival.charter,
        sender=arrival.sender,
        peeked=peeked,
    )


def moment_for(kind: type[Document], envelope: Envelope, now: datetime) -> datetime:
    """The moment to judge a document by: now, or when it says it was made, if its sender's clock was ahead then.

    Raises:
        Untrusted, Invalid: not a document of this kind.
    """
    return _moment(kind.peek(envelope), now)


def _moment(peeked: Document, now: datetime) -> datetime:
    issued: datetime = getattr(peeked, "issued", now)
    return max(now, issued) if issued - now <= MOST_AHEAD else now


def issued_by_sender(kind: type[Document], envelope: Envelope, arrival: Arrival) -> Token:
    """Rules 4 to 6 for a token, which names issuer and audience in place of sender and addressee.

    Raises:
        Untrusted: names the first rule that does not hold.
    """
    return accept_token(
        envelope, arrival.keys, issuer=arrival.sender, site=arrival.site, charter=arrival.charter, now=arrival.now
    )


def believed_by_its_own_signatures_only(kind: type[Document], envelope: Envelope, arrival: Arrival) -> Document:
    """NOT verified: for documents of governance, which anybody may pass on and the registry holds against the charter.

    Raises:
        Invalid: not a document of this kind.
    """
    return kind.peek(envelope)


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One kind of document that a site takes from its peers.

    Args:
        document: its class, which names its payload types, one a version.
        handler: gets each such document once it is verified, and returns when it is durably recorded. It raises
            `Unavailable` to have the document sent again, any other `YosegiError` to refuse it for good.
        verify: how it is verified beside its receipt.
        rate: how many of them one peer may have taken in; what is bounded by this site's own questions, grants and
            rights has none.
        longest: bytes of one; a larger one is refused before it is read.
    """

    document: type[Document]
    handler: Handler
    verify: Verify = signed_by_sender
    rate: Rate | None = None
    longest: int = LONGEST


def size_of(message: Message) -> int:
    """Bytes that a message takes where it is recorded: what was signed, in base64 and once more as read; its receipt.

    A receipt that is none counts for nothing: it is refused, and nothing is recorded of it.
    """
    return len(message.document.payload) * 7 // 3 + _size_of_receipt(message.receipt)


def _size_of_receipt(receipt: dict[str, Any] | None) -> int:
    header, checkpoint = (receipt or {}).get("header"), (receipt or {}).get("checkpoint")
    payload = checkpoint.get("payload") if isinstance(checkpoint, dict) else None
    return sum(len(text) for text in (header, payload) if isinstance(text, str))


def check_size(kind: DocumentKind, message: Message) -> None:
    """See that a message is not larger than its kind ever is; looks at lengths alone.

    Raises:
        Invalid: it is, in bytes or in values.
    """
    document, what = message.document.payload, f"a {kind.document.kind}"
    if len(document) > kind.longest:
        raise Invalid(what, f"{len(document)} bytes, and at most {kind.longest} are taken", "send data as an object")
    if (size := _size_of_receipt(message.receipt)) > LONGEST_RECEIPT:
        raise Invalid(what, f"its receipt has {size} bytes, and at most {LONGEST_RECEIPT} are taken")
    check_parts(document, what)


def check_parts(text: bytes, what: str) -> None:
    """See that JSON text has no more values than may be read.

    Raises:
        Invalid: it has.
    """
    if (found := canonical.parts(text)) > MOST_PARTS:
        raise Invalid(what, f"{found} values, and at most {MOST_PARTS} are read")


def verify(kind: DocumentKind, message: Message, arrival: Arrival) -> Received[Document]:
    """A message's document, if every rule of this module holds.

    Raises:
        Untrusted: it must not be believed; names the rule.
        Invalid: it, or its receipt, is not of the form its kind promises.
    """
    # 2, 3
    check_receipt(message, arrival)
    # 4, 5, 6
    document = kind.verify(kind.document, message.document, arrival)
    return Received(document, message.document, message.receipt, arrival.sender, arrival.charter)


def check_receipt(message: Message, arrival: Arrival) -> None:
    """Hold a message against its sender's receipt (rules 2 and 3).

    Raises:
        Invalid: there is none, it proves nothing, or it is for another message, site or charter.
        Untrusted: it is not signed by the sender's keys.
    """
    if message.receipt is None:
        raise Invalid("a message", "it has no receipt", "the sender records before it sends")
    header = Receipt.parsed(message.receipt).verify(arrival.keys)
    sent = header.facts.get("send")
    # Whoever signs a receipt decides what its facts look like: nothing is read from them before its form is known.
    to, message_id = (sent.get("to"), sent.get("id")) if isinstance(sent, dict) else (None, None)
    found = (header.site, header.charter, to, message_id)
    if found != (arrival.sender, arrival.charter, arrival.site, message.id):
        raise Invalid("a message", "its receipt is for another message, site or charter")


def carried(kind: type[D], envelope: Envelope, within: Received[Any], arrival: Arrival) -> Received[D]:
    """A document that a verified one carries, judged as of when it was issued: it may be out of date by now.

    Raises:
        Untrusted, Invalid: as `signed_by_sender`.
    """
    then = getattr(kind.peek(envelope), "issued", arrival.now)
    document = signed_by_sender(kind, envelope, replace(arrival, now=then))
    return Received(document, envelope, None, within.sender, within.charter)  # type: ignore[arg-type]
