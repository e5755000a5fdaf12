"""The table of document kinds: what a site takes from its peers, in which versions, how verified, and who handles it.

It is the only place where kinds, versions and handlers meet: a new kind is its value, its handler and one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from yosegi.exchange.budget import Rate
from yosegi.exchange.mail_refusals import MailRefusals
from yosegi.exchange.mailbox_host import RefusedMailRegister
from yosegi.exchange.received import (
    LONGEST,
    DocumentKind,
    Handler,
    Verify,
    believed_by_its_own_signatures_only,
    issued_by_sender,
    signed_by_sender,
)
from yosegi.exchange.reports import Reports
from yosegi.exchange.restore_sync import ReceiptReply, ReceiptRequest, RestoreSync
from yosegi.execution.admission import Admission
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.charter import Charter
from yosegi.governance.charter.statement import Statement
from yosegi.governance.grants.transfers import Transfer, TransferAnswer, TransferBack
from yosegi.services.capabilities.service import CapabilityCatalogue
from yosegi.services.delegation.service import MandateService
from yosegi.services.delegation.verifier import DelegationVerifier
from yosegi.services.erasure.service import ErasureService
from yosegi.services.governance.publisher import DocumentPublisher
from yosegi.services.grants.service import GrantService
from yosegi.services.instruments.asked_reservations import AskedReservations
from yosegi.services.instruments.bookings import BookingService
from yosegi.services.preflight.service import PreflightService
from yosegi.services.samples.handing_over import SampleHandOvers
from yosegi.services.samples.shipments import ShipmentService
from yosegi.trust.document import Document
from yosegi.trust.messages import (
    AuthorizationAnswer,
    AuthorizationQuery,
    Cancel,
    Erase,
    Erased,
    Offer,
    Renewal,
    Report,
    Request,
    Revocation,
)
from yosegi.trust.reservations import ReservationAsked, ReservationCancel, ReservationReport
from yosegi.trust.samples import SampleGiven, SampleMoved, SampleReceived, ShipmentAsked
from yosegi.trust.token import Token


@dataclass(frozen=True, slots=True)
class Receivers:
    """Whoever handles documents of peers at one site."""

    admission: Admission
    reports: Reports
    catalogue: CapabilityCatalogue
    verifier: DelegationVerifier
    mandates: MandateService
    preflight: PreflightService
    erasure: ErasureService
    publisher: DocumentPublisher
    grants: GrantService
    hand_overs: SampleHandOvers
    shipments: ShipmentService
    asked_reservations: AskedReservations
    bookings: BookingService
    restore_sync: RestoreSync
    refused_mail: RefusedMailRegister


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    document: type[Document]
    handler: Callable[[Receivers], Handler]
    verify: Verify = signed_by_sender
    rate: Rate | None = None
    longest: int = LONGEST


SELDOM = Rate(burst=64, hourly=240)
"""What people do, at one site for another."""
OFTEN = Rate(burst=256, hourly=3600)
"""What programs ask while work goes on."""
GOVERNING = Rate(burst=300, hourly=120)
"""Documents of governance: all of a large federation's at once for a site that joins, and few a day."""

_KIB = 1024

TABLE: tuple[Row, ...] = (
    Row(Request, lambda to: to.admission.on_request, longest=128 * _KIB),
    Row(Report, lambda to: to.reports.on_report, longest=1024 * _KIB),
    Row(Cancel, lambda to: to.admission.on_cancel),
    Row(Offer, lambda to: to.catalogue.on_offer, rate=SELDOM, longest=2048 * _KIB),
    Row(Token, lambda to: to.verifier.on_token, issued_by_sender, OFTEN),
    Row(Renewal, lambda to: to.mandates.on_renewal, rate=OFTEN),
    Row(Revocation, lambda to: to.verifier.on_revocation, rate=OFTEN),
    Row(AuthorizationQuery, lambda to: to.preflight.on_question, rate=Rate(burst=240, hourly=600)),
    Row(AuthorizationAnswer, lambda to: to.preflight.on_answer, longest=2048 * _KIB),
    Row(Erase, lambda to: to.erasure.on_request, rate=SELDOM),
    Row(Erased, lambda to: to.erasure.on_answer, rate=OFTEN),
    Row(Charter, lambda to: to.publisher.on_document, believed_by_its_own_signatures_only, GOVERNING, 2048 * _KIB),
    Row(Statement, lambda to: to.publisher.on_document, believed_by_its_own_signatures_only, GOVERNING),
    Row(Agreement, lambda to: to.publisher.on_document, believed_by_its_own_signatures_only, GOVERNING),
    Row(Transfer, lambda to: to.grants.on_transfer, rate=SELDOM),
    Row(TransferBack, lambda to: to.grants.on_back, rate=SELDOM),
    Row(TransferAnswer, lambda to: to.grants.on_answer, rate=SELDOM),
    Row(SampleGiven, lambda to: to.hand_overs.on_given, rate=SELDOM, longest=512 * _KIB),
    Row(SampleReceived, lambda to: to.hand_overs.on_received, rate=SELDOM),
    Row(ShipmentAsked, lambda to: to.shipments.on_asked, rate=OFTEN),
    Row(SampleMoved, lambda to: to.shipments.on_moved, rate=OFTEN, longest=1536 * _KIB),
    Row(ReservationAsked, lambda to: to.asked_reservations.on_asked, rate=SELDOM),
    Row(ReservationCancel, lambda to: to.asked_reservations.on_cancel, rate=SELDOM),
    Row(ReservationReport, lambda to: to.bookings.on_report, rate=OFTEN),
    Row(ReceiptRequest, lambda to: to.restore_sync.on_recall, rate=Rate(burst=8, hourly=4)),
    Row(ReceiptReply, lambda to: to.restore_sync.on_recalled, longest=2048 * _KIB),
    Row(MailRefusals, lambda to: to.refused_mail.on_report, rate=Rate(burst=4, hourly=12)),
)

FORMATS = tuple(payload_type for row in TABLE for payload_type in row.document.payload_types)
"""Payload types that a site of this version takes, and states."""


def kinds(receivers: Receivers) -> tuple[DocumentKind, ...]:
    """Every kind of document that a site takes, with its handler there."""
    return tuple(DocumentKind(row.document, row.handler(receivers), row.verify, row.rate, row.longest) for row in TABLE)
