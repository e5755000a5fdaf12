"""`yosegi site`, on a home: make it, serve it, join a charter with it, copy, check and restore its ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from yosegi.cli._files import output
from yosegi.cli.connection import with_home
from yosegi.cli.documents import Keys
from yosegi.cli.output import explained
from yosegi.core.member_kinds import KINDS

NewHome = click.argument("home", type=click.Path(path_type=Path, file_okay=False))


@click.command()
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
def init(**options: Any) -> None:
    """Make the home of a new site: settings and keys. Nothing is overwritten.

    \b
    Example: yosegi site init home --name riken --mailbox argonne
    """
    from yosegi.cli import _site_homes

    _site_homes.init(**options)


@click.command()
@with_home
@explained
def serve(home: Path) -> None:
    """Serve the site until Ctrl-C or SIGTERM. Everything it was doing is taken up where it was left.

    \b
    Example: yosegi site serve --home home
    """
    from yosegi.cli import _site_homes

    _site_homes.serve(home)


@click.command()
@with_home
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--country", default="", help="This institution's country: ISO 3166, e.g. JP.")
@click.option("--kind", type=click.Choice(KINDS), default="laboratory", show_default=True, help="What it is.")
@click.option("--person", "people", multiple=True, help="Somebody of this site who joins the team; repeatable.")
@Keys
@output(required=False, help="Where the answer to an invitation is written.")
@explained
def join(**options: Any) -> None:
    """Join a charter: answer the invitation in FILE, and later take the welcome in FILE.

    Read the fingerprint aloud to whoever invited you, on the telephone: everything rests on that.

    \b
    Example: yosegi site join invitation.json --country JP --kind laboratory \\
      --out answer.json
    """
    from yosegi.cli import _membership

    _membership.join_charter(**options)


@click.command()
@with_home
@explained
def check(home: Path) -> None:
    """Read the whole ledger: every entry, proof, checkpoint and view. The site must not be running.

    \b
    Example: yosegi site check --home home
    """
    from yosegi.cli import _site_homes

    _site_homes.check(home)


@click.command()
@with_home
@explained
def rebuild(home: Path) -> None:
    """Fold every view anew from the entries. The site must not be running.

    \b
    Example: yosegi site rebuild --home home
    """
    from yosegi.cli import _site_homes

    _site_homes.rebuild(home)


@click.command()
@with_home
@click.argument("target", type=click.Path(path_type=Path))
@explained
def backup(home: Path, target: Path) -> None:
    """Copy the whole home to the new folder TARGET, the ledger consistently, even while the site runs.

    It holds the site's keys: keep it as safe as the home itself.

    \b
    Example: yosegi site backup /backup/2026-12-01 --home home
    """
    from yosegi.cli import _site_homes

    _site_homes.backup(home, target)


@click.command("move-ledger")
@with_home
@click.option("--to", "store", type=click.Choice(["sqlite", "postgresql"]), required=True, help="Where it goes.")
@click.option("--url", default="", help="The PostgreSQL server: postgresql://role@host/database, without a password.")
@click.option("--schema-name", default="yosegi", show_default=True, help="The schema; one site, one schema.")
@click.option("--password-file", default="", help="The file of the role's password, from the home folder.")
@click.option("--password-env", default="", help="Or the environment variable that holds it.")
@explained
def move_ledger_(**options: Any) -> None:
    """Move the ledger of a site that is stopped into a PostgreSQL schema, or back into a file of its home.

    \b
    yosegi site move-ledger --to postgresql \\
      --url postgresql://yosegi@db.example.org/yosegi
    yosegi site move-ledger --to sqlite

    Every entry, proof and signed checkpoint of the copy is verified, and its last checkpoint is that of the original,
    before site.toml names the other place. Peers see no change. The original stays, marked so that it is never gone on
    with by mistake; take it away once you trust the new place.

    \b
    Example: yosegi site move-ledger --to postgresql \\
      --url postgresql://yosegi@db/yosegi --home home
    """
    from yosegi.cli import _site_homes

    _site_homes.move_ledger_(**options)


@click.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
@NewHome
@click.option("--by", default="", help="Who restores, e.g. operator@nims.")
@explained
def restore(source: Path, home: Path, by: str) -> None:
    """Bring a backup in SOURCE back as HOME, and open a new epoch of its ledger.

    What happened after the backup is gone here, and not at its peers. They are asked for the last checkpoint they
    hold of this site, and the new epoch names it; a peer that holds a later one takes this site for a liar.

    \b
    Example: yosegi site restore /backup/2026-12-01 new-home
    """
    from yosegi.cli import _site_homes

    _site_homes.restore(source, home, by)
