"""`yosegi site`: make, serve and look after the site of an institution."""

from __future__ import annotations

from typing import Any, Literal

import click

from yosegi.cli._lazy import LazyGroup
from yosegi.cli.connection import client_of, with_site
from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.core.errors import Conflict

ELSEWHERE = {
    "account": ("yosegi.cli.accounts:account", "Open, change and close accounts: who may sign in at this site."),
    "backup": (
        "yosegi.cli.site_homes:backup",
        "Copy the whole home to the new folder TARGET, the ledger consistently, even while the site runs.",
    ),
    "check": (
        "yosegi.cli.site_homes:check",
        "Read the whole ledger: every entry, proof, checkpoint and view. The site must not be running.",
    ),
    "doctor": (
        "yosegi.cli.doctor:doctor",
        "One page: what listens, what dials out, which accounts, keys and files, and what to mend.",
    ),
    "init": ("yosegi.cli.site_homes:init", "Make the home of a new site: settings and keys. Nothing is overwritten."),
    "join": (
        "yosegi.cli.site_homes:join",
        "Join a charter: answer the invitation in FILE, and later take the welcome in FILE.",
    ),
    "key": (
        "yosegi.cli.keys:key",
        "Keys: where they live, and new ones. `site` keys sign from day to day, `governance` keys for the institution.",
    ),
    "move-ledger": (
        "yosegi.cli.site_homes:move_ledger_",
        "Move the ledger of a site that is stopped into a PostgreSQL schema, or back into a file of its home.",
    ),
    "rebuild": (
        "yosegi.cli.site_homes:rebuild",
        "Fold every view anew from the entries. The site must not be running.",
    ),
    "restore": (
        "yosegi.cli.site_homes:restore",
        "Bring a backup in SOURCE back as HOME, and open a new epoch of its ledger.",
    ),
    "serve": (
        "yosegi.cli.site_homes:serve",
        "Serve the site until Ctrl-C or SIGTERM. Everything it was doing is taken up where it was left.",
    ),
    "sessions": (
        "yosegi.cli.accounts:sessions",
        "Show who is signed in at a running site, or end a session: its token opens nothing any more.",
    ),
}
"""What needs more than to ask a running site: where it is, and the first sentence of its help."""


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
    """Show what needs a person: uncertain tasks, approvals, breakers, silent stations and peers, clock, disk.

    \b
    Example: yosegi site notices
    """
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
@click.option("--yes", is_flag=True, help="Settle it though members have not said yet what they hold of it.")
@with_site
@as_json
@explained
def gap(note: str, yes: bool, json_: bool, **site: Any) -> None:
    """Show what a restoration from a backup may have lost, or settle it after a look at every instrument.

    Until it is settled nothing that uses something up is started. Peers' receipts tell what was lost as they come in;
    those that only dial out bring theirs at their next call. While some have not told, it is settled with --yes alone.

    \b
    Example: yosegi site gap --settle "every instrument was looked at"
    """
    client = client_of(**site)
    said = client.operations.restoration()
    if note:
        if said.open and said.unheard and not yes:
            why = f"{', '.join(said.unheard)} did not say yet what they hold of what was lost"
            raise Conflict("the restoration", why, "ask again in a minute, or settle it with --yes")
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
    if said.unheard:
        say(f"not said yet what they hold of it: {', '.join(said.unheard)}")
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

    \b
    Example: yosegi site switch hold --why "maintenance until noon"
    """
    said = client_of(**site).operations.set_stop_level(word, why)
    if json_:
        show_json(said)
    else:
        say("nothing new starts" if said.held else "work starts again")
    if not said.recorded:
        say("it is done, and not in the ledger yet: it stands in stop.json, and is recorded by itself", err=True)
