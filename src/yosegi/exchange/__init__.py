"""Documents between sites: outbox, parcels, mailbox, reach."""

from yosegi.exchange.calling import PATH
from yosegi.exchange.exchange import Exchange
from yosegi.exchange.intake import Incoming
from yosegi.exchange.mailbox import Mailbox
from yosegi.exchange.outbox import OutboxView, sending

__all__ = ["PATH", "Exchange", "Incoming", "Mailbox", "OutboxView", "sending"]
