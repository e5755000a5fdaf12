"""Moving a site's ledger between the file in its home and a schema of PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tomlkit

from yosegi.app.home import Home
from yosegi.app.keyring import earlier_keys, signers
from yosegi.app.settings import LedgerSettings
from yosegi.app.stores import fill_postgres, open_store
from yosegi.core.errors import Conflict
from yosegi.core.files import write_file
from yosegi.ledger.moving import LedgerMove
from yosegi.trust.keys import by_id

MOVED = "ledger-moved-to-postgresql.db"


@dataclass(frozen=True, slots=True)
class LedgerMoved:
    """What came of a move.

    Args:
        entries: how many the ledger has.
        before: where it was, for people.
        after: where it is now.
    """

    entries: int
    before: str
    after: str


def move_ledger(home: Home, target: LedgerSettings, step: Callable[[str], None]) -> LedgerMoved:
    """Move a site's ledger to where other settings say, and write them into its `site.toml`.

    Until the settings are written the ledger is where it was; a move that was broken off is begun again once what it
    left in the other store was taken away.

    Args:
        home: the site's; it must not be running.
        target: where the ledger is to lie.
        step: told what is done next.

    Raises:
        Conflict: it lies in such a store already, or there is a file in the way.
        Locked: the site is running.
        Invalid: there is a ledger in the other store already.
        Corrupt: the copy does not hold together; the ledger is where it was.
    """
    settings = home.settings()
    if settings.ledger.store == target.store:
        raise Conflict(f"the ledger of {settings.site}", f"lies in {target.store} already", "nothing was changed")
    part = home.folder / "ledger.moving"
    part.unlink(missing_ok=True)
    keys = by_id([*earlier_keys(home), *(one.public for one in signers(home, "site"))])
    source = open_store(home, settings.ledger)
    before = source.where
    move = LedgerMove(source, site=settings.site, keys=keys)
    try:
        entries = move.copy(part, lambda made: _fill(home, target, made), lambda: open_store(home, target))
        step("every entry, proof and checkpoint of the copy holds; writing site.toml")
        _write_settings(home, target)
        move.retire()
    finally:
        move.close()
        part.unlink(missing_ok=True)
    if target.store == "postgresql":
        _lay_aside(home.ledger)
    store = open_store(home, target)
    try:
        return LedgerMoved(entries, before, store.where)
    finally:
        store.close()


def _fill(home: Home, target: LedgerSettings, part: Path) -> None:
    if target.store == "sqlite":
        if home.ledger.exists():
            raise Conflict(str(home.ledger), "is there already", "move it away first")
        part.replace(home.ledger)
        return
    fill_postgres(home, target, part)


def _lay_aside(ledger: Path) -> None:
    """The old file under another name, with what SQLite keeps beside it."""
    for ending in ("", "-wal", "-shm"):
        beside = ledger.with_name(ledger.name + ending)
        if beside.exists():
            beside.replace(ledger.with_name(MOVED + ending))


def _write_settings(home: Home, target: LedgerSettings) -> None:
    """Replace `[ledger]` in site.toml; every other line and comment stays."""
    document = tomlkit.parse(home.settings_file.read_text(encoding="utf-8"))
    document.pop("ledger", None)
    if target.store != "sqlite":
        table = tomlkit.table()
        for name, value in target.model_dump(mode="json").items():
            if value:
                table[name] = value
        document["ledger"] = table
    write_file(home.settings_file, tomlkit.dumps(document).encode(), overwrite=True)
