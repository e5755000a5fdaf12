"""`yosegi task by-hand` and `hand-on`: what waits for people to do it, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from yosegi.cli.connection import client_of, with_site
from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.cli.task_names import full_name

if TYPE_CHECKING:
    from yosegi.services.bench.schemas import BenchTask


def add_to(group: click.Group) -> None:
    """Put these commands into `yosegi task`."""
    for command in (by_hand, hand_on):
        group.add_command(command)


@click.command("by-hand")
@with_site
@as_json
@explained
def by_hand(json_: bool, **site: Any) -> None:
    """List what waits for people of the site to do it, the oldest first, and to whom it was handed on and why.

    \b
    Example: yosegi task by-hand
    """
    found = client_of(**site).tasks.by_hand()
    if json_:
        show_json(found)
        return
    columns = ("task", "capability", "inputs", "since", "handed on", "note")
    rows = (
        (_short(t.task), t.capability, _inputs(t), t.since[:16], _handed(t), t.handed_note) for t in found
    )  # fmt: skip
    show_table(columns, rows, empty="nothing waits for people")


@click.command("hand-on")
@click.argument("name")
@click.option("--to", required=True, help="Who is to do it, e.g. pi@riken; yourself, to take it back.")
@click.option("--note", required=True, help="Why; they read it, and it stays on record.")
@with_site
@as_json
@explained
def hand_on(name: str, to: str, note: str, json_: bool, **site: Any) -> None:
    """Give a task that waits for people to another person of the site; NAME is home/key, the key's beginning is enough.

    From then on they alone enter its result. Whoever handed it on last may take it back by naming themselves, and who
    runs the site may give it to somebody else.

    \b
    Example: yosegi task hand-on argonne/k7 --to technician@riken \\
      --note "the press is in your room"
    """
    client = client_of(**site)
    value = client.tasks.hand_on(full_name(client, name, by_hand=True), to, note)
    if json_:
        show_json(value)
    else:
        say(f"task {_short(value.task)} is with {value.handed_to}, who alone enters its result")


def _short(task: str) -> str:
    home, _, key = task.partition("/")
    return f"{home}/{key[:13]}"


def _inputs(task: BenchTask) -> str:
    return ", ".join(f"{one.name}={one.value}{f' {one.unit}' if one.unit else ''}" for one in task.inputs)


def _handed(task: BenchTask) -> str:
    return f"to {task.handed_to} by {task.handed_by}" if task.handed_to else ""
