"""`yosegi task`: what others asked of this site; and the settling of what is uncertain."""

from __future__ import annotations

from typing import Any

import click

from yosegi.cli.connection import client_of, with_site
from yosegi.cli.output import as_json, explained, show_json, show_table


@click.group()
def task() -> None:
    """Look at tasks that others asked of this site, and settle the uncertain ones."""


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
    value = client.get(f"/tasks/{_full(client, name)}")
    if json_:
        show_json(value)
        return
    for key, item in value.items():
        if item not in (None, "", [], {}):
            click.echo(f"{key:14} {item}")


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
    value = client.post(f"/tasks/{_full(client, name)}/settle", {"effect": effect, "note": note})
    if json_:
        show_json(value)
    else:
        click.echo(f"task {value['task']} is {value['state']}; charged {value['charged'] or 'nothing'}")


@task.command()
@click.argument("name")
@with_site
@explained
def acknowledge(name: str, **site: Any) -> None:
    """Say that you have seen the notice of an uncertain task, so that it is not repeated."""
    client = client_of(**site)
    client.post(f"/tasks/{_full(client, name)}/acknowledge")
    click.echo("acknowledged; it stays uncertain until it is settled")


@task.command()
@click.argument("name")
@click.option("--why", default="", help="For the record.")
@with_site
@as_json
@explained
def cancel(name: str, why: str, json_: bool, **site: Any) -> None:
    """Cancel a task: one that waits ends at once, one that runs only if it is proved to have had no effect."""
    client = client_of(**site)
    value = client.post(f"/tasks/{_full(client, name)}/cancel", {"why": why})
    if json_:
        show_json(value)
    else:
        click.echo(f"task {value['task']} is {value['state']}")


def _full(client: Any, name: str) -> str:
    """`home/key` of a name that may be a key's beginning."""
    if name.count("/") == 1 and len(name.rpartition("/")[2]) >= 32:
        return name
    found = {f"{t['home']}/{t['key']}" for t in client.get("/tasks") if name in f"{t['home']}/{t['key']}"}
    if len(found) != 1:
        raise click.ClickException(f"{name!r} names {len(found)} tasks here; see yosegi task list")
    return found.pop()
