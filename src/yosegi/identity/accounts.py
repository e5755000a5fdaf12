"""Local accounts: who may sign in to their own site with a key or a passphrase; no server elsewhere is needed.

Roles say what a person may do at this site; what a team may use elsewhere is governed by agreements.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from yosegi.core.errors import Invalid, NotFound
from yosegi.core.files import write_file
from yosegi.core.identifiers import PersonId
from yosegi.core.values import Value
from yosegi.trust.keys import PublicKey
from yosegi.trust.passphrase import hash_passphrase

log = logging.getLogger("yosegi.accounts")

Role = Literal["member", "operator", "officer"]
RUN_THE_SITE: tuple[Role, ...] = ("operator", "officer")
"""Roles of those who act for the site."""


class Account(Value):
    """One person, or role, at this site.

    Args:
        disabled: nobody signs in with it, and it can be enabled again; left out of the file while it is not.
    """

    person: PersonId
    role: Role
    passphrase: str | None = None
    keys: tuple[PublicKey, ...] = ()
    disabled: Literal[True] | None = None

    @property
    def credentials(self) -> str:
        """Stands for the passphrase and the keys of now, and tells nothing of them: a session ends when it changes."""
        held = "\n".join([self.passphrase or "", *(key.key_id for key in self.keys)])
        return hashlib.sha256(held.encode()).hexdigest()[:16]


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
        credentials: of the account, when they signed in.
    """

    person: str
    role: Role
    until: float
    form_token: str
    agent: str = ""
    mandate: str = ""
    issuer: str = ""
    credentials: str = ""

    @property
    def runs_the_site(self) -> bool:
        """Whether it is an operator or officer; an agent never is."""
        return self.role in RUN_THE_SITE


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
    _write(path, read_accounts(path) | {person: account})
    return account


def change_account(path: Path, person: str, **change: Any) -> Account:
    """Change fields of an account in a file, e.g. `role="operator"` or `disabled=True`.

    Raises:
        NotFound: it is not there.
        Invalid: not a file of accounts, or it would be open with neither passphrase nor key.
    """
    known = read_accounts(path)
    account = _known(known, person).model_copy(update=change)
    if account.passphrase is None and not account.keys and not account.disabled:
        raise Invalid(f"account {person}", "it has neither passphrase nor key", "make it anew: yosegi site account")
    _write(path, known | {person: account})
    return account


def close_account(path: Path, person: str) -> Account:
    """Close an account for good: passphrase and keys are taken out of the file.

    Its name stays there, so that their agents, and whoever vouches for the person elsewhere, find it closed.

    Raises:
        NotFound: it is not there.
        Invalid: not a file of accounts.
    """
    return change_account(path, person, disabled=True, passphrase=None, keys=())


def _known(accounts: Mapping[str, Account], person: str) -> Account:
    if person not in accounts:
        raise NotFound("account", person, tuple(accounts))
    return accounts[person]


def _write(path: Path, accounts: Mapping[str, Account]) -> None:
    """Replace the file at once, so that a running site never reads half of it."""
    write_file(path, Accounts(accounts=tuple(accounts.values())).to_bytes(), overwrite=True, mode=0o600)


@dataclass
class AccountFile(Mapping[str, Account]):
    """The accounts in a file as they are now: a change counts from the next look on, without a restart.

    A file that cannot be read lets nobody in, and says so in the log: an account that was just closed must not stay
    open because of a slip in another line.
    """

    path: Path
    _stamp: tuple[int, ...] = ()
    _accounts: dict[str, Account] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # At the start a fault is told to whoever starts the site.
        self._stamp, self._accounts = _stamp_of(self.path), read_accounts(self.path)

    def __getitem__(self, person: str) -> Account:
        return self._now()[person]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def _now(self) -> dict[str, Account]:
        stamp = _stamp_of(self.path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._accounts = read_accounts(self.path)
            except (Invalid, OSError) as error:
                self._accounts = {}
                log.critical("nobody can sign in with an account: %s", error)
        return self._accounts


def _stamp_of(path: Path) -> tuple[int, ...]:
    """Changes whenever the file does; empty while there is none."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return ()
    return (now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
