"""Who is signed in to the pages, or has handed that to a program. It outlives a restart of the site.

So an open page catches up by itself, and a command line that signed in through the browser goes on. A session is in the
ledger as the digest of its token: signing in and out is on record, and nothing there signs in. A page's token opens no
API and a program's no page.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yosegi.core.clock import Clock, parse_timestamp, timestamp
from yosegi.core.errors import Refused
from yosegi.identity.accounts import SESSION, Authenticator, Role, Session
from yosegi.identity.oidc_claims import InstitutionSignIn
from yosegi.ledger import Draft, Ledger, Write

OPENED = "session.opened"
CLOSED = "session.closed"


@dataclass(frozen=True, slots=True)
class _Known:
    person: str
    until: datetime
    role: Role | None
    issuer: str
    program: bool


class Sessions:
    """The sessions of one site's pages."""

    def __init__(
        self, ledger: Ledger, clock: Clock, authenticator: Authenticator, provider: InstitutionSignIn | None
    ) -> None:
        self._ledger, self._clock, self._authenticator, self._provider = ledger, clock, authenticator, provider
        self._known: dict[str, _Known] = {}

    async def open(self, person: str, passphrase: str) -> str:
        """A session token for a passphrase.

        Raises:
            Refused: as `Door.with_passphrase`.
        """
        token = await asyncio.to_thread(self._authenticator.with_passphrase, person, passphrase)
        self._authenticator.close(token)  # it is for pages alone
        until = timestamp(self._clock.now() + SESSION)
        await self._append(token, 0, Draft(OPENED, {"until": until}), person)
        return token

    async def open_as(self, person: str, role: Role, issuer: str) -> str:
        """A session token for somebody whom the institution's provider vouches for; role and issuer are on record."""
        token = self._token_for(person)
        until = timestamp(self._clock.now() + SESSION)
        await self._append(token, 0, Draft(OPENED, {"until": until, "role": role, "issuer": issuer}), person)
        return token

    async def hand(self, given: Session) -> str:
        """A session token for a program that somebody signed in on a page has confirmed.

        Raises:
            Refused: this site may not vouch for the person any more.
        """
        token = self._token_for(given.person)
        facts: dict[str, Any] = {"until": timestamp(self._clock.now() + SESSION), "program": True}
        # Where there is no account, the role that the institution's groups gave is on record, as with a page's session.
        facts |= {"role": given.role, "issuer": given.issuer} if given.issuer else {}
        await self._append(token, 0, Draft(OPENED, facts), given.person)
        return token

    def _token_for(self, person: str) -> str:
        if not self._authenticator.may_sign_in(person):
            raise Refused(f"signing in as {person}", ("institution_not_hosted",))
        return secrets.token_urlsafe(32)

    async def close(self, token: str, *, program: bool = False) -> None:
        """Sign out."""
        session = self.get(token, program=program)
        self._authenticator.close(token)
        if session is not None:
            await self._append(token, None, Draft(CLOSED), session.person)
        self._known.pop(_digest(token), None)

    def get(self, token: str | None, *, program: bool = False) -> Session | None:
        """Who holds the token, of a page or of a program; None if nobody does, or does no more."""
        if not token:
            return None
        known = self._known.get(_digest(token)) or self._recorded(_digest(token))
        if known is None or known.program != program or known.until <= self._clock.now():
            return None
        role = self._role(known)
        if role is None or not self._authenticator.may_sign_in(known.person):
            return None
        self._known[_digest(token)] = known
        return Session(known.person, role, known.until.timestamp(), form_token(token), issuer=known.issuer)

    def _role(self, known: _Known) -> Role | None:
        """By the account as it is now; by the record for whom the provider vouched, while it is still trusted."""
        if known.issuer:
            provider = self._provider
            return known.role if provider is not None and provider.openid.client.issuer == known.issuer else None
        account = self._authenticator.accounts.get(known.person)
        return account.role if account is not None else None

    def _recorded(self, digest: str) -> _Known | None:
        entries = self._ledger.read(_stream(digest))
        if not entries or entries[-1].type != OPENED:
            return None
        facts = entries[0].facts
        until = parse_timestamp(facts["until"])
        program = bool(facts.get("program", False))
        return _Known(entries[0].header.actor, until, facts.get("role"), facts.get("issuer", ""), program)

    async def _append(self, token: str, expected: int | None, draft: Draft, person: str) -> None:
        await self._ledger.append(Write(_stream(_digest(token)), expected, (draft,), charter="", actor=person))


def form_token(token: str) -> str:
    """What has to come back with every form of a session. A page that can send the cookie cannot read it."""
    return hmac.new(token.encode(), b"yosegi form", hashlib.sha256).hexdigest()


def _stream(digest: str) -> str:
    return f"session/{digest}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
