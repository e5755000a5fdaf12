"""A verb of governance at a site, whether it is running or not: the running site does it, or this process does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from yosegi.cli.connection import say_who, signed_in
from yosegi.cli.output import in_shell
from yosegi.core.errors import Invalid, YosegiError
from yosegi.core.toml_text import read_toml_file

if TYPE_CHECKING:
    from yosegi.app.home import Home
    from yosegi.client.client import Client
    from yosegi.identity.accounts import Session
    from yosegi.services.runtime import Site

T = TypeVar("T")
PATIENCE = 2.0
"""Seconds to wait for a connection to this machine."""


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
    from yosegi.app.home import Home

    place = Home(home)
    if _answers(place):
        return running(officer_client(place))
    # All that a site is made of is imported where it is made here, and not where a running one is asked.
    import asyncio

    from yosegi.ledger import Locked

    try:
        return asyncio.run(_offline(place, offline))
    except Locked:
        return running(officer_client(place))


def _answers(home: Home) -> bool:
    """Whether the site itself answers where it listens; a site that is just being started may not yet."""
    import socket

    try:
        place = urlsplit(home.local_url())
        with socket.create_connection((str(place.hostname), place.port or 80), timeout=PATIENCE):
            pass  # somebody listens: only then is the client imported that asks who
        from yosegi.client.client import connect

        return bool(connect(home.local_url()).site().site == read_toml_file(home.settings_file)["site"])
    except (YosegiError, OSError, KeyError):
        return False


async def _offline(home: Home, work: Callable[[Site, Session], Awaitable[T]]) -> T:
    from yosegi.app.compose import offline_site

    async with offline_site(home) as site:
        return await work(site, operator(site.name))


def operator(site: str) -> Session:
    """Whoever can write in a site's home acts for it."""
    from yosegi.identity.accounts import Session

    return Session(f"operator@{site}", "officer", float("inf"), "")


def officer_client(home: Home) -> Client:
    """The running site, asked by an officer whose key lies in its home, or else by an operator; says by whom.

    Raises:
        Invalid: there is none.
    """
    from yosegi.identity.accounts import RUN_THE_SITE, read_accounts

    # Some things only an officer may do, and nothing is for operators alone.
    for account in sorted(read_accounts(home.accounts).values(), key=lambda account: account.role != "officer"):
        key = home.folder / "people" / f"{account.person}.key"
        if account.role in RUN_THE_SITE and key.exists():
            say_who(account.person, home.folder)
            return signed_in(home.local_url(), person=account.person, key=key)
    settings = home.settings()
    make = f"yosegi site account --home {in_shell(home.folder)} operator@{settings.site} --role officer"
    todo = f"make an account: {make}; or stop it"
    raise Invalid(f"{home.folder}", "the site is running, and no operator's key lies in its home", todo)
