"""What happens in the exchange that others may want to be told of (`yosegi.core.events`)."""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.exchange.peer_channel import PeerChannel


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """A conversation with a peer begins."""

    channel: PeerChannel


@dataclass(frozen=True, slots=True)
class ClockCorrected:
    """This site's clock was off, and agrees with its peers' again."""
