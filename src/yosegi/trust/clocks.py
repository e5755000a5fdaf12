"""Whether this site's clock can be trusted: it is held against its peers', since every document's dates are."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from yosegi.trust.document import SKEW
from yosegi.trust.errors import Untrusted

ENOUGH = 2
"""Peers whose word is needed to doubt this site's own clock: one wrong peer must not stop a site."""


class PeerClocks:
    """What peers' clocks said when they were last heard.

    The median of the peers is the reference, so that a minority of wrong clocks moves nothing.
    """

    def __init__(self) -> None:
        self._ahead: dict[str, timedelta] = {}

    def heard(self, peer: str, theirs: datetime, here: datetime) -> None:
        """Note a peer's time as it arrived (`theirs`, from a fresh document) beside this site's (`here`)."""
        self._ahead[peer] = theirs - here

    def forget(self, peer: str) -> None:
        """A peer that is no member any more."""
        self._ahead.pop(peer, None)

    @property
    def ahead(self) -> Mapping[str, timedelta]:
        """How far each peer's clock is ahead of this site's."""
        return dict(self._ahead)

    @property
    def median_ahead(self) -> timedelta | None:
        """How far the peers' median is ahead of this site's clock; None while too few were heard."""
        if len(self._ahead) < ENOUGH:
            return None
        return _median(self._ahead.values(), towards=timedelta())

    def check_own(self) -> None:
        """Refuse to sign or judge anything by a clock that is off.

        Raises:
            Untrusted: `clock_off`: more than 30 seconds from the median of the peers.
        """
        ahead = self.median_ahead
        if ahead is not None and abs(ahead) > SKEW:
            raise Untrusted("this site's clock", "clock_off", seconds=round(-ahead.total_seconds()))

    def check_peer(self, peer: str) -> None:
        """Refuse a peer whose clock is off, by the median of all others and this site's own; one other is enough.

        Raises:
            Untrusted: `clock_off`.
        """
        others = [ahead for name, ahead in self._ahead.items() if name != peer]
        if peer not in self._ahead or not others:
            return
        off = self._ahead[peer] - _median([*others, timedelta()], towards=self._ahead[peer])
        if abs(off) > SKEW:
            raise Untrusted(f"the clock of {peer}", "clock_off", seconds=round(off.total_seconds()))


def _median(spans: Iterable[timedelta], towards: timedelta) -> timedelta:
    """The median; of two in the middle the one nearer to the clock in question, which so has the benefit of doubt."""
    ordered = [span.total_seconds() for span in spans]
    middle = statistics.median_low(ordered), statistics.median_high(ordered)
    return timedelta(seconds=min(middle, key=lambda seconds: abs(seconds - towards.total_seconds())))
