"""`yosegi site key`: where a site's keys live, and new ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from yosegi.app.home import Home
from yosegi.app.init_home import state
from yosegi.app.keyring import (
    begin_next,
    note_succession,
    read_pin,
    signer,
    signers,
    slot_of,
    take_next,
    where_keys_live,
)
from yosegi.app.membership import charters_in
from yosegi.cli.connection import with_home
from yosegi.cli.documents import Keys, documents_of, last_statement, load_signer, publish
from yosegi.cli.home_site import run_locally_or_remotely
from yosegi.cli.output import as_json, explained, in_shell, say, show_json, show_table
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Invalid, NotFound
from yosegi.governance.charter.charter import Charter
from yosegi.governance.charter.statement import Revoked, Statement
from yosegi.trust.keys import PublicKey, unbase64
from yosegi.trust.pkcs11 import make_key

if TYPE_CHECKING:
    from yosegi.identity.accounts import Session
    from yosegi.services.runtime import Site

Which = click.argument("which", type=click.Choice(["site", "governance"]), default="site")


@click.group()
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
    place = Home(home)
    hardware = place.settings().key.get(which)
    if hardware is None:
        raise Invalid(str(place.settings_file), f"it names no hardware for the {which} key", f"add [key.{which}]")
    public = make_key(slot_of(hardware), lambda: read_pin(place, hardware))
    say(f"{slot_of(hardware)}: {public.fingerprint}")


Change = Callable[[Statement], tuple[Sequence[PublicKey], Sequence[Revoked]]]


@key.command()
@with_home
@Keys
@explained
def rotate(home: Path, keys: tuple[Path, ...]) -> None:
    """Give a site new online keys; no other institution has to do anything.

    \b
    1. new keys are made beside those in use (or taken from the hardware that site.toml names now),
    2. a statement that names old and new is signed by the governance keys, put in force and passed on to peers,
    3. the new keys take the place of the old. Restart the site, and it signs with them.
    4. A week later, when nothing signed with the old is on its way any more: yosegi site key retire.

    \b
    Example: yosegi site key rotate --home home
    """
    place = Home(home)
    hardware = "site" in place.settings().key
    old = None if hardware else signer(place, "site")
    new = [one.public for one in (signers(place, "site") if hardware else begin_next(place))]

    def both(before: Statement) -> tuple[Sequence[PublicKey], Sequence[Revoked]]:
        return [*new, *(one for one in before.keys if one not in new)], before.revoked

    for charter in _restate(home, both, keys):
        say(f"{charter}: a statement with old and new keys is in force, and is passed on to peers")
    online = next(one for one in new if one.algorithm == "ed25519")
    if old is not None:
        note_succession(place, old, online, SystemClock().now())
        take_next(place)
    say(f"new key {online.fingerprint}: restart the site, and retire the old key in a week")
    if place.settings().station and old is not None:
        say("its stations learn the new key at their next call, by the old key's word")
    elif place.settings().station:
        say("the old key left for hardware can give no word for the new one; say it to each station:")
    say(f'in the file of a station that does not run now: site_key = "{unbase64(online.public).hex()}"')


@key.command()
@with_home
@Keys
@explained
def retire(home: Path, keys: tuple[Path, ...]) -> None:
    """Lay old online keys down: from now on only those in use are believed. What the old ones signed before stands.

    \b
    Example: yosegi site key retire --home home
    """
    current = [one.public for one in signers(Home(home), "site")]

    def alone(before: Statement) -> tuple[Sequence[PublicKey], Sequence[Revoked]]:
        now = SystemClock().now()
        old = [one.key_id for one in before.keys if one not in current]
        return current, [*before.revoked, *(Revoked(key_id=one, since=now, why="retired") for one in old)]

    for charter in _restate(home, alone, keys):
        say(f"{charter}: only the keys in use are believed now")


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
    moment = since.replace(tzinfo=UTC) if since is not None else SystemClock().now()

    def less(before: Statement) -> tuple[Sequence[PublicKey], Sequence[Revoked]]:
        known = {one.key_id for one in before.keys} | {one.key_id for one in before.revoked}
        if key_id not in known:
            raise NotFound("online key", key_id, tuple(sorted(known)))
        left = [one for one in before.keys if one.key_id != key_id]
        earlier = [one.since for one in before.revoked if one.key_id == key_id]
        revoked = Revoked(key_id=key_id, since=min([moment, *earlier]), why="compromised")
        return left, [*(one for one in before.revoked if one.key_id != key_id), revoked]

    if any(one.public.key_id == key_id for one in signers(Home(home), "site")):
        raise Invalid(
            f"key {key_id}", "the site signs with it", f"first: yosegi site key rotate --home {in_shell(home)}"
        )
    for charter in _restate(home, less, keys):
        say(f"{charter}: {key_id} is withdrawn")


def _restate(home: Path, change: Change, files: Sequence[Path]) -> list[str]:
    """State a site anew under each of its charters, with other keys; the charters."""
    place, clock = Home(home), SystemClock()
    site, governance = place.settings().site, [load_signer(file) for file in files]
    done = []
    for charter in _charters(home):
        documents = documents_of(home, charter)
        before = last_statement(documents, site)
        if before is None:
            continue
        stated, revoked = change(before)
        under = Charter.peek(charters_in(documents)[-1])
        envelope = state(place, under, clock, before.serial + 1, keys=stated, revoked=revoked, governance=governance)
        publish(home, envelope)
        done.append(charter)
    return done


def _charters(home: Path) -> list[str]:
    async def rest(site: Site, who: Session) -> list[str]:
        return list(site.registry.charters())

    return run_locally_or_remotely(home, rest, lambda client: [one.id for one in client.charters()])
