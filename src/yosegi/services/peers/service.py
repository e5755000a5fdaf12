"""How each peer is reached and when it was last heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yosegi.exchange import Exchange


@dataclass
class PeerService:
    """The peers of one site."""

    exchange: Exchange

    def list(self) -> list[dict[str, Any]]:
        """One line a peer and charter."""
        return [line | {"told_by": line["peer"]} for line in self.exchange.statistics()]
