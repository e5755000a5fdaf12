"""The durable outbox: a view of the ledger, so that what is decided and what is sent cannot disagree.

An entry whose facts name `send` carries a signed document in its body. It is sent until the receiver has acknowledged
it; a later document on the same topic replaces one that has not been acknowledged yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from yosegi.core import canonical
from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import Corrupt
from yosegi.exchange.parcel import Message
from yosegi.ledger import Db, Draft, Entry, Ledger
from yosegi.trust.envelope import Envelope

ACKNOWLEDGED = "exchange.acknowledged"
REFUSED = "exchange.refused"


def sending(type: str, to: str, topic: str, document: Envelope, facts: dict[str, Any], body: dict[str, Any]) -> Draft:
    """An entry that also sends a document: to `to`, replacing what was not yet delivered on `topic`."""
    send = {"to": to, "id": document.payload_digest, "topic": topic}
    return Draft(type=type, facts=facts | {"send": send}, body=body | {"document": document.plain})


def sending_by_digest(
    type: str, to: str, topic: str, document: Envelope, facts: dict[str, Any], body: dict[str, Any]
) -> Draft:
    """The same for a document that is not recorded whole: the body holds what a `Rebuild` makes it from again."""
    send = {"to": to, "id": document.payload_digest, "topic": topic}
    return Draft(type=type, facts=facts | {"send": send}, body=body)


def ran_out(entry: Entry, now: datetime) -> bool:
    """Whether the document that an entry sent counts no more: its receiver had it too late, or never."""
    if entry.body is None or "document" not in entry.body:
        return False
    said = canonical.loads(Envelope.parsed(entry.body["document"]).payload)
    return parse_timestamp(said["not_after"]) <= now


Rebuild = Callable[[Entry], Envelope]
"""Makes the document anew that an entry sends and does not hold; byte for byte, or it is not sent."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message that waits to be acknowledged."""

    id: str
    charter: str
    to: str
    topic: str
    sequence: int

    @staticmethod
    def of(entry: Entry) -> Outgoing | None:
        """What the entry sends, if it sends anything."""
        send = entry.facts.get("send")
        if send is None:
            return None
        return Outgoing(send["id"], entry.header.charter, send["to"], send["topic"], entry.sequence)


class OutboxView:
    """Table `outbox`: what waits to be acknowledged, by id and receiver; one document may go to many."""

    name = "outbox"
    version = 2
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE outbox (id TEXT NOT NULL, charter TEXT NOT NULL, receiver TEXT NOT NULL,"
        " topic TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (id, receiver, charter))",
        "CREATE INDEX outbox_topic ON outbox (charter, receiver, topic)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Add what the entry sends; drop what it says was acknowledged or refused."""
        out = Outgoing.of(entry)
        if out is not None:
            key = (out.charter, out.to, out.topic)
            db.execute("DELETE FROM outbox WHERE charter = ? AND receiver = ? AND topic = ?", key)
            row = (out.id, out.charter, out.to, out.topic, out.sequence)
            db.execute("INSERT INTO outbox (id, charter, receiver, topic, sequence) VALUES (?, ?, ?, ?, ?)", row)
        elif entry.type in (ACKNOWLEDGED, REFUSED):
            for settled in entry.facts["ids"]:
                message_id, _, receiver = str(settled).partition(" ")
                sent = (message_id, receiver, entry.header.charter)
                db.execute("DELETE FROM outbox WHERE id = ? AND receiver = ? AND charter = ?", sent)


def waiting(ledger: Ledger) -> list[Outgoing]:
    """Everything not yet acknowledged, oldest first."""
    rows = ledger.query('SELECT id, charter, receiver AS "to", topic, sequence FROM outbox ORDER BY sequence')
    return [Outgoing(**row) for row in rows]


def message(ledger: Ledger, out: Outgoing, rebuilds: Mapping[str, Rebuild]) -> Message:
    """The document and this site's receipt for it.

    Args:
        ledger: where it stands.
        out: what is to be sent.
        rebuilds: by type of entry, for those that do not hold the whole document.

    Raises:
        Corrupt: the entry no longer holds the document, or what it was made from has changed.
    """
    entry = ledger.entry(out.sequence)
    if entry.body is not None and "document" in entry.body:
        document = Envelope.parsed(entry.body["document"])
    elif entry.body is not None and entry.type in rebuilds:
        document = rebuilds[entry.type](entry)
        if document.payload_digest != out.id:
            raise Corrupt(f"entry {out.sequence}", "the document that it sends can no longer be made")
    else:
        raise Corrupt(f"entry {out.sequence}", "was to be sent and has no document")
    return Message(document=document, receipt=ledger.receipt(out.sequence).model_dump(mode="json"))
