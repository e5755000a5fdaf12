"""`yosegi site`, at work on a home: made, served, copied, its ledger read, moved and restored."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.app.home import Home
from yosegi.app.init_home import make_home
from yosegi.app.keyring import signer
from yosegi.app.private_files import close_to_others
from yosegi.app.stores import has_ledger, restore_ledger, store_of
from yosegi.cli.output import in_shell, say
from yosegi.core import canonical
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Conflict, Invalid, Unavailable, YosegiError
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import Listens
from yosegi.ledger import Checkpoint, Ledger
from yosegi.trust.envelope import Envelope

if TYPE_CHECKING:
    from yosegi.app.settings import Settings
    from yosegi.core.transport import HttpTransport


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
    say(f"next: yosegi site account --home {in_shell(home)} pi@{name}, then yosegi site serve --home {in_shell(home)}")


def serve(home: Path) -> None:
    """Serve the site until Ctrl-C or SIGTERM. Everything it was doing is taken up where it was left."""
    from yosegi.app.serve import serve as serve_site

    settings = Home(home).settings()
    asyncio.run(serve_site(Home(home), lambda address: say(f"{settings.site} answers at {address}")))


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


def rebuild(home: Path) -> None:
    """Fold every view anew from the entries. The site must not be running."""
    from yosegi.app.compose import views

    async def work(ledger: Ledger) -> None:
        ledger.rebuild()
        say(f"folded anew: {', '.join(view.name for view in views())}")

    _with_ledger(home, work)


def backup(home: Path, target: Path) -> None:
    """Copy the whole home to the new folder TARGET, the ledger consistently, even while the site runs."""
    if target.exists():
        raise Conflict(str(target), "exists already", "name a new folder")
    if target.resolve().is_relative_to(home.resolve()):
        raise Conflict(str(target), "lies in the home that it would be a copy of", "name a folder elsewhere")
    place = Home(home)
    place.settings()
    if not has_ledger(place):
        raise Invalid(f"the ledger of {home}", "there is none yet", "serve the site once")
    target.mkdir(parents=True, mode=0o700)
    with _whole_or_gone(target):
        _copy_home(place, target)
    say(f"{target}: a backup of {home}. Bring it back: yosegi site restore {target} NEW-HOME")


@contextlib.contextmanager
def _whole_or_gone(folder: Path) -> Iterator[None]:
    """Nothing is left in a folder, which was empty, of what was broken off: half a home would be taken for one."""
    try:
        yield
    except BaseException:
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it may be a mount, or stand where this user may take nothing away
            folder.rmdir()
        raise


def _copy_home(place: Home, target: Path) -> None:
    home = place.folder
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


def move_ledger_(home: Path, store: str, url: str, schema_name: str, password_file: str, password_env: str) -> None:
    """Move the ledger of a site that is stopped into a PostgreSQL schema, or back into a file of its home."""
    from yosegi.app.moving import move_ledger
    from yosegi.app.settings import LedgerSettings

    fields = {"store": store, "url": url, "password_file": password_file, "password_env": password_env}
    fields |= {"schema_name": schema_name} if store == "postgresql" else {}
    place = Home(home)
    if not has_ledger(place):
        raise Invalid(f"the ledger of {home}", "there is none yet", "serve the site once")
    moved = move_ledger(place, LedgerSettings.read(fields, what="where the ledger goes"), say)
    say(f"{moved.entries} entries are now in {moved.after}; serve the site. What is left in {moved.before} is a copy.")


def restore(source: Path, home: Path, by: str) -> None:
    """Bring a backup in SOURCE back as HOME, and open a new epoch of its ledger."""
    if home.exists() and any(home.iterdir()):
        raise Conflict(str(home), "is not empty", "name a new folder, or move the old one away first")
    backup = Home(source)
    backup.settings()
    # Wherever the ledger lived: a backup has it in this file, and a server that it lived in may be what was lost.
    if not backup.ledger.is_file() or not backup.ledger.stat().st_size:
        raise Invalid(f"the backup {source}", "holds no ledger", "name a backup made by yosegi site backup")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    with _whole_or_gone(home):
        _restore(source, home, by)
    say("next: serve it, look at every instrument, then: yosegi site gap --settle NOTE")


def _restore(source: Path, home: Path, by: str) -> None:
    shutil.copytree(source, home, dirs_exist_ok=True)
    # It tells of the ledger that is lost now; the peers, and the new epoch, say what that was.
    place = Home(home)
    place.ledger_mark.unlink(missing_ok=True)
    close_to_others(home)
    restore_ledger(place, place.ledger)

    async def work(ledger: Ledger) -> None:
        registry = Registry(ledger.site, ledger, SystemClock())
        witnessed = await furthest_witnessed(registry, place.settings(), place.inside(place.settings().network.ca_file))
        await ledger.open_epoch(witnessed, by or f"operator@{ledger.site}")
        say(f"{home}: restored with {ledger.size} entries; epoch {ledger.epoch} is open")

    _with_ledger(home, work)


async def furthest_witnessed(registry: Registry, settings: Settings, ca_file: str = "") -> Checkpoint | None:
    """The furthest checkpoint of this site that a peer holds; says which peers could not be asked."""
    from yosegi.core.transport import HttpTransport

    held: list[Checkpoint] = []
    async with HttpTransport(refuses=settings.network.refuses, ca_file=ca_file) as transport:
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
    from yosegi.exchange import PATH

    reach = registry.reach_of(charter, peer)
    if not isinstance(reach, Listens):
        raise Unavailable(peer, "it only dials out", "at its next call it tells what it saw of this site beyond that")
    question = canonical.dumps({"charter": charter, "site": registry.site})
    answer = await transport.call(f"{reach.url}{PATH}/witness", question, timeout=10.0)
    return Checkpoint.open(Envelope.read(answer), registry.keys_of(charter, registry.site), site=registry.site)


def _with_ledger(home: Path, work: Any) -> None:
    """Open the ledger of a site that is not running, and close it again."""
    from yosegi.app.compose import open_ledger

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
