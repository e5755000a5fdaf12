"""The conversations of one site with all others: what waits for each peer, and how each is reached.

State and its readers; what calls, answers and takes in is in `exchange`, `sender` and `inbox`. Whoever has something to
send needs this alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.clock import Clock
from yosegi.core.events import Events
from yosegi.exchange.clock_watch import ClockWatch
from yosegi.exchange.events import ChannelOpened
from yosegi.exchange.outbox import Outgoing
from yosegi.exchange.peer_channel import PeerChannel
from yosegi.exchange.peer_router import PeerRouter
from yosegi.exchange.witness import Witness
from yosegi.governance.charter.registry import Registry
from yosegi.ledger import Entry


@dataclass(repr=False)
class Channels:
    """One conversation for each charter and peer.

    Args:
        registry: who is in which charter.
        witness: what is held of peers' ledgers, and they of this one.
        clocks: this site's clock beside its peers'.
        router: how each peer is reached.
        events: told `ChannelOpened` of each new conversation.
    """

    site: str
    registry: Registry
    clock: Clock
    witness: Witness
    clocks: ClockWatch
    router: PeerRouter
    events: Events
    _channels: dict[tuple[str, str], PeerChannel] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<channels of {self.site} to {len(self._channels)} peers>"

    def __iter__(self) -> Iterator[PeerChannel]:
        return iter(list(self._channels.values()))

    def channel(self, charter: str, peer: str) -> PeerChannel:
        """The conversation with a peer; begun if there was none."""
        key = (charter, peer)
        if key not in self._channels:
            self._channels[key] = PeerChannel(charter, peer, since=self.clock.monotonic())
            self.events.publish(ChannelOpened(self._channels[key]))
        return self._channels[key]

    def posted(self, entries: Sequence[Entry]) -> None:
        """Entries were appended; send what they send."""
        for entry in entries:
            out = Outgoing.of(entry)
            if out is not None:
                self.channel(out.charter, out.to).post(out)

    def meet(self, charter: str) -> None:
        """Converse with every member of a charter, and look again at whom that concerns."""
        for peer in self.registry.sites(charter):
            if peer != self.site:
                self.channel(charter, peer).wake()

    def patience(self, channel: PeerChannel) -> float:
        """Seconds after which something that was asked of a peer is asked for again."""
        return self.router.resend(channel)

    def statistics(self) -> list[dict[str, Any]]:
        """One line a peer: how it is reached, when it was last heard, what waits for it."""
        now = self.clock.monotonic()
        return [
            {
                "charter": channel.charter,
                "peer": channel.peer,
                "reach": self.router.described(channel.charter, channel.peer),
                "heard_seconds_ago": None if channel.last_heard is None else round(now - channel.last_heard, 1),
                "unheard_seconds": round(
                    now - (channel.since if channel.last_heard is None else channel.last_heard), 1
                ),
                "trouble": self.router.unheard(channel.charter, channel.peer)
                or (channel.trouble if channel.failures else ""),
                "suspended_there": channel.suspended_there,
                "clock_seconds": self.clocks.apart.get(channel.peer, 0),
                "waiting": channel.waiting,
            }
            for channel in self
        ]
