"""`yosegi incident`, what acts: bar somebody or something here, and erase what was spilled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from yosegi.cli.connection import with_home
from yosegi.cli.home_site import run_locally_or_remotely
from yosegi.cli.output import (
    as_json,
    explained,
    in_shell,
    not_yet,
    say,
    show_erasure,
    show_json,
    show_table,
)
from yosegi.core.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yosegi.client.client import Client
    from yosegi.governance.agreements.suspensions import Barred
    from yosegi.identity.accounts import Session
    from yosegi.services.erasure.schemas import ErasureOrdered, ErasureStatus
    from yosegi.services.governance.schemas import CharterDetail, SuspensionDetail
    from yosegi.services.runtime import Site

KINDS = ("site", "person", "agent", "team", "agreement", "capability")
What = click.argument("kind", type=click.Choice(KINDS))


@click.command()
@with_home
@What
@click.argument("name")
@click.option("--why", required=True, help="For the record.")
@click.option("--charter", default="", help="Under this charter alone.")
@explained
def suspend(home: Path, kind: Barred, name: str, why: str, charter: str) -> None:
    """Bar KIND NAME at this site, at once, running or not: nothing new of it starts. Stopping is never barred.

    A site is heard no more at all; a person, agent, team, agreement or capability is refused with that reason. Somebody
    whom this site does not know yet may be barred too; it says so, since a name may be spelt wrongly.

    \b
    Example: yosegi incident suspend person postdoc@riken \\
      --why "a laptop was stolen"
    """

    async def rest(site: Site, who: Session) -> tuple[CharterDetail, ...]:
        await site.governance.suspend(kind, name, who, why, charter)
        return site.governance.charters()

    def running(client: Client) -> tuple[CharterDetail, ...]:
        client.governance.suspend(kind, name, why, charter)
        return tuple(client.charters())

    # Whoever is suspended can lift nothing: at a running site another must be left who can.
    charters = run_locally_or_remotely(home, rest, running, not_as=name if kind == "person" else "")
    say(f"{kind} {name} is suspended here; lift it: yosegi incident lift --home {in_shell(home)} {kind} {name} --why …")
    if not _is_known(kind, name, charters, home):
        say(f"no charter here names the {kind} {name}: look whether it is spelt so", err=True)


def _is_known(kind: Barred, name: str, charters: Sequence[CharterDetail], home: Path) -> bool:
    """Whether a charter names a site, a person or a team, or a person has an account; of others it is not asked."""
    from yosegi.app.home import Home
    from yosegi.identity.accounts import read_accounts

    if kind == "site":
        return any(name == member.id for charter in charters for member in charter.members)
    teams = [team for charter in charters for team in charter.teams]
    if kind == "team":
        return any(name == team.id for team in teams)
    if kind == "person":
        return any(name in team.people for team in teams) or name in read_accounts(Home(home).accounts)
    return True


@click.command()
@with_home
@What
@click.argument("name")
@click.option("--why", required=True, help="For the record.")
@click.option("--charter", default="", help="If it was suspended under this charter alone.")
@explained
def lift(home: Path, kind: Barred, name: str, why: str, charter: str) -> None:
    """Lift a suspension.

    \b
    Example: yosegi incident lift person postdoc@riken \\
      --why "the laptop was found"
    """

    async def rest(site: Site, who: Session) -> SuspensionDetail:
        return await site.governance.lift(kind, name, who, why, charter)

    run_locally_or_remotely(home, rest, lambda client: client.governance.lift(kind, name, why, charter))
    say(f"{kind} {name} is suspended here no more")


@click.command("list")
@with_home
@as_json
@explained
def list_(home: Path, json_: bool) -> None:
    """List what is suspended at this site, since when, by whom and why.

    \b
    Example: yosegi incident list
    """

    async def rest(site: Site, who: Session) -> tuple[SuspensionDetail, ...]:
        return site.governance.suspensions()

    found = run_locally_or_remotely(home, rest, lambda client: client.governance.suspensions())
    if json_:
        show_json(found)
        return
    columns = ("kind", "name", "charter", "since", "by", "why")
    show_table(columns, ([getattr(one, name) for name in columns] for one in found), empty="nothing is suspended")


@click.command()
@with_home
@click.argument("task")
@click.option("--why", required=True, help="For the record, here and at the other site.")
@as_json
@explained
def erase(home: Path, task: str, why: str, json_: bool) -> None:
    """Erase a spill in TASK (home/owner/key), at a site that runs or not: what was asked, and what came of it.

    The bodies of its entries go here at once, and by signed request at the other site; a campaign of this site loses
    the answer and the value of that trial, and cannot be replayed from there on. Headers, digests and proofs stand.
    Points that a planner proposed, exported bundles and an instrument's own files are not reached. For objects:
    `yosegi object erase`. For the security officer; said again, it asks again whoever has not answered.

    \b
    Example: yosegi incident erase argonne/riken/k7 \\
      --why "a restricted recipe was in it"
    """
    if task.count("/") != 2:
        raise Invalid(f"task {task}", "is not home/owner/key", "yosegi task list and yosegi campaign show name them")

    async def rest(site: Site, who: Session) -> ErasureOrdered:
        return await site.erasure.order("task", task, why, who)

    show_erasure(run_locally_or_remotely(home, rest, lambda client: client.operations.erase_task(task, why)), json_)


@click.command()
@with_home
@as_json
@explained
def erasures(home: Path, json_: bool) -> None:
    """List what was erased or is to be: where it is gone, and who has not answered yet.

    \b
    Example: yosegi incident erasures
    """

    async def rest(site: Site, who: Session) -> tuple[ErasureStatus, ...]:
        return site.erasure.listing(who)

    found = run_locally_or_remotely(home, rest, lambda client: client.operations.erasures())
    if json_:
        show_json(found)
        return
    rows = ((e.since[:19], e.what, e.subject, ", ".join(e.gone), not_yet(e), e.by, e.why) for e in found)
    show_table(("since", "what", "which", "gone at", "not yet", "by", "why"), rows, empty="nothing was erased")
