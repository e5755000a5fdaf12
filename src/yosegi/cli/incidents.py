"""`yosegi incident`: for the research-security officer: who touched what, suspend it, prove it later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from yosegi.app.keyring import signers
from yosegi.app.settings import Home
from yosegi.app.stores import snapshot_of
from yosegi.cli.connection import with_home
from yosegi.cli.documents import Out, save
from yosegi.cli.home_site import run_locally_or_remotely
from yosegi.cli.output import (
    as_json,
    explained,
    not_yet,
    say,
    say_json_line,
    show_erasure,
    show_json,
    show_table,
)
from yosegi.core.clock import SystemClock, parse_timestamp
from yosegi.core.errors import Invalid, NotFound
from yosegi.governance.agreements.suspensions import Barred
from yosegi.identity.accounts import Session
from yosegi.ledger import Entry
from yosegi.services.erasure.schemas import ErasureOrdered, ErasureStatus
from yosegi.services.governance.schemas import SuspensionDetail
from yosegi.services.runtime import Site
from yosegi.trust.envelope import Envelope
from yosegi.verification.incident_trace import SUBJECTS, Subject, Touched, report, trace, verify_report

KINDS = ("site", "person", "agent", "team", "agreement", "capability")
What = click.argument("kind", type=click.Choice(KINDS))
About = click.argument("subject", type=click.Choice([*SUBJECTS, "station"]), metavar="SUBJECT")
Since = click.option("--since", default="", help="Leave out what is older: 2026-11-20 or 2026-11-20T08:00:00Z.")


@click.group()
def incident() -> None:
    """Find out what somebody or something touched, bar it here at once, and prove it later.

    \b
    yosegi incident trace person pi@lab-b --since 2026-11-20
    yosegi incident suspend site lab-b --why "a stolen key"
    yosegi incident report key ed25519-3f… --out report.json
    yosegi incident verify report.json

    trace, report and export read the ledger's file alone: beside a running site, from a backup, without a network.
    """  # noqa: D301 - a backspace, which means: as it stands


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return parse_timestamp(text if "T" in text else f"{text}T00:00:00+00:00")
    except ValueError:
        raise Invalid(f"--since {text}", "is no moment", "e.g. 2026-11-20 or 2026-11-20T08:00:00Z") from None


def _names(home: Home, subject: str, name: str) -> tuple[Subject, tuple[str, ...]]:
    """What to look for; a station stands for the capabilities that it published."""
    if subject != "station":
        return next(known for known in SUBJECTS if known == subject), (name,)
    settings = home.settings()
    if name not in settings.station:
        raise NotFound("station", name, tuple(settings.station))
    with snapshot_of(home) as ledger:
        known = [f"{settings.site}/{stream.partition('/')[2]}" for stream in ledger.streams("capability/")]
    entries = {entry.partition(":")[2] for entry in settings.station[name].publish}
    return "capability", tuple(ref for ref in known if _attribute(ref) in entries) or tuple(known)


def _attribute(ref: str) -> str:
    """What a capability's function is most likely called: `mix` of `nims/colour.mix@1`."""
    return ref.rpartition("/")[2].partition("@")[0].rpartition(".")[2]


@incident.command("trace")
@with_home
@About
@click.argument("name")
@Since
@as_json
@explained
def trace_(home: Path, subject: str, name: str, since: str, json_: bool) -> None:
    """List what names SUBJECT NAME, and everything that depends on that: tasks, campaigns that learned, later points.

    SUBJECT is key, person, agent, site, team, agreement, capability, contract, station, calibration or text. A `key` is
    named by its id or the id's beginning, a `contract` by its digest, a `station` stands for what it published, a
    `calibration` or any other `text` is looked for as it stands in inputs and outputs.
    """
    kind, names = _names(Home(home), subject, name)
    with snapshot_of(Home(home)) as ledger:
        found = trace(ledger, kind, names, _moment(since))
    if json_:
        show_json([_line(touched) for touched in found])
        return
    rows = (
        (t.entry.sequence, t.entry.time[:19], t.entry.type, t.entry.header.actor, t.entry.stream, t.why) for t in found
    )
    show_table(("entry", "time", "type", "by", "stream", "why"), rows, empty=f"nothing names {name}")
    named = sum(touched.after < 0 for touched in found)
    say(f"{named} entries name it, {len(found) - named} depend on those")


def _line(touched: Touched) -> dict[str, Any]:
    return _told(touched.entry) | {"why": touched.why, "after": touched.after}


def _told(entry: Entry) -> dict[str, Any]:
    header = entry.header
    return {
        "sequence": entry.sequence,
        "time": header.time,
        "site": header.site,
        "charter": header.charter,
        "type": header.type,
        "stream": header.stream,
        "actor": header.actor,
        "on_behalf_of": header.on_behalf_of,
        "facts": header.facts,
        "hash": entry.hash,
    }


@incident.command("report")
@with_home
@About
@click.argument("name")
@Since
@Out
@explained
def report_(home: Path, subject: str, name: str, since: str, out: Path) -> None:
    """Write a trace as a report signed by the site, with the proof that each line stands in its ledger.

    SUBJECT is as for `yosegi incident trace`.
    """
    place = Home(home)
    kind, names = _names(place, subject, name)
    with snapshot_of(place) as ledger:
        found = trace(ledger, kind, names, _moment(since))
        site = place.settings().site
        made = report(ledger, site, kind, ", ".join(names), found, _moment(since), SystemClock().now())
    save(out, made.sign(*signers(place, "site")))
    say(f"{out}: {len(found)} of {made.size} entries, signed; anybody checks it: yosegi incident verify {out}")


@incident.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--charter", default="", help="Digest of the charter you trust; the report must rest on it.")
@as_json
@explained
def verify(file: Path, charter: str, json_: bool) -> None:
    """Check a report offline: the site's signature, and that every line of it stands in that site's ledger."""
    found = verify_report(Envelope.read(file.read_bytes(), what=str(file)), charter)
    summary = {"site": found.site, "subject": found.subject, "name": found.name, "lines": len(found.lines), "ok": True}
    if json_:
        show_json(summary | {"issued": found.model_dump(mode="json")["issued"], "size": found.size})
    else:
        say(
            f"{file} holds: {len(found.lines)} entries of {found.site} about {found.subject} {found.name}, "
            f"as of {found.issued:%Y-%m-%d %H:%M} with {found.size} entries; {len(found.suspensions)} suspensions then"
        )


@incident.command()
@with_home
@What
@click.argument("name")
@click.option("--why", required=True, help="For the record.")
@click.option("--charter", default="", help="Under this charter alone.")
@explained
def suspend(home: Path, kind: Barred, name: str, why: str, charter: str) -> None:
    """Bar KIND NAME at this site, at once, running or not: nothing new of it starts. Stopping is never barred.

    A site is heard no more at all; a person, agent, team, agreement or capability is refused with that reason.
    """

    async def rest(site: Site, who: Session) -> SuspensionDetail:
        return await site.governance.suspend(kind, name, who, why, charter)

    run_locally_or_remotely(home, rest, lambda client: client.governance.suspend(kind, name, why, charter))
    say(f"{kind} {name} is suspended here; lift it: yosegi incident lift --home {home} {kind} {name} --why …")


@incident.command()
@with_home
@What
@click.argument("name")
@click.option("--why", required=True, help="For the record.")
@click.option("--charter", default="", help="If it was suspended under this charter alone.")
@explained
def lift(home: Path, kind: Barred, name: str, why: str, charter: str) -> None:
    """Lift a suspension."""

    async def rest(site: Site, who: Session) -> SuspensionDetail:
        return await site.governance.lift(kind, name, who, why, charter)

    run_locally_or_remotely(home, rest, lambda client: client.governance.lift(kind, name, why, charter))
    say(f"{kind} {name} is suspended here no more")


@incident.command("list")
@with_home
@as_json
@explained
def list_(home: Path, json_: bool) -> None:
    """List what is suspended at this site, since when, by whom and why."""

    async def rest(site: Site, who: Session) -> tuple[SuspensionDetail, ...]:
        return site.governance.suspensions()

    found = run_locally_or_remotely(home, rest, lambda client: client.governance.suspensions())
    if json_:
        show_json(found)
        return
    columns = ("kind", "name", "charter", "since", "by", "why")
    show_table(columns, ([getattr(one, name) for name in columns] for one in found), empty="nothing is suspended")


@incident.command()
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
    """
    if task.count("/") != 2:
        raise Invalid(f"task {task}", "is not home/owner/key", "yosegi task list and yosegi campaign show name them")

    async def rest(site: Site, who: Session) -> ErasureOrdered:
        return await site.erasure.order("task", task, why, who)

    show_erasure(run_locally_or_remotely(home, rest, lambda client: client.operations.erase_task(task, why)), json_)


@incident.command()
@with_home
@as_json
@explained
def erasures(home: Path, json_: bool) -> None:
    """List what was erased or is to be: where it is gone, and who has not answered yet."""

    async def rest(site: Site, who: Session) -> tuple[ErasureStatus, ...]:
        return site.erasure.listing(who)

    found = run_locally_or_remotely(home, rest, lambda client: client.operations.erasures())
    if json_:
        show_json(found)
        return
    rows = ((e.since[:19], e.what, e.subject, ", ".join(e.gone), not_yet(e), e.by, e.why) for e in found)
    show_table(("since", "what", "which", "gone at", "not yet", "by", "why"), rows, empty="nothing was erased")


@incident.command()
@with_home
@click.option("--after", default=-1, show_default=True, help="The last sequence that was taken before.")
@click.option("--follow", is_flag=True, help="Go on as the ledger grows.")
@explained
def export(home: Path, after: int, follow: bool) -> None:
    """Print audit events for the institution's own log system: one JSON object a line, headers and facts, no bodies."""
    place = Home(home)
    while True:
        for entry in _events(place, after + 1):
            say_json_line(_told(entry))
            after = entry.sequence
        if not follow:
            return
        time.sleep(1.0)


def _events(home: Home, start: int) -> Iterator[Entry]:
    with snapshot_of(home) as ledger:
        yield from ledger.scan(start)
