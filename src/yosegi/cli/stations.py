"""`yosegi station`: the process beside an instrument that dials out to its own site and does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from yosegi.cli.connection import client_of, with_home, with_site
from yosegi.cli.output import explained, say

Folder = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


@click.command()
@Folder
@with_home
@click.option("--name", default="robot", show_default=True, help="The station's name at its site.")
@click.option("--publish", multiple=True, required=True, help="What it does, package.module:function; may be repeated.")
@click.option("--url", default="", help="How it reaches its site; its listen address if none is given.")
@explained
def init(folder: Path, home: Path, name: str, publish: tuple[str, ...], url: str) -> None:
    """Make the FOLDER of a station: its key and its settings. Prints what to add to the site's site.toml.

    \b
    Example: yosegi station init robot --publish labs --home home
    """
    from yosegi.app.stations import make_station, station_table

    public = make_station(folder, home, name, publish, url)
    say(f"{folder}: the folder of station {name}. Add to {home / 'site.toml'} and start the site again:\n")
    say(station_table(name, publish, public))


@click.command()
@Folder
@explained
def run(folder: Path) -> None:
    """Run the station of FOLDER until Ctrl-C or SIGTERM, which are its safe stop.

    \b
    Example: yosegi station run robot
    """
    import asyncio

    from yosegi.execution.station import StationFile, run_station

    StationFile.load(folder)
    say(f"station of {folder}: dialling its site")
    asyncio.run(run_station(folder))


@click.command()
@Folder
@click.argument("names", nargs=-1, required=True)
@click.option("--by", default="epics", show_default=True, help="epics, bluesky, sila, pylabrobot, or a package's.")
@explained
def inspect(folder: Path, names: tuple[str, ...], by: str) -> None:
    """Say what the station of FOLDER sees of NAMES, and draft the Python of a capability to edit. Changes nothing.

    For EPICS, NAMES are process variables, or a file of them (./pvs.txt, as an IOC's dbl writes it). For bluesky they
    are plans, package.module:plan or a whole package.module. For sila they are servers, by their tables in sila.toml or
    HOST:PORT on this computer. For pylabrobot they are decks, package.module:function or a file that PyLabRobot saved.

    \b
    Example: yosegi station inspect robot MOTOR:1 DETECTOR:1
    """
    from yosegi.core.plugins import load

    say(load("yosegi.inspectors", by, "inspector")(folder, names))


@click.command()
@click.argument("name")
@click.option("--note", required=True, help="What was found at the instrument.")
@with_site
@explained
def settle(name: str, note: str, **site: Any) -> None:
    """Say that the instrument of a station whose memory was lost or restored from a backup was looked at.

    Its site saw another intent log than before, or an older copy of it: what was under way there is uncertain (settle
    each with `yosegi task settle`), and nothing that uses something up is started at NAME until this is said.

    \b
    Example: yosegi station settle robot --note "the deck is empty"
    """
    client_of(**site).operations.settle_station(name, note)
    say(f"station {name} may start such work again")
