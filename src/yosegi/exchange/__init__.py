"""Documents between sites: outbox, parcels, mailbox, reach."""

from yosegi.exchange.exchange import Exchange
from yosegi.exchange.inbox import Incoming
from yosegi.exchange.mailbox import Mailbox
from yosegi.exchange.outbox import OutboxView, sending
from yosegi.exchange.sender import PATH

__all__ = ["PATH", "Exchange", "Incoming", "Mailbox", "OutboxView", "sending"]
