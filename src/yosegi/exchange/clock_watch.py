"""This site's clock beside its peers', as their parcels tell: by a clock that is off nothing is signed or judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from yosegi.core.errors import Unavailable
from yosegi.core.events import Events
from yosegi.exchange.events import ClockCorrected
from yosegi.trust.clocks import PeerClocks
from yosegi.trust.document import SKEW
from yosegi.trust.errors import Untrusted


@dataclass
class ClockWatch:
    """What peers' clocks say, taken from parcels made a moment ago and signed by them.

    Args:
        events: told `ClockCorrected` when this site's clock is right again after it was off.
    """

    events: Events
    _clocks: PeerClocks = field(default_factory=PeerClocks)
    _last: dict[str, datetime] = field(default_factory=dict)
    seconds_off: int = 0
    """By how much this site's clock is off (ahead if positive); 0 while it may be believed."""

    def hear(self, peer: str, issued: datetime, here: datetime, *, in_force: bool) -> None:
        """Note when a peer says that it made the parcel that has just arrived.

        One that is out of its time tells only if it is newer than all before: else it may be a replay of an old one,
        kept to make this site doubt its clock.
        """
        if not in_force and issued <= self._last.get(peer, issued - timedelta(seconds=1)):
            return
        self._last[peer] = issued
        self._clocks.heard(peer, issued, here)
        before, self.seconds_off = self.seconds_off, self._judge()
        if before and not self.seconds_off:
            self.events.publish(ClockCorrected())

    def check_peer(self, peer: str) -> None:
        """Refuse a peer whose clock is off by what all others say.

        Raises:
            Untrusted: `clock_off`.
        """
        self._clocks.check_peer(peer)

    @property
    def apart(self) -> dict[str, int]:
        """Seconds by which peers' clocks are ahead of this site's, of those where it is more than honest ones differ.

        Where there is one peer only nobody can say whose is wrong; that they differ, both can.
        """
        ahead = {peer: round(span.total_seconds()) for peer, span in self._clocks.ahead.items() if abs(span) > SKEW}
        return {} if self.seconds_off else ahead

    def check_apart(self, peer: str) -> None:
        """Say of a document out of its time what it is, where that is what it is.

        Raises:
            Untrusted: `clocks_apart`.
        """
        if seconds := self.apart.get(peer):
            raise Untrusted(f"a parcel of {peer}", "clocks_apart", peer=peer, seconds=seconds)

    def _judge(self) -> int:
        try:
            self._clocks.check_own()
        except Untrusted as error:
            return int(error.fields["seconds"])
        return 0

    def check_own(self) -> None:
        """Sign and judge nothing by a clock that is off.

        Raises:
            Unavailable: it is; says by how much.
        """
        if self.seconds_off:
            why = f"it is {self.seconds_off} seconds from the median of the other sites' clocks, and 30 are allowed"
            raise Unavailable("this site's clock", why, "set it, e.g. from a time server; work then goes on by itself")
