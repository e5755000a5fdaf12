"""`yosegi agreement`: what some teams may use, for which purpose, under which terms, until when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from yosegi.app.home import Home
from yosegi.cli._lazy import WholeGroup
from yosegi.cli.connection import with_home, with_home_or_keys
from yosegi.cli.documents import File, Keys, Out, from_toml, kind_of, publish, read_document, save, sign_file
from yosegi.cli.home_site import run_locally_or_remotely
from yosegi.cli.output import as_json, explained, fields_of, in_words, minute, say, show_json, show_table
from yosegi.core.errors import Invalid, NotFound

if TYPE_CHECKING:
    from yosegi.identity.accounts import Session
    from yosegi.services.governance.schemas import AgreementDetail
    from yosegi.services.runtime import Site

DATES = ("valid_from", "valid_until")


@click.group(cls=WholeGroup)
def agreement() -> None:
    """Agree on what some teams may use: one writes it, its parties sign it, and it is in force at all of them.

    \b
    yosegi agreement propose agreement.toml --out agreement.json
    yosegi agreement sign agreement.json        each party in turn
    yosegi agreement publish agreement.json     one party; the others are told
    """


@agreement.command()
@click.argument("source", type=File)
@Out
@click.option("--cedar", is_flag=True, help="Show what it becomes, too: one link of a template, and its terms.")
@explained
def propose(source: Path, out: Path, cedar: bool) -> None:
    """Make an unsigned agreement of SOURCE, a TOML file.

    Dates that are left out are from now, for a year. A change is the same name with a higher `version`.

    \b
    charter = "pair"
    name = "alloys-2026"
    title = "What the alloys team may use"
    teams = ["alloys"]
    parties = ["lab-a", "lab-b"]
    capabilities = ["lab-b/*"]
    purposes = ["research"]
    valid_until = 2027-03-31
    highest_sensitivity = "team"
    export_classes = ["EAR99"]
    residency = ["US", "JP"]
    models = [{ endpoint = "local", highest_sensitivity = "team" }]
    publication = "Both institutions are named."
    intellectual_property = "Each keeps what it brings; results are shared."
    [[determinations]]
    export_class = "EAR99"
    regime = "EAR"
    list_version = "2026-10"
    by = "officer@lab-b"
    on = 2026-10-01

    \b
    Example: yosegi agreement propose agreement.toml --out agreement.json
    """
    from yosegi.governance.agreements.agreement import Agreement

    made = from_toml(source, Agreement, DATES, {})
    save(out, made.sign())
    say(f"{out}: unsigned; each party signs it: yosegi agreement sign {out}")
    if cedar:
        show_json({"link": made.link, "terms": made.to_cedar()})


@agreement.command()
@click.argument("document", type=File)
@with_home_or_keys
@Keys
@explained
def sign(document: Path, home: Path | None, keys: tuple[Path, ...]) -> None:
    """Add a party's signatures to DOCUMENT, in place. Read it first: yosegi charter show DOCUMENT.

    \b
    Example: yosegi agreement sign agreement.json
    """
    _only_an_agreement(document)
    _only_a_party(document, home)
    say(f"{document}: signed with {' and '.join(sign_file(document, home, keys))}")


@agreement.command("publish")
@with_home
@click.argument("document", type=File)
@explained
def publish_(home: Path, document: Path) -> None:
    """Put a signed agreement in force at a party's site, running or not, and pass it on to the other parties.

    The policies that follow from it are held against the site's own table of expectations first.

    \b
    Example: yosegi agreement publish agreement.json
    """
    _only_an_agreement(document)
    done = publish(home, read_document(document))
    say(f"{document}: in force under charter {done.charter}")


def _only_an_agreement(path: Path) -> None:
    from yosegi.governance.agreements.agreement import Agreement

    if kind_of(read_document(path), str(path)) is not Agreement:
        raise Invalid(str(path), "is not an agreement")


def _only_a_party(path: Path, home: Path | None) -> None:
    """A signature cannot be taken off again, and one of no party keeps an agreement from being accepted."""
    from yosegi.governance.agreements.agreement import Agreement

    site, parties = "" if home is None else Home(home).settings().site, Agreement.peek(read_document(path)).parties
    if site and site not in parties:
        raise Invalid(str(path), f"{site} is no party of it", f"its parties sign: {', '.join(parties)}")


@agreement.command("list")
@with_home
@as_json
@explained
def list_(home: Path, json_: bool) -> None:
    """List the agreements a site is a party to.

    \b
    Example: yosegi agreement list
    """
    found = _agreements(home)
    if json_:
        show_json(found)
        return
    rows = (
        (a.name, ", ".join(a.teams), ", ".join(a.parties), minute(a.valid_until), _state(a), a.title) for a in found
    )
    show_table(("agreement", "teams", "parties", "until (UTC)", "", "title"), rows, empty="no agreements")


@agreement.command()
@with_home
@click.argument("name")
@as_json
@explained
def show(home: Path, name: str, json_: bool) -> None:
    """Show one agreement: every term of it, and whether it is in force.

    \b
    Example: yosegi agreement show alloys-2026
    """
    found = _agreements(home)
    value = next((one for one in found if one.name == name), None)
    if value is None:
        raise NotFound("agreement", name, tuple(one.name for one in found))
    if json_:
        show_json(value)
    else:
        show_table(("", ""), ((key.replace("_", " "), in_words(item)) for key, item in fields_of(value)))


def _state(value: AgreementDetail) -> str:
    return "in force" if value.in_force else "not in force"


def _agreements(home: Path) -> tuple[AgreementDetail, ...]:
    async def rest(site: Site, who: Session) -> tuple[AgreementDetail, ...]:
        return site.governance.agreements()

    return run_locally_or_remotely(home, rest, lambda client: client.agreements())
