"""`yosegi campaign`: start, watch, steer, show and export campaigns of a running site."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.cli._files import output, write_output
from yosegi.cli._lazy import WholeGroup
from yosegi.cli.campaign_amendments import add_to
from yosegi.cli.campaign_answers import answer
from yosegi.cli.connection import CAMPAIGNS, client_of, with_site
from yosegi.cli.output import as_json, explained, print_table, say, show_json, show_table

if TYPE_CHECKING:
    from yosegi.cli._sheet import Sheet
    from yosegi.client.client import CampaignHandle, Client
    from yosegi.core.contract_terms import Conduct
    from yosegi.services.campaigns.schemas import CampaignDetail, CampaignSummary, TrialDetail
    from yosegi.services.programme.schemas import ResultKind

OVER = ("ended", "aborted")
OPEN_TRIALS = ("proposed", "running", "uncertain")
WIDE = 120
"""Columns of a terminal from which there is room for why a trial was proposed."""
WHY = 120
"""Characters of that; the page has it whole."""
NO_BEST = {"boundary": "it maps a boundary", "explore": "it explores"}
"""Why no trial is the best, by what is wanted of the outcome."""
PROGRESS = {"name", "state", "why", "trials", "ended", "best", "spent", "price"}
"""What `watch --json` tells of a campaign."""


@click.group(cls=WholeGroup)
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

    The file is checked against the contracts it names and against what your site knows of your rights before anything
    is recorded: everything that is wrong is said, with its line, and nothing has changed. Tables that it names lie
    beside it. Look first: yosegi campaign check SPEC. Examples: examples/*.toml.

    \b
    Example: yosegi campaign start anneal.toml
    """
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
    """List the campaigns of a site.

    \b
    Example: yosegi campaign list
    """
    found = client_of(**site).campaigns()
    if json_:
        show_json(found)
        return
    rows = ((c.name, c.state, c.ended, _best(c), c.title) for c in found)
    show_table(("name", "state", "trials", "best", "title"), rows, empty="no campaigns yet")


@campaign.command()
@click.argument("name", shell_complete=CAMPAIGNS)
@with_site
@as_json
@explained
def show(name: str, json_: bool, **site: Any) -> None:
    """Show a campaign with its trials.

    \b
    Example: yosegi campaign show anneal-2026
    """
    state = client_of(**site).campaign(name).state()
    if json_:
        show_json(state)
        return
    say(f"{state.title}\n{state.question}\n{state.state}{': ' + state.why if state.why else ''}")
    if state.waits_for is not None:
        say(state.waits_for.en)
    say(f"best {_best(state)} · spent {_amounts(state.spent)} · price {state.price:g}\n")
    narrow = sys.stdout.isatty() and shutil.get_terminal_size().columns < WIDE
    print_table(trial_table(state, reasons=not narrow))
    if narrow:
        say(f"\nwhy each was proposed: in a terminal of {WIDE} columns or more, and with --json")
    routes = [
        (f"{source.name}, {step.name}", r) for source in state.sources for step in source.steps for r in step.routes
    ]
    if routes:
        say("\nowners of steps that several can do:")
        # Energy has a column where somebody's scheduler tells it.
        energy = any(r.joules is not None for _, r in routes)
        show_table(
            ("step", "capability", "price", "asked", "answered", "queue (s)", "run (s)", *(("energy (J)",) * energy)),
            (
                (step, r.capability, f"{r.price:g}", r.asked, r.answered, _shown(r.waited), _shown(r.ran),
                 *((_shown(r.joules),) * energy))
                for step, r in routes
            ),
        )  # fmt: skip


@campaign.command()
@click.argument("name", shell_complete=CAMPAIGNS)
@with_site
@as_json
@explained
def watch(name: str, json_: bool, **site: Any) -> None:
    """Follow a campaign until it ends: the newest trials in a terminal, a line a trial in a pipe.

    With --json one line a change. Ctrl-C stops watching (exit status 130), not the campaign.

    \b
    Example: yosegi campaign watch anneal-2026
    """
    client = client_of(**site)
    handle = client.campaign(name)
    try:
        if json_:
            for state in follow(client, handle):
                show_json(state.model_dump(mode="json", include=PROGRESS))
        elif sys.stdout.isatty():
            _watch_screen(follow(client, handle))
        else:
            _watch_lines(follow(client, handle))
    except KeyboardInterrupt:
        say(f"stopped watching {name}; it goes on", err=True)
        raise SystemExit(130) from None


def _watch_screen(states: Iterator[CampaignDetail]) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False, markup=False)
    with Live(console=console, refresh_per_second=4) as live:
        for state in states:
            live.update(screen_of(state, console.width, console.height))


def screen_of(state: CampaignDetail, width: int, height: int) -> Sheet:
    """The newest trials that fit a terminal, one line each: the title, the header, and what is left of the height."""
    rows = max(1, height - 4)
    table = trial_table(state, last=rows, reasons=width >= WIDE)
    for column in table.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    return table


def _watch_lines(states: Iterator[CampaignDetail]) -> None:
    """A line for each trial that has ended since the last look, and one for each change of the campaign itself."""
    told, was = set[int](), ""
    for state in states:
        for trial in state.trial:
            if trial.number not in told and trial.state not in OPEN_TRIALS:
                told.add(trial.number)
                say(line_of_trial(state, trial))
        now = f"{state.name}: {state.state}{': ' + state.why if state.why else ''}"
        if now != was:
            say(now)
            was = now
        sys.stdout.flush()


def line_of_trial(state: CampaignDetail, trial: TrialDetail) -> str:
    """A trial that is over in one line."""
    units = state.units
    found = ", ".join(f"{key}={_short(value)}{_unit(units.get(key, '1'))}" for key, value in trial.outcomes.items())
    why = f" ({trial.why})" if trial.why else ""
    best = " best" if state.best is not None and state.best.trial == trial.number else ""
    return f"{trial.number}\t{trial.source}\t{_point(state, trial)}\t{trial.state}{why}\t{found}{best}"


@campaign.command()
@click.argument("name", shell_complete=CAMPAIGNS)
@output(required=False, help="File to write; standard output if none.")
@with_site
@explained
def export(name: str, out: Path | None, **site: Any) -> None:
    """Write everything about a campaign to one file that verifies and replays offline.

    \b
    Example: yosegi campaign export anneal-2026 --out anneal.yosegi
    """
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
    @campaign.command(word, help=f"{help_}\n\n\b\nExample: yosegi campaign {word} anneal-2026")
    @click.argument("name", shell_complete=CAMPAIGNS)
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


def trial_table(state: CampaignDetail, last: int = 0, *, reasons: bool = True) -> Sheet:
    """Trials as a table for a terminal.

    Args:
        state: of the campaign.
        last: so many of the latest; all if 0.
        reasons: whether it is told of each why it was proposed, and not only why it has no value or waits.
    """
    from yosegi.cli._sheet import Sheet

    outcomes = [*(one.name for one in state.objectives), *(one.name for one in state.limits)]
    names = [one.name + _unit(one.unit, " ({})") for one in state.objectives]
    names += [one.name + _unit(one.unit, " ({})") + ", limit" for one in state.limits]
    shown = state.trial[-last:]
    whys = [t.why or ("" if t.awaits is None else t.awaits.en) or (t.reason if reasons else "") for t in shown]
    table = Sheet(
        "trial", "source", "point", *names, "state", *(["why"] if any(whys) else []),
        title=f"{state.name}: {state.state} · {state.ended} trials · best {_best(state)} · price {state.price:g}",
        box=None, pad_edge=False, header_style="bold",
    )  # fmt: skip
    for trial, why in zip(shown, whys, strict=True):
        simulated = " (simulated)" if any(step.simulated for step in trial.steps) else ""
        origin = {"planner": "", "person": f" (asked by {trial.by})", "imported": " (imported)"}[trial.origin]
        found = [_shown(trial.outcomes.get(name)) for name in outcomes]
        told = [textwrap.shorten(why, WHY, placeholder=" …")] if any(whys) else []
        table.add(
            str(trial.number), trial.source + simulated + origin, _point(state, trial), *found, trial.state, *told
        )
    return table


def _point(state: CampaignDetail, trial: TrialDetail) -> str:
    """Where a trial lies, each value in its unit."""
    units = state.units
    return ", ".join(f"{key}={_short(value)}{_unit(units.get(key, '1'))}" for key, value in trial.values.items())


def _unit(unit: str, form: str = " {}") -> str:
    return "" if unit == "1" else form.format(unit)


def _shown(value: object) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _best(state: CampaignSummary) -> str:
    if state.on_front:
        return f"front of {state.on_front}"
    if state.best is None:
        return "none: " + NO_BEST[state.objective.goal] if state.objective.goal in NO_BEST else "none yet"
    return f"{state.best.value:.4g}{_unit(state.objective.unit)} (trial {state.best.trial})"


def _amounts(amounts: dict[str, str]) -> str:
    return ", ".join(f"{value} {unit}" for unit, value in amounts.items()) or "nothing"


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@campaign.command()
@click.argument("name", shell_complete=CAMPAIGNS)
@click.option("--kind", type=click.Choice(["paper", "dataset", "model", "answer"]), required=True, help="What it is.")
@click.option("--title", required=True, help="For people.")
@click.option("--link", default="", help="Where it is, e.g. a DOI.")
@with_site
@explained
def outcome(name: str, kind: ResultKind, title: str, link: str, **site: Any) -> None:
    """Record what came of a campaign: a paper, data set, model or answered question.

    \b
    Example: yosegi campaign outcome anneal-2026 --kind paper \\
      --title "Hard films" --link https://doi.org/10.1000/1
    """
    client_of(**site).campaign(name).register_outcome(kind, title, link)
    say(f"{name}: {kind} {title!r} is on record")


add_to(campaign)
campaign.add_command(answer)
