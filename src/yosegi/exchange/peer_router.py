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
"""Seconds between two checkpoints left in the mailbox of a peer that says nothing."""


@dataclass(frozen=True, slots=True)
class PeerRouter:
    """The ways from this site to all others, as their statements in force say.

    Args:
        expects: whether something is awaited of a peer under a charter, and so a long poll is kept open.
        barred: whether nothing is exchanged with a peer under a charter.
    """

    site: str
    directory: Registry
    witness: Witness
    clock: Clock
    expects: Callable[[str, str], bool]
    barred: Callable[[str, str], bool]

    def to(self, link: PeerChannel) -> object:
        """How a peer is reached; None if nobody knows. Marks the link of one whose statement has run out."""
        try:
            reach: object = self.directory.reach_of(link.charter, link.peer)
        except Untrusted as error:
            # Two sites that were both away would else never hear that the other is back.
            link.reserved = error.reason == "statement_expired"
            return self.directory.last_reach(link.charter, link.peer) if link.reserved else None
        except YosegiError:
            return None
        link.reserved = False
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

    def dials(self, link: PeerChannel) -> bool:
        """Whether this site calls, or leaves mail; else the peer fetches what waits for it."""
        reach = self.to(link)
        if self.barred(link.charter, link.peer):
            return False
        if link.peer == self.site or isinstance(reach, Listens):
            return True
        return isinstance(reach, Outbound) and reach.mailbox != self.site

    def awaits(self, link: PeerChannel) -> bool:
        """Whether a long poll is kept open: the peer keeps this site's mail, or something is awaited of it."""
        if link.peer == self.site:
            return False
        own = self.stated(link.charter, self.site)
        is_my_mailbox = isinstance(own, Outbound) and own.mailbox == link.peer
        listens = isinstance(self.to(link), Listens)
        return listens and (is_my_mailbox or self.expects(link.charter, link.peer))

    def gossip_in(self, link: PeerChannel) -> float:
        """Seconds until a peer is called only to tell each other where the ledgers stand."""
        reach, now = self.to(link), self.clock.monotonic()
        quiet = self.witness.quiet_for(link.charter, link.peer)
        if link.peer != self.site and isinstance(reach, Listens):
            return max(quiet, link.called + EVERY - now)
        if not (self.dials(link) and isinstance(reach, Outbound)):
            return IDLE
        if not isinstance(self.stated(link.charter, self.site), Outbound):
            return IDLE  # it calls here
        # Both only dial out, so their checkpoints go by mail, in turns; while one is away, one letter an hour waits.
        away = link.last_heard is None or link.last_heard < link.called
        return max(quiet - ASKED_AGAIN / 2, link.called + (MAIL_EVERY if away else EVERY) - now)

    def resend(self, link: PeerChannel) -> float:
        """Seconds after which what was sent and not acknowledged is sent again."""
        near = link.peer == self.site or isinstance(self.to(link), Listens)
        return RESEND if near else RESEND_MAIL
