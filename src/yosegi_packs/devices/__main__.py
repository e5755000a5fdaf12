"""What an operator does at a station's devices: look at what it put, put back, or take as it is; and run a twin."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from yosegi.core.errors import NotFound, YosegiError
from yosegi_packs.devices.call_journal import CALLS, ITEMS, CallJournal
from yosegi_packs.devices.journal import FILE, Act, Journal
from yosegi_packs.devices.restoring import restore_saved
from yosegi_packs.devices.twin import TwinPlan, serve

_FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


_LOOK: Final = 0.02
"""Seconds between two looks."""


@click.group()
def main() -> None:
    """The devices of a station, by the station's folder; and simulated twins of them."""


@main.command()
@_FOLDER
@click.argument("key", default="")
def show(folder: Path, key: str) -> None:
    """Say what was put or called and is not settled, and where things were before; with KEY, all that task's puts."""
    calls = [_called(one) for name in (CALLS, ITEMS) for one in CallJournal(folder / name).unsettled() if not key]
    for line in calls:
        click.echo(line)
    if (folder / FILE).exists():
        _show_puts(folder, key, nothing_else=not calls)
    elif not any((folder / name).exists() for name in (CALLS, ITEMS)):
        raise NotFound("devices", str(folder))
    elif not calls:
        click.echo("every call is over")


def _show_puts(folder: Path, key: str, *, nothing_else: bool) -> None:
    journal = _journal(folder, to_look=True)
    try:
        acts = journal.of_task(key) if key else journal.unsettled()
        saved = journal.saved()
        for act in acts:
            click.echo(_said(act))
        if key and not acts:
            click.echo(f"task {key} put nothing")
        if not key and not acts:
            click.echo(
                "every put was verified or settled" + ("" if saved or not nothing_else else ", and nothing is open")
            )
        for name, value in saved.items():
            click.echo(f"{name} was at {value:g} before; it is not known to be back")
    finally:
        journal.close()


@main.command()
@_FOLDER
def watch(folder: Path) -> None:
    """Say each put as it is begun, from now on, until Ctrl-C; changes nothing."""
    journal = _journal(folder, to_look=True)
    last = max((act.number for act in journal.after(0)), default=0)
    click.echo(f"watching {folder}")
    try:
        while True:
            for act in journal.after(last):
                last = act.number
                click.echo(f"task {act.key}: {act.variable} ({act.setpoint}) from {act.start:g} to {act.wanted:g}")
            time.sleep(_LOOK)
    finally:
        journal.close()


@main.command()
@_FOLDER
@click.option("--note", required=True, help="What was found at the device, and by whom.")
def accept(folder: Path, note: str) -> None:
    """Say that a person has looked, and takes the devices as they are; its station must be stopped."""
    called = sum(CallJournal(folder / name).accept(note) for name in (CALLS, ITEMS))
    if (folder / FILE).exists() or not called:
        journal = _journal(folder)
        try:
            journal.accept(note)
        finally:
            journal.close()
    click.echo("the devices are taken as they are; the next task may put")


@main.command()
@_FOLDER
def restore(folder: Path) -> None:
    """Put back what was saved before a task that was cut off, and verify it; its station must be stopped."""
    if not (folder / FILE).exists():
        raise NotFound("devices", str(folder))
    back = restore_saved(folder)
    for name, value in back.items():
        click.echo(f"{name} is back at {value:g}, verified")
    if not back:
        click.echo("nothing was saved: everything is where it was left")


@main.command()
@click.argument("plan", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--ca", default=0, help="Port of Channel Access; a free one if 0.")
@click.option("--pva", default=0, help="Port of PV Access searches; a free one if 0.")
def twin(plan: Path, ca: int, pva: int) -> None:
    """Serve a simulated twin as a soft IOC until the standard input closes."""
    serve(TwinPlan.read(plan.read_bytes(), what=str(plan)), ca=ca, pva=pva)


def _journal(folder: Path, *, to_look: bool = False) -> Journal:
    if not (folder / FILE).exists():
        raise NotFound("devices", str(folder))
    return Journal(folder, to_look=to_look)


def _called(step: Mapping[str, Any]) -> str:
    """A call that is not known to be over, or whose end says that a person has to look."""
    what = step.get("plan") or f"{step.get('device', '')} {step['feature']}.{step['command']}".strip()
    known = f" as execution {step['execution']}" if "execution" in step else ""
    how = f"ended as {step['why']}" if step["state"] == "ended" else "is not known to be over"
    return f"task {step['key']}: {what} was asked for{known}, and {how}. Look at the device"


def _said(act: Act) -> str:
    how = {"begun": "was cut off on the way", "failed": "was not verified"}.get(act.state, act.state)
    return f"task {act.key}: {act.variable} ({act.setpoint}) from {act.start:g} to {act.wanted:g} {how}. {act.note}"


def run() -> None:
    """The command line; an error that the program can explain is one line, not a traceback."""
    try:
        main(prog_name="python -m yosegi_packs.devices")
    except YosegiError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    run()
