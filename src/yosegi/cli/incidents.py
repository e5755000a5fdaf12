"""`yosegi incident`: for the research-security officer: who touched what, suspend it, prove it later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.app.home import Home
from yosegi.cli.connection import with_home
from yosegi.cli.documents import Out, save
from yosegi.cli.output import (
    as_json,
    explained,
    say,
    say_json_line,
    show_json,
)
from yosegi.core.clock import SystemClock, timestamp
from yosegi.core.errors import Invalid, NotFound
from yosegi.core.period import begins_at, ends_at
from yosegi.verification.incident_subjects import SUBJECTS, Subject

if TYPE_CHECKING:
    from yosegi.ledger import Entry
    from yosegi.verification.incident_trace import Touched

About = click.argument("subject", type=click.Choice([*SUBJECTS, "station"]), metavar="SUBJECT")
Since = click.option(
    "--since", default="", help="Leave out what is older: 2026-11-20 (in UTC) or 2026-11-20T08:00:00+09:00."
)
Until = click.option("--until", default="", help="Leave out what is later; a date includes that whole day, in UTC.")


def _names(home: Home, subject: str, name: str) -> tuple[Subject, tuple[str, ...]]:
    """What to look for; a station stands for the capabilities that it published."""
    if subject != "station":
        return next(known for known in SUBJECTS if known == subject), (name,)
    from yosegi.app.stores import snapshot_of

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


@click.command("trace")
@with_home
@click.argument("subject", type=click.Choice([*SUBJECTS, "station"]), metavar="[SUBJECT]", required=False)
@click.argument("name", required=False)
@Since
@Until
@as_json
@explained
def trace_(home: Path, subject: str | None, name: str | None, since: str, until: str, json_: bool) -> None:
    """Say who touched what; or list what names SUBJECT NAME, and everything that depends on that.

    Without a SUBJECT: every request and task with its person, agent, capability and the agreement that permitted it,
    and every sign-in, export, read of an object that is not public, and change of accounts and settings.

    \b
    yosegi incident trace --since 2026-11-23 --until 2026-11-29

    With one: what names it, and what depends on that: tasks, campaigns that learned, later points.

    SUBJECT is key, person, agent, site, team, agreement, capability, contract, station, calibration or text. A `key` is
    named by its id or the id's beginning, a `contract` by its digest, a `station` stands for what it published, a
    `calibration` or any other `text` is looked for as it stands in inputs and outputs.

    \b
    Example: yosegi incident trace person postdoc@riken \\
      --since 2026-11-24T00:00Z
    """
    # Only here: reading a ledger takes most of the program.
    from yosegi.app.stores import snapshot_of
    from yosegi.cli._trace_report import show_trace
    from yosegi.verification.incident_trace import trace

    if subject is None:
        _overview(home, since, until, json_)
        return
    if name is None:
        raise Invalid(f"incident trace {subject}", "no name is given", f"name the {subject}")
    end = ends_at(until, "--until")
    kind, names = _names(Home(home), subject, name)
    with snapshot_of(Home(home)) as ledger:
        found = trace(ledger, kind, names, begins_at(since, "--since"))
    found = [touched for touched in found if end is None or touched.entry.time < timestamp(end)]
    if json_:
        show_json([_line(touched) for touched in found])
        return
    show_trace(found, name)


def _overview(home: Path, since: str, until: str, json_: bool) -> None:
    """Who touched what within a time."""
    from yosegi.app.stores import snapshot_of
    from yosegi.cli._trace_report import show_access
    from yosegi.verification.access_report import access_events

    with snapshot_of(Home(home)) as ledger:
        found = list(access_events(ledger, begins_at(since, "--since"), ends_at(until, "--until")))
    if json_:
        show_json([asdict(event) for event in found])
        return
    show_access(found)


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


@click.command("report")
@with_home
@About
@click.argument("name")
@Since
@Out
@explained
def report_(home: Path, subject: str, name: str, since: str, out: Path) -> None:
    """Write a trace as a report signed by the site, with the proof that each line stands in its ledger.

    SUBJECT is as for `yosegi incident trace`.

    \b
    Example: yosegi incident report person postdoc@riken --out report.json
    """
    from yosegi.app.keyring import signers
    from yosegi.app.stores import snapshot_of
    from yosegi.verification.incident_trace import report, trace

    place = Home(home)
    kind, names = _names(place, subject, name)
    with snapshot_of(place) as ledger:
        found = trace(ledger, kind, names, begins_at(since, "--since"))
        site = place.settings().site
        made = report(ledger, site, kind, ", ".join(names), found, begins_at(since, "--since"), SystemClock().now())
    save(out, made.sign(*signers(place, "site")))
    say(f"{out}: {len(found)} of {made.size} entries, signed; anybody checks it: yosegi incident verify {out}")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--charter", default="", help="Digest of the charter you trust; the report must rest on it.")
@as_json
@explained
def verify(file: Path, charter: str, json_: bool) -> None:
    """Check a report offline: the site's signature, and that every line of it stands in that site's ledger.

    \b
    Example: yosegi incident verify report.json
    """
    from yosegi.trust.envelope import Envelope
    from yosegi.verification.incident_trace import verify_report

    found = verify_report(Envelope.read(file.read_bytes(), what=str(file)), charter)
    summary = {"site": found.site, "subject": found.subject, "name": found.name, "lines": len(found.lines), "ok": True}
    if json_:
        show_json(summary | {"issued": found.model_dump(mode="json")["issued"], "size": found.size})
    else:
        say(
            f"{file} holds: {len(found.lines)} entries of {found.site} about {found.subject} {found.name}, "
            f"as of {found.issued:%Y-%m-%d %H:%M} with {found.size} entries; {len(found.suspensions)} suspensions then"
        )


@click.command()
@with_home
@click.option("--after", default=-1, show_default=True, help="The last sequence that was taken before.")
@click.option("--follow", is_flag=True, help="Go on as the ledger grows.")
@click.option(
    "--form",
    type=click.Choice(["json", "syslog"]),
    default="json",
    show_default=True,
    help="One JSON object a line, or one RFC 5424 message a line (facility 13, log audit).",
)
@click.option("--access", "only", is_flag=True, help="Only sign-ins, exports, reads, accounts and settings.")
@explained
def export(home: Path, after: int, follow: bool, form: str, only: bool) -> None:
    """Print audit events for the institution's own log system: headers and facts, never bodies.

    \b
    yosegi incident export --follow --form syslog     for the log system
    yosegi incident export --after 1200 > today.jsonl

    \b
    Example: yosegi incident export --form syslog --follow
    """
    from yosegi.cli._syslog import of_entry
    from yosegi.identity.access_entries import TYPES

    place = Home(home)
    site = place.settings().site
    while True:
        for entry in _events(place, after + 1):
            if not only or entry.type in TYPES:
                if form == "syslog":
                    say(of_entry(entry, site))
                else:
                    say_json_line(_told(entry))
            after = entry.sequence
        if not follow:
            return
        time.sleep(1.0)


def _events(home: Home, start: int) -> Iterator[Entry]:
    from yosegi.app.stores import snapshot_of

    with snapshot_of(home) as ledger:
        yield from ledger.scan(start)
