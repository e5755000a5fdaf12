"""`yosegi charter`: the life of the document that makes sites a federation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.cli.connection import with_home, with_home_or_keys
from yosegi.cli.documents import File, Keys, Out
from yosegi.cli.output import as_json, explained, minute, show_json, show_table
from yosegi.core.member_kinds import KINDS

if TYPE_CHECKING:
    from yosegi.identity.accounts import Session
    from yosegi.services.governance.schemas import CharterDetail
    from yosegi.services.runtime import Site


@click.command()
@with_home_or_keys
@Keys
@as_json
@explained
def key(home: Path | None, keys: tuple[Path, ...], json_: bool) -> None:
    """Show the governance keys of a site, or of the files named, as they stand in a charter; and their fingerprints.

    \b
    Example: yosegi charter key --home home
    """
    from yosegi.cli import _charter_documents

    _charter_documents.key(home, keys, json_)


@click.command("make-key")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@as_json
@explained
def make_key(folder: Path, json_: bool) -> None:
    """Make a further officer's pair of governance keys in the new FOLDER, and show them as they stand in a charter.

    For members whose documents need several officers (`needed = 2` in the charter). Best made on a machine without a
    network: only what is printed leaves it. The officer signs with both files: --key FOLDER/governance.key
    --key FOLDER/governance-pq.key

    \b
    Example: yosegi charter make-key second-officer
    """
    from yosegi.cli import _charter_documents

    _charter_documents.make_key(folder, json_)


@click.command()
@click.argument("source", type=File)
@Out
@explained
def init(source: Path, out: Path) -> None:
    """Make the unsigned first version of a charter from SOURCE, a TOML file.

    Dates that are left out are filled in: from now, for a year. Members sign with both Ed25519 and ML-DSA-65, unless it
    says `post_quantum = false`.

    \b
    Example: yosegi charter init charter.toml --out charter.json
    """
    from yosegi.cli import _charter_documents

    _charter_documents.init(source, out)


@click.command()
@click.argument("current", type=File)
@click.argument("changes", type=File)
@Out
@explained
def propose(current: Path, changes: Path, out: Path) -> None:
    """Make the unsigned version after CURRENT; CHANGES is a TOML file of what becomes otherwise.

    Whole fields are replaced (`title`, `expires`, `threshold`, `focus_areas` …). Members, teams, focus areas and
    challenges may be given one by one: those named are added or replaced, and `leave` names those that go.

    \b
    expires = 2028-04-01T00:00:00Z
    [[teams]]
    id = "alloys"
    challenges = ["alloys-by-design"]
    …
    [[members]]
    id = "harwell"
    …
    [leave]
    members = ["lab-b"]

    \b
    Example: yosegi charter propose charter.json changes.toml \\
      --out charter-2.json
    """
    from yosegi.cli import _charter_documents

    _charter_documents.propose(current, changes, out)


@click.command()
@click.argument("document", type=File)
@with_home_or_keys
@Keys
@click.option(
    "--before", type=File, help="The version in force, for a home that never accepted it: keys it names sign."
)
@explained
def sign(document: Path, home: Path | None, keys: tuple[Path, ...], before: Path | None) -> None:
    """Add a member's signatures to DOCUMENT, in place. Read it first: yosegi charter show DOCUMENT.

    A member that DOCUMENT drops may have to sign it under the rule of the version in force; where its home has not
    accepted that, name it by --before.

    \b
    Example: yosegi charter sign charter-2.json
    """
    from yosegi.cli import _charter_documents

    _charter_documents.sign(document, home, keys, before)


@click.command("publish")
@with_home
@click.argument("documents", type=File, nargs=-1, required=True)
@explained
def publish_(home: Path, documents: tuple[Path, ...]) -> None:
    """Verify DOCUMENTS, put them in force at a site, running or not, and pass them on to the members they concern.

    What may not be believed is refused and named, and changes nothing.

    \b
    Example: yosegi charter publish charter-2.json
    """
    from yosegi.cli import _charter_documents

    _charter_documents.publish_(home, documents)


@click.command()
@click.argument("document", type=File)
@as_json
@explained
def show(document: Path, json_: bool) -> None:
    """Show a charter, statement or agreement, and whose keys signed it; nothing is verified.

    Of an invitation, an answer to one or a welcome it shows the charter in it.

    \b
    Example: yosegi charter show charter-2.json
    """
    from yosegi.cli import _charter_documents

    _charter_documents.show(document, json_)


@click.command("list")
@with_home
@as_json
@explained
def list_(home: Path, json_: bool) -> None:
    """List the charters a site lives in, running or not, with the version in force and who is in it.

    \b
    Example: yosegi charter list
    """
    from yosegi.cli.home_site import run_locally_or_remotely

    async def rest(site: Site, who: Session) -> tuple[CharterDetail, ...]:
        return site.governance.charters()

    found = run_locally_or_remotely(home, rest, lambda client: client.charters())
    if json_:
        show_json(found)
        return
    rows = ((c.id, c.version, _members(c), _teams(c), minute(c.expires), _state(c), c.title) for c in found)
    show_table(("charter", "version", "members", "teams", "until (UTC)", "", "title"), rows, empty="no charters")


def _members(charter: CharterDetail) -> str:
    return ", ".join(member.id for member in charter.members)


def _teams(charter: CharterDetail) -> str:
    return ", ".join(team.id for team in charter.teams)


def _state(charter: CharterDetail) -> str:
    return "in force" if charter.alive else "ended"


@click.command()
@with_home
@click.argument("charter_id")
@Out
@explained
def export(home: Path, charter_id: str, out: Path) -> None:
    """Write the charter that is in force at a site, as it was signed, to a file.

    \b
    Example: yosegi charter export pair --out pair.json
    """
    from yosegi.cli import _charter_documents

    _charter_documents.export(home, charter_id, out)


@click.command()
@click.argument("old", type=File)
@click.argument("new", type=File)
@as_json
@explained
def diff(old: Path, new: Path, json_: bool) -> None:
    """Show what changes from one version of a charter to another, for people to read before they sign.

    \b
    Example: yosegi charter diff charter-1.json charter-2.json
    """
    from yosegi.cli import _charter_documents

    _charter_documents.diff(old, new, json_)


@click.command()
@click.argument("versions", type=File, nargs=-1, required=True)
@click.option("--fingerprint", default="", help="What the last version's must be, as it was read aloud.")
@as_json
@explained
def verify(versions: tuple[Path, ...], fingerprint: str, json_: bool) -> None:
    """Check a chain of charters, in order, offline: that each was signed under the rule before it and its own.

    Of a last version that is not signed enough yet it says who has signed and what is lacking, with status 1.

    \b
    Example: yosegi charter verify charter-1.json charter-2.json
    """
    from yosegi.cli import _charter_documents

    _charter_documents.verify(versions, fingerprint, json_)


@click.command()
@with_home
@click.argument("charter_id")
@Keys
@click.option("--draft", is_flag=True, help="Only write it, unsigned, to be signed elsewhere: yosegi charter sign.")
@Out
@explained
def state(**options: Any) -> None:
    """State a site's keys and reach under a charter it lives in, for thirty days; its governance keys sign.

    Where a member needs the keys of several officers, or they are kept offline, the statement is a draft like every
    other document: written here, signed anywhere (`yosegi charter sign OUT --key FILE`), and put in force with
    `yosegi charter publish OUT`. While the site runs it renews the statement by itself, for a year at most.

    \b
    Example: yosegi charter state pair --out statement.json
    """
    from yosegi.cli import _charter_documents

    _charter_documents.state(**options)


@click.command()
@with_home
@click.argument("charter_id")
@click.option("--title", default="", help="The charter's title, for a first charter.")
@click.option("--country", default="", help="This site's country, for a first charter: ISO 3166, e.g. US.")
@click.option("--kind", type=click.Choice(KINDS), default="laboratory", show_default=True, help="What it is.")
@click.option("--team", default="", help="A team that the new member joins; made with a first charter.")
@click.option("--person", "people", multiple=True, help="A member of that team from here, e.g. pi@lab-a; repeatable.")
@click.option("--demonstration", is_flag=True, help="All of it stands on one machine, for practice.")
@Keys
@Out
@explained
def invite(**options: Any) -> None:
    """Invite an institution to charter CHARTER_ID: to found it with this site, or to join it.

    The file holds nothing secret. It is answered by `yosegi site join`.

    \b
    Example: yosegi charter invite pair --title "Two laboratories" \\
      --country US --team alloys --out invitation.json
    """
    from yosegi.cli import _membership

    _membership.invite(**options)


@click.command()
@with_home
@Keys
@click.argument("answer", type=File)
@click.option("--fingerprint", default="", help="What the other side reads aloud; asked for, if it is not given.")
@Out
@explained
def admit(**options: Any) -> None:
    """Sign the charter in ANSWER, after its fingerprint was compared aloud, and welcome whoever sent it.

    Where others must sign as well, OUT is the charter for them to sign, and nothing is in force yet. Once it is signed
    and published here, the same command with another OUT writes the welcome.

    \b
    Example: yosegi charter admit answer.json --out welcome.json
    """
    from yosegi.cli import _membership

    _membership.admit(**options)
