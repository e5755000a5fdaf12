"""What an operator does at the simulated robot: look at it, look up a task's well, put on fresh plates."""

from __future__ import annotations

import json
from pathlib import Path

import click

from yosegi.core.errors import NotFound, YosegiError
from yosegi_packs.labs.dyes import LIQUIDS
from yosegi_packs.labs.records import FILE, Mixture, Records
from yosegi_packs.labs.robot import Robot
from yosegi_packs.labs.truth import read_truth

_FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


@click.group()
def main() -> None:
    """The simulated liquid handler of a station, by its state folder."""


@main.command()
@_FOLDER
def show(folder: Path) -> None:
    """Show the deck and what is left on it. Makes the robot if there is none; its station must be stopped."""
    robot = Robot(folder)
    click.echo(f"{robot}\n{robot.summary()}")
    for name, count in robot.statistics().items():
        click.echo(f"{name.replace('_', ' ')}: {count}")
    robot.close()


@main.command()
@_FOLDER
@click.argument("key")
def well(folder: Path, key: str) -> None:
    """Say which well a task was given and what became of it, to settle a task of unknown effect."""
    if not (folder / FILE).exists():
        raise NotFound("robot", str(folder))
    records = Records(folder)
    try:
        mixture = records.by_key(key)
    finally:
        records.close()
    if mixture is None:
        click.echo(f"task {key} was given no well; nothing was dispensed for it")
        return
    click.echo(f"task {key}: {_said(mixture)}")


@main.command()
@_FOLDER
def renew(folder: Path) -> None:
    """Note that fresh plates, tips and liquids are on the deck; its station must be stopped."""
    robot = Robot(folder)
    robot.renew()
    click.echo(repr(robot))
    robot.close()


@main.command()
@_FOLDER
@click.option("--note", default="", help="What was found at the deck, and by whom; needed to say that it is known.")
@click.option("--fresh", is_flag=True, help="The deck is as its layout makes it: fresh tips, full plates.")
def deck(folder: Path, note: str, fresh: bool) -> None:
    """Show what is on record of a deck that protocols run on; with --note, say that a person has looked at it."""
    from yosegi_packs.labs.protocol import DeckState

    known = DeckState.load(folder)
    if note:
        known = DeckState(text="" if fresh else known.text, key=known.key, note=note)
        known.save(folder)
    by = known.key or "nobody"
    click.echo(f"deck of {len(known.state)} resources, {known.phase.replace('_', ' ')}, last changed by {by}")
    for name, state in known.state.items():
        if said := {what: value for what, value in state.items() if what != "rotation"}:
            click.echo(f"{name}: {json.dumps(said)}")


@main.command()
@_FOLDER
@click.option("--searches", default=20, show_default=True)
@click.option("--wells", default=288, show_default=True, help="Wells that each search may use.")
@click.option("--json", "json_", is_flag=True, help="Print JSON, for programs.")
def compare(folder: Path, searches: int, wells: int, json_: bool) -> None:
    """Search at random on the same robot, and say what the best recipe is. Reads the truth: only after the end."""
    from yosegi_packs.labs.answer import GOOD_ENOUGH, best_recipe, random_search

    truth = read_truth(folder)
    needed = sorted(count for count in random_search(truth, searches=searches, limit=wells) if count is not None)
    median = needed[len(needed) // 2] if 2 * len(needed) > searches else None
    best = best_recipe(truth)
    found = {
        "target": GOOD_ENOUGH, "searches": searches, "wells": wells, "reached": len(needed), "median": median,
        "best": {"volumes": best.volumes, "delta_e": best.delta_e},
    }  # fmt: skip
    if json_:
        click.echo(json.dumps(found))
        return
    click.echo(f"{len(needed)} of {searches} random searches came below {GOOD_ENOUGH} within {wells} wells")
    click.echo(f"the best recipe there is: {best.delta_e:.3f} at {', '.join(f'{v:.1f}' for v in best.volumes)} uL")


def _said(mixture: Mixture) -> str:
    recipe = ", ".join(f"{volume:g} uL {liquid}" for liquid, volume in zip(LIQUIDS, mixture.volumes, strict=True))
    return f"well {mixture.sample} is {mixture.state}; asked for {recipe}"


def run() -> None:
    """The command line; an error that the program can explain is one line, not a traceback."""
    try:
        main(prog_name="python -m yosegi_packs.labs")
    except YosegiError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    run()
