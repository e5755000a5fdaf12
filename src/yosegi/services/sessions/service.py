"""Signing in and out, who is signed in, and ending sessions: one place for pages, programs and the institution's login.

Every attempt is on record: one that succeeds as the session it opens, one that does not in the access log.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from yosegi.core.errors import NotFound, Refused
from yosegi.identity.accounts import Role, Session
from yosegi.identity.authentication import Authenticated, Authenticator
from yosegi.identity.sessions import SessionStore, authenticated
from yosegi.services.access.service import AccessLog
from yosegi.services.authorization.roles import check_person
from yosegi.services.sessions.schemas import SessionDetail, SessionEnded
from yosegi.trust.envelope import Envelope
from yosegi.trust.login import Login

log = logging.getLogger("yosegi.access")
T = TypeVar("T")
NAME = 16
"""Letters of a session's digest by which it is named; nobody signs in with them."""


@dataclass
class SessionService:
    """Who may come in, who is here, and how that ends."""

    authenticator: Authenticator
    store: SessionStore
    access: AccessLog

    async def by_passphrase(self, person: str, passphrase: str, address: str, *, program: bool) -> str:
        """The token of a new session for somebody who knows their passphrase.

        Raises:
            Refused, Unavailable: as `Authenticator.by_passphrase`.
        """
        who = await self._tried(self.authenticator.by_passphrase(person, passphrase, address), person, address)
        return await self._open(who, program, "passphrase", address)

    async def by_key(self, body: bytes, address: str) -> str:
        """The token of a new session for a program whose person or agent signed a login.

        Raises:
            Refused: as `Authenticator.by_key`.
        """

        async def tried() -> Authenticated:
            return self.authenticator.by_key(body)

        claimed = Login.peek(Envelope.read(body, what="a login")).person
        return await self._open(await self._tried(tried(), claimed, address), True, "key", address)

    async def vouched_for(self, person: str, role: Role, issuer: str, address: str) -> str:
        """The token of a new session of a page for whom the institution's provider vouches.

        Raises:
            Refused: they may not be here.
        """

        async def tried() -> Authenticated:
            return self.authenticator.vouched_for(person, role, issuer)

        return await self._open(await self._tried(tried(), person, address), False, "institution", address)

    async def hand_over(self, given: Session, address: str) -> str:
        """The token of a new session for a program to which a person handed their sign-in.

        Raises:
            Refused: they may not be here any more.
        """
        return await self._open(self.authenticator.still(authenticated(given)), True, "browser", address)

    async def _tried(self, attempt: Awaitable[T], person: str, address: str) -> T:
        try:
            return await attempt
        except Refused as error:
            await self.access.sign_in_failed(person, error.reasons[0], address)
            raise

    async def _open(self, who: Authenticated, program: bool, how: str, address: str) -> str:
        log.info(
            "sign-in: %s%s by %s from %s", who.person, f"/{who.agent}" if who.agent else "", how, address or "here"
        )
        return await self.store.open(who, program=program, how=how, address=address)

    # -- looking and ending ---------------------------------------------------------------------------------------

    def listing(self, who: Session) -> tuple[SessionDetail, ...]:
        """The sessions that are open: one's own, or all of them for those who run the site."""
        person = "" if _runs_the_site(who) else who.person
        found = []
        for row in self.store.listing(person):
            fields = {name: str(row[name]) for name in ("person", "agent", "issuer", "opened", "until")}
            found.append(SessionDetail(name=row["digest"][:NAME], program=bool(row["program"]), **fields))
        return tuple(found)

    async def end(self, name: str, who: Session) -> SessionEnded:
        """End a session by its name: one of one's own, or anybody's for those who run the site.

        Raises:
            NotFound: none of that name, or somebody else's; which, is not said.
            Refused: by an agent.
        """
        check_person(who, "ending a session")
        if name not in {session.name for session in self.listing(who)}:
            raise NotFound("session", name)
        await self.store.end(name, who.person)
        return SessionEnded(ended=True)


def _runs_the_site(who: Session) -> bool:
    return not who.agent and who.runs_the_site
