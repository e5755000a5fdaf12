"""Founding a demonstration's federation: its sites, and the station of an instrument at one of them."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from pathlib import Path

from yosegi.app.bootstrap import Plan, found
from yosegi.app.stations import make_station, station_table
from yosegi.core.clock import SystemClock


def found_with_station(folder: Path, plan: Plan, site: str, publish: tuple[str, ...]) -> tuple[Path, str]:
    """Found a federation, and the station `robot` at one of its sites.

    Args:
        folder: of the federation; removed first.
        plan: its sites.
        site: whose the station is.
        publish: what the station does.

    Returns:
        The station's folder, and the passphrase of everybody.
    """
    shutil.rmtree(folder, ignore_errors=True)
    passphrase = "-".join(secrets.token_hex(2) for _ in range(4))
    home = asyncio.run(found(folder, plan, SystemClock(), passphrase))[site]
    station = folder / site / "stations" / "robot"
    key = make_station(station, home.folder, "robot", publish)
    with home.settings_file.open("a", encoding="utf-8") as settings:
        settings.write(f"\n{station_table('robot', publish, key)}\n")
    return station, passphrase
