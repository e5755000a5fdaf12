"""`yosegi site`: make, serve and look after the site of an institution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from yosegi.cli._lazy import LazyGroup
from yosegi.cli.connection import client_of, with_site
from yosegi.cli.output import as_json, explained, say, show_json, show_table

if TYPE_CHECKING:
    pass

ELSEWHERE = {
    "account": "yosegi.cli.accounts:account",
    "backup": "yosegi.cli.site_homes:backup",
    "check": "yosegi.cli.site_homes:check",
    "doctor": "yosegi.cli.doctor:doctor",
    "init": "yosegi.cli.site_homes:init",
    "join": "yosegi.cli.site_homes:join",
    "key": "yosegi.cli.keys:key",
    "move-ledger": "yosegi.cli.site_homes:move_ledger_",
    "rebuild": "yosegi.cli.site_homes:rebuild",
    "restore": "yosegi.cli.site_homes:restore",
    "serve": "yosegi.cli.site_homes:serve",
    "sessions": "yosegi.cli.accounts:sessions",
}
"""What needs more than to ask a running site."""


@click.group(cls=LazyGroup, elsewhere=ELSEWHERE)
def site() -> None:
    """Make, serve and look after the site of one institution.

    HOME is its folder, which `site init` makes. Every other command works on the one named by --home, or on the current
    folder.
    """


@site.command()
@click.option("--acknowledge", "name", default="", help="Say that this one was seen, so that it is not repeated.")
@with_site
@as_json
@explained
def notices(name: str, json_: bool, **site: Any) -> None:
    """Show what needs a person: uncertain tasks, approvals, breakers, silent stations and peers, clock, disk."""
    client = client_of(**site)
    if name:
        client.operations.acknowledge(name)
    found = client.operations.alerts()
    if json_:
        show_json(found)
        return
    show_table(("since", "notice", "what"), ((n.since, n.name, n.text) for n in found), empty="nothing waits")


@site.command()
@click.option("--settle", "note", default="", help="What was found at the instruments; settles the gap.")
@with_site
@as_json
@explained
def gap(note: str, json_: bool, **site: Any) -> None:
    """Show what a restoration from a backup may have lost, or settle it after a look at every instrument.

    Until it is settled nothing that uses something up is started. Peers' receipts tell what was lost as they come in;
    those that only dial out bring theirs at their next call.
    """
    client = client_of(**site)
    if note:
        client.operations.settle_restoration(note)
    said = client.operations.restoration()
    if json_:
        show_json(said)
        return
    show_table(
        ("time", "lost", "stream"),
        ((e.time, e.type, e.stream) for e in said.lost),
        empty="nothing known to be lost",
    )
    say("to be settled: yosegi site gap --settle NOTE" if said.open else "settled" if said.epoch else "never restored")


@site.command()
@click.argument("word", type=click.Choice(["hold", "stop", "abort", "release"]))
@click.option("--why", default="", help="For the record.")
@with_site
@as_json
@explained
def switch(word: Literal["hold", "stop", "abort", "release"], why: str, json_: bool, **site: Any) -> None:
    """Hold, safely stop or abort everything a running site does for anybody, or release it again.

    `hold` starts nothing new. `stop` also asks what runs to finish or reach its safe state. `abort` ends it now: what
    cannot be repeated becomes uncertain, and is settled by a person. Whom `[stop]` in site.toml names may do these,
    anybody who can sign in if it says nothing; operators are told who did and why. Releasing is for operators.
    """
    said = client_of(**site).operations.set_stop_level(word, why)
    if json_:
        show_json(said)
    else:
        say("nothing new starts" if said.held else "work starts again")
    if not said.recorded:
        say("it is done, and not in the ledger yet: it stands in stop.json, and is recorded by itself", err=True)
