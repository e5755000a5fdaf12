"""Local accounts: people sign in to their own site with a key or a passphrase; no server elsewhere is needed.

A session is a random token kept here as its digest alone, so that a memory dump or a log holds nothing to sign in
with. Roles say what a person may do at this site; what a team may use elsewhere is governed by agreements.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from yosegi.core.clock import Clock
from yosegi.core.errors import Invalid, Refused
from yosegi.core.identifiers import PersonId
from yosegi.core.values import Value
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey
from yosegi.trust.login import Login
from yosegi.trust.passphrase import check_passphrase, hash_passphrase

Role = Literal["member", "operator", "officer"]
SESSION = timedelta(hours=12)
MOST_FAILURES = 10
PAUSE = timedelta(minutes=1)


class Account(Value):
    """One person, or role, at this site."""

    person: PersonId
    role: Role
    passphrase: str | None = None
    keys: tuple[PublicKey, ...] = ()


class Accounts(Value):
    """The file of accounts."""

    format: Literal["yosegi.accounts.v1"] = "yosegi.accounts.v1"
    accounts: tuple[Account, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in.

    Args:
        form_token: must come back with every form, so that no other page can post in this person's name.
        agent: the program that acts for the person, if one does, and `mandate` what it acts under.
        issuer: the institution's provider that vouched for the person, where there is no account here.
    """

    person: str
    role: Role
    until: float
    form_token: str
    agent: str = ""
    mandate: str = ""
    issuer: str = ""


@dataclass
class Authenticator:
    """Lets people in, and knows who is."""

    site: str
    clock: Clock
    accounts: Mapping[str, Account]
    agents: Callable[[str, str], Mapping[str, PublicKey]] = lambda person, agent: {}
    """The key of a person's agent under each of its living mandates."""
    may_sign_in: Callable[[str], bool] = lambda person: True
    """Whether somebody with an account may sign in, now: people of a member without a site may where it is hosted."""
    called: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """When an agent last called, by its member and its mandate; since the site started."""
    _sessions: dict[str, Session] = field(default_factory=dict)
    _failures: dict[str, list[float]] = field(default_factory=dict)
    _used: dict[str, float] = field(default_factory=dict)

    def with_passphrase(self, person: str, passphrase: str) -> str:
        """A session token for a passphrase.

        Raises:
            Refused: no such account, a wrong passphrase, or too many wrong ones lately; which, is not said.
        """
        now = self.clock.monotonic()
        recent = [at for at in self._failures.get(person, ()) if now - at < PAUSE.total_seconds()]
        account = self.accounts.get(person)
        stored = account.passphrase if account else None
        if len(recent) >= MOST_FAILURES or not check_passphrase(passphrase, stored) or account is None:
            self._failures[person] = [*recent, now]
            raise Refused(f"signing in as {person}", ("sign_in_failed",))
        return self._open(account)

    def with_key(self, body: bytes) -> str:
        """A session token for a signed `Login`.

        Raises:
            Refused: not signed by a key of the account, for another site, out of date, or used before.
        """
        envelope = Envelope.read(body, what="a login")
        claimed = Login.peek(envelope)
        account = self.accounts.get(claimed.person)
        held = self.agents(claimed.person, claimed.agent) if claimed.agent is not None else {}
        own = account.keys if account is not None and claimed.agent is None else tuple(held.values())
        keys = {key.key_id: key for key in own}
        try:
            login = Login.open(envelope, keys, now=self.clock.now())
        except Untrusted:
            raise Refused(f"signing in as {claimed.person}", ("sign_in_failed",)) from None
        if login.site != self.site or login.nonce in self._used:
            raise Refused(f"signing in as {claimed.person}", ("sign_in_failed",))
        now = self.clock.monotonic()
        self._used = {nonce: at for nonce, at in self._used.items() if now - at < 600} | {login.nonce: now}
        if login.agent is None and account is not None:
            return self._open(account)
        signed = [signature.key_id for signature in envelope.signatures]
        under = next(mandate for mandate, key in held.items() if key.key_id in signed)
        # An agent acts for its member, and has none of the rights that its member has over this site.
        return self.open_as(login.person, "member", login.agent or "", under)

    def _open(self, account: Account) -> str:
        return self.open_as(account.person, account.role)

    def open_as(self, person: str, role: Role, agent: str = "", mandate: str = "") -> str:
        """A session token for somebody who has proved who they are, here or elsewhere.

        Raises:
            Refused: somebody of an institution that this site does not host (any more).
        """
        if not self.may_sign_in(person):
            raise Refused(f"signing in as {person}", ("institution_not_hosted",))
        token = secrets.token_urlsafe(32)
        until = self.clock.monotonic() + SESSION.total_seconds()
        self._sessions = {k: s for k, s in self._sessions.items() if s.until > self.clock.monotonic()}
        form_token = secrets.token_urlsafe(16)
        self._sessions[_digest(token)] = Session(person, role, until, form_token, agent, mandate)
        return token

    def session(self, token: str | None) -> Session | None:
        """Who holds the token; None if nobody does, or does no more."""
        found = self._sessions.get(_digest(token)) if token else None
        if found is None or found.until <= self.clock.monotonic() or not self.may_sign_in(found.person):
            return None
        # An agent's session ends with its mandate.
        if found.agent:
            if found.mandate not in self.agents(found.person, found.agent):
                return None
            self.called[found.person, found.mandate] = self.clock.now()
        return found

    def close(self, token: str) -> None:
        """Sign out."""
        self._sessions.pop(_digest(token), None)


def same_token(expected: str, given: str) -> bool:
    """Compare two tokens in constant time."""
    return hmac.compare_digest(expected.encode(), given.encode())


def read_accounts(path: Path) -> dict[str, Account]:
    """The accounts in a file, by person; none if there is no file.

    Raises:
        Invalid: not a file of accounts.
    """
    if not path.exists():
        return {}
    accounts = Accounts.read(path.read_bytes(), what=f"accounts file {path}").accounts
    return {account.person: account for account in accounts}


def add_account(path: Path, person: str, role: Role, *, passphrase: str = "", key: PublicKey | None = None) -> Account:
    """Add an account to a file, or replace it.

    Raises:
        Invalid: neither passphrase nor key given.
    """
    if not passphrase and key is None:
        raise Invalid(f"account {person}", "neither passphrase nor key", "give at least one")
    account = Account(
        person=person,
        role=role,
        passphrase=hash_passphrase(passphrase) if passphrase else None,
        keys=(key,) if key else (),
    )
    known = read_accounts(path) | {person: account}
    path.write_bytes(Accounts(accounts=tuple(known.values())).to_bytes())
    path.chmod(0o600)
    return account


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
