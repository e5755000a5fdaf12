"""`yosegi site doctor`: what a site is, and what is to be mended, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yosegi.app.home import Home
from yosegi.cli.connection import client_of, with_home
from yosegi.cli.output import as_json, explained, in_shell, show_json, show_table
from yosegi.core.errors import YosegiError

if TYPE_CHECKING:
    from yosegi.app.settings import Settings
    from yosegi.identity.accounts import Account
    from yosegi.services.operations.schemas import BackgroundTaskStatus
    from yosegi.services.peers.schemas import PeerStatus


@click.command()
@with_home
@as_json
@explained
def doctor(home: Path, json_: bool) -> None:
    """One page: what listens, what dials out, which accounts, keys and files, and what to mend.

    Before that site.toml is looked through, also where the site was never started: what does not hold, what it names
    and is not here, what cannot be imported. Everything that keeps the site from starting is told at once, each with
    its line, and the status is 1.

    \b
    Example: yosegi site doctor --home home
    """
    import asyncio

    from yosegi.app.keyring import where_keys_live
    from yosegi.app.site_examination import bad_settings, examine
    from yosegi.app.stores import store_of
    from yosegi.identity.accounts import read_accounts

    place = Home(home)
    findings = asyncio.run(examine(place))
    if error := bad_settings(place, findings):
        if not json_:
            raise error
        show_json({"findings": [asdict(one) for one in findings]})
        raise SystemExit(1)
    settings = place.settings()
    facts: dict[str, object] = {
        "site": settings.site,
        "ledger": store_of(place, settings).where,
        "listens": settings.listen,
        "reached": settings.url or (f"mailbox at {settings.mailbox}" if settings.mailbox else "files carried to it"),
        "accounts": {a.person: _account(a) for a in read_accounts(place.accounts).values()},
        "keys": where_keys_live(place, settings),
        "published": [name for e in settings.engines() for name in e.settings.publish],
        "stations": {name: ", ".join(s.publish) for name, s in settings.station.items()},
        "engines": {e.name: f"{e.kind}: {', '.join(e.settings.publish)}" for e in settings.engines()},
        "rules": list(place.rules()),
        "policies shown to": settings.policies_shown_to,
        "files": {p.name: p.stat().st_size for p in sorted(home.iterdir()) if p.is_file()},
    }
    answers = _answers(settings)
    facts["findings"] = [asdict(one) if json_ else str(one) for one in findings]
    facts["advice"] = _advice(place, settings.host_and_port, answers)
    facts |= _told(home, settings) if answers == "site" else {}
    if json_:
        show_json(facts)
        return
    rows: list[tuple[str, object]] = []
    for name, value in facts.items():
        if isinstance(value, dict):
            rows += [(name if n == 0 else "", f"{k}: {v}") for n, (k, v) in enumerate(value.items())] or [
                (name, "none")
            ]
        elif isinstance(value, list):
            rows += [(name if n == 0 else "", item) for n, item in enumerate(value)] or [(name, "none")]
        else:
            rows.append((name, value))
    show_table(("", ""), rows)


def _account(account: Account) -> str:
    """Its role, and that it lets nobody in, where it does not."""
    from yosegi.cli._accounts import state_of

    state = state_of(account)
    return account.role if state == "open" else f"{account.role}, {state}"


def _told(home: Path, settings: Settings) -> dict[str, list[str]]:
    """What the running site says that a person must look at (clock, disk, policies), what ends, and background work."""
    from yosegi.cli._expiry import expiring_at
    from yosegi.core.clock import SystemClock

    told: dict[str, list[str]] = {}
    try:
        client = client_of(home=home, url=settings.local_url, person="", key=None, passphrase="")
        alerts, charters, peers = client.operations.alerts(), client.charters(), client.peers()
    except YosegiError as error:
        return {"needs a person": [f"the site runs and does not tell how it is: {error}"]}
    told["peers"] = [_peer(peer) for peer in peers]
    try:
        told["ends soon"] = expiring_at(client, settings, home, SystemClock().now())
    except YosegiError as error:
        told["ends soon"] = [str(error)]
    warnings = [warning for charter in charters for warning in charter.warnings]
    if needed := [alert.text for alert in alerts] + warnings:
        told["needs a person"] = needed
    try:
        told["background"] = _background(client.operations.background())
    except YosegiError as error:
        told["background"] = [str(error)]  # for operators only
    return told


def _peer(peer: PeerStatus) -> str:
    """When a peer was heard last, and why not since."""
    heard = peer.heard_seconds_ago
    when = "not heard yet" if heard is None else f"heard {round(heard)} s ago"
    return f"{peer.peer} under {peer.charter}: {when}{f'; {peer.trouble}' if peer.trouble else ''}"


def _background(tasks: Sequence[BackgroundTaskStatus]) -> list[str]:
    """How many tasks run, and what hinders those that failed."""
    hindered = [task for task in tasks if task.failures]
    lines = [
        f"{task.owner}: {task.name}: {task.state.replace('_', ' ')}, {task.failures} failures in a row: "
        f"{task.last_error}"
        for task in hindered
    ]
    return [f"{len(tasks) - len(hindered)} of {len(tasks)} tasks are well", *lines]


def _has_file(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _advice(home: Home, address: tuple[str, int], answers: str) -> list[str]:
    from yosegi.app.keyring import loose, unused
    from yosegi.app.private_files import open_to_others
    from yosegi.identity.accounts import read_accounts

    advice = []
    if any(home.keys.glob("governance*.key")):
        advice.append("governance keys lie in keys/: move them to a place without a network, and bring them to sign")
    if open_to_others(home.folder):
        advice.append(f"others on this machine may read the home: chmod -R go= {home.folder}")
    if home.ledger_mark.exists() and home.settings().ledger.store == "sqlite" and not _has_file(home.ledger):
        advice.append("the ledger is empty or gone: bring it back, or a backup: yosegi site restore BACKUP NEW-HOME")
    for path in loose([*home.keys.glob("*.key"), *(home.folder / "people").glob("*.key")]):
        advice.append(f"{path.name} may be read by others: chmod 600 {path}")
    advice += [f"{which}.key lies in keys/ though it is in hardware now: take the file away" for which in unused(home)]
    if not read_accounts(home.accounts):
        advice.append(f"nobody can sign in: yosegi site account --home {in_shell(home.folder)} PERSON")
    if address[0] not in ("127.0.0.1", "::1", "localhost"):
        advice.append(f"it listens at {address[0]}: put a server with TLS in front of it")
    if answers == "site":
        advice.append("the site is running")
    elif answers:
        advice.append(
            f"the site is not running, and {answers} answers at {address[0]} port {address[1]}: end it, or change "
            "`listen` in site.toml"
        )
    else:
        advice.append(f"the site is not running: yosegi site serve --home {in_shell(home.folder)}")
    return advice


def _answers(settings: Settings) -> str:
    """Who answers where the site listens: the site, as `site`; nobody, as the empty text; or a stranger, in words."""
    import socket

    from yosegi.client.client import connect

    host, port = settings.host_and_port
    try:
        with socket.create_connection((host, port), timeout=1.0):
            pass
    except OSError:
        return ""
    try:
        told = connect(settings.local_url).site()
    except YosegiError as error:
        return f"something else than a site ({error})"
    return "site" if told.site == settings.site else f"the site {told.site}"
