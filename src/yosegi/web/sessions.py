"""Who is signed in to the pages. It outlives a restart of the site, so that an open page catches up by itself.

A session is in the ledger as the digest of its token: signing in and out is on record, and nothing there signs in.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from datetime import datetime

from yosegi.core.clock import parse_timestamp, timestamp
from yosegi.ledger import Draft, Write
from yosegi.site import Session, Site
from yosegi.site.accounts import SESSION

OPENED = "session.opened"
CLOSED = "session.closed"


class Sessions:
    """The sessions of one site's pages."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: dict[str, tuple[str, datetime]] = {}

    async def open(self, person: str, passphrase: str) -> str:
        """A session token for a passphrase.

        Raises:
            Refused: as `Door.with_passphrase`.
        """
        token = await asyncio.to_thread(self._site.door.with_passphrase, person, passphrase)
        until = timestamp(self._site.clock.now() + SESSION)
        await self._append(token, 0, Draft(OPENED, {"until": until}), person)
        return token

    async def close(self, token: str) -> None:
        """Sign out."""
        session = self.get(token)
        self._site.door.close(token)
        if session is not None:
            await self._append(token, None, Draft(CLOSED), session.person)
        self._known.pop(_digest(token), None)

    def get(self, token: str | None) -> Session | None:
        """Who holds the token; None if nobody does, or does no more."""
        if not token:
            return None
        known = self._known.get(_digest(token)) or self._recorded(_digest(token))
        account = self._site.door.accounts.get(known[0]) if known else None
        if known is None or account is None or known[1] <= self._site.clock.now():
            return None
        self._known[_digest(token)] = known
        return Session(account.person, account.role, known[1].timestamp(), form_token(token))

    def _recorded(self, digest: str) -> tuple[str, datetime] | None:
        entries = self._site.ledger.read(_stream(digest))
        if not entries or entries[-1].type != OPENED:
            return None
        return entries[0].header.actor, parse_timestamp(entries[0].facts["until"])

    async def _append(self, token: str, expected: int | None, draft: Draft, person: str) -> None:
        await self._site.ledger.append(Write(_stream(_digest(token)), expected, (draft,), charter="", actor=person))


def form_token(token: str) -> str:
    """What has to come back with every form of a session. A page that can send the cookie cannot read it."""
    return hmac.new(token.encode(), b"yosegi form", hashlib.sha256).hexdigest()


def _stream(digest: str) -> str:
    return f"session/{digest}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
