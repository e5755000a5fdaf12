"""`yosegi site key`: where a site's keys live, and new ones."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from yosegi.app.keyring import read_pin, signers, slot_of, where_keys_live
from yosegi.app.settings import Home
from yosegi.cli.output import as_json, explained, show_json, show_table
from yosegi.core.errors import Invalid
from yosegi.trust.pkcs11 import make_key

HomeArgument = click.argument("home", type=click.Path(path_type=Path, file_okay=False), envvar="YOSEGI_HOME")
Which = click.argument("which", type=click.Choice(["site", "governance"]), default="site")


@click.group()
def key() -> None:
    """Keys: where they live, and new ones. `site` keys sign from day to day, `governance` keys for the institution."""


@key.command()
@HomeArgument
@as_json
@explained
def show(home: Path, json_: bool) -> None:
    """Show each signing key: its algorithm, its fingerprint and where it lives. Keys in hardware are asked."""
    place = Home(home)
    lives = where_keys_live(place, place.settings())
    found = []
    for which in ("site", "governance"):
        if which in lives or f"{which}.key" in lives:
            for one in signers(place, which):
                file = f"{which}.key" if one.public.algorithm == "ed25519" else f"{which}-pq.key"
                where = lives.get(which) if one.public.algorithm == "ed25519" else None
                found.append({"key": which, "algorithm": one.public.algorithm, "fingerprint": one.public.fingerprint,
                              "key_id": one.public.key_id, "lives": where or lives[file]})  # fmt: skip
    if json_:
        show_json(found)
    else:
        columns = ("key", "algorithm", "fingerprint", "lives")
        show_table(columns, ([one[name] for name in columns] for one in found))


@key.command()
@HomeArgument
@Which
@explained
def make(home: Path, which: Literal["site", "governance"]) -> None:
    r"""Make a new Ed25519 key in the hardware that site.toml names for WHICH (site or governance).

    The private half never leaves the token. A key of that label is never overwritten. In site.toml:

    \b
    [key.site]
    module = "/usr/lib/softhsm/libsofthsm2.so"
    token = "yosegi"
    label = "site"
    pin_file = "keys/pin"        # or pin_env = "YOSEGI_PIN"
    """
    place = Home(home)
    hardware = place.settings().key.get(which)
    if hardware is None:
        raise Invalid(str(place.settings_file), f"it names no hardware for the {which} key", f"add [key.{which}]")
    public = make_key(slot_of(hardware), lambda: read_pin(place, hardware))
    click.echo(f"{slot_of(hardware)}: {public.fingerprint}")
