"""`yosegi charter`: write, sign, state, accept and read the documents that make sites a federation."""

from __future__ import annotations

import asyncio
import contextlib
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from yosegi.app.compose import open_ledger
from yosegi.app.keyring import signers
from yosegi.app.make import state as make_statement
from yosegi.app.settings import Home
from yosegi.cli.output import as_json, explained, show_json, show_table
from yosegi.core import canonical
from yosegi.core.clock import Clock, SystemClock, timestamp
from yosegi.core.errors import Invalid
from yosegi.governance.agreement import Agreement
from yosegi.governance.charter import Charter
from yosegi.governance.registry import Registry
from yosegi.governance.statement import Statement
from yosegi.ledger.store import Locked
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope

KINDS: tuple[type[Document], ...] = (Charter, Statement, Agreement)
File = click.Path(exists=True, dir_okay=False, path_type=Path)
Out = click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
HomeArgument = click.argument("home", type=click.Path(path_type=Path, file_okay=False))


@click.group()
def charter() -> None:
    r"""Found a federation: write its charter, have every member sign it, state your keys, accept what was signed.

    \b
    yosegi charter key HOME                     what to send whoever writes the charter; read it aloud
    yosegi charter write charter.toml --out charter.json
    yosegi charter sign charter.json --home HOME    each member in turn, the file going round
    yosegi charter accept HOME charter.json     each member
    yosegi charter state HOME ID --out mine.json    each member; send it to the others
    yosegi charter accept HOME theirs.json      each member, each statement and agreement
    """


@charter.command()
@HomeArgument
@as_json
@explained
def key(home: Path, json_: bool) -> None:
    """Show the governance keys of a site, as they stand in a charter, and their fingerprints."""
    keys = [one.public for one in signers(Home(home), "governance")]
    if json_:
        show_json([{"key": public.model_dump(mode="json"), "fingerprint": public.fingerprint} for public in keys])
        return
    listed = ", ".join(f'{{ algorithm = "{one.algorithm}", public = "{one.public}" }}' for one in keys)
    click.echo(f"keys = [{listed}]")
    for public in keys:
        click.echo(f"read aloud: {public.algorithm} {public.fingerprint}")


@charter.command()
@click.argument("source", type=File)
@Out
@explained
def write(source: Path, out: Path) -> None:
    """Make an unsigned charter or agreement of SOURCE, a TOML file (`kind = "charter"` or `kind = "agreement"`).

    Dates that are left out are filled in: from now, for a year. Members sign a charter with both Ed25519 and ML-DSA-65,
    unless it says `post_quantum = false`.
    """
    try:
        value = tomllib.loads(source.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(str(source), f"not TOML ({error})") from None
    kinds: dict[str, type[Document]] = {"charter": Charter, "agreement": Agreement}
    kind = kinds.get(str(value.pop("kind", "charter")))
    if kind is None:
        raise Invalid(str(source), "kind is neither charter nor agreement")
    document = kind.read(_dated(value, kind, SystemClock()), what=str(source))
    _save(out, document.sign())
    click.echo(f"{out}: unsigned; each member signs it: yosegi charter sign {out} --home HOME")


def _dated(value: dict[str, Any], kind: type[Document], clock: Clock) -> dict[str, Any]:
    now = clock.now()
    names = ("issued", "expires") if kind is Charter else ("valid_from", "valid_until")
    dates: dict[str, Any] = {names[0]: timestamp(now), names[1]: timestamp(now + timedelta(days=365))}
    if kind is Charter:
        dates["post_quantum"] = True
    return dates | {key: timestamp(item) if hasattr(item, "tzinfo") else item for key, item in value.items()}


@charter.command()
@click.argument("document", type=File)
@click.option("--home", type=click.Path(path_type=Path), required=True, help="Whose governance keys sign.")
@explained
def sign(document: Path, home: Path) -> None:
    """Add a member's signature to DOCUMENT, in place. Read it first: yosegi charter show DOCUMENT."""
    envelope = _read(document)
    place = Home(home)
    # A key that nobody knows would spoil the document, so those sign that the charter names.
    named = _named(place, envelope)
    keys = [one for one in signers(place, "governance") if not named or one.public.key_id in named]
    if not keys:
        raise Invalid(str(document), f"its charter names no governance key of {home}", "write it with these keys")
    _save(document, envelope.signed_also_by(*keys))
    click.echo(f"{document}: signed with {' and '.join(one.public.fingerprint for one in keys)}")


@charter.command()
@click.argument("document", type=File)
@as_json
@explained
def show(document: Path, json_: bool) -> None:
    """Show a charter, statement or agreement, and whose keys signed it; nothing is verified."""
    envelope = _read(document)
    value = canonical.loads(envelope.payload)
    signed = [signature.key_id for signature in envelope.signatures]
    if json_:
        show_json({"document": value, "signed_by": signed, "digest": envelope.payload_digest})
        return
    show_table(("", ""), ((name, item) for name, item in value.items()))
    click.echo(f"digest {envelope.payload_digest}\nsigned by {', '.join(signed) or 'nobody yet'}")


@charter.command()
@HomeArgument
@click.argument("charter_id")
@Out
@explained
def state(home: Path, charter_id: str, out: Path) -> None:
    """State a site's keys and reach under a charter it has accepted, for thirty days; its governance keys sign."""

    async def work(registry: Registry) -> None:
        roster = registry.federation(charter_id).roster
        site = Home(home).settings().site
        before = roster.statements.get(site)
        serial = 1 if before is None else before.serial + 1
        envelope = make_statement(Home(home), roster.charter, SystemClock(), serial)
        await registry.accept(envelope, by=f"operator@{site}")
        _save(out, envelope)
        click.echo(f"{out}: send it to the other members")

    _with_registry(home, work)


@charter.command()
@HomeArgument
@click.argument("documents", type=File, nargs=-1, required=True)
@explained
def accept(home: Path, documents: tuple[Path, ...]) -> None:
    """Verify DOCUMENTS and record them at a site that is not running; what may not be believed is refused and named."""

    async def work(registry: Registry) -> None:
        for path in documents:
            envelope = _read(path)
            under = await registry.accept(envelope, by=f"operator@{Home(home).settings().site}")
            click.echo(f"{path}: accepted under charter {under}")

    _with_registry(home, work)


def _with_registry(home: Path, work: Any) -> None:
    async def run() -> None:
        place, clock = Home(home), SystemClock()
        settings = place.settings()
        ledger = await open_ledger(place, settings, clock)
        try:
            await work(Registry(settings.site, ledger, clock))
        finally:
            ledger.close()

    asyncio.run(run())


def _named(home: Home, envelope: Envelope) -> set[str]:
    """The governance keys under whose charter a document stands; none where that charter was not accepted here."""
    named: set[str] = set()
    if envelope.payload_type == Charter.payload_type:
        # A key that it takes away may be needed by the rule of the version before it.
        named = set(Charter.peek(envelope).keys)
    elif not home.ledger.exists():
        return named
    charter = str(canonical.loads(envelope.payload).get("charter", canonical.loads(envelope.payload).get("id")))

    async def work(registry: Registry) -> None:
        if charter in registry.charters():
            named.update(registry.federation(charter).roster.charter.keys)

    if home.ledger.exists():
        with contextlib.suppress(Locked):
            _with_registry(home.folder, work)
    return named


def _read(path: Path) -> Envelope:
    envelope = Envelope.read(path.read_bytes(), what=str(path))
    if envelope.payload_type not in {kind.payload_type for kind in KINDS}:
        raise Invalid(str(path), f"{envelope.payload_type} is not a charter, statement or agreement")
    return envelope


def _save(path: Path, envelope: Envelope) -> None:
    path.write_bytes(envelope.to_bytes())
