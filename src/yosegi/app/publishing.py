"""What a home publishes: an entry is tried first, and then stands in `site.toml` beside what a person wrote there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import tomlkit

from yosegi.app.stores import has_ledger, snapshot_of
from yosegi.core.contract import Contract
from yosegi.core.errors import Conflict, NotFound
from yosegi.core.files import write_file
from yosegi.execution.engines.derivation import derive_publications

if TYPE_CHECKING:
    from yosegi.app.home import Home
    from yosegi.app.settings import Settings


async def publish_entry(home: Home, entry: str, station: str = "", engine: str = "") -> list[Contract]:
    """Have a home publish a capability, or a pack, from its next start on; nothing is changed if anything is wrong.

    Args:
        home: whose.
        entry: `package.module:attribute`, or the name of an installed pack.
        station: which of its stations does it.
        engine: which of its other engines does it; a process of the site's own if none is named.

    Returns:
        The contracts that it will be offered under.

    Raises:
        Invalid, CannotDerive: it is no capability that can be imported here.
        NotFound: the home has no such station or engine.
        Conflict: it is published already, or a name is taken, here or by an earlier contract.
    """
    settings = home.settings()
    have = [publication for table in settings.engines() for publication in table.settings.publish]
    if entry in have:
        raise Conflict(entry, f"{home.settings_file} publishes it already", "start the site again, if it was not since")
    table = _table(settings, station, engine)
    known = await derive_publications([*have, entry])
    taken = {contract.name: name for name in have for contract in known[name].values()}
    for contract in known[entry].values():
        if contract.name in taken:
            why = f"{taken[contract.name]} is published under that name"
            raise Conflict(contract.name, why, "choose another name or version")
        _check_known(home, contract)
    _add(home.settings_file, table, entry)
    # What was written must be settings still.
    home.settings().engines()
    return list(known[entry].values())


def _table(settings: Settings, station: str, engine: str) -> tuple[str, ...]:
    """Which table of site.toml it is added to.

    Raises:
        NotFound: the home has no such station or engine.
    """
    if station:
        if station not in settings.station:
            raise NotFound("station", station, tuple(settings.station))
        return "station", station
    if engine in ("", "process") and engine not in settings.engine:
        return ("process",)
    if engine not in settings.engine:
        raise NotFound("engine", engine, tuple(settings.engine))
    return "engine", engine


def _check_known(home: Home, contract: Contract) -> None:
    """A name stands for one contract for ever, also after it was no longer published."""
    if not has_ledger(home):
        return
    with snapshot_of(home) as ledger:
        for entry in ledger.stream(f"capability/{contract.name}"):
            if entry.facts["contract"] != contract.digest:
                todo = "a changed contract needs a new version: raise the number after @"
                raise Conflict(contract.name, "was published before with another contract", todo)


def _add(file: Path, table: tuple[str, ...], entry: str) -> None:
    """Add an entry to a table's `publish`, everything else as it stands; the file is replaced whole or not at all."""
    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    place = document
    for name in table:
        place = place.setdefault(name, tomlkit.table())
    place.setdefault("publish", tomlkit.array()).append(entry)
    write_file(file, tomlkit.dumps(document).encode(), overwrite=True)
