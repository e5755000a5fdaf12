"""Where the twins of a test session are: EPICS' client libraries read only once where to search."""

from __future__ import annotations

import functools
from pathlib import Path

from yosegi_packs.devices.network import FILE
from yosegi_packs.devices.twin import TwinPlan, free_port
from yosegi_packs.devices.twin_process import TwinProcess

TWINS = ("MAG", "RING")


@functools.cache
def ports() -> dict[str, tuple[int, int]]:
    """Channel Access and PV Access port of each twin."""
    return {name: (free_port(), free_port()) for name in TWINS}


def start(plan: TwinPlan, folder: Path) -> TwinProcess:
    ca, pva = ports()[plan.prefix]
    return TwinProcess(plan, folder, ca=ca, pva=pva)


def tell(station: Path) -> None:
    """Write into a station's folder where all twins are."""
    station.mkdir(parents=True, exist_ok=True)
    lists = zip(("ca", "pva"), zip(*ports().values(), strict=True), strict=True)
    lines = [f"{name} = {[f'127.0.0.1:{port}' for port in found]}" for name, found in lists]
    (station / FILE).write_text("\n".join(lines), encoding="utf-8")
