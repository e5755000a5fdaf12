"""`yosegi instrument`: when a site's instruments may be used, who has them, and taking one back at once."""

from __future__ import annotations

from typing import Any

import click

from yosegi.cli.connection import client_of, with_site
from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.services.instruments.schemas import InstrumentDetail


@click.group()
def instrument() -> None:
    """See when an instrument may be used and who has it; state windows; take it back at once and give it back.

    An instrument has a name in the owner's site.toml ([instrument.NAME]), with what shares it. All of its commands are
    asked of the running site.
    """


def _shown(found: InstrumentDetail, json_: bool) -> None:
    if json_:
        show_json(found)
        return
    say(f"{found.name}: {_state(found)}")
    for name, value in (
        ("used by", ", ".join(found.capabilities)),
        ("windows", "; ".join(found.windows) or "always"),
        ("time zone", found.time_zone),
        ("now or next", found.window),
        ("waiting", str(found.waiting)),
    ):
        if value:
            say(f"{name:12} {value}")
    rows = ((use.task or "another team's", use.team, use.capability, use.since, use.until) for use in found.running)
    show_table(("task", "team", "capability", "since", "until at the latest"), rows, empty="nothing runs on it")


def _state(found: InstrumentDetail) -> str:
    if found.taken_back_by:
        told = f"taken back by {found.taken_back_by} since {found.taken_back_since}: {found.taken_back_why}"
        return told if found.recorded else f"{told} (not recorded yet; it counts all the same)"
    return "open" if found.open else "closed"


@instrument.command("list")
@with_site
@as_json
@explained
def list_(json_: bool, **site: Any) -> None:
    """List a site's instruments, and how each stands."""
    found = client_of(**site).instruments.list()
    if json_:
        show_json(found)
        return
    rows = (
        (one.name, _state(one), "; ".join(one.windows) or "always", one.window, str(len(one.running)), str(one.waiting))
        for one in found
    )
    show_table(("instrument", "state", "windows", "now or next", "running", "waiting"), rows, empty="none has a name")


@instrument.command()
@click.argument("name")
@with_site
@as_json
@explained
def show(name: str, json_: bool, **site: Any) -> None:
    """Show when NAME may be used, who has it, until when and why."""
    _shown(client_of(**site).instruments.show(name), json_)


@instrument.command()
@click.argument("name")
@click.argument("window")
@click.option("--note", default="", help="For the record.")
@with_site
@as_json
@explained
def window(name: str, window: str, note: str, json_: bool, **site: Any) -> None:
    """Say that NAME may be used in WINDOW besides: a weekly shift in its time zone, or one span.

    \b
    yosegi instrument window robot "mon-fri 09:00-17:00"
    yosegi instrument window robot 2026-12-05T09:00+09:00/2026-12-05T17:00+09:00
    """  # noqa: D301 - a backspace, which means: as it stands
    _shown(client_of(**site).instruments.add_window(name, window, note=note), json_)


@instrument.command()
@click.argument("name")
@click.argument("window")
@click.option("--note", default="", help="For the record.")
@with_site
@as_json
@explained
def withdraw(name: str, window: str, note: str, json_: bool, **site: Any) -> None:
    """Take back WINDOW, which was added to NAME. What runs goes on; where it was the last, NAME is closed."""
    _shown(client_of(**site).instruments.withdraw_window(name, window, note=note), json_)


@instrument.command("take-back")
@click.argument("name")
@click.option("--why", required=True, help="Told to whoever waits for it; stays on record.")
@with_site
@as_json
@explained
def take_back(name: str, why: str, json_: bool, **site: Any) -> None:
    """Take NAME back at once: what runs on it is brought to its safe state, and its queue waits.

    Whoever may stop the site may do it. What was uncertain stays uncertain. It is given back by: yosegi instrument
    give-back NAME
    """
    _shown(client_of(**site).instruments.take_back(name, why), json_)


@instrument.command("give-back")
@click.argument("name")
@click.option("--why", default="", help="What was done; stays on record.")
@with_site
@as_json
@explained
def give_back(name: str, why: str, json_: bool, **site: Any) -> None:
    """Let NAME be used again; what waits for it starts by itself."""
    _shown(client_of(**site).instruments.give_back(name, why), json_)
