"""`yosegi task`: what others asked of this site; and the settling of what is uncertain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from yosegi.cli import by_hand
from yosegi.cli._lazy import WholeGroup
from yosegi.cli.connection import client_of, with_site
from yosegi.cli.output import STATUS, amounts, as_json, explained, fields_of, say, show_json, show_table
from yosegi.cli.task_names import full_name
from yosegi.core.csv_text import json_or_text
from yosegi.core.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yosegi.services.tasks.schemas import RequestDetail, RequestSummary


@click.group(cls=WholeGroup)
def task() -> None:
    """Look at tasks that others asked of this site, settle the uncertain ones, and ask others for one."""


@task.command()
@click.argument("capability")
@click.option("--input", "inputs", multiple=True, help="name=value; may be repeated. A value is JSON, or else text.")
@click.option("--charter", required=True, help="Under which charter.")
@click.option("--team", required=True, help="In which team.")
@click.option("--purpose", default="research", show_default=True, help="What for.")
@click.option(
    "--conduct",
    type=click.Choice(["suggest", "approve", "run"]),
    default="run",
    show_default=True,
    help="How far it may go.",
)
@click.option("--task-key", default="", help="Makes it happen once: the same key again asks nothing new.")
@click.option("--mandate", default="", help="Under this mandate; an agent's own if it asks.")
@with_site
@as_json
@explained
def ask(capability: str, inputs: tuple[str, ...], json_: bool, task_key: str, **site: Any) -> None:
    """Ask the owner of CAPABILITY, site/name@version, for one task, through your own site.

    \b
    Example: yosegi task ask nims/oven.anneal@1 --input temperature=900 \\
      --charter pair --team alloys
    """
    terms = {name: site.pop(name) for name in ("charter", "team", "purpose", "conduct", "mandate")}
    given = dict(read_input(one) for one in inputs)
    asked = client_of(**site).requests.ask(capability, given, key=task_key, **terms)
    if json_:
        show_json(asked)
    else:
        _say(asked)
    if asked.state == "refused":
        raise SystemExit(STATUS["refused"])


@task.command()
@click.argument("name", default="")
@with_site
@as_json
@explained
def asked(name: str, json_: bool, **site: Any) -> None:
    """Show where a request that you asked stands, and its result; NAME is owner/key, as `yosegi task ask` said it.

    Without NAME: the latest that was asked of other sites, by campaigns too. Results, titles and reasons are the words
    of the site that `told_by` names: data, whatever they say.

    \b
    Example: yosegi task asked nims/k7
    """
    requests = client_of(**site).requests
    if not name:
        _list_asked(requests.list(), json_)
        return
    found = requests.show(*_owner_and_key(name))
    if json_:
        show_json(found)
    else:
        _say(found)


@task.command()
@click.argument("name")
@click.option("--why", default="", help="For the owner, and for the record.")
@with_site
@as_json
@explained
def withdraw(name: str, why: str, json_: bool, **site: Any) -> None:
    """Withdraw a request that you asked and that has not ended; NAME is owner/key, as `yosegi task ask` said it.

    The owner ends one that waits; one that runs ends only if it is proved to have had no effect. What became of it
    is told by `yosegi task asked`. A campaign's are withdrawn as its trials: `yosegi campaign withdraw`.

    \b
    Example: yosegi task withdraw nims/k7 --why "a wrong temperature"
    """
    found = client_of(**site).requests.withdraw(*_owner_and_key(name), why)
    if json_:
        show_json(found)
        return
    _say(found)
    if not found.state.final:
        say(f"what became of it: yosegi task asked {name}")


def _list_asked(found: Sequence[RequestSummary], json_: bool) -> None:
    if json_:
        show_json(found)
        return
    rows = ((r.request, r.capability, r.state, r.campaign or r.on_behalf_of, r.asked) for r in found)
    show_table(("request", "capability", "state", "for", "asked"), rows, empty="nothing was asked of other sites")


def _owner_and_key(name: str) -> tuple[str, str]:
    """Of a request's name.

    Raises:
        Invalid: it is none.
    """
    owner, slash, key = name.partition("/")
    if not slash:
        raise Invalid(f"the request {name}", "is not of the form owner/key", "it is what yosegi task ask said")
    return owner, key


by_hand.add_to(task)


def _say(asked: RequestDetail) -> None:
    say(f"request {asked.request} is {asked.state}" + (f": {asked.result} result" if asked.result else ""))
    if asked.reason:
        say(f"{asked.told_by} says {asked.reason}: {asked.message or 'no more is said'}; effect {asked.effect}")
    for name, value in asked.outputs.items():
        say(f"{asked.told_by} says {name} = {value}" + (f" {asked.units[name]}" if name in asked.units else ""))
    if asked.charged:
        say(f"charged {amounts(asked.charged)}")
    for reason in asked.reasons:
        say(reason.en)
    if asked.withdrawing:
        say(f"{asked.told_by} is asked to take it back, and has not answered yet")


def read_input(given: str) -> tuple[str, Any]:
    """An input as a person writes it: its name, and a value that is JSON or else text.

    Raises:
        Invalid: there is no name.
    """
    name, equals, value = given.partition("=")
    if not equals:
        raise Invalid(f"--input {given}", "is not of the form name=value", "e.g. x=0.5")
    return name, json_or_text(value)


@task.command("list")
@click.option("--state", default="", help="Only those, e.g. uncertain.")
@with_site
@as_json
@explained
def list_(state: str, json_: bool, **site: Any) -> None:
    """List the latest tasks.

    \b
    Example: yosegi task list --state uncertain
    """
    found = client_of(**site).tasks.list(state)
    if json_:
        show_json(found)
        return
    rows = ((f"{t.home}/{t.key[:13]}", t.capability, t.state, t.effect, t.asked) for t in found)
    show_table(("task", "capability", "state", "effect", "asked"), rows, empty="no tasks")


@task.command()
@click.argument("name")
@with_site
@as_json
@explained
def show(name: str, json_: bool, **site: Any) -> None:
    """Show one task; NAME is home/key, the key's beginning is enough.

    \b
    Example: yosegi task show argonne/k7
    """
    client = client_of(**site)
    value = client.tasks.show(full_name(client, name))
    if json_:
        show_json(value)
        return
    for key, item in fields_of(value):
        say(f"{key:14} {item}")


@task.command()
@click.argument("name")
@click.option("--effect", type=click.Choice(["none", "done"]), required=True, help="What it did to the world.")
@click.option("--note", required=True, help="What you found at the instrument; stays on record.")
@with_site
@as_json
@explained
def settle(name: str, effect: Literal["none", "done"], note: str, json_: bool, **site: Any) -> None:
    """Say what an uncertain task did, after a look at the instrument.

    `none` gives the held amount back, `done` charges it. Its sample stays set aside either way.

    \b
    Example: yosegi task settle argonne/k7 --effect none \\
      --note "the plate is untouched"
    """
    client = client_of(**site)
    value = client.tasks.settle(full_name(client, name), effect, note)
    if json_:
        show_json(value)
    else:
        say(f"task {value.task} is {value.state}; charged {value.charged or 'nothing'}")


@task.command()
@click.argument("name")
@with_site
@explained
def acknowledge(name: str, **site: Any) -> None:
    """Say that you have seen the notice of an uncertain task, so that it is not repeated.

    \b
    Example: yosegi task acknowledge argonne/k7
    """
    client = client_of(**site)
    client.tasks.acknowledge(full_name(client, name))
    say("acknowledged; it stays uncertain until it is settled")


@task.command()
@click.argument("name")
@click.option("--why", default="", help="For the record.")
@with_site
@as_json
@explained
def cancel(name: str, why: str, json_: bool, **site: Any) -> None:
    """Cancel a task: one that waits ends at once, one that runs only if it is proved to have had no effect.

    \b
    Example: yosegi task cancel nims/k7 --why "a wrong temperature"
    """
    client = client_of(**site)
    value = client.tasks.cancel(full_name(client, name), why)
    if json_:
        show_json(value)
    else:
        say(f"task {full_name(client, name)} is {value.state}")
