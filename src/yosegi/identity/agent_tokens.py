"""Access tokens of minutes, for one audience: what an agent's client carries with each call.

A token is a random text, known here by its digest and in memory alone: a restart of the site ends it, and the client
signs in again with its key. Each use looks whether the mandate still stands, so that it ends at once with it. It opens
its audience and nothing else; a session's token opens no such audience.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from yosegi.core.clock import Clock
from yosegi.core.fifo_cache import FifoCache
from yosegi.identity.accounts import Session
from yosegi.identity.authentication import Authenticated, Authenticator

LIFE = timedelta(minutes=10)
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Issued:
    who: Authenticated
    audience: str
    until: datetime


@dataclass
class AgentTokens:
    """Every access token that this process gave for agents' tools."""

    clock: Clock
    authenticator: Authenticator
    life: timedelta = LIFE
    _known: FifoCache[str, _Issued] = field(default_factory=lambda: FifoCache(REMEMBERED))

    def issue(self, who: Authenticated, audience: str) -> str:
        """A token for somebody who has proved who they are, for one audience."""
        token = secrets.token_urlsafe(32)
        self._known.put(_digest(token), _Issued(who, audience, self.clock.now() + self.life))
        return token

    def get(self, token: str, audience: str) -> Session | None:
        """Who holds a token of an audience; None if nobody does, or does no more."""
        known = self._known.get(_digest(token)) if token else None
        if known is None or known.audience != audience or known.until <= self.clock.now():
            return None
        if self.authenticator.why_ended(known.who):
            return None
        self.authenticator.note_call(known.who)
        who = known.who
        return Session(who.person, who.role, known.until.timestamp(), "", who.agent, who.mandate, who.issuer)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
