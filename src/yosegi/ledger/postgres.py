"""The store at scale: a schema of a PostgreSQL database. Needs the `postgres` extra (psycopg 3).

The writer holds a session's advisory lock. A session that ends gives it back, so after a lost connection the writer
takes the lock again, and goes on only if no other term has begun meanwhile.
"""

from __future__ import annotations

import functools
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import psycopg
from psycopg import errors
from psycopg.adapt import Buffer, Loader

from yosegi.core.errors import Invalid
from yosegi.ledger import rows
from yosegi.ledger.store import Db, Locked, Parameter, Row, Stale, StoreDamaged, StoreFailed

_TYPES = {"INTEGER": "BIGINT", "BLOB": "BYTEA", "REAL": "DOUBLE PRECISION", "TEXT": 'TEXT COLLATE "C"'}
_FOUND = re.compile(r"\binstr\(([\w.]+), \?\)")
_BROKEN = (errors.DataCorrupted, errors.IndexCorrupted)


class _Whole(Loader):
    """Sums of integers come back as `numeric`; here they are integers, as they are in SQLite."""

    def load(self, data: Buffer) -> int | float:
        """The number."""
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


@functools.lru_cache(maxsize=1024)
def translated(sql: str) -> bytes:
    """A statement of the common subset in PostgreSQL's words.

    Example:
        >>> translated("SELECT a FROM t WHERE b = ? AND c LIKE '?%'")
        b"SELECT a FROM t WHERE b = %s AND c LIKE '?%%'"
    """
    pieces = sql.replace("%", "%%").split("'")
    pieces[::2] = [_FOUND.sub(r"position(? in \1)", piece).replace("?", "%s") for piece in pieces[::2]]
    if sql.lstrip()[:12].upper() == "CREATE TABLE":
        pieces[::2] = [re.sub(r"\b(INTEGER|BLOB|REAL|TEXT)\b", lambda m: _TYPES[m[1]], piece) for piece in pieces[::2]]
    return "'".join(pieces).encode()


class PostgresDb:
    """One connection."""

    def __init__(self, connection: psycopg.Connection[Row], where: str) -> None:
        self.connection = connection
        self._where = where

    def execute(self, sql: str, params: Sequence[Parameter] = ()) -> None:
        """Run one statement."""
        self._run(sql, params)

    def many(self, sql: str, rows: Iterable[Sequence[Parameter]]) -> None:
        """Run one statement for each row."""
        try:
            with self.connection.cursor() as cursor:
                cursor.executemany(translated(sql), rows)
        except psycopg.Error as error:
            self._explain(error)

    def one(self, sql: str, params: Sequence[Parameter] = ()) -> Row | None:
        """The first row, if there is one."""
        return self._run(sql, params).fetchone()

    def all(self, sql: str, params: Sequence[Parameter] = ()) -> list[Row]:
        """Every row."""
        return self._run(sql, params).fetchall()

    def named(self, sql: str, params: Sequence[Parameter] = ()) -> list[dict[str, Any]]:
        """Every row, by column."""
        cursor = self._run(sql, params)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor] if names else []

    def _run(self, sql: str, params: Sequence[Parameter]) -> psycopg.Cursor[Row]:
        try:
            return self.connection.execute(translated(sql), params)
        except psycopg.Error as error:
            self._explain(error)

    def _explain(self, error: psycopg.Error) -> NoReturn:
        if isinstance(error, _BROKEN):
            raise StoreDamaged(self._where, str(error)) from error
        if isinstance(error, psycopg.OperationalError):
            raise StoreFailed(self._where, str(error).strip()) from error
        raise error


class PostgresStore:
    """One schema of a PostgreSQL database.

    Args:
        conninfo: how to connect (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING).
        schema: whose tables are the ledger's; made when it is missing.
        password: the role's, where the server asks for one and libpq has no other way to it.
        durable: False does not wait for the server's disk: for simulations and benchmarks alone.

    Raises:
        Invalid: the schema's name is no plain identifier.
    """

    def __init__(self, conninfo: str, *, schema: str = "yosegi", password: str = "", durable: bool = True) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", schema):
            raise Invalid(f"schema {schema!r}", "not a plain identifier")
        self._conninfo, self._schema, self._durable = conninfo, schema, durable
        self._password = password or None
        self._writer: PostgresDb | None = None
        self._readers = threading.local()
        self._open: list[psycopg.Connection[Row]] = []
        self._claimed = self._closed = False

    @property
    def where(self) -> str:
        """The schema's name; a connection string may hold a password."""
        return f"ledger {self._schema} in PostgreSQL"

    def exists(self) -> bool:
        """Whether the schema has a ledger's tables."""
        return self.reader().one("SELECT to_regclass(?)", (f"{self._schema}.ledger_entries",)) != (None,)

    def claim(self, ddl: Iterable[str]) -> int:
        """Take the lock, create what is missing, begin the next term."""
        self._closed = False
        db = self._writing()
        try:
            with self._atomically(db):
                for statement in ddl:
                    db.execute(statement)
                row = db.one("SELECT term FROM ledger_sequencer FOR UPDATE")
                term = int(row[0]) + 1 if row else 1
                sql = "INSERT INTO ledger_sequencer (term, copied) VALUES (?, 0)"
                db.execute("UPDATE ledger_sequencer SET term = ?" if row else sql, (term,))
        except BaseException:
            self.close()
            raise
        self._claimed = True
        return term

    @contextmanager
    def transaction(self, term: int) -> Iterator[Db]:
        """A transaction: on the server's disk when it is left, undone when it is left by an error."""
        if not self._claimed:
            raise StoreFailed(self.where, "it is closed")
        db = self._writing()
        with self._atomically(db):
            # The row's lock makes who would begin the next term wait until this commit.
            row = db.one("SELECT term FROM ledger_sequencer FOR UPDATE")
            current = int(row[0]) if row else 0
            if current != term:
                raise Stale(self.where, term, current)
            yield db

    @contextmanager
    def _atomically(self, db: PostgresDb) -> Iterator[None]:
        db.execute("BEGIN")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            with suppress(psycopg.Error):
                db.connection.execute("ROLLBACK")
            raise

    def _writing(self) -> PostgresDb:
        """The writer's connection, with the lock; a new one if the last was lost."""
        if self._writer is not None and not self._writer.connection.closed:
            return self._writer
        db = self._connect()
        db.execute(f"CREATE SCHEMA IF NOT EXISTS {self._schema}")
        held = db.one("SELECT pg_try_advisory_lock(hashtext(?)::bigint)", (f"yosegi ledger {self._schema}",))
        if held is None or not held[0]:
            db.connection.close()
            raise Locked(self.where, "another session")
        self._writer = db
        return db

    def reader(self) -> PostgresDb:
        """A connection for the caller's thread that cannot write."""
        if self._closed:
            raise StoreFailed(self.where, "it is closed")
        db: PostgresDb | None = getattr(self._readers, "db", None)
        if db is None or db.connection.closed:
            db = self._readers.db = self._connect()
            db.execute("SET default_transaction_read_only = on")
            db.execute("SET default_transaction_isolation = 'repeatable read'")
        return db

    def query(self, sql: str, params: Sequence[Parameter] = ()) -> list[dict[str, Any]]:
        """Rows with their columns' names."""
        return self.reader().named(sql, params)

    def scrub(self) -> None:
        """Nothing to do from here: the server's vacuum and its log's retention decide when deleted rows are gone."""

    def backup(self, target: Path) -> None:
        """Copy the ledger's own tables, as they were at one moment, into a marked SQLite file.

        Views are left out: they are folded again. `restore` reads such a file back; a `SqliteStore` opens it too.
        """
        part = target.with_name(target.name + ".part")
        part.unlink(missing_ok=True)
        try:
            self._copy_to(part)
        except sqlite3.Error as error:
            raise StoreFailed(f"backup {target}", str(error)) from error
        part.rename(target)

    def _copy_to(self, part: Path) -> None:
        db = self.reader()
        db.execute("BEGIN")
        try:
            with closing(sqlite3.connect(part)) as copy:
                for statement in rows.DDL:
                    copy.execute(statement)
                for table, columns in rows.TABLES.items():
                    marks = ",".join("?" * len(columns))
                    insert = f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})"
                    copy.executemany(insert, db.all(f"SELECT {','.join(columns)} FROM {table}"))
                copy.execute("UPDATE ledger_sequencer SET copied = 1")
                copy.commit()
        finally:
            db.execute("COMMIT")

    def restore(self, source: Path) -> None:
        """Fill a new schema from a backup; the ledger then waits for its next epoch.

        Raises:
            Locked: another session writes here.
            Invalid: there is a ledger in the schema already.
        """
        term = self.claim(rows.DDL)
        try:
            with closing(sqlite3.connect(source)) as copy, self.transaction(term) as db:
                if db.one("SELECT 1 FROM ledger_entries LIMIT 1") is not None:
                    raise Invalid(self.where, "there is a ledger in it already", "restore into another schema")
                db.execute("DELETE FROM ledger_sequencer")
                for table, columns in rows.TABLES.items():
                    found = copy.execute(f"SELECT {','.join(columns)} FROM {table}").fetchall()
                    marks = ",".join("?" * len(columns))
                    db.many(f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})", found)
        finally:
            self.close()

    def damage(self) -> str:
        """Nothing: a server verifies its pages as it reads them, where its checksums are on."""
        return ""

    def statistics(self) -> Mapping[str, int]:
        """Bytes that the ledger's own tables and indexes take on the server."""
        row = self.reader().one(
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relkind = 'r'",
            (self._schema,),
        )
        return {"file_bytes": int(row[0]) if row else 0, "log_bytes": 0}

    def close(self) -> None:
        """Close every connection; the lock goes with the writer's."""
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._writer = None
        self._readers = threading.local()
        self._claimed = False
        self._closed = True

    def _connect(self) -> PostgresDb:
        try:
            connection = psycopg.connect(self._conninfo, password=self._password, autocommit=True)
        except psycopg.Error as error:
            raise StoreFailed(self.where, str(error).strip()) from error
        self._open = [other for other in self._open if not other.closed] + [connection]
        connection.adapters.register_loader("numeric", _Whole)
        db = PostgresDb(connection, self.where)
        db.execute(f"SET search_path TO {self._schema}")
        db.execute(f"SET synchronous_commit TO {'on' if self._durable else 'off'}")
        return db
