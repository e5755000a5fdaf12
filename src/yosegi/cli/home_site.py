"""A verb of governance at a site, whether it is running or not: the running site does it, or this process does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from yosegi.app.compose import offline_site
from yosegi.app.settings import Home
from yosegi.cli.connection import say_who
from yosegi.client.client import Client, connect
from yosegi.core.errors import Invalid
from yosegi.identity.accounts import Session, read_accounts
from yosegi.ledger import Locked
from yosegi.services.runtime import Site

T = TypeVar("T")


def run_locally_or_remotely(
    home: Path, offline: Callable[[Site, Session], Awaitable[T]], running: Callable[[Client], T]
) -> T:
    """Have a site do something.

    Args:
        home: its folder.
        offline: does it in this process, where the site is not running.
        running: asks the running site for it.

    Raises:
        YosegiError: as the site explains it.
    """
    place = Home(home)
    place.settings()
    try:
        return asyncio.run(_offline(place, offline))
    except Locked:
        return running(officer_client(place))


async def _offline(home: Home, work: Callable[[Site, Session], Awaitable[T]]) -> T:
    async with offline_site(home) as site:
        return await work(site, operator(site.name))


def operator(site: str) -> Session:
    """Whoever can write in a site's home acts for it."""
    return Session(f"operator@{site}", "officer", float("inf"), "")


def officer_client(home: Home) -> Client:
    """The running site, asked by an officer whose key lies in its home, or else by an operator; says by whom.

    Raises:
        Invalid: there is none.
    """
    settings = home.settings()
    # Some things only an officer may do, and nothing is for operators alone.
    for account in sorted(read_accounts(home.accounts).values(), key=lambda account: account.role != "officer"):
        key = home.folder / "people" / f"{account.person}.key"
        if account.role in ("operator", "officer") and key.exists():
            say_who(account.person, home.folder)
            return connect(settings.local_url, person=account.person, key=key)
    todo = (
        f"make an account: yosegi site account --home {home.folder} operator@{settings.site} --role officer; or stop it"
    )
    raise Invalid(f"{home.folder}", "the site is running, and no operator's key lies in its home", todo)
