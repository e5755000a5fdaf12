"""Which site a command speaks to, and as whom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from yosegi.cli.signing_in import kept
from yosegi.client.client import Client, connect
from yosegi.core.errors import Invalid
from yosegi.trust.signer import Ed25519Signer

P = ParamSpec("P")
T = TypeVar("T")


def with_site(command: Callable[P, T]) -> Callable[P, T]:
    """The options that say which running site, and who asks."""
    for option in (
        click.option("--passphrase", envvar="YOSEGI_PASSPHRASE", default="", help="Sign in with this, not with a key."),
        click.option(
            "--as-agent",
            default="",
            envvar="YOSEGI_AGENT",
            help="Sign in as this agent of that person, with its key.",
        ),
        click.option("--key", type=click.Path(path_type=Path), help="The person's key file."),
        click.option("--as", "person", envvar="YOSEGI_PERSON", default="", help="Who asks, e.g. pi@argonne."),
        click.option("--url", envvar="YOSEGI_URL", default="", help="The site's address."),
        click.option(
            "--home",
            envvar="YOSEGI_HOME",
            type=click.Path(path_type=Path),
            help="The site's home folder; its address and the first account's key are taken from there.",
        ),
    ):
        command = option(command)
    return command


def client_of(
    home: Path | None, url: str, person: str, key: Path | None, passphrase: str, as_agent: str = ""
) -> Client:
    """Connect as the options say.

    Raises:
        Invalid: they do not say enough.
    """
    if as_agent and key is None:
        raise Invalid("the command", f"the agent {as_agent} signs in with a key of its own", "give --key FILE")
    if home is not None:
        # A home's settings bring half the program with them; an address alone does not.
        from yosegi.app.settings import Home

        place = Home(home)
        url = url or f"http://{place.settings().listen}"
        if key is None and not passphrase:
            key = _key_in(place.folder, person)
            person = person or key.stem
    if not url:
        raise Invalid("the command", "no site is named", "give --home FOLDER or --url ADDRESS")
    if key is None and not passphrase and not person and (token := kept(url)):
        return connect(url, token=token)
    if not person:
        raise Invalid("the command", "nobody is named", "give --as, e.g. --as pi@argonne, or sign in: yosegi sign-in")
    if key is None and not passphrase:
        raise Invalid("the command", "neither key nor passphrase", "give --key FILE or --passphrase")
    return connect(url, person=person, key=key, passphrase=passphrase, agent=as_agent)


def own_key(home: Path | None, person: str, key: Path | None) -> Ed25519Signer:
    """The key with which a person signs what only a person may: the file named, or the one in the home folder.

    Raises:
        Invalid: there is none.
    """
    if key is None and home is not None:
        key = _key_in(home, person)
    if key is None:
        raise Invalid("the command", "an approval is signed with your own key, and none is named", "give --key FILE")
    return Ed25519Signer.load(key)


def _key_in(home: Path, person: str) -> Path:
    folder = home / "people"
    keys = sorted(folder.glob(f"{person or '*'}.key"))
    if not keys:
        who = f"key of {person}" if person else "key"
        raise Invalid(str(folder), f"no {who} there", "make one: yosegi site account add")
    return keys[0]
