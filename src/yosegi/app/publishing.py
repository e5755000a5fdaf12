"""What a home publishes: an entry is tried first, and then stands in `site.toml` beside what a person wrote there."""

from __future__ import annotations

import shutil
from pathlib import Path

import tomlkit

from yosegi.app.settings import Home, Settings
from yosegi.app.stores import has_ledger, snapshot_of
from yosegi.core.contract import Contract
from yosegi.core.errors import Conflict, NotFound
from yosegi.execution.engines.derivation import derive_all


async def publish_entry(home: Home, entry: str, station: str = "") -> Contract:
    """Have a home publish a capability from its next start on; nothing is changed if anything is wrong with it.

    Args:
        home: whose.
        entry: `package.module:attribute`.
        station: which of its stations does it; a process of the site's own if none is named.

    Returns:
        The contract that it will be offered under.

    Raises:
        Invalid, CannotDerive: it is no capability that can be imported here.
        NotFound: the home has no such station.
        Conflict: it is published already, or its name is taken, here or by an earlier contract.
    """
    settings = home.settings()
    have = _published(settings)
    if entry in have:
        raise Conflict(entry, f"{home.settings_file} publishes it already", "start the site again, if it was not since")
    if station and station not in settings.station:
        raise NotFound("station", station, tuple(settings.station))
    contracts = await derive_all([*have, entry])
    contract = contracts[entry]
    for other in have:
        if contracts[other].name == contract.name:
            raise Conflict(contract.name, f"{other} is published under that name", "choose another name or version")
    _check_known(home, contract)
    _add(home.settings_file, ("station", station) if station else ("process",), entry)
    # What was written must be settings still.
    home.settings()
    return contract


def _published(settings: Settings) -> list[str]:
    return [*settings.process.publish, *(entry for s in settings.station.values() for entry in s.publish)]


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
    part = file.with_name(file.name + ".part")
    part.write_text(tomlkit.dumps(document), encoding="utf-8")
    shutil.copymode(file, part)
    part.replace(file)
