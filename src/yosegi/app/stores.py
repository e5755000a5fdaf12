"""Where a site's ledger lies, as `[ledger]` in its settings says: a file of its home, or a PostgreSQL server."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from yosegi.app.keyring import read_ledger_password
from yosegi.core.errors import Invalid
from yosegi.ledger import SqliteStore, Store
from yosegi.ledger.snapshot import Snapshot

if TYPE_CHECKING:
    from yosegi.app.home import Home
    from yosegi.app.settings import LedgerSettings, Settings
    from yosegi.ledger.postgres import PostgresStore


def store_of(home: Home, settings: Settings) -> Store:
    """The ledger's store, not yet claimed.

    Raises:
        Invalid: PostgreSQL is named and its library is not there, or the password is not where the settings say.
        LooseKeyFile: others could read the password's file.
    """
    return SqliteStore(home.ledger) if settings.ledger.store == "sqlite" else _postgres(home, settings.ledger)


def open_store(home: Home, ledger: LedgerSettings) -> Store:
    """The store that settings name, whether or not they are those of the home now; not yet claimed.

    Raises:
        Invalid, LooseKeyFile: as `store_of`.
    """
    return SqliteStore(home.ledger) if ledger.store == "sqlite" else _postgres(home, ledger)


def fill_postgres(home: Home, ledger: LedgerSettings, source: Path) -> None:
    """Fill an empty schema from a SQLite file.

    Raises:
        Invalid: there is a ledger in it; or as `store_of`.
        Locked: another process writes there.
    """
    _postgres(home, ledger).restore(source)


def _postgres(home: Home, ledger: LedgerSettings) -> PostgresStore:
    if importlib.util.find_spec("psycopg") is None:
        where = str(home.settings_file)
        raise Invalid(where, "[ledger] needs psycopg", "install it: pip install 'yosegi[postgres]'")
    from yosegi.ledger.postgres import PostgresStore

    return PostgresStore(ledger.url, schema=ledger.schema_name, password=read_ledger_password(home, ledger))


def has_ledger(home: Home) -> bool:
    """Whether the site was ever served.

    Raises:
        Invalid, LooseKeyFile: as `store_of`.
        StoreFailed: the server does not answer.
    """
    store = store_of(home, home.settings())
    try:
        return store.exists()
    finally:
        store.close()


def snapshot_of(home: Home) -> Snapshot:
    """The ledger as it is now, read beside the running site.

    Raises:
        Invalid, LooseKeyFile, StoreFailed: as `has_ledger`; or the site was never served.
    """
    return Snapshot(store_of(home, home.settings()))


def restore_ledger(home: Home, backup: Path) -> None:
    """Fill an empty store from the file in a backup; a home whose ledger is a file has it in its place already.

    Raises:
        Invalid: there is a ledger in the store.
        Locked: another process writes there.
    """
    ledger = home.settings().ledger
    if ledger.store == "postgresql":
        _postgres(home, ledger).restore(backup)
        backup.unlink()
