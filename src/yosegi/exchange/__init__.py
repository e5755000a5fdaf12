"""Documents between sites: channels, outbox, inbox, parcels, mailbox, reach. Each name is imported at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yosegi.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from yosegi.exchange.channels import Channels as Channels
    from yosegi.exchange.exchange import Exchange as Exchange
    from yosegi.exchange.mailbox import Mailbox as Mailbox
    from yosegi.exchange.outbox import OutboxView as OutboxView
    from yosegi.exchange.outbox import sending as sending
    from yosegi.exchange.received import DocumentKind as DocumentKind
    from yosegi.exchange.received import Received as Received
    from yosegi.exchange.sender import PATH as PATH

__all__ = ["PATH", "Channels", "DocumentKind", "Exchange", "Mailbox", "OutboxView", "Received", "sending"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "channels": ("Channels",),
        "exchange": ("Exchange",),
        "mailbox": ("Mailbox",),
        "outbox": ("OutboxView", "sending"),
        "received": ("DocumentKind", "Received"),
        "sender": ("PATH",),
    },
)
