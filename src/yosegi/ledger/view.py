"""Views: tables folded from entries, in the same transaction; others implement them, the composition root registers.

A view reads and writes its own tables alone, and depends on nothing but the entries it is shown, in order: then it
can be thrown away and folded again. What it needs stands in an entry's facts; whatever it copies from a body it
gives up again when it is shown the `ledger.erased` entry that names the sequence.
"""

from __future__ import annotations

import functools
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

from yosegi.core.errors import Corrupt, Invalid, YosegiError
from yosegi.ledger import rows
from yosegi.ledger.entry import Entry
from yosegi.ledger.sqlite import SqliteDb
from yosegi.ledger.store import Db, Row, Store
from yosegi.ledger.upcast import Upcasters

_CHUNK = 5000


class View(Protocol):
    """One fold with tables of its own."""

    @property
    def name(self) -> str:
        """Unique among the ledger's views."""
        ...

    @property
    def version(self) -> int:
        """Another version than the stored one is folded anew from the first entry."""
        ...

    @property
    def ddl(self) -> Sequence[str]:
        """`CREATE TABLE` and `CREATE INDEX` statements, in the subset that `yosegi.ledger.store` names."""
        ...

    def apply(self, db: Db, entry: Entry) -> None:
        """Fold one entry.

        Raises:
            YosegiError: a guard refuses; nothing of the append that brought the entry is written.
        """
        ...


class Views:
    """The views of one ledger, in the order they were registered."""

    def __init__(self, views: Iterable[View]) -> None:
        self._views = tuple(views)
        self.names = tuple(view.name for view in self._views)
        if len(set(self.names)) != len(self.names):
            raise Invalid("the ledger's views", f"a name is there twice among {', '.join(self.names)}")
        marks = ",".join("?" * len(self.names))
        self._advance = f"UPDATE ledger_views SET size = ? WHERE name IN ({marks})"

    def __len__(self) -> int:
        return len(self._views)

    def __iter__(self) -> Iterator[View]:
        return iter(self._views)

    def apply(self, db: Db, entries: Iterable[Entry]) -> None:
        """Fold entries as they are appended."""
        for entry in entries:
            for view in self._views:
                view.apply(db, entry)

    def advance(self, db: Db, size: int) -> None:
        """Note that every view has seen `size` entries."""
        if self._views:
            db.execute(self._advance, (size, *self.names))

    def catch_up(self, store: Store, term: int, size: int, upcasters: Upcasters | None) -> None:
        """Fold what is new to each view; one of another version, or with other tables, begins anew."""
        # One transaction for all: a ledger that is founded waits for the disk once, not once for each of fifteen views.
        with store.transaction(term) as db:
            prepared = [(view, _prepare(db, view)) for view in self._views]
        for view, seen in prepared:
            while seen < size:
                stop = min(seen + _CHUNK, size)
                with store.transaction(term) as db:
                    fold(db, view, rows.scan(db, seen, stop, upcasters))
                    db.execute("UPDATE ledger_views SET size = ? WHERE name = ?", (stop, view.name))
                seen = stop

    def check(self, names: Sequence[str] | None) -> None:
        """See that these are names of registered views.

        Raises:
            Invalid: one is not.
        """
        for name in names or ():
            if name not in self.names:
                raise Invalid(f"view {name!r}", f"not registered; there are {', '.join(self.names) or 'none'}")

    def forget(self, store: Store, term: int, names: Sequence[str] | None = None) -> None:
        """Make views (all, if none is named) begin anew at the next `catch_up`."""
        with store.transaction(term) as db:
            for name in self.names if names is None else names:
                db.execute("UPDATE ledger_views SET version = -1 WHERE name = ?", (name,))


def fold(db: Db, view: View, entries: Iterable[Entry]) -> None:
    """Fold entries that were accepted before.

    Raises:
        Corrupt: the view refuses one of them now.
    """
    for entry in entries:
        try:
            view.apply(db, entry)
        except YosegiError as error:
            raise Corrupt(
                f"view {view.name}",
                f"it refuses {entry!r}, which was accepted when it was written ({error})",
                "use the version of the program that wrote it",
            ) from error


def apply_by_type(handlers: Mapping[str, Callable[[Db, Entry], Any]], db: Db, entry: Entry) -> None:
    """Fold an entry by what its type is folded with; one of another type changes nothing.

    Raises:
        Invalid: facts of the wrong form.
        YosegiError: a guard refuses.
    """
    handler = handlers.get(entry.type)
    if handler is None:
        return
    try:
        handler(db, entry)
    except (KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"the facts of {entry.type}", f"not of its form ({error!r})") from None


def _prepare(db: Db, view: View) -> int:
    """Make the view's tables what its version says; how many entries it has seen."""
    tables = tables_of(view)
    row = db.one("SELECT version, size, tables FROM ledger_views WHERE name = ?", (view.name,))
    if row is not None and (int(row[0]), json.loads(row[2])) == (view.version, tables):
        return int(row[1])
    for table in {*(json.loads(row[2]) if row else ()), *tables}:
        db.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in view.ddl:
        db.execute(statement)
    db.execute("DELETE FROM ledger_views WHERE name = ?", (view.name,))
    record = (view.name, view.version, 0, json.dumps(tables))
    db.execute("INSERT INTO ledger_views (name, version, size, tables) VALUES (?, ?, ?, ?)", record)
    return 0


def tables_of(view: View) -> list[str]:
    """The tables that the view's statements create.

    Raises:
        Invalid: one of them is named like the ledger's own.
    """
    tables = _created(tuple(view.ddl))
    for table in tables:
        if table.startswith("ledger_"):
            raise Invalid(f"view {view.name}", f"its table {table} is named like the ledger's own")
    return list(tables)


@functools.cache
def _created(ddl: tuple[str, ...]) -> tuple[str, ...]:
    """The tables that statements create: SQLite reads them, once for each view of the program."""
    with closing(sqlite3.connect(":memory:")) as scratch:
        for statement in ddl:
            scratch.execute(statement)
        found = scratch.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    return tuple(str(row[0]) for row in found if not row[0].startswith("sqlite_"))


def compare(db: Db, view: View, entries: Callable[[int], Iterable[Entry]]) -> None:
    """Fold a view anew, beside the ledger, and compare every row.

    Args:
        db: a reader of the ledger's store.
        view: the view.
        entries: the ledger's first so many entries.

    Raises:
        Corrupt: the view's tables are not what the entries say.
    """
    tables = tables_of(view)
    db.execute("BEGIN")
    try:
        row = db.one("SELECT size FROM ledger_views WHERE name = ?", (view.name,))
        stored = {table: Counter(db.all(f"SELECT * FROM {table}")) for table in tables}
    finally:
        db.execute("COMMIT")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as scratch:
        anew = SqliteDb(scratch, f"view {view.name} folded anew")
        for statement in view.ddl:
            anew.execute(statement)
        fold(anew, view, entries(int(row[0]) if row else 0))
        for table, have in stored.items():
            _same(view.name, table, have, Counter(anew.all(f"SELECT * FROM {table}")))


def _same(view: str, table: str, have: Counter[Row], want: Counter[Row]) -> None:
    if have != want:
        lacking, foreign = (want - have).total(), (have - want).total()
        why = f"table {table} lacks {lacking} rows that its entries lead to, and has {foreign} others"
        raise Corrupt(f"view {view}", why, "run yosegi site rebuild")
