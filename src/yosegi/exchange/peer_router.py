"""How each peer is reached now, and what follows: who calls whom, and how long either waits before it asks again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from yosegi.core.clock import Clock
from yosegi.core.errors import YosegiError
from yosegi.exchange.peer_channel import RESEND, RESEND_MAIL, PeerChannel
from yosegi.exchange.witness import EVERY, Witness
from yosegi.exchange.witness import IDLE as ASKED_AGAIN
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import Listens, Outbound
from yosegi.trust.errors import Untrusted

IDLE = 30.0
MAIL_EVERY = 3600.0
"""Seconds between two checkpoints, or copies of what waits, left in the mailbox of a peer that says nothing."""


@dataclass(frozen=True, slots=True)
class PeerRouter:
    """The ways from this site to all others, as their statements in force say.

    Args:
        barred: whether nothing is exchanged with a peer under a charter.
    """

    site: str
    directory: Registry
    witness: Witness
    clock: Clock
    barred: Callable[[str, str], bool]

    def to(self, channel: PeerChannel) -> object:
        """How a peer is reached; None if nobody knows. Marks the link of one that has to state itself anew."""
        try:
            reach: object = self.directory.reach_of(channel.charter, channel.peer)
        except Untrusted as error:
            # Two sites that were both away would else never hear that the other is back; and whoever only dials out
            # never hears of the statement that a member makes after its governance keys were changed.
            channel.reserved = error.reason in ("statement_expired", "no_statement")
            return self.directory.last_reach(channel.charter, channel.peer) if channel.reserved else None
        except YosegiError:
            return None
        channel.reserved = False
        return reach

    def stated(self, charter: str, site: str) -> object:
        """The reach in a site's statement; None without a valid one."""
        try:
            return self.directory.reach_of(charter, site)
        except YosegiError:
            return None

    def described(self, charter: str, site: str) -> str:
        """The same in words."""
        reach = self.stated(charter, site)
        if isinstance(reach, Listens):
            return f"listens at {reach.url}"
        if isinstance(reach, Outbound):
            return f"dials out; mailbox at {reach.mailbox}"
        return "carried" if reach is not None else "no valid statement"

    def unheard(self, charter: str, site: str) -> str:
        """Why nothing that a site sends is taken, and who mends it; empty where its statement is in force."""
        if self.stated(charter, site) is not None:
            return ""
        if site not in self.directory.sites(charter):
            return f"{site} has no site in {charter} any more"
        return (
            f"no statement of {site} is in force under {charter}, so nothing else is taken from it: its officers state "
            f"it anew (yosegi charter state {charter}), and it is published there or here"
        )

    def dials(self, channel: PeerChannel) -> bool:
        """Whether this site calls, or leaves mail; else the peer fetches what waits for it."""
        reach = self.to(channel)
        if self.barred(channel.charter, channel.peer):
            return False
        if channel.peer == self.site or isinstance(reach, Listens):
            return True
        return isinstance(reach, Outbound) and reach.mailbox != self.site

    def keeps_my_mail(self, channel: PeerChannel) -> bool:
        """Whether the peer keeps the mailbox of this site, which only dials out."""
        own = self.stated(channel.charter, self.site)
        return isinstance(own, Outbound) and own.mailbox == channel.peer

    def listens(self, channel: PeerChannel) -> bool:
        """Whether the peer can be called."""
        return isinstance(self.to(channel), Listens)

    def gossip_in(self, channel: PeerChannel) -> float:
        """Seconds until a peer is called only to tell each other where the ledgers stand."""
        reach, now = self.to(channel), self.clock.monotonic()
        quiet = self.witness.quiet_for(channel.charter, channel.peer)
        if channel.peer != self.site and isinstance(reach, Listens):
            return max(quiet, channel.called + EVERY - now)
        if not (self.dials(channel) and isinstance(reach, Outbound)):
            return IDLE
        if not isinstance(self.stated(channel.charter, self.site), Outbound):
            return IDLE  # it calls here
        # Both only dial out, so their checkpoints go by mail, in turns; while one is away, one letter an hour waits.
        away = channel.last_heard is None or channel.last_heard < channel.called
        return max(quiet - ASKED_AGAIN / 2, channel.called + (MAIL_EVERY if away else EVERY) - now)

    def resend(self, channel: PeerChannel) -> float:
        """Seconds after which what was sent and not acknowledged is sent again.

        By mail the longer the longer the receiver is silent: one that is away for a week must not find thousands of
        copies of the same.
        """
        if channel.peer == self.site or isinstance(self.to(channel), Listens):
            return RESEND
        heard = channel.since if channel.last_heard is None else channel.last_heard
        return min(MAIL_EVERY, max(RESEND_MAIL, (self.clock.monotonic() - heard) / 2))
