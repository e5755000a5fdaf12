"""`yosegi site`: make, serve and look after the site of an institution."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import click

from yosegi.app.compose import open_ledger, views
from yosegi.app.init_home import make_home
from yosegi.app.keyring import loose, signer, unused, where_keys_live
from yosegi.app.membership import KINDS, MemberKind
from yosegi.app.private_files import close_to_others, open_to_others
from yosegi.app.serve import serve as serve_site
from yosegi.app.settings import Home, Settings
from yosegi.app.stores import has_ledger, restore_ledger, store_of
from yosegi.cli._files import output
from yosegi.cli.charters import join_charter
from yosegi.cli.connection import client_of, with_home, with_site
from yosegi.cli.keys import key
from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.core import canonical
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Conflict, Invalid, Unavailable, YosegiError
from yosegi.core.transport import HttpTransport
from yosegi.exchange import PATH
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import Listens
from yosegi.identity.accounts import add_account, read_accounts
from yosegi.ledger import Checkpoint, Ledger
from yosegi.services.operations.schemas import BackgroundTaskStatus
from yosegi.trust.envelope import Envelope
from yosegi.trust.signer import Ed25519Signer

NewHome = click.argument("home", type=click.Path(path_type=Path, file_okay=False))


@click.group()
def site() -> None:
    """Make, serve and look after the site of one institution.

    HOME is its folder, which `site init` makes. Every other command works on the one named by --home, or on the current
    folder.
    """


site.add_command(key)


@site.command()
@NewHome
@click.option("--name", required=True, help="The site's name in its charter, e.g. riken.")
@click.option("--title", default="", help="The institution's name, for people.")
@click.option("--listen", default="127.0.0.1:8100", show_default=True, help="Where pages, API and stations are served.")
@click.option("--url", default="", help="How other sites reach it; leave out if it only dials out.")
@click.option("--mailbox", default="", help="The member that keeps its mail, if it only dials out.")
@click.option(
    "--policies-shown-to",
    "shown",
    type=click.Choice(["parties", "nobody"]),
    default="parties",
    show_default=True,
    help="Who may make its decisions again: each home site, of its own people; or nobody, who then see digests only.",
)
@click.option("--loopback", is_flag=True, help="Connect to peers on this very machine too: for a demonstration.")
@explained
def init(home: Path, name: str, title: str, listen: str, url: str, mailbox: str, shown: str, loopback: bool) -> None:
    """Make the home of a new site: settings and keys. Nothing is overwritten."""
    settings: dict[str, object] = {"site": name, "title": title or name, "listen": listen}
    settings["policies_shown_to"] = shown
    if url:
        settings |= {"reach": "listens", "url": url, "keeps_mailboxes": True}
    else:
        settings |= {"reach": "outbound", "mailbox": mailbox} if mailbox else {"reach": "carried"}
    if loopback:
        settings["network"] = {"loopback": True}
    place = make_home(home, settings)
    governance = signer(place, "governance").public
    say(f"{home}: the home of {name}")
    say(f"governance key {governance.fingerprint}: read it aloud to the others, then keep its file offline")
    say(f"next: yosegi site account --home {home} pi@{name}, then yosegi site serve --home {home}")


@site.command()
@with_home
@click.argument("person")
@click.option("--role", type=click.Choice(["member", "operator", "officer"]), default="member", show_default=True)
@click.option(
    "--passphrase",
    prompt="Passphrase (empty for a key only)",
    default="",
    hide_input=True,
    help="To sign in with on the site's pages; asked for if it is not given, and empty for a key only.",
)
@explained
def account(home: Path, person: str, role: str, passphrase: str) -> None:
    """Give PERSON an account at this site, with a key and, if one is typed, a passphrase.

    PERSON is of this site (pi@this-site), or of a member that a charter has this site host: they are let in for as long
    as it does. Somebody of another site may be given one too, to look or to approve; they ask through their own site.
    """
    place = Home(home)
    place.settings()
    people = place.folder / "people"
    path = people / f"{person}.key"
    known = path.exists()
    signer = Ed25519Signer.load(path) if known else Ed25519Signer.generate()
    add_account(place.accounts, person, role, passphrase=passphrase, key=signer.public)  # type: ignore[arg-type]
    if not known:
        people.mkdir(mode=0o700, exist_ok=True)
        signer.save(path)
    say(f"{person} is {role} at {place.settings().site}; the key is in {path}. Restart the site to let them in.")


@site.command()
@with_home
@explained
def serve(home: Path) -> None:
    """Serve the site until Ctrl-C or SIGTERM. Everything it was doing is taken up where it was left."""
    settings = Home(home).settings()
    asyncio.run(serve_site(Home(home), lambda address: say(f"{settings.site} answers at {address}")))


@site.command()
@with_home
@as_json
@explained
def doctor(home: Path, json_: bool) -> None:
    """One page: what listens, what dials out, which accounts, keys and files, and what to mend."""
    place = Home(home)
    settings = place.settings()
    facts = {
        "site": settings.site,
        "ledger": store_of(place, settings).where,
        "listens": settings.listen,
        "reached": settings.url or (f"mailbox at {settings.mailbox}" if settings.mailbox else "files carried to it"),
        "accounts": {a.person: a.role for a in read_accounts(place.accounts).values()},
        "keys": where_keys_live(place, settings),
        "published": list(settings.process.publish),
        "stations": {name: ", ".join(s.publish) for name, s in settings.station.items()},
        "engines": {e.name: f"{e.kind}: {', '.join(e.settings.publish)}" for e in settings.engines()},
        "rules": list(place.rules()),
        "policies shown to": settings.policies_shown_to,
        "files": {p.name: p.stat().st_size for p in sorted(home.iterdir()) if p.is_file()},
    }
    facts["advice"] = _advice(place, settings.host_and_port)
    facts |= _told(home, settings) if _is_running(settings.host_and_port) else {}
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


def _told(home: Path, settings: Settings) -> dict[str, list[str]]:
    """What the running site says that a person must look at (clock, disk, policies), and of its background work."""
    told: dict[str, list[str]] = {}
    try:
        client = client_of(home=home, url=f"http://{settings.listen}", person="", key=None, passphrase="")
        alerts, charters = client.operations.alerts(), client.charters()
    except YosegiError as error:
        return {"needs a person": [f"the site runs and does not tell how it is: {error}"]}
    warnings = [warning for charter in charters for warning in charter.warnings]
    if needed := [alert.text for alert in alerts] + warnings:
        told["needs a person"] = needed
    try:
        told["background"] = _background(client.operations.background())
    except YosegiError as error:
        told["background"] = [str(error)]  # for operators only
    return told


def _background(tasks: Sequence[BackgroundTaskStatus]) -> list[str]:
    """How many tasks run, and what hinders those that failed."""
    hindered = [task for task in tasks if task.failures]
    lines = [
        f"{task.owner}: {task.name}: {task.state.replace('_', ' ')}, {task.failures} failures in a row: "
        f"{task.last_error}"
        for task in hindered
    ]
    return [f"{len(tasks) - len(hindered)} of {len(tasks)} tasks are well", *lines]


def _advice(home: Home, address: tuple[str, int]) -> list[str]:
    advice = []
    if any(home.keys.glob("governance*.key")):
        advice.append("governance keys lie in keys/: move them to a place without a network, and bring them to sign")
    if open_to_others(home.folder):
        advice.append(f"others on this machine may read the home: chmod -R go= {home.folder}")
    for path in loose([*home.keys.glob("*.key"), *(home.folder / "people").glob("*.key")]):
        advice.append(f"{path.name} may be read by others: chmod 600 {path}")
    advice += [f"{which}.key lies in keys/ though it is in hardware now: take the file away" for which in unused(home)]
    if not read_accounts(home.accounts):
        advice.append(f"nobody can sign in: yosegi site account --home {home.folder} PERSON")
    if address[0] not in ("127.0.0.1", "::1", "localhost"):
        advice.append(f"it listens at {address[0]}: put a server with TLS in front of it")
    running = _is_running(address)
    advice.append(
        "the site is running" if running else f"the site is not running: yosegi site serve --home {home.folder}"
    )
    return advice


def _is_running(address: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(address) == 0


@site.command()
@with_home
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--country", default="", help="This institution's country: ISO 3166, e.g. JP.")
@click.option("--kind", type=click.Choice(KINDS), default="laboratory", show_default=True, help="What it is.")
@click.option("--person", "people", multiple=True, help="Somebody of this site who joins the team; repeatable.")
@output(required=False, help="Where the answer to an invitation is written.")
@explained
def join(home: Path, file: Path, country: str, kind: MemberKind, people: tuple[str, ...], out: Path | None) -> None:
    """Join a charter: answer the invitation in FILE, and later take the welcome in FILE.

    Read the fingerprint aloud to whoever invited you, on the telephone: everything rests on that.
    """
    join_charter(home, file, country, kind, people, out)


@site.command()
@with_home
@explained
def check(home: Path) -> None:
    """Read the whole ledger: every entry, proof, checkpoint and view. The site must not be running."""

    async def work(ledger: Ledger) -> None:
        with click.progressbar(length=max(1, ledger.size), label=f"{ledger.size} entries") as bar:
            done = 0
            for progress in ledger.check():
                bar.update(max(0, progress.done - done))
                done = max(done, progress.done)
        say(f"the ledger of {ledger.site} holds together: {ledger.size} entries, epoch {ledger.epoch}")

    _with_ledger(home, work)


@site.command()
@with_home
@explained
def rebuild(home: Path) -> None:
    """Fold every view anew from the entries. The site must not be running."""

    async def work(ledger: Ledger) -> None:
        ledger.rebuild()
        say(f"folded anew: {', '.join(view.name for view in views())}")

    _with_ledger(home, work)


@site.command()
@with_home
@click.argument("target", type=click.Path(path_type=Path))
@explained
def backup(home: Path, target: Path) -> None:
    """Copy the whole home to the new folder TARGET, the ledger consistently, even while the site runs.

    It holds the site's keys: keep it as safe as the home itself.
    """
    if target.exists():
        raise Conflict(str(target), "exists already", "name a new folder")
    if target.resolve().is_relative_to(home.resolve()):
        raise Conflict(str(target), "lies in the home that it would be a copy of", "name a folder elsewhere")
    place = Home(home)
    place.settings()
    target.mkdir(parents=True, mode=0o700)
    # What is half written, here or at a station, may be gone while it is copied.
    ignore = shutil.ignore_patterns("ledger.db*", "ledger.mark*", "mailbox.db*", "work", "incoming", "scratch", "given")

    def but_objects(folder: str, names: list[str]) -> set[str]:
        return ignore(folder, names) | ({place.objects.name} if Path(folder) == home else set())

    shutil.copytree(home, target, ignore=but_objects, dirs_exist_ok=True)
    target.chmod(0o700)  # the copy has the home's own mode
    store = store_of(place, place.settings())
    try:
        store.backup(target / place.ledger.name)
    finally:
        store.close()
    # After the ledger: every object that it names is there.
    if place.objects.exists():
        shutil.copytree(place.objects, target / place.objects.name, ignore=ignore)
    close_to_others(target)
    say(f"{target}: a backup of {home}. Bring it back: yosegi site restore {target} NEW-HOME")


@site.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
@NewHome
@click.option("--by", default="", help="Who restores, e.g. operator@nims.")
@explained
def restore(source: Path, home: Path, by: str) -> None:
    """Bring a backup in SOURCE back as HOME, and open a new epoch of its ledger.

    What happened after the backup is gone here, and not at its peers. They are asked for the last checkpoint they
    hold of this site, and the new epoch names it; a peer that holds a later one takes this site for a liar.
    """
    if home.exists() and any(home.iterdir()):
        raise Conflict(str(home), "is not empty", "name a new folder, or move the old one away first")
    Home(source).settings()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    shutil.copytree(source, home, dirs_exist_ok=True)
    # It tells of the ledger that is lost now; the peers, and the new epoch, say what that was.
    Home(home).ledger_mark.unlink(missing_ok=True)
    close_to_others(home)
    restore_ledger(Home(home), Home(home).ledger)

    async def work(ledger: Ledger) -> None:
        registry = Registry(ledger.site, ledger, SystemClock())
        witnessed = await furthest_witnessed(registry, Home(home).settings())
        await ledger.open_epoch(witnessed, by or f"operator@{ledger.site}")
        say(f"{home}: restored with {ledger.size} entries; epoch {ledger.epoch} is open")
        say("next: serve it, look at every instrument, then: yosegi site gap --settle NOTE")

    _with_ledger(home, work)


@site.command()
@click.option("--acknowledge", "name", default="", help="Say that this one was seen, so that it is not repeated.")
@with_site
@as_json
@explained
def notices(name: str, json_: bool, **site: Any) -> None:
    """Show what needs a person: uncertain tasks, approvals, breakers, silent stations and peers, clock, disk."""
    client = client_of(**site)
    if name:
        client.operations.acknowledge(name)
    found = client.operations.alerts()
    if json_:
        show_json(found)
        return
    show_table(("since", "notice", "what"), ((n.since, n.name, n.text) for n in found), empty="nothing waits")


@site.command()
@click.option("--settle", "note", default="", help="What was found at the instruments; settles the gap.")
@with_site
@as_json
@explained
def gap(note: str, json_: bool, **site: Any) -> None:
    """Show what a restoration from a backup may have lost, or settle it after a look at every instrument.

    Until it is settled nothing that uses something up is started. Peers' receipts tell what was lost as they come in;
    those that only dial out bring theirs at their next call.
    """
    client = client_of(**site)
    if note:
        client.operations.settle_restoration(note)
    said = client.operations.restoration()
    if json_:
        show_json(said)
        return
    show_table(
        ("time", "lost", "stream"),
        ((e.time, e.type, e.stream) for e in said.lost),
        empty="nothing known to be lost",
    )
    say("to be settled: yosegi site gap --settle NOTE" if said.open else "settled" if said.epoch else "never restored")


@site.command()
@click.argument("word", type=click.Choice(["hold", "stop", "abort", "release"]))
@click.option("--why", default="", help="For the record.")
@with_site
@as_json
@explained
def switch(word: Literal["hold", "stop", "abort", "release"], why: str, json_: bool, **site: Any) -> None:
    """Hold, safely stop or abort everything a running site does for anybody, or release it again.

    `hold` starts nothing new. `stop` also asks what runs to finish or reach its safe state. `abort` ends it now: what
    cannot be repeated becomes uncertain, and is settled by a person. Anybody who can sign in may do these; releasing
    is for operators.
    """
    said = client_of(**site).operations.set_stop_level(word, why)
    if json_:
        show_json(said)
    else:
        say("nothing new starts" if said.held else "work starts again")
    if not said.recorded:
        say("it is done, and not in the ledger yet: it stands in stop.json, and is recorded by itself", err=True)


async def furthest_witnessed(registry: Registry, settings: Settings) -> Checkpoint | None:
    """The furthest checkpoint of this site that a peer holds; says which peers could not be asked."""
    held: list[Checkpoint] = []
    async with HttpTransport(refuses=settings.network.refuses) as transport:
        for charter in registry.charters():
            for peer in registry.sites(charter):
                if peer == registry.site:
                    continue
                try:
                    held.append(await _held_by(transport, registry, charter, peer))
                except YosegiError as error:
                    say(f"{peer} told no checkpoint: {error}", err=True)
    return max(held, key=lambda checkpoint: (checkpoint.epoch, checkpoint.size), default=None)


async def _held_by(transport: HttpTransport, registry: Registry, charter: str, peer: str) -> Checkpoint:
    reach = registry.reach_of(charter, peer)
    if not isinstance(reach, Listens):
        raise Unavailable(peer, "it only dials out", "if it holds a later one, it must be told")
    question = canonical.dumps({"charter": charter, "site": registry.site})
    answer = await transport.call(f"{reach.url}{PATH}/witness", question, timeout=10.0)
    return Checkpoint.open(Envelope.read(answer), registry.keys_of(charter, registry.site), site=registry.site)


def _with_ledger(home: Path, work: Any) -> None:
    """Open the ledger of a site that is not running, and close it again."""
    place = Home(home)
    if not has_ledger(place):
        raise Invalid(f"the ledger of {home}", "there is none yet", "serve the site once")

    async def run() -> None:
        ledger = await open_ledger(place, place.settings(), SystemClock())
        try:
            await work(ledger)
        finally:
            ledger.close()

    asyncio.run(run())
