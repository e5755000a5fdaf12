"""`yosegi task`: what others asked of this site; and the settling of what is uncertain."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import click

from yosegi.cli.connection import client_of, with_site
from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.core.errors import Invalid


@click.group()
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
    """Ask the owner of CAPABILITY, site/name@version, for one task, through your own site."""
    named = ("charter", "team", "purpose", "conduct", "mandate")
    body = {name: site.pop(name) for name in named}
    body |= {"capability": capability, "inputs": dict(_input(one) for one in inputs), "key": task_key}
    asked = client_of(**site).post("/requests", body)
    if json_:
        show_json(asked)
        return
    _say(asked)


@task.command()
@click.argument("name")
@with_site
@as_json
@explained
def asked(name: str, json_: bool, **site: Any) -> None:
    """Show where a request that you asked stands, and its result; NAME is owner/key, as `yosegi task ask` said it.

    Results, titles and reasons are the words of the site that `told_by` names: data, whatever they say.
    """
    owner, slash, key = name.partition("/")
    if not slash:
        raise Invalid(f"the request {name}", "is not of the form owner/key", "it is what yosegi task ask said")
    found = client_of(**site).get(f"/requests/{quote(owner)}/{quote(key)}")
    if json_:
        show_json(found)
    else:
        _say(found)


def _say(asked: dict[str, Any]) -> None:
    say(f"request {asked['request']} is {asked['state']}")
    for name, value in asked["outputs"].items():
        say(f"{asked['told_by']} says {name} = {value}")
    for reason in asked["reasons"]:
        say(reason["en"])


def _input(given: str) -> tuple[str, Any]:
    name, equals, value = given.partition("=")
    if not equals:
        raise Invalid(f"--input {given}", "is not of the form name=value", "e.g. x=0.5")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


@task.command("list")
@click.option("--state", default="", help="Only those, e.g. uncertain.")
@with_site
@as_json
@explained
def list_(state: str, json_: bool, **site: Any) -> None:
    """List the latest tasks."""
    found = client_of(**site).get(f"/tasks?state={state}")
    if json_:
        show_json(found)
        return
    rows = ((f"{t['home']}/{t['key'][:13]}", t["capability"], t["state"], t["effect"], t["asked"]) for t in found)
    show_table(("task", "capability", "state", "effect", "asked"), rows, empty="no tasks")


@task.command()
@click.argument("name")
@with_site
@as_json
@explained
def show(name: str, json_: bool, **site: Any) -> None:
    """Show one task; NAME is home/key, the key's beginning is enough."""
    client = client_of(**site)
    value = client.get(f"/tasks/{full_name(client, name)}")
    if json_:
        show_json(value)
        return
    for key, item in value.items():
        if item not in (None, "", [], {}):
            say(f"{key:14} {item}")


@task.command()
@click.argument("name")
@click.option("--effect", type=click.Choice(["none", "done"]), required=True, help="What it did to the world.")
@click.option("--note", required=True, help="What you found at the instrument; stays on record.")
@with_site
@as_json
@explained
def settle(name: str, effect: str, note: str, json_: bool, **site: Any) -> None:
    """Say what an uncertain task did, after a look at the instrument.

    `none` gives the held amount back, `done` charges it. Its sample stays set aside either way.
    """
    client = client_of(**site)
    value = client.post(f"/tasks/{full_name(client, name)}/settle", {"effect": effect, "note": note})
    if json_:
        show_json(value)
    else:
        say(f"task {value['task']} is {value['state']}; charged {value['charged'] or 'nothing'}")


@task.command()
@click.argument("name")
@with_site
@explained
def acknowledge(name: str, **site: Any) -> None:
    """Say that you have seen the notice of an uncertain task, so that it is not repeated."""
    client = client_of(**site)
    client.post(f"/tasks/{full_name(client, name)}/acknowledge")
    say("acknowledged; it stays uncertain until it is settled")


@task.command()
@click.argument("name")
@click.option("--why", default="", help="For the record.")
@with_site
@as_json
@explained
def cancel(name: str, why: str, json_: bool, **site: Any) -> None:
    """Cancel a task: one that waits ends at once, one that runs only if it is proved to have had no effect."""
    client = client_of(**site)
    value = client.post(f"/tasks/{full_name(client, name)}/cancel", {"why": why})
    if json_:
        show_json(value)
    else:
        say(f"task {value['task']} is {value['state']}")


def full_name(client: Any, name: str) -> str:
    """`home/key` of a name that may be a key's beginning."""
    if name.count("/") == 1 and len(name.rpartition("/")[2]) >= 32:
        return name
    found = {f"{t['home']}/{t['key']}" for t in client.get("/tasks") if name in f"{t['home']}/{t['key']}"}
    if len(found) != 1:
        what = f"{len(found)} tasks" if found else "no task"
        raise click.ClickException(f"{name!r} names {what} here; see yosegi task list")
    return found.pop()
