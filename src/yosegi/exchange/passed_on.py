"""Documents of governance on their way to a peer: whom each concerns, and what a peer that lost some is sent anew."""

from __future__ import annotations

from yosegi.exchange.outbox import sending, sending_by_digest
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.charter import Charter
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import Statement
from yosegi.ledger import Draft
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope

PASSED_ON = "governance.passed_on"
KINDS: tuple[type[Document], ...] = (Charter, Statement, Agreement)


def passing(envelope: Envelope, peer: str) -> Draft:
    """The entry that sends a document to a peer."""
    document = peeked(envelope)
    return sending(PASSED_ON, peer, _topic(document), envelope, _facts(document, envelope), {})


def passing_again(sequence: int, envelope: Envelope, peer: str) -> Draft:
    """The same of a document that an entry here holds: recorded is where, so that who asks often fills no ledger."""
    document, body = peeked(envelope), {"accepted": sequence}
    return sending_by_digest(PASSED_ON, peer, _topic(document), envelope, _facts(document, envelope), body)


def concerned(directory: Registry, charter: str, document: Document) -> tuple[str, ...]:
    """The sites that a document is for: an agreement its parties or their hosts, anything else everybody."""
    members = directory.sites(charter)
    if not isinstance(document, Agreement):
        return members
    known = directory.federation(charter).roster.charter
    parties = dict.fromkeys(known.host_of(party) or party for party in document.parties)
    return tuple(party for party in parties if party in members)


def in_force(directory: Registry, charter: str, peer: str) -> list[tuple[int, Envelope]]:
    """All that a peer needs to know what is in force under a charter: every version, then statements, then agreements.

    Each with the sequence of the entry that holds it. Of statements and agreements the last alone: whoever has a later
    one passes over an earlier.
    """
    last: dict[str, tuple[int, Envelope]] = {}
    for sequence, envelope in directory.accepted(charter):
        document = peeked(envelope)
        if peer in concerned(directory, charter, document):
            last[_topic(document)] = sequence, envelope
    order = [kind.payload_type for kind in KINDS]
    return sorted(last.values(), key=lambda held: order.index(held[1].payload_type))


def peeked(envelope: Envelope) -> Document:
    """A document of governance as it claims to be; nothing is verified."""
    return next(kind for kind in KINDS if kind.payload_type == envelope.payload_type).peek(envelope)


def _facts(document: Document, envelope: Envelope) -> dict[str, str]:
    return {"kind": document.kind, "document": envelope.payload_digest}


def _topic(document: Document) -> str:
    """Later versions replace earlier ones that wait to be sent; of a charter every version is needed."""
    if isinstance(document, Charter):
        return f"charter/{document.version}"
    if isinstance(document, Statement):
        return f"statement/{document.site}"
    return f"agreement/{getattr(document, 'name', '')}"
