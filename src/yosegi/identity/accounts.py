"""Local accounts: who may sign in to their own site with a key or a passphrase; no server elsewhere is needed.

Roles say what a person may do at this site; what a team may use elsewhere is governed by agreements.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from yosegi.core.errors import Invalid
from yosegi.core.files import write_file
from yosegi.core.identifiers import PersonId
from yosegi.core.values import Value
from yosegi.trust.keys import PublicKey
from yosegi.trust.passphrase import hash_passphrase

Role = Literal["member", "operator", "officer"]


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
    write_file(path, Accounts(accounts=tuple(known.values())).to_bytes(), overwrite=True, mode=0o600)
    return account
