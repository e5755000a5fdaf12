"""A verb of governance at a site, whether it is running or not: the running site does it, or this process does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from yosegi.cli.connection import say_who, signed_in
from yosegi.cli.output import in_shell, say
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
    home: Path, offline: Callable[[Site, Session], Awaitable[T]], running: Callable[[Client], T], not_as: str = ""
) -> T:
    """Have a site do something.

    Args:
        home: its folder.
        offline: does it in this process, where the site is not running.
        running: asks the running site for it.
        not_as: a person in whose name the running site is not asked.

    Raises:
        YosegiError: as the site explains it.
    """
    from yosegi.app.home import Home

    place = Home(home)
    if _answers(place):
        return running(officer_client(place, not_as))
    # All that a site is made of is imported where it is made here, and not where a running one is asked.
    import asyncio

    from yosegi.ledger import Locked

    try:
        return asyncio.run(_offline(place, offline))
    except Locked:
        return running(officer_client(place, not_as))


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


def officer_client(home: Home, not_as: str = "") -> Client:
    """The running site, asked by an officer whose key lies in its home, or else by an operator; says by whom.

    Passed over are accounts that are closed or disabled, people whom the site has suspended, and `not_as`.

    Raises:
        Invalid: there is nobody.
        SiteRefused: the site lets none of them in.
    """
    from yosegi.client.connection import SiteRefused
    from yosegi.identity.accounts import RUN_THE_SITE, read_accounts

    refused: SiteRefused | None = None
    # Some things only an officer may do, and nothing is for operators alone.
    for account in sorted(read_accounts(home.accounts).values(), key=lambda account: account.role != "officer"):
        key = home.folder / "people" / f"{account.person}.key"
        can_sign_in = account.keys and not account.disabled and key.exists()
        if account.role not in RUN_THE_SITE or not can_sign_in or account.person == not_as:
            continue
        try:
            client = signed_in(home.local_url(), person=account.person, key=key)
        except SiteRefused as error:
            refused = refused or error
            continue
        say_who(account.person, home.folder)
        return client
    make = f"yosegi site account --home {in_shell(home.folder)} PERSON --role officer"
    todo = f"make an account: {make}; or stop the site, and give the command again"
    if refused is not None:
        say(f"nobody whose key lies in {home.folder} is let in to run the site; {todo}", err=True)
        raise refused
    other = f" other than {not_as}" if not_as else ""
    raise Invalid(f"{home.folder}", f"the site is running, and no operator's key lies in its home{other}", todo)
