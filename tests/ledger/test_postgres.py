"""What is PostgreSQL's own: lost connections, takeovers, copies, and the common subset in its words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.support import KEYS, Budget, Titles, open_ledger, write
from yosegi.core.errors import Invalid
from yosegi.ledger import Checkpoint, Locked, SqliteStore, Stale, StoreFailed

psycopg = pytest.importorskip("psycopg")
from yosegi.ledger.postgres import PostgresStore, translated  # noqa: E402 (psycopg is an extra)

pytestmark = pytest.mark.processes
Make = Callable[[], PostgresStore]


def run(action: Any) -> Any:
    return asyncio.run(action)


def end_writers_session(store: PostgresStore, server: str) -> None:
    """As a failing network or a restarted server would."""
    assert store._writer is not None
    (pid,) = store._writer.one("SELECT pg_backend_pid()") or (0,)
    with psycopg.connect(server) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SELECT a FROM t WHERE b = ? AND c LIKE '?%'", "SELECT a FROM t WHERE b = %s AND c LIKE '?%%'"),
        ("SELECT a % 2 FROM t", "SELECT a %% 2 FROM t"),
        (
            "CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB, c REAL, d TEXT DEFAULT 'TEXT')",
            "CREATE TABLE t (a BIGINT PRIMARY KEY, b BYTEA, c DOUBLE PRECISION, d TEXT COLLATE \"C\" DEFAULT 'TEXT')",
        ),
        ("INSERT INTO t VALUES ('INTEGER')", "INSERT INTO t VALUES ('INTEGER')"),
    ],
)
def test_the_common_subset_is_said_in_its_words(ours: str, theirs: str) -> None:
    assert translated(ours).decode() == theirs


def test_after_a_lost_connection_the_same_writer_goes_on(postgres: Make, server: str) -> None:
    async def body() -> None:
        store = postgres()
        ledger = await open_ledger(store, views=[Budget(100)])
        await ledger.append(write("a", 0, facts={"amount": 5}))
        end_writers_session(store, server)
        with pytest.raises(StoreFailed):
            await ledger.append(write("a", 1, facts={"amount": 5}))
        await ledger.append(write("a", 1, facts={"amount": 5}))
        assert ledger.query("SELECT used FROM budget") == [{"used": 10}]
        list(ledger.check())
        ledger.close()

    run(body())


def test_after_a_lost_connection_and_a_takeover_the_writer_stops(postgres: Make, server: str) -> None:
    async def body() -> None:
        store, other = postgres(), postgres()
        ledger = await open_ledger(store)
        end_writers_session(store, server)
        successor = await open_ledger(other)
        for _ in range(2):
            with pytest.raises((StoreFailed, Locked)):
                await ledger.append(write("a", 0))
        await successor.append(write("a", 0))
        successor.close()
        with pytest.raises(Stale):
            await ledger.append(write("a", 1))
        assert ledger.size == 1
        ledger.close()

    run(body())


def test_a_backup_is_restored_into_another_schema(postgres: Make, server: str, tmp_path: Path) -> None:
    async def body() -> None:
        views = [Titles(), Budget(100)]
        ledger = await open_ledger(postgres(), views=views)
        await ledger.append(write("a", 0, type="titled", body={"title": "寄木"}), write("b", 0, facts={"amount": 5}))
        ledger.backup(tmp_path / "copy.sqlite")
        witnessed = Checkpoint.open(ledger.checkpoint(), KEYS)
        file = await open_ledger(SqliteStore(tmp_path / "copy.sqlite"), views=views)
        assert (file.restored, file.root()) == (True, ledger.root())
        file.close()
        fresh = PostgresStore(server, schema="restored", durable=False)
        fresh.restore(tmp_path / "copy.sqlite")
        copy = await open_ledger(fresh, views=views)
        assert (copy.restored, copy.root()) == (True, ledger.root())
        await copy.open_epoch(witnessed, by="operator@riken")
        list(copy.check())
        assert copy.query("SELECT title FROM titles") == [{"title": "寄木"}]
        copy.close()
        with pytest.raises(Invalid, match="already"):
            PostgresStore(server, schema="restored").restore(tmp_path / "copy.sqlite")
        ledger.close()

    run(body())


def test_views_are_checked_and_rebuilt(postgres: Make) -> None:
    async def body() -> None:
        store = postgres()
        ledger = await open_ledger(store, views=[Titles(), Budget(100)])
        await ledger.append(
            *[write("a", None, type="titled", body={"title": str(n)}, facts={"amount": n}) for n in range(5)]
        )
        await ledger.erase(3, "why", "officer@riken")
        list(ledger.check())
        with store.transaction(1) as db:
            db.execute("UPDATE titles SET title = 'another' WHERE sequence = 2")
        with pytest.raises(Exception, match="table titles lacks 1 rows"):
            list(ledger.check())
        ledger.rebuild()
        list(ledger.check())
        sums = ledger.query("SELECT sum(used) AS whole, count(*) AS n FROM budget")
        assert sums == [{"whole": 10, "n": 1}]
        assert ledger.statistics()["file_bytes"] > 0
        ledger.close()

    run(body())


def test_a_server_that_does_not_answer_is_a_store_that_failed() -> None:
    with pytest.raises(StoreFailed, match="in PostgreSQL"):
        PostgresStore("host=/nonexistent dbname=none").claim([])


def test_a_schemas_name_is_a_plain_identifier() -> None:
    with pytest.raises(Invalid, match="identifier"):
        PostgresStore("", schema="a; DROP SCHEMA b")
