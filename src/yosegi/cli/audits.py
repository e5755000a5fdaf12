"""`yosegi audit`: whether ledgers hold together, and whether they still tell the story that others keep of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.app.home import Home
from yosegi.cli._files import may_overwrite, output
from yosegi.cli.connection import with_home
from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.core.errors import Corrupt, Invalid
from yosegi.core.files import written
from yosegi.core.sanitize import plain

if TYPE_CHECKING:
    from yosegi.verification.ledger_audit import Finding, LedgerAudit, LedgerCopy

Ledgers = click.argument("ledgers", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))


@click.command()
@Ledgers
@click.option("--charter", default="", help="Digest of the charter you trust; every ledger must rest on it.")
@as_json
@explained
def verify(ledgers: tuple[Path, ...], charter: str, json_: bool) -> None:
    """Verify each of LEDGERS whole, and hold them against each other.

    Each is a site's home (beside the running site, or a backup) or a file of `yosegi audit export`. All entries, proofs
    and checkpoints are read; then what each keeps of another is looked for in that other: checkpoints it witnessed, and
    receipts. Two copies of one ledger, of different days, are held against each other as well.

    What a ledger lost in a restoration that it says itself, and that a person has settled, is said and is no fault.
    Nothing is written beside a ledger: read rights are enough, and so is a disc.

    Ends with status 1 if anything does not hold, and says which entry, who keeps what contradicts it, and, with --json,
    both signed checkpoints: evidence for whoever trusts the charter.

    \b
    Example: yosegi audit verify home/ledger.db other/audit.jsonl
    """
    # Only here: reading ledgers takes most of the program.
    from yosegi.verification.ledger_audit import Finding, LedgerCopy
    from yosegi.verification.ledger_audit import audit as held_against_each_other

    copies, broken = list[LedgerCopy](), list[Finding]()
    for path in ledgers:
        try:
            copies.append(_read(path))
        except Corrupt as error:
            broken.append(Finding(str(path), str(error)))
    found = held_against_each_other(copies)
    wrong = [*broken, *found.findings, *_untrusted(copies, charter)]
    if json_:
        show_json(_plain(found, wrong))
    else:
        _tell(found, wrong)
    if wrong:
        raise click.exceptions.Exit(1)


def _read(path: Path) -> LedgerCopy:
    from yosegi.app.stores import store_of
    from yosegi.verification.ledger_audit import read_home
    from yosegi.verification.ledger_export import is_audit, read_audit

    if not path.is_dir() and not is_audit(path):
        todo = "write one: yosegi audit export --out …"
        raise Invalid(str(path), "neither a site's home nor an audit's file", todo)
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=1, label=plain(str(path)), file=sys.stderr, hidden=hidden) as bar:

        def told(what: str, done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        if not path.is_dir():
            return read_audit(path, told)
        home = Home(path)
        # A backup holds the ledger as a file, whatever its settings say.
        return read_home(home.ledger if home.ledger.exists() else store_of(home, home.settings()), told)


def _untrusted(copies: list[LedgerCopy], charter: str) -> Iterator[Finding]:
    from yosegi.verification.ledger_audit import Finding

    for copy in copies:
        if charter and charter not in copy.charters.values():
            rests = ", ".join(copy.charters.values()) or "none"
            yield Finding(copy.site, f"it rests on another charter than the one you trust: {rests}")


def _plain(found: LedgerAudit, wrong: list[Finding]) -> dict[str, Any]:
    return {
        "ledgers": [
            {
                "where": copy.where, "site": copy.site, "entries": len(copy.leaves), "epoch": copy.checkpoint.epoch,
                "root": copy.checkpoint.root, "charters": dict(copy.charters),
            }
            for copy in found.copies
        ],
        "agreed": [
            {"site": one.site, "holder": one.holder, "checkpoints": one.checkpoints, "receipts": one.receipts}
            for one in found.agreed
        ],
        "findings": [
            {
                "site": one.site, "holder": one.holder, "why": one.why,
                "evidence": [envelope.model_dump(mode="json") for envelope in one.evidence],
            }
            for one in wrong
        ],
        "restored": [{"site": one.site, "holder": one.holder, "why": one.why} for one in found.restored],
        "ok": not wrong,
    }  # fmt: skip


def _tell(found: LedgerAudit, wrong: list[Finding]) -> None:
    for copy in found.copies:
        charters = ", ".join(f"{name} {digest}" for name, digest in copy.charters.items())
        say(f"{copy.where}: {len(copy.leaves)} entries of {copy.site}, epoch {copy.checkpoint.epoch}, hold together")
        say(f"  it rests on the charter {charters}")
    rows = ((one.site, one.holder, one.checkpoints, one.receipts) for one in found.agreed)
    show_table(("ledger of", "still holds what is kept by", "checkpoints", "receipts"), rows, empty="held against none")
    for one in found.restored:
        say(f"{one.site}: {one.why} (kept by {one.holder})")
    for one in wrong:
        say(f"{one.site}: {one.why}" + (f" (kept by {one.holder})" if one.holder else ""), err=True)


@click.command()
@with_home
@output()
@explained
def export(home: Path, out: Path) -> None:
    """Write a site's ledger for an audit elsewhere: every header, no results; whose keys, witnesses and receipts are.

    It can be made beside the running site. Its newest checkpoint is signed with both of the site's keys.

    \b
    Example: yosegi audit export --out audit.jsonl --home home
    """
    from yosegi.app.keyring import signers
    from yosegi.app.stores import snapshot_of
    from yosegi.verification.ledger_export import write_audit

    place = Home(home)
    keys = signers(place, "site")
    # Named once it is whole: one that was broken off is no export, and in nobody's way.
    with snapshot_of(place) as ledger, written(out, may_overwrite()) as file:
        entries = write_audit(ledger, file, *keys)
    say(f"{out}: {entries} entries; anybody checks it: yosegi audit verify {out}")
