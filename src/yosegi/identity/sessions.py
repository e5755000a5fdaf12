"""Who is signed in, on a page or with a program: one store, in the ledger, so that it outlives a restart of the site.

So an open page catches up by itself, and a command line that signed in goes on. A session is in the ledger as the
digest of its token: signing in and out is on record, and nothing there signs in. A page's token opens no API and a
program's no page.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from yosegi.core.clock import Clock, parse_timestamp, timestamp
from yosegi.core.errors import Unavailable
from yosegi.core.fifo_cache import FifoCache
from yosegi.identity.accounts import Session
from yosegi.identity.authentication import Authenticated, Authenticator
from yosegi.ledger import Draft, Ledger, Write

log = logging.getLogger("yosegi.sessions")

OPENED = "session.opened"
CLOSED = "session.closed"
LASTS = timedelta(hours=12)
REMEMBERED = 4096
"""Sessions kept in memory; others are read from the ledger."""


@dataclass(frozen=True, slots=True)
class _Known:
    who: Authenticated
    until: datetime
    program: bool


@dataclass
class SessionStore:
    """Every session of one site.

    Args:
        provider: the issuer of the institution's provider, while it is trusted; empty if there is none.
    """

    ledger: Ledger
    clock: Clock
    authenticator: Authenticator
    provider: str = ""
    _known: FifoCache[str, _Known] = field(default_factory=lambda: FifoCache(REMEMBERED))

    async def open(self, who: Authenticated, *, program: bool) -> str:
        """A token for somebody who has proved who they are: for a page, or for a program.

        On a full disk the session is nowhere on record and ends with this process: whoever may stop what runs here
        must be able to sign in.
        """
        token = secrets.token_urlsafe(32)
        until = self.clock.now() + LASTS
        facts: dict[str, Any] = {"until": timestamp(until)}
        facts |= {"program": True} if program else {}
        # Where there is no account, the role that the institution's groups gave is on record.
        facts |= {"role": who.role, "issuer": who.issuer} if who.issuer else {}
        facts |= {"agent": who.agent, "mandate": who.mandate} if who.agent else {}
        try:
            await self._append(token, 0, Draft(OPENED, facts), who.person)
        except Unavailable as error:
            log.warning("the session of %s is not on record: %s", who.person, error)
        self._known.put(_digest(token), _Known(who, until, program))
        return token

    async def close(self, token: str, *, program: bool = False) -> None:
        """Sign out."""
        session = self.get(token, program=program)
        self._known.drop(_digest(token))
        if session is not None:
            await self._append(token, None, Draft(CLOSED), session.person)

    def get(self, token: str | None, *, program: bool = False) -> Session | None:
        """Who holds the token, of a page or of a program; None if nobody does, or does no more."""
        if not token:
            return None
        known = self._known.get(_digest(token)) or self._recorded(_digest(token))
        if known is None or known.program != program or known.until <= self.clock.now():
            return None
        who = self._now(known.who)
        if who is None or self.authenticator.has_ended(who):
            return None
        self._known.put(_digest(token), known)
        self.authenticator.note_call(who)
        return Session(
            who.person, who.role, known.until.timestamp(), form_token(token), who.agent, who.mandate, who.issuer
        )

    def _now(self, who: Authenticated) -> Authenticated | None:
        """The same with the role of now: by the account, or by the record while the provider is still trusted."""
        if who.agent:
            return who
        if who.issuer:
            return who if who.issuer == self.provider else None
        account = self.authenticator.accounts.get(who.person)
        return None if account is None else replace(who, role=account.role)

    def _recorded(self, digest: str) -> _Known | None:
        entries = self.ledger.read(_stream(digest))
        if not entries or entries[-1].type != OPENED:
            return None
        facts = entries[0].facts
        who = Authenticated(
            entries[0].header.actor,
            facts.get("role", "member"),
            facts.get("agent", ""),
            facts.get("mandate", ""),
            facts.get("issuer", ""),
        )
        return _Known(who, parse_timestamp(facts["until"]), bool(facts.get("program", False)))

    async def _append(self, token: str, expected: int | None, draft: Draft, person: str) -> None:
        await self.ledger.append(Write(_stream(_digest(token)), expected, (draft,), charter="", actor=person))


def authenticated(session: Session) -> Authenticated:
    """Who holds a session, to open another for a program of theirs."""
    return Authenticated(session.person, session.role, session.agent, session.mandate, session.issuer)


def form_token(token: str) -> str:
    """What has to come back with every form of a session. A page that can send the cookie cannot read it."""
    return hmac.new(token.encode(), b"yosegi form", hashlib.sha256).hexdigest()


def same_token(expected: str, given: str) -> bool:
    """Compare two tokens in constant time."""
    return hmac.compare_digest(expected.encode(), given.encode())


def _stream(digest: str) -> str:
    return f"session/{digest}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
