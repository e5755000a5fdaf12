"""`yosegi site key`: where a site's keys live, and new ones."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

import click

from yosegi.cli._lazy import WholeGroup
from yosegi.cli.connection import with_home
from yosegi.cli.documents import Keys
from yosegi.cli.output import as_json, explained

Which = click.argument("which", type=click.Choice(["site", "governance"]), default="site")


@click.group(cls=WholeGroup)
def key() -> None:
    """Keys: where they live, and new ones. `site` keys sign from day to day, `governance` keys for the institution."""


@key.command()
@with_home
@as_json
@explained
def show(home: Path, json_: bool) -> None:
    """Show each signing key: its algorithm, its fingerprint and where it lives. Keys in hardware are asked.

    \b
    Example: yosegi site key show --home home
    """
    from yosegi.cli import _site_keys

    _site_keys.show(home, json_)


@key.command()
@with_home
@Which
@explained
def make(home: Path, which: Literal["site", "governance"]) -> None:
    """Make a new Ed25519 key in the hardware that site.toml names for WHICH (site or governance).

    The private half never leaves the token. A key of that label is never overwritten. In site.toml:

    \b
    [key.site]
    module = "/usr/lib/softhsm/libsofthsm2.so"
    token = "yosegi"
    label = "site"
    pin_file = "keys/pin"        # or pin_env = "YOSEGI_PIN"

    \b
    Example: yosegi site key make site --home home
    """
    from yosegi.cli import _site_keys

    _site_keys.make(home, which)


@key.command()
@with_home
@Keys
@explained
def rotate(home: Path, keys: tuple[Path, ...]) -> None:
    """Give a site new online keys; no other institution has to do anything.

    \b
    1. new keys are made beside those in use (or taken from the hardware
       that site.toml names now),
    2. a statement that names old and new is signed by the governance keys,
       put in force and passed on to peers,
    3. the new keys take the place of the old. Restart the site, and it signs
       with them.
    4. A week later, when nothing signed with the old is on its way any more:
       yosegi site key retire.

    \b
    Example: yosegi site key rotate --home home
    """
    from yosegi.cli import _site_keys

    _site_keys.rotate(home, keys)


@key.command()
@with_home
@Keys
@explained
def retire(home: Path, keys: tuple[Path, ...]) -> None:
    """Lay old online keys down: from now on only those in use are believed. What the old ones signed before stands.

    \b
    Example: yosegi site key retire --home home
    """
    from yosegi.cli import _site_keys

    _site_keys.retire(home, keys)


@key.command()
@with_home
@click.argument("key_id")
@click.option(
    "--since", type=click.DateTime(), help="UTC; when it may first have been in other hands; now, if not given."
)
@Keys
@explained
def revoke(home: Path, key_id: str, since: datetime | None, keys: tuple[Path, ...]) -> None:
    """Withdraw an online key that may be in other hands: what it signed since then is believed by nobody.

    KEY_ID is as `yosegi site key show` tells it. If it is the key in use, rotate first.

    \b
    Example: yosegi site key revoke 9361b5f0 --since 2026-12-01 --home home
    """
    from yosegi.cli import _site_keys

    _site_keys.revoke(home, key_id, since, keys)
