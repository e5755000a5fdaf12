"""Where a ledger's rows lie: the Protocol that SQLite and PostgreSQL both keep.

Statements are written once, in a subset both understand: `?` for parameters; types INTEGER (64 bits), REAL, TEXT,
BLOB; `INSERT … ON CONFLICT … DO UPDATE`; no function beyond count, sum, min, max, coalesce, length, lower, substr, and
`instr(column, ?)` on bytes.
Text compares by code points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from yosegi.core.errors import Corrupt, Unavailable

Parameter = str | int | float | bytes | None
Row = tuple[Any, ...]


class Db(Protocol):
    """A connection, seen from inside a transaction."""

    def execute(self, sql: str, params: Sequence[Parameter] = ()) -> None:
        """Run one statement."""
        ...

    def many(self, sql: str, rows: Iterable[Sequence[Parameter]]) -> None:
        """Run one statement for each row."""
        ...

    def one(self, sql: str, params: Sequence[Parameter] = ()) -> Row | None:
        """The first row, if there is one."""
        ...

    def all(self, sql: str, params: Sequence[Parameter] = ()) -> list[Row]:
        """Every row."""
        ...


class Store(Protocol):
    """Durable rows for one ledger.

    Everything may raise `StoreFailed` when the disk or the server does not do what is asked, and `StoreDamaged` when
    what lies there cannot be read.
    """

    @property
    def where(self) -> str:
        """The store's place, for messages."""
        ...

    def exists(self) -> bool:
        """Whether a ledger was ever begun here; nothing is made by asking."""
        ...

    def claim(self, ddl: Iterable[str]) -> int:
        """Become the only writer: take the lock, create what is missing, begin the next term.

        Args:
            ddl: the ledger's own tables, each `IF NOT EXISTS`; among them `ledger_sequencer(term, copied)`.

        Raises:
            Locked: another process writes.
        """
        ...

    def transaction(self, term: int) -> AbstractContextManager[Db]:
        """A transaction: durable when it is left, undone when it is left by an error.

        Raises:
            Stale: a later term has begun; this writer must stop.
        """
        ...

    def reader(self) -> Db:
        """What has been committed, for the caller's thread; it cannot write, and needs no claim.

        Between `BEGIN` and `COMMIT` it sees one moment.
        """
        ...

    def query(self, sql: str, params: Sequence[Parameter] = ()) -> list[dict[str, Any]]:
        """Rows with their columns' names, from `reader`."""
        ...

    def scrub(self) -> None:
        """See that what was deleted is no longer in the store's files, as far as the store can."""
        ...

    def backup(self, target: Path) -> None:
        """A consistent copy of what has been committed, marked as a copy (`ledger_sequencer.copied`)."""
        ...

    def damage(self) -> str:
        """What is wrong with how the store lies on the disk, as far as the store can tell; empty if nothing is."""
        ...

    def statistics(self) -> Mapping[str, int]:
        """Figures for an operator."""
        ...

    def close(self) -> None:
        """Let go of everything, the lock last. May be called twice."""
        ...


class StoreFailed(Unavailable):
    """The disk or the server did not do what was asked. What was being written is not acknowledged."""

    code = "store_failed"

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where, why, "make room or repair the disk, then ask again; nothing half-written stays")


class Locked(Unavailable):
    """Another process writes this ledger."""

    code = "locked"

    def __init__(self, where: str, holder: str) -> None:
        self.holder = holder
        super().__init__(where, f"{holder} writes it", "ask that process, or stop it first")


class Stale(Unavailable):
    """This writer's term is over: another has taken the ledger since."""

    code = "stale_term"

    def __init__(self, where: str, mine: int, current: int) -> None:
        self.mine, self.current = mine, current
        super().__init__(where, f"term {current} has begun, and this writer is of term {mine}", "it has stopped")


class StoreDamaged(Corrupt):
    """What lies in the store cannot be read."""

    code = "store_damaged"


def check_pages(store: Store) -> None:
    """Verify how a store lies on the disk: what holds no entry too, such as checkpoints' pages, views and indices.

    Raises:
        StoreDamaged: something does not hold.
    """
    if damage := store.damage():
        raise StoreDamaged(store.where, damage)
