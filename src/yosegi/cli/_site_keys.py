"""`yosegi site key`, at work: where a site's keys live, and new ones under each of its charters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

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
from yosegi.cli.documents import documents_of, last_statement, load_signer, publish
from yosegi.cli.home_site import run_locally_or_remotely
from yosegi.cli.output import in_shell, say, show_json, show_table
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Invalid, NotFound
from yosegi.governance.charter.charter import Charter
from yosegi.governance.charter.statement import Revoked, Statement
from yosegi.trust.keys import PublicKey, unbase64
from yosegi.trust.pkcs11 import make_key

if TYPE_CHECKING:
    from yosegi.identity.accounts import Session
    from yosegi.services.runtime import Site


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


def make(home: Path, which: Literal["site", "governance"]) -> None:
    """Make a new Ed25519 key in the hardware that site.toml names for WHICH (site or governance)."""
    place = Home(home)
    hardware = place.settings().key.get(which)
    if hardware is None:
        raise Invalid(str(place.settings_file), f"it names no hardware for the {which} key", f"add [key.{which}]")
    public = make_key(slot_of(hardware), lambda: read_pin(place, hardware))
    say(f"{slot_of(hardware)}: {public.fingerprint}")


Change = Callable[[Statement], tuple[Sequence[PublicKey], Sequence[Revoked]]]


def rotate(home: Path, keys: tuple[Path, ...]) -> None:
    """Give a site new online keys; no other institution has to do anything."""
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
    if not place.settings().station:
        return
    if old is not None:
        say("its stations learn the new key at their next call, by the old key's word")
    else:
        say("the old key left for hardware can give no word for the new one; say it to each station:")
    say(f'in the file of a station that does not run now: site_key = "{unbase64(online.public).hex()}"')


def retire(home: Path, keys: tuple[Path, ...]) -> None:
    """Lay old online keys down: from now on only those in use are believed. What the old ones signed before stands."""
    current = [one.public for one in signers(Home(home), "site")]

    def alone(before: Statement) -> tuple[Sequence[PublicKey], Sequence[Revoked]]:
        now = SystemClock().now()
        old = [one.key_id for one in before.keys if one not in current]
        return current, [*before.revoked, *(Revoked(key_id=one, since=now, why="retired") for one in old)]

    for charter in _restate(home, alone, keys):
        say(f"{charter}: only the keys in use are believed now")


def revoke(home: Path, key_id: str, since: datetime | None, keys: tuple[Path, ...]) -> None:
    """Withdraw an online key that may be in other hands: what it signed since then is believed by nobody."""
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
