"""`yosegi grant` and `yosegi usage`: what a site gives a team, what is left, and what it was spent on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.app.home import Home
from yosegi.cli._amounts import amounts_of
from yosegi.cli._lazy import WholeGroup
from yosegi.cli.connection import with_home
from yosegi.cli.documents import Keys, Out, load_signer, save
from yosegi.cli.home_site import run_locally_or_remotely
from yosegi.cli.output import as_json, explained, in_shell, say, show_json, show_table
from yosegi.core.clock import SystemClock, timestamp
from yosegi.core.errors import Invalid
from yosegi.services.grants.usage_table import GROUPS, USUAL, to_csv

if TYPE_CHECKING:
    from yosegi.client.client import Client
    from yosegi.identity.accounts import Session
    from yosegi.services.grants.schemas import (
        GrantAfterMove,
        GrantDetail,
        MoveAnswered,
        MoveDetail,
        MoveNamed,
        UsageRow,
    )
    from yosegi.services.runtime import Site

File = click.Path(exists=True, dir_okay=False, path_type=Path)
Amounts = click.option("--amount", "amounts", multiple=True, help="unit=decimal; may be repeated.")


@click.group(cls=WholeGroup)
def grant() -> None:
    r"""Give a team amounts of what this site owns, in tranches; move them, take them back, see what is left.

    Units are node_h, gpu_h, instrument_h, person_h, samples, usd and jpy; one is never converted into another. What a
    task may cost at most is held before it starts, and settled at what it did cost.
    """


@grant.command()
@with_home
@click.argument("name")
@click.option("--charter", default="", help="Under which charter.")
@click.option("--team", default="", help="Which team may draw on it.")
@click.option("--funder", default="", help="The member who pays; the site itself if none is named.")
@Amounts
@click.option("--file", "source", type=File, help="A TOML file with tranches, instead of --amount.")
@as_json
@explained
def award(
    home: Path,
    name: str,
    charter: str,
    team: str,
    funder: str,
    amounts: tuple[str, ...],
    source: Path | None,
    json_: bool,
) -> None:
    """Give a team a grant under NAME. The same again changes nothing.

    \b
    charter = "pair"
    team = "alloys"
    funder = "lab-a"
    [[tranches]]
    fiscal_year = 2027           # or id, starts and ends
    begins = "october"           # the United States; "april" for Japan
    contingent = true            # locked until the funder releases it
    amounts = { instrument_h = "40", usd = "10000" }

    \b
    Example: yosegi grant award alloys-2026 --charter pair --team alloys \\
      --funder riken --amount node_h=100
    """
    from yosegi.app.dated_files import read_toml

    value = read_toml(source) if source is not None else {}
    given = {"charter": charter, "team": team, "funder": funder}
    value = {"id": name} | value | {key: text for key, text in given.items() if text}
    if amounts:
        value["tranches"] = [{"id": "all", "amounts": amounts_of("--amount", amounts)}]
    if "tranches" not in value:
        raise Invalid(f"grant {name}", "neither --amount nor --file says how much", "e.g. --amount node_h=20")

    async def rest(site: Site, who: Session) -> GrantDetail:
        return await site.grants.award(value, who)

    _shown(run_locally_or_remotely(home, rest, lambda client: client.grants.award(value)), json_)


@grant.command()
@with_home
@click.argument("name", required=False, default="")
@as_json
@explained
def show(home: Path, name: str, json_: bool) -> None:
    """Show where a grant stands, tranche by tranche; every grant, if none is named.

    \b
    Example: yosegi grant show alloys-2026
    """

    async def rest(site: Site, who: Session) -> tuple[GrantDetail, ...]:
        return (site.grants.show(name),) if name else site.grants.list()

    def running(client: Client) -> tuple[GrantDetail, ...]:
        return (client.grants.show(name),) if name else client.grants.list()

    found = run_locally_or_remotely(home, rest, running)
    if json_:
        show_json(found[0] if name else found)
        return
    for one in found:
        _shown(one, json_=False)


def _shown(one: GrantDetail, json_: bool) -> None:
    if json_:
        show_json(one)
        return
    say(f"grant {one.id}: {one.title}, for {one.team}, paid by {one.funder}, charter {one.charter}")
    columns = ("tranche", "unit", "amount", "held", "spent", "state", "starts", "ends")
    show_table(columns, ([getattr(tranche, name) for name in columns] for tranche in one.tranches))


@grant.command()
@with_home
@click.argument("name")
@click.argument("tranche")
@click.option("--document", type=File, help="The release that the funder signed.")
@click.option("--award-letter", type=File, help="The award letter held here; its digest is recorded, nothing else.")
@as_json
@explained
def release(home: Path, name: str, tranche: str, document: Path | None, award_letter: Path | None, json_: bool) -> None:
    """Open a contingent TRANCHE: by the funder's signed release, or attesting the award letter that is held here.

    \b
    Example: yosegi grant release alloys-2026 second --document release.json
    """
    from yosegi.trust.envelope import Envelope

    value = (
        None if document is None else Envelope.read(document.read_bytes(), what=str(document)).model_dump(mode="json")
    )
    digest = "" if award_letter is None else _digest(award_letter)

    async def rest(site: Site, who: Session) -> GrantDetail:
        return await site.grants.release(name, tranche, who, document=value, award_letter=digest)

    def running(client: Client) -> GrantDetail:
        return client.grants.release(name, tranche, document=value, award_letter=digest)

    _shown(run_locally_or_remotely(home, rest, running), json_)


def _document(path: Path) -> dict[str, Any]:
    from yosegi.trust.envelope import Envelope

    return Envelope.read(path.read_bytes(), what=str(path)).model_dump(mode="json")


def _digest(path: Path) -> str:
    import hashlib

    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


@grant.command("sign-release")
@with_home
@click.argument("site")
@click.argument("name")
@click.argument("tranche")
@click.option("--charter", required=True, help="Under which charter.")
@click.option("--award-letter", type=File, help="The letter it rests on; its digest stands in the release.")
@Keys
@Out
@explained
def sign_release(
    home: Path,
    site: str,
    name: str,
    tranche: str,
    charter: str,
    award_letter: Path | None,
    keys: tuple[Path, ...],
    out: Path,
) -> None:
    """Sign, as the funder with its governance keys, the release of TRANCHE of grant NAME at SITE.

    \b
    Example: yosegi grant sign-release riken alloys-2026 second --charter pair \\
      --out release.json
    """
    from yosegi.app.keyring import signers
    from yosegi.governance.grants.grant import Release

    fields = {
        "charter": charter,
        "funder": Home(home).settings().site,
        "site": site,
        "grant": name,
        "tranche": tranche,
        "issued": timestamp(SystemClock().now()),
    }
    if award_letter is not None:
        fields["award_letter"] = _digest(award_letter)
    made = Release.read(fields, what="the release")
    save(out, made.sign(*([load_signer(key) for key in keys] or signers(Home(home), "governance"))))
    say(f"{out}: send it to {site}, which takes it: yosegi grant release {name} {tranche} --document {out}")


@grant.command("claw-back")
@with_home
@click.argument("name")
@click.argument("tranche")
@Amounts
@click.option("--reason", required=True, help="For the record.")
@as_json
@explained
def claw_back(home: Path, name: str, tranche: str, amounts: tuple[str, ...], reason: str, json_: bool) -> None:
    """Shrink a TRANCHE, never below what is held and spent.

    \b
    Example: yosegi grant claw-back alloys-2026 all --amount node_h=40 \\
      --reason "the machine is away in March"
    """
    wanted = amounts_of("--amount", amounts)

    async def rest(site: Site, who: Session) -> GrantDetail:
        return await site.grants.claw_back(name, tranche, wanted, reason, who)

    def running(client: Client) -> GrantDetail:
        return client.grants.claw_back(name, tranche, wanted, reason)

    _shown(run_locally_or_remotely(home, rest, running), json_)


@grant.command()
@with_home
@click.argument("name")
@click.argument("tranche")
@click.option("--to", required=True, help="The site it goes to.")
@click.option("--into", required=True, help="The grant there.")
@Amounts
@click.option("--reason", default="", help="For the record.")
@as_json
@explained
def move(
    home: Path, name: str, tranche: str, to: str, into: str, amounts: tuple[str, ...], reason: str, json_: bool
) -> None:
    """Move an amount of TRANCHE to a grant of another site: two signed entries, one here and one there.

    It is set apart here at once. The other site takes it (`yosegi grant accept`) or does not; its word ends the move.

    \b
    Example: yosegi grant move alloys-2026 all --to nims --into alloys-nims \\
      --amount node_h=10
    """
    wanted = amounts_of("--amount", amounts)

    async def rest(site: Site, who: Session) -> GrantAfterMove:
        return await site.grants.move(name, tranche, to, into, wanted, reason, who)

    def running(client: Client) -> GrantAfterMove:
        return client.grants.move(name, tranche, to, into, wanted, reason)

    done = run_locally_or_remotely(home, rest, running)
    if json_:
        show_json(done)
    else:
        say(f"{done.move}: set apart here, and offered to {to}.")
        say(f"To take it back: yosegi grant take-back --home {in_shell(home)} {done.move}")


@grant.command()
@with_home
@as_json
@explained
def moves(home: Path, json_: bool) -> None:
    """List amounts on their way between sites: `in` is offered to this site, `out` is what it gives.

    \b
    Example: yosegi grant moves
    """

    async def rest(site: Site, who: Session) -> tuple[MoveDetail, ...]:
        return site.grants.moves()

    found = run_locally_or_remotely(home, rest, lambda client: client.grants.moves())
    if json_:
        show_json(found)
        return
    rows = ((f"{m.peer}/{m.move}", m.way, m.grant_id, _said(m.amounts), m.state) for m in found)
    show_table(("move", "", "grant here", "amounts", "state"), rows, empty="nothing was ever moved")


def _said(amounts: dict[str, str]) -> str:
    return ", ".join(f"{number} {unit}" for unit, number in amounts.items())


@grant.command()
@with_home
@click.argument("move_name", metavar="MOVE")
@click.option("--refuse", is_flag=True, help="Do not take it: it goes back.")
@click.option("--why", default="", help="For the record.")
@explained
def accept(home: Path, move_name: str, refuse: bool, why: str) -> None:
    """Take what another site offers (MOVE is site/key, as `yosegi grant moves` shows), or refuse it.

    \b
    Example: yosegi grant accept riken/k7
    """
    peer, key = _split(move_name)

    async def rest(site: Site, who: Session) -> MoveAnswered:
        return await site.grants.answer(peer, key, not refuse, why, who)

    run_locally_or_remotely(home, rest, lambda client: client.grants.answer(peer, key, not refuse, why))
    say(f"{move_name}: {'refused; it goes back' if refuse else 'taken'}")


@grant.command("take-back")
@with_home
@click.argument("move_name", metavar="MOVE")
@explained
def take_back(home: Path, move_name: str) -> None:
    """Ask for a MOVE back that was not answered; the other site says whether it was taken before.

    \b
    Example: yosegi grant take-back riken/k7
    """
    peer, key = _split(move_name)

    async def rest(site: Site, who: Session) -> MoveNamed:
        return await site.grants.take_back(peer, key, who)

    run_locally_or_remotely(home, rest, lambda client: client.grants.take_back(peer, key))
    say(f"{move_name}: asked back; see yosegi grant moves")


def _split(name: str) -> tuple[str, str]:
    peer, slash, key = name.partition("/")
    if not slash or not key:
        raise Invalid(f"move {name!r}", "not of the form site/key", "see yosegi grant moves")
    return peer, key


_BY = f"Summed by this; may be repeated: {', '.join(GROUPS)}."


@click.command("usage")
@with_home
@click.option("--by", "groups", multiple=True, type=click.Choice(GROUPS), metavar="WHAT", help=_BY)
@click.option("--since", default="", help="Of tasks accepted on this day, in UTC, or later: 2026-04-01.")
@click.option("--until", default="", help="Of tasks accepted on this day, in UTC, or earlier.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, safe to open in a spreadsheet.")
@as_json
@explained
def usage_(
    home: Path,
    groups: tuple[str, ...],
    since: str,
    until: str,
    as_csv: bool,
    json_: bool,
) -> None:
    """Show what tasks held and spent at this site: by funder, team, agreement and campaign, or as you ask.

    \b
    yosegi usage --by team --by person --since 2026-04-01 --until 2026-04-30
    yosegi usage --since 2026-04-01T00:00+09:00 --until 2026-05-01T00:00+09:00

    A day is one of UTC, from its first second to its last. A moment has its offset, and the time ends before it.

    \b
    Example: yosegi usage --by team --since 2026-04-01T00:00Z
    """
    wanted = groups or USUAL

    async def rest(site: Site, who: Session) -> tuple[UsageRow, ...]:
        return site.grants.usage(wanted, since, until)

    rows = run_locally_or_remotely(home, rest, lambda client: client.grants.usage(*wanted, since=since, until=until))
    # In the order that was asked for, and nothing else.
    columns = (*wanted, "unit", "tasks", "held", "spent")
    found = [{name: getattr(row, name) for name in columns} for row in rows]
    if json_:
        show_json(found)
    elif as_csv:
        say(to_csv(found, columns).replace("\r\n", "\n"), nl=False)
    else:
        show_table(columns, ([row[name] for name in columns] for row in found), empty="nothing was spent yet")
