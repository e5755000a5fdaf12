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
from yosegi.core.errors import NotFound, Unavailable
from yosegi.core.fifo_cache import FifoCache
from yosegi.identity.accounts import Session
from yosegi.identity.authentication import Authenticated, Authenticator
from yosegi.identity.session_view import CLOSED, OPENED
from yosegi.ledger import Draft, Ledger, Write

log = logging.getLogger("yosegi.sessions")

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

    async def open(self, who: Authenticated, *, program: bool, how: str = "", address: str = "") -> str:
        """A token for somebody who has proved who they are: for a page, or for a program.

        How they did, and the network address they came from, are in the body of the entry, which can be erased.

        On a full disk the session is nowhere on record and ends with this process: whoever may stop what runs here
        must be able to sign in.
        """
        token = secrets.token_urlsafe(32)
        until = self.clock.now() + LASTS
        facts: dict[str, Any] = {"until": timestamp(until)}
        facts |= {"program": True} if program else {}
        # Where there is no account, the role that the institution's groups gave is on record.
        facts |= {"role": who.role, "issuer": who.issuer} if who.issuer else {}
        facts |= {"credentials": who.credentials} if who.credentials else {}
        facts |= {"agent": who.agent, "mandate": who.mandate} if who.agent else {}
        try:
            body = {"how": how, "address": address} if how else None
            await self._append(token, 0, Draft(OPENED, facts, body), who.person)
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
        found = self._find(token, program)
        if found is None or token is None or self._why_ended(found):
            return None
        who = self._now(found.who)
        self._known.put(_digest(token), found)
        self.authenticator.note_call(who)
        return Session(
            who.person, who.role, found.until.timestamp(), form_token(token), who.agent, who.mandate, who.issuer,
            who.credentials,
        )  # fmt: skip

    def why_not(self, token: str | None, *, program: bool = False) -> tuple[str, ...]:
        """The reason codes for which a token opens nothing: nobody is signed in, and what ended its session."""
        found = self._find(token, program)
        ended = "" if found is None else self._why_ended(found)
        return ("not_signed_in", ended) if ended else ("not_signed_in",)

    def _find(self, token: str | None, program: bool) -> _Known | None:
        if not token:
            return None
        known = self._known.get(_digest(token)) or self._recorded(_digest(token))
        if known is None or known.program != program or known.until <= self.clock.now():
            return None
        return known

    def _why_ended(self, known: _Known) -> str:
        """A provider that is trusted no more vouches for nobody."""
        if known.who.issuer and known.who.issuer != self.provider:
            return "account_closed"
        return self.authenticator.why_ended(known.who)

    def _now(self, who: Authenticated) -> Authenticated:
        """The same with the role of now: by the account, or by the record where the provider vouches."""
        account = self.authenticator.accounts.get(who.person)
        return who if who.agent or who.issuer or account is None else replace(who, role=account.role)

    # -- looking at sessions and ending them ----------------------------------------------------------------------

    def listing(self, person: str = "") -> list[dict[str, Any]]:
        """What is on record of the sessions that have not ended, of a person or of everybody: rows of the view."""
        where, values = ("AND person = ?", (person,)) if person else ("", ())
        return self.ledger.query(
            f"SELECT * FROM session WHERE ended = '' AND until > ? {where} ORDER BY opened",
            (timestamp(self.clock.now()), *values),
        )

    async def end(self, name: str, by: str) -> str:
        """End a session by the name that the listing gives it; its person.

        Raises:
            NotFound: none of that name.
        """
        row = next((row for row in self.listing() if row["digest"].startswith(name)), None) if name else None
        if row is None:
            raise NotFound("session", name)
        self._known.drop(row["digest"])
        write = Write(_stream(row["digest"]), None, (Draft(CLOSED),), charter="", actor=by)
        await self.ledger.append(write)
        return str(row["person"])

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
            facts.get("credentials", ""),
        )
        return _Known(who, parse_timestamp(facts["until"]), bool(facts.get("program", False)))

    async def _append(self, token: str, expected: int | None, draft: Draft, person: str) -> None:
        await self.ledger.append(Write(_stream(_digest(token)), expected, (draft,), charter="", actor=person))


def authenticated(session: Session) -> Authenticated:
    """Who holds a session, to open another for a program of theirs."""
    return Authenticated(
        session.person, session.role, session.agent, session.mandate, session.issuer, session.credentials
    )


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
