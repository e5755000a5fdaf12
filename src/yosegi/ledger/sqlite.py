"""The store of most sites: one SQLite file in WAL mode, every commit on the disk before it is acknowledged."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from yosegi.core.files import sync
from yosegi.ledger.store import Db, Locked, Parameter, Row, Stale, StoreDamaged, StoreFailed

_BUSY_SECONDS = 10.0
_CACHE_KIB = 64 * 1024

# The log is written into the file, with two more syncs, once it has this many pages (16 MiB).
_LOG_PAGES = 4000

# Primary result codes that speak of the disk or the file, not of the statement (https://sqlite.org/rescode.html).
_DISK = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY,
}  # fmt: skip
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class SqliteDb:
    """One connection. Errors of the disk are told apart from errors of the statement."""

    def __init__(self, connection: sqlite3.Connection, where: str) -> None:
        self.connection = connection
        self._where = where

    def execute(self, sql: str, params: Sequence[Parameter] = ()) -> None:
        """Run one statement."""
        try:
            self.connection.execute(sql, params)
        except sqlite3.Error as error:
            self._explain(error)

    def many(self, sql: str, rows: Iterable[Sequence[Parameter]]) -> None:
        """Run one statement for each row."""
        try:
            self.connection.executemany(sql, rows)
        except sqlite3.Error as error:
            self._explain(error)

    def one(self, sql: str, params: Sequence[Parameter] = ()) -> Row | None:
        """The first row, if there is one."""
        try:
            row: Row | None = self.connection.execute(sql, params).fetchone()
        except sqlite3.Error as error:
            self._explain(error)
        return row

    def all(self, sql: str, params: Sequence[Parameter] = ()) -> list[Row]:
        """Every row."""
        try:
            return self.connection.execute(sql, params).fetchall()
        except sqlite3.Error as error:
            self._explain(error)

    def named(self, sql: str, params: Sequence[Parameter] = ()) -> list[dict[str, Any]]:
        """Every row, by column."""
        try:
            cursor = self.connection.execute(sql, params)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]
        except sqlite3.Error as error:
            self._explain(error)

    def _explain(self, error: sqlite3.Error) -> NoReturn:
        primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if primary in _DISK:
            raise StoreFailed(self._where, str(error)) from error
        if primary in _BROKEN:
            raise StoreDamaged(self._where, str(error)) from error
        raise error


class SqliteStore:
    """One SQLite file, its lock beside it (`<file>.lock`).

    Args:
        path: the file; None keeps everything in memory, for tests that write and read in one thread.
        durable: False leaves syncing to the operating system: for simulations and benchmarks alone.
        immutable: nobody writes the file, and nothing is written beside it: for a medium that can only be read.
    """

    def __init__(self, path: Path | None, *, durable: bool = True, immutable: bool = False) -> None:
        self._path, self._immutable = path, immutable
        self._sync = "FULL" if durable else "OFF"
        self._give_back: Callable[[], object] | None = None
        self._writer: SqliteDb | None = None
        self._readers = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._closed = False

    @property
    def where(self) -> str:
        """The file's path."""
        return f"ledger {self._path}" if self._path else "a ledger in memory"

    def exists(self) -> bool:
        """Whether the file is there and has a ledger's tables."""
        if self._path is not None and not self._path.exists():
            return False
        return self.reader().one("SELECT 1 FROM sqlite_master WHERE name = 'ledger_entries'") is not None

    def claim(self, ddl: Iterable[str]) -> int:
        """Take the lock, create what is missing, begin the next term."""
        self._closed = False
        self._take_lock()
        try:
            return self._begin_term(ddl)
        except BaseException:
            self.close()
            raise

    def _begin_term(self, ddl: Iterable[str]) -> int:
        db = self._connect()
        db.execute(f"PRAGMA synchronous={self._sync}")
        db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        # What is erased is overwritten with zeros.
        db.execute("PRAGMA secure_delete=ON")
        if self._path:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
        self._writer = db
        with self._atomically(db):
            for statement in ddl:
                db.execute(statement)
            row = db.one("SELECT term FROM ledger_sequencer")
            term = int(row[0]) + 1 if row else 1
            sql = (
                "UPDATE ledger_sequencer SET term = ?"
                if row
                else "INSERT INTO ledger_sequencer (term, copied) VALUES (?, 0)"
            )
            db.execute(sql, (term,))
        return term

    @contextmanager
    def transaction(self, term: int) -> Iterator[Db]:
        """A transaction: on the disk when it is left, undone when it is left by an error."""
        if self._writer is None:
            raise StoreFailed(self.where, "it is closed")
        with self._atomically(self._writer):
            row = self._writer.one("SELECT term FROM ledger_sequencer")
            current = int(row[0]) if row else 0
            if current != term:
                raise Stale(self.where, term, current)
            yield self._writer

    @contextmanager
    def _atomically(self, db: SqliteDb) -> Iterator[None]:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            # After some errors SQLite has rolled back already.
            if db.connection.in_transaction:
                with suppress(sqlite3.Error):
                    db.connection.execute("ROLLBACK")
            raise

    def reader(self) -> SqliteDb:
        """A connection for the caller's thread that cannot write."""
        if self._closed or (self._path is None and self._writer is None):
            raise StoreFailed(self.where, "it is closed")
        if self._writer is not None and self._path is None:
            return self._writer
        db: SqliteDb | None = getattr(self._readers, "db", None)
        if db is None:
            db = self._readers.db = self._connect()
            db.execute("PRAGMA query_only=ON")
        return db

    def query(self, sql: str, params: Sequence[Parameter] = ()) -> list[dict[str, Any]]:
        """Rows with their columns' names."""
        db = self.reader()
        if self._path is None:
            db.execute("PRAGMA query_only=ON")
        try:
            return db.named(sql, params)
        finally:
            if self._path is None:
                db.execute("PRAGMA query_only=OFF")

    def scrub(self) -> None:
        """Write the log into the file and empty it; deleted rows were overwritten with zeros when they went."""
        if self._writer is not None and self._path:
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def backup(self, target: Path) -> None:
        """Copy page by page (https://sqlite.org/backup.html) under another name, mark it, then name it `target`."""
        part = target.with_name(target.name + ".part")
        part.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(part, isolation_level=None)) as copy:
                self.reader().connection.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")
                copy.execute("UPDATE ledger_sequencer SET copied = 1")
        except sqlite3.Error as error:
            raise StoreFailed(f"backup {target}", str(error)) from error
        sync(part)
        part.rename(target)
        sync(target.parent)

    def damage(self) -> str:
        """The first fault that SQLite finds in its pages (https://sqlite.org/pragma.html#pragma_quick_check)."""
        row = self.reader().one("PRAGMA quick_check(1)")
        return "" if row is None or row[0] == "ok" else str(row[0])

    def statistics(self) -> Mapping[str, int]:
        """Bytes on the disk: the file, and the log not yet written into it."""
        if self._path is None:
            return {"file_bytes": 0, "log_bytes": 0}
        wal = self._path.with_name(self._path.name + "-wal")
        return {"file_bytes": self._path.stat().st_size, "log_bytes": wal.stat().st_size if wal.exists() else 0}

    def close(self) -> None:
        """Close every connection, then give the lock back."""
        self._closed = True
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._writer = None
        self._readers = threading.local()
        if self._give_back is not None:
            self._give_back()

    def _connect(self) -> SqliteDb:
        try:
            place: Path | str = self._path or ":memory:"
            if self._immutable and self._path is not None:
                place = f"{self._path.resolve().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(
                place, uri=self._immutable, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise StoreFailed(self.where, str(error)) from error
        self._open.append(connection)
        return SqliteDb(connection, self.where)

    def _take_lock(self) -> None:
        if self._path is None:
            return
        name = self._path.with_name(self._path.name + ".lock")
        try:
            lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreFailed(self.where, f"its lock cannot be opened ({error.strerror})") from error
        try:
            # flock, not lockf: a POSIX lock would be lost when anything in this process closes the file.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
            os.close(lock)
            raise Locked(self.where, f"process {holder}" if holder else "another process") from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        # A descriptor is a number: unlike a connection, it would stay open after a store that nobody closed is gone.
        self._give_back = weakref.finalize(self, os.close, lock)
