"""Documents between sites: channels, outbox, inbox, parcels, mailbox, reach."""

from yosegi.exchange.channels import Channels
from yosegi.exchange.exchange import Exchange
from yosegi.exchange.mailbox import Mailbox
from yosegi.exchange.outbox import OutboxView, sending
from yosegi.exchange.received import DocumentKind, Received
from yosegi.exchange.sender import PATH

__all__ = ["PATH", "Channels", "DocumentKind", "Exchange", "Mailbox", "OutboxView", "Received", "sending"]
