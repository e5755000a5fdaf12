"""Who is signed in to the pages. It outlives a restart of the site, so that an open page catches up by itself.

A session is in the ledger as the digest of its token: signing in and out is on record, and nothing there signs in.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from yosegi.core.clock import parse_timestamp, timestamp
from yosegi.ledger import Draft, Write
from yosegi.site import Session, Site
from yosegi.site.accounts import SESSION, Role

OPENED = "session.opened"
CLOSED = "session.closed"


@dataclass(frozen=True, slots=True)
class _Known:
    person: str
    until: datetime
    role: Role | None
    issuer: str


class Sessions:
    """The sessions of one site's pages."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: dict[str, _Known] = {}

    async def open(self, person: str, passphrase: str) -> str:
        """A session token for a passphrase.

        Raises:
            Refused: as `Door.with_passphrase`.
        """
        token = await asyncio.to_thread(self._site.door.with_passphrase, person, passphrase)
        until = timestamp(self._site.clock.now() + SESSION)
        await self._append(token, 0, Draft(OPENED, {"until": until}), person)
        return token

    async def open_as(self, person: str, role: Role, issuer: str) -> str:
        """A session token for somebody whom the institution's provider vouches for; role and issuer are on record."""
        token = self._site.door.open_as(person, role)
        until = timestamp(self._site.clock.now() + SESSION)
        await self._append(token, 0, Draft(OPENED, {"until": until, "role": role, "issuer": issuer}), person)
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
        if known is None or known.until <= self._site.clock.now():
            return None
        role = self._role(known)
        if role is None:
            return None
        self._known[_digest(token)] = known
        return Session(known.person, role, known.until.timestamp(), form_token(token))

    def _role(self, known: _Known) -> Role | None:
        """By the account as it is now; by the record for whom the provider vouched, while it is still trusted."""
        if known.issuer:
            provider = self._site.institution
            return known.role if provider is not None and provider.openid.client.issuer == known.issuer else None
        account = self._site.door.accounts.get(known.person)
        return account.role if account is not None else None

    def _recorded(self, digest: str) -> _Known | None:
        entries = self._site.ledger.read(_stream(digest))
        if not entries or entries[-1].type != OPENED:
            return None
        facts = entries[0].facts
        until = parse_timestamp(facts["until"])
        return _Known(entries[0].header.actor, until, facts.get("role"), facts.get("issuer", ""))

    async def _append(self, token: str, expected: int | None, draft: Draft, person: str) -> None:
        await self._site.ledger.append(Write(_stream(_digest(token)), expected, (draft,), charter="", actor=person))


def form_token(token: str) -> str:
    """What has to come back with every form of a session. A page that can send the cookie cannot read it."""
    return hmac.new(token.encode(), b"yosegi form", hashlib.sha256).hexdigest()


def _stream(digest: str) -> str:
    return f"session/{digest}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
