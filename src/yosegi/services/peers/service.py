"""How each peer is reached and when it was last heard."""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.exchange import Channels
from yosegi.services.peers.schemas import PeerStatus


@dataclass
class PeerService:
    """The peers of one site."""

    channels: Channels

    def list(self) -> tuple[PeerStatus, ...]:
        """One line a peer and charter."""
        return tuple(PeerStatus(**line, told_by=line["peer"]) for line in self.channels.statistics())
