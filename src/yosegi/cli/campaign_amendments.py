"""`yosegi campaign import`, `extend`, `ask-for`, `skip`, `withdraw`, `clone`, `compare` and `check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.cli.connection import CAMPAIGNS, client_of, own_key, person_in, with_site
from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.core.errors import Invalid

if TYPE_CHECKING:
    from yosegi.services.campaigns.schemas import CampaignCheck, CampaignFinding


def add_to(group: click.Group) -> None:
    """Put these commands into `yosegi campaign`."""
    for command in (check, import_, extend, ask_for, skip, withdraw, clone, compare):
        group.add_command(command)


@click.command()
@click.argument("spec", type=click.Path(path_type=Path))
@with_site
@as_json
@explained
def check(spec: Path, json_: bool, **site: Any) -> None:
    """Say everything that is wrong with SPEC, each with its line; nothing is started. Exit status 1 if anything is.

    \b
    Example: yosegi campaign check anneal.toml
    """
    found = client_of(**site).check(spec)
    if json_:
        show_json(found)
    else:
        _say_check(spec, found)
    if found.findings:
        raise SystemExit(1)


def _say_check(spec: Path, found: CampaignCheck) -> None:
    for one in found.findings:
        say(_finding(spec, one))
    if found.findings:
        return
    cost = ", ".join(f"{amount} {unit}" for unit, amount in found.cost.items()) or "nothing"
    say(f"{spec} can be started; one trial costs at most {cost}")
    for constraint in found.taken_over:
        say(f"kept by itself, from the contract: {constraint}")
    if found.exists:
        say(f"but there is a campaign {found.name} already: choose another name")
    for one in found.notes:
        say(f"note: {_finding(spec, one)}")


def _finding(spec: Path, one: CampaignFinding) -> str:
    line = f"{one.line}:" if one.line else ""
    return f"{spec}:{line} {one.where}: {one.why}" + (f". {one.todo}" if one.todo else "")


@click.command("import")
@click.argument("name", shell_complete=CAMPAIGNS)
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--source", default="", help="Which source would have measured so; the first if not given.")
@click.option("--sign", is_flag=True, help="Sign the rows with your own key: --key, or the one in the home folder.")
@with_site
@as_json
@explained
def import_(name: str, table: Path, source: str, sign: bool, json_: bool, **site: Any) -> None:
    """Bring measurements that nobody here proposed to the campaign NAME.

    TABLE is a CSV file: a column for each parameter and outcome, `NAME (unit)` if you like; `state` says `failed` or
    `infeasible` of rows without a value. They are marked as imported, count neither as trials nor as spending, and
    the planner learns from them.

    \b
    Example: yosegi campaign import anneal-2026 notebook.csv --sign
    """
    handle = client_of(**site).campaign(name)
    key = own_key(site["home"], site["person"], site["key"]) if sign else None
    person = (site["person"] or (person_in(site["home"]) if site["home"] else "")) if sign else ""
    added = handle.add(table, source=source, key=key, person=person)
    if json_:
        show_json(added)
        return
    last = added.first + added.count - 1
    how = "signed by" if added.signed else "brought by"
    say(f"trials {added.first} to {last}: {added.count} measurements {how} {added.by}, {added.failed} without a value")
    for note in added.notes:
        say(f"note: {note}")


@click.command()
@click.argument("name", shell_complete=CAMPAIGNS)
@click.option("--trials", type=int, help="Stop after so many completed trials of the first source, all together.")
@click.option("--target", type=float, help="Stop when a trial reaches this value.")
@click.option("--price", type=float, help="Stop when the trials sum to this, in price units.")
@click.option("--least-gain", type=float, help="Stop when less is expected, a unit of price.")
@click.option("--budget", multiple=True, metavar="UNIT=AMOUNT", help="The most it may spend, all together; repeatable.")
@click.option("--parallel", type=int, help="Trials under way at once.")
@click.option("--conduct", type=click.Choice(["suggest", "approve", "run"]), help="How far it goes.")
@click.option("--range", "ranges", multiple=True, metavar="NAME=LOW:HIGH", help="Bounds of a parameter; repeatable.")
@click.option("--why", default="", help="For the record.")
@with_site
@as_json
@explained
def extend(name: str, why: str, json_: bool, **options: Any) -> None:
    """Give a campaign another budget, stop rule, parallel, conduct or space; one that has ended goes on.

    Only the member on whose behalf it runs may; it is recorded, under a new mandate of theirs.

    \b
    Example: yosegi campaign extend anneal-2026 --trials 50 --budget samples=60
    """
    changes = _changes(options)
    site = {key: options[key] for key in ("home", "url", "person", "key", "passphrase", "as_agent")}
    state = client_of(**site).campaign(name).extend(why, **changes)
    if json_:
        show_json(state)
    else:
        say(f"campaign {name} is {state.state}; changed: {', '.join(changes)}")


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    stop = {key: options[key] for key in ("trials", "target", "price", "least_gain") if options[key] is not None}
    if stop:
        changes["stop"] = stop
    if options["budget"]:
        changes["budget"] = dict(_pair(text, "--budget") for text in options["budget"])
    changes |= {key: options[key] for key in ("parallel", "conduct") if options[key] is not None}
    if options["ranges"]:
        changes["parameter"] = [_range(text) for text in options["ranges"]]
    return changes


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise Invalid(f"{option} {text}", "is no NAME=VALUE")
    return name.strip(), value.strip()


def _range(text: str) -> dict[str, Any]:
    name, bounds = _pair(text, "--range")
    low, colon, high = bounds.partition(":")
    try:
        return {"name": name, "low": float(low), "high": float(high)} if colon else {"name": name, "low": float("x")}
    except ValueError:
        raise Invalid(f"--range {text}", "is no NAME=LOW:HIGH") from None


@click.command("ask-for")
@click.argument("name", shell_complete=CAMPAIGNS)
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--candidate", default="", help="The id of a row of the table of candidates, instead of values.")
@click.option("--source", default="", help="Which source is asked; the first if not given.")
@click.option("--why", default="", help="For the record.")
@with_site
@as_json
@explained
def ask_for(
    name: str, values: tuple[str, ...], candidate: str, source: str, why: str, json_: bool, **site: Any
) -> None:
    """Have a point of your own measured; it takes a place and is paid for as any other.

    \b
    Example: yosegi campaign ask-for anneal-2026 temperature=900 minutes=60
    """
    from yosegi.campaign.tables import cell_of

    point = {key: cell_of(value) for key, value in (_pair(text, "value") for text in values)}
    state = client_of(**site).campaign(name).ask_for(point, candidate=candidate, source=source, why=why)
    if json_:
        show_json(state)
    else:
        say(f"trial {state.trial[-1].number} of campaign {name} is yours")


def _taking_back(word: str, help_: str) -> click.Command:
    example = f'Example: yosegi campaign {word} anneal-2026 7 --why "the crucible broke"'

    @click.command(word, help=f"{help_}\n\n\b\n{example}")
    @click.argument("name", shell_complete=CAMPAIGNS)
    @click.argument("trial", type=int)
    @click.option("--why", required=True, help="For the record.")
    @with_site
    @as_json
    @explained
    def take_back(name: str, trial: int, why: str, json_: bool, **site: Any) -> None:
        handle = client_of(**site).campaign(name)
        state = handle.skip(trial, why) if word == "skip" else handle.withdraw(trial, why)
        if json_:
            show_json(state)
        else:
            now = state.trial[trial - 1].state
            say(f"trial {trial} of campaign {name} is {now}, and taken back as far as its owner can")

    return take_back


skip = _taking_back("skip", "Take a trial back, and never ask its point of that source again.")
withdraw = _taking_back("withdraw", "Take a trial back, as far as its owner can; its point may be asked again.")


@click.command()
@click.argument("name", shell_complete=CAMPAIGNS)
@click.argument("new")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write the files here, to edit them.")
@with_site
@as_json
@explained
def clone(name: str, new: str, out: Path | None, json_: bool, **site: Any) -> None:
    """Start a campaign NEW that asks what NAME asks; with --out only write its file and tables, to change first.

    \b
    Example: yosegi campaign clone anneal-2026 anneal-2027 \\
      --out to-edit/
    """
    handle = client_of(**site).campaign(name)
    if out is None:
        state = handle.clone(new).state()
        say(f"campaign {new} is {state.state}") if not json_ else show_json(state)
        return
    found = handle.file(new)
    out.mkdir(parents=True, exist_ok=True)
    for file, text in {f"{new}.toml": found.text, **found.files}.items():
        if (out / file).exists():
            raise Invalid(f"file {out / file}", "exists already", "choose another folder")
        (out / file).write_text(text, encoding="utf-8")
    say(f"{out / new}.toml: change it, then: yosegi campaign start {out / new}.toml")


@click.command()
@click.argument("one")
@click.argument("other")
@with_site
@as_json
@explained
def compare(one: str, other: str, json_: bool, **site: Any) -> None:
    """Set two campaigns with the same objectives side by side: what each reached, and at what cost.

    \b
    Example: yosegi campaign compare anneal-2026 anneal-2027
    """
    from yosegi.client.campaign_comparison import compared

    client = client_of(**site)
    rows = list(compared(client.campaign(one).state(), client.campaign(other).state()))
    if json_:
        show_json({label: {one: a, other: b} for label, a, b in rows})
    else:
        show_table(("", one, other), rows)
