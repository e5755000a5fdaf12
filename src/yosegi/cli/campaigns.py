"""`yosegi campaign`: start, watch, steer, show and export campaigns of a running site."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live

from yosegi.cli._files import output, write_output
from yosegi.cli.connection import client_of, with_site
from yosegi.cli.output import Sheet, as_json, explained, print_table, say, show_json, show_table
from yosegi.client.client import CampaignHandle, Client
from yosegi.core.contract import Conduct
from yosegi.services.campaigns.schemas import CampaignDetail, CampaignSummary
from yosegi.services.programme.schemas import ResultKind

OVER = ("ended", "aborted")
PROGRESS = {"name", "state", "why", "trials", "ended", "best", "spent", "price"}
"""What `watch --json` tells of a campaign."""


@click.group()
def campaign() -> None:
    """Put a question to the federation, and follow it to its answer."""


@campaign.command()
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--mandate", default="", help="Act under this mandate; if none is named, starting it gives one.")
@with_site
@as_json
@explained
def start(spec: Path, mandate: str, json_: bool, **site: Any) -> None:
    """Start the campaign described in SPEC, a TOML file.

    The file is checked here and against the contracts it names before anything is recorded: a wrong unit, an unknown
    capability or an impossible range is said and nothing has changed. Examples: examples/*.toml.
    """
    # Only here: it brings the planner with it.
    from yosegi.campaign import read_spec

    read_spec(spec)
    handle = client_of(**site).start(spec, mandate)
    state = handle.state()
    if json_:
        show_json(state)
    else:
        say(f"campaign {handle.name} is {state.state}; follow it: yosegi campaign watch {handle.name}")


@campaign.command("list")
@with_site
@as_json
@explained
def list_(json_: bool, **site: Any) -> None:
    """List the campaigns of a site."""
    found = client_of(**site).campaigns()
    if json_:
        show_json(found)
        return
    rows = ((c.name, c.state, c.ended, _best(c), c.title) for c in found)
    show_table(("name", "state", "trials", "best", "title"), rows, empty="no campaigns yet")


@campaign.command()
@click.argument("name")
@with_site
@as_json
@explained
def show(name: str, json_: bool, **site: Any) -> None:
    """Show a campaign with its trials."""
    state = client_of(**site).campaign(name).state()
    if json_:
        show_json(state)
        return
    say(f"{state.title}\n{state.question}\n{state.state}{': ' + state.why if state.why else ''}")
    say(f"best {_best(state)} · spent {_amounts(state.spent)} · price {state.price:g}\n")
    print_table(trial_table(state))


@campaign.command()
@click.argument("name")
@with_site
@as_json
@explained
def watch(name: str, json_: bool, **site: Any) -> None:
    """Follow a campaign until it ends; with --json one line a change.

    Ctrl-C stops watching, not the campaign.
    """
    client = client_of(**site)
    handle = client.campaign(name)
    if json_:
        for state in follow(client, handle):
            show_json(state.model_dump(mode="json", include=PROGRESS))
        return
    with Live(console=Console(highlight=False, markup=False), refresh_per_second=4) as live:
        for state in follow(client, handle):
            live.update(trial_table(state, last=15))


@campaign.command()
@click.argument("name")
@output(required=False, help="File to write; standard output if none.")
@with_site
@explained
def export(name: str, out: Path | None, **site: Any) -> None:
    """Write everything about a campaign to one file that verifies and replays offline."""
    data = client_of(**site).campaign(name).export()
    if out is None:
        sys.stdout.buffer.write(data)
    else:
        write_output(out, data)
        say(f"{out}: {len(data)} bytes; check it: yosegi verify {out}")


def _further(word: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Only who resumes a campaign says how far it goes from then on."""
    if word != "resume":
        return lambda command: command
    how = click.Choice(["suggest", "approve", "run"])
    return click.option("--conduct", type=how, help="How far it goes from now on; as before if not given.")


def _steering(word: str, help_: str) -> None:
    @campaign.command(word, help=help_)
    @click.argument("name")
    @click.option("--why", default="", help="For the record.")
    @_further(word)
    @with_site
    @as_json
    @explained
    def steer(name: str, why: str, json_: bool, conduct: Conduct | None = None, **site: Any) -> None:
        state = client_of(**site).campaign(name).move(word, why, conduct)
        if json_:
            show_json(state)
        else:
            say(f"campaign {name} is {state.state}")


_steering("hold", "Start nothing new; what runs goes on.")
_steering("resume", "Go on after hold, stop or an open breaker.")
_steering("stop", "Safe stop: finish trials that have begun, then stop. May be resumed.")
_steering("abort", "End it now: take back what has not had its effect. Cannot be undone.")


def follow(client: Client, handle: CampaignHandle) -> Iterator[CampaignDetail]:
    """The campaign's state, each time it moves, until it is over."""
    position = -1
    state = handle.state()
    yield state
    if state.state in OVER:
        return
    for _ in client.changes():
        state = handle.state()
        if state.position != position:
            position = state.position
            yield state
        if state.state in OVER:
            return


def trial_table(state: CampaignDetail, last: int = 0) -> Sheet:
    """Trials as a table for a terminal."""
    unit = state.objective.unit
    name = state.objective.name + ("" if unit == "1" else f" ({unit})")
    best = _best(state)
    table = Sheet(
        "trial", "source", "point", name, "state", "why",
        title=f"{state.name}: {state.state} · {state.ended} trials · best {best} · price {state.price:g}",
        box=None, pad_edge=False, header_style="bold",
    )  # fmt: skip
    for trial in state.trial[-last:]:
        point = " ".join(f"{key}={_short(value)}" for key, value in trial.values.items())
        simulated = " (simulated)" if any(step.simulated for step in trial.steps) else ""
        value = "" if trial.value is None else f"{trial.value:.4g}"
        why = trial.why or trial.reason
        table.add(str(trial.number), trial.source + simulated, point, value, trial.state, why[:90])
    return table


def _best(state: CampaignSummary) -> str:
    return "none yet" if state.best is None else f"{state.best.value:.4g} (trial {state.best.trial})"


def _amounts(amounts: dict[str, str]) -> str:
    return ", ".join(f"{value} {unit}" for unit, value in amounts.items()) or "nothing"


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@campaign.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["paper", "dataset", "model", "answer"]), required=True, help="What it is.")
@click.option("--title", required=True, help="For people.")
@click.option("--link", default="", help="Where it is, e.g. a DOI.")
@with_site
@explained
def outcome(name: str, kind: ResultKind, title: str, link: str, **site: Any) -> None:
    """Record what came of a campaign: a paper, data set, model or answered question."""
    client_of(**site).campaign(name).register_outcome(kind, title, link)
    say(f"{name}: {kind} {title!r} is on record")
