"""The entries of the access log: their types, and what stands in each.

Facts name persons, capabilities and campaigns, which the ledger names elsewhere too. The network address of a caller
stands in the body, which can be erased; a name that no account has is never written: it may be a passphrase.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yosegi.identity.session_view import CLOSED, OPENED
from yosegi.ledger import Draft

SIGN_IN_FAILED = "access.sign_in_failed"
EXPORTED = "access.exported"
READ = "access.read"
OMITTED = "access.omitted"
ACCOUNT_CHANGED = "account.changed"
SETTINGS_CHANGED = "settings.changed"

TYPES = frozenset({SIGN_IN_FAILED, EXPORTED, READ, OMITTED, ACCOUNT_CHANGED, SETTINGS_CHANGED, OPENED, CLOSED})
"""Every type of entry that tells of access."""

ACCOUNTS, SETTINGS = "access/accounts", "access/settings"


def stream_of(day: str) -> str:
    """The stream of one day's access, of a date as `2026-11-30`."""
    return f"access/{day}"


def sign_in_failed(account: str, reason: str, address: str) -> Draft:
    """Somebody did not get in; the account is empty if there is none of that name."""
    return Draft(SIGN_IN_FAILED, {"account": account, "reason": reason}, {"address": address})


def exported(what: str, name: str, agent: str) -> Draft:
    """Somebody took away a bundle or a file."""
    return Draft(EXPORTED, {"what": what, "name": name} | ({"agent": agent} if agent else {}))


def read_object(digest: str, sensitivity: str, agent: str) -> Draft:
    """Somebody read an object that is not public."""
    facts = {"object": digest, "sensitivity": sensitivity}
    return Draft(READ, facts | ({"agent": agent} if agent else {}))


def omitted(kind: str, count: int) -> Draft:
    """So many entries of one type were not written one by one."""
    return Draft(OMITTED, {"type": kind, "count": count})


def account_changed(person: str, what: str, state: Mapping[str, Any]) -> Draft:
    """An account was opened or closed, or its role, passphrase or keys are others."""
    return Draft(ACCOUNT_CHANGED, {"person": person, "what": what, **state})


def settings_changed(changed: list[str], settings: Mapping[str, Any]) -> Draft:
    """Fields of site.toml, or files of rules, are others than when the site was last started."""
    return Draft(SETTINGS_CHANGED, {"changed": changed}, {"settings": dict(settings)})
