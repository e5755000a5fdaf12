"""What every store keeps: one suite over all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from yosegi.ledger import Locked, SqliteStore, Stale, Store, StoreFailed
from yosegi.ledger.rows import DDL

Make = Callable[[], Store]
TABLE = ("CREATE TABLE IF NOT EXISTS things (name TEXT PRIMARY KEY, number INTEGER, data BLOB, share REAL)",)


def claimed(make: Make) -> tuple[Store, int]:
    store = make()
    return store, store.claim(DDL + TABLE)


def names(store: Store) -> list[str]:
    return [row[0] for row in store.reader().all("SELECT name FROM things ORDER BY name")]


def insert(store: Store, term: int, name: str, then: str = "SELECT 1") -> None:
    with store.transaction(term) as db:
        db.execute("INSERT INTO things (name) VALUES (?)", (name,))
        db.execute(then)


def test_a_transaction_that_is_left_is_kept(make: Make) -> None:
    store, term = claimed(make)
    with store.transaction(term) as db:
        db.execute("INSERT INTO things (name, number) VALUES (?, ?)", ("a", 2**60))
        db.many("INSERT INTO things (name, data, share) VALUES (?, ?, ?)", [("b", b"\x00\xff", 0.5), ("c", None, None)])
    store.close()
    again, _ = claimed(make)
    rows = again.reader().all("SELECT name, number, data, share FROM things ORDER BY name")
    assert [(n, i, d if d is None else bytes(d), s) for n, i, d, s in rows] == [
        ("a", 2**60, None, None), ("b", None, b"\x00\xff", 0.5), ("c", None, None, None),
    ]  # fmt: skip


def test_a_transaction_left_by_an_error_is_undone(make: Make) -> None:
    store, term = claimed(make)
    with pytest.raises(Exception, match="no_such_table"):
        insert(store, term, "a", then="SELECT * FROM no_such_table")
    assert names(store) == []
    with store.transaction(term) as db:
        db.execute("INSERT INTO things (name) VALUES (?)", ("b",))
    assert names(store) == ["b"]


def test_a_reader_does_not_see_what_is_not_committed(make: Make) -> None:
    store, term = claimed(make)
    with store.transaction(term) as db:
        db.execute("INSERT INTO things (name) VALUES (?)", ("a",))
        assert names(store) == []
        assert db.one("SELECT name FROM things") == ("a",)
    assert names(store) == ["a"]


def test_a_readers_transaction_sees_one_moment(make: Make) -> None:
    store, term = claimed(make)
    insert(store, term, "a")
    reader = store.reader()
    reader.execute("BEGIN")
    assert names(store) == ["a"]
    insert(store, term, "b")
    assert names(store) == ["a"]
    reader.execute("COMMIT")
    assert names(store) == ["a", "b"]


def test_what_another_writes_can_be_read_and_backed_up_without_a_claim(make: Make, tmp_path: Path) -> None:
    store, term = claimed(make)
    insert(store, term, "a")
    other = make()
    assert names(other) == ["a"]
    other.backup(tmp_path / "copy.sqlite")
    insert(store, term, "b")
    assert names(other) == ["a", "b"]


def test_a_savepoint_takes_back_a_part(make: Make) -> None:
    store, term = claimed(make)
    with store.transaction(term) as db:
        db.execute("INSERT INTO things (name) VALUES (?)", ("a",))
        db.execute("SAVEPOINT part")
        db.execute("INSERT INTO things (name) VALUES (?)", ("b",))
        db.execute("ROLLBACK TO part")
        db.execute("RELEASE part")
        db.execute("INSERT INTO things (name) VALUES (?)", ("c",))
    assert names(store) == ["a", "c"]


def test_a_savepoint_takes_back_a_statement_that_failed(make: Make) -> None:
    store, term = claimed(make)
    with store.transaction(term) as db:
        db.execute("INSERT INTO things (name) VALUES (?)", ("a",))
        db.execute("SAVEPOINT part")
        with pytest.raises(Exception, match=r"(?i)unique"):
            db.execute("INSERT INTO things (name) VALUES (?)", ("a",))
        db.execute("ROLLBACK TO part")
        db.execute("RELEASE part")
        db.execute("INSERT INTO things (name) VALUES (?)", ("c",))
    assert names(store) == ["a", "c"]


def test_a_reader_cannot_write(make: Make) -> None:
    store, _ = claimed(make)
    with pytest.raises(Exception, match=r"(?i)read.?only"):
        store.reader().execute("INSERT INTO things (name) VALUES (?)", ("a",))
    with pytest.raises(Exception, match=r"(?i)read.?only"):
        store.query("DELETE FROM things")


def test_a_query_names_its_columns(make: Make) -> None:
    store, term = claimed(make)
    with store.transaction(term) as db:
        db.execute("INSERT INTO things (name, number) VALUES (?, ?)", ("a?%", 1))
    assert store.query("SELECT name, number + ? AS more FROM things WHERE name LIKE 'a?%'", (1,)) == [
        {"name": "a?%", "more": 2}
    ]


def test_text_compares_by_code_points(make: Make) -> None:
    store, term = claimed(make)
    words = ["Z", "a", "a/1", "a1", "a_", "あ", "\U0001f600"]
    with store.transaction(term) as db:
        db.many("INSERT INTO things (name) VALUES (?)", [(word,) for word in reversed(words)])
    assert names(store) == sorted(words)


def test_a_second_writer_is_refused_while_the_first_holds_on(make: Make) -> None:
    first, _ = claimed(make)
    second = make()
    with pytest.raises(Locked):
        second.claim(DDL)
    first.close()
    assert make().claim(DDL) == 2


def test_a_writer_of_an_earlier_term_is_stopped(make: Make) -> None:
    store, term = claimed(make)
    with store.transaction(term) as db:
        db.execute("UPDATE ledger_sequencer SET term = ?", (term + 1,))
    with pytest.raises(Stale) as stale:
        insert(store, term, "a")
    assert (stale.value.mine, stale.value.current) == (1, 2)
    assert names(store) == []


def test_a_backup_is_marked_and_the_original_is_not(make: Make, tmp_path: Path) -> None:
    store, term = claimed(make)
    with store.transaction(term) as db:
        db.execute("INSERT INTO ledger_bodies (sequence, salt, body) VALUES (?, ?, ?)", (7, b"s", b"\x00b"))
    store.backup(tmp_path / "copy.sqlite")
    copy = SqliteStore(tmp_path / "copy.sqlite")
    copy.claim(DDL)
    assert copy.reader().one("SELECT copied FROM ledger_sequencer") == (1,)
    assert copy.reader().all("SELECT sequence, salt, body FROM ledger_bodies") == [(7, b"s", b"\x00b")]
    copy.close()
    assert store.reader().one("SELECT copied FROM ledger_sequencer") == (0,)


def test_a_closed_store_refuses(make: Make) -> None:
    store, term = claimed(make)
    store.close()
    store.close()
    with pytest.raises(StoreFailed):
        insert(store, term, "a")
    with pytest.raises(StoreFailed):
        store.reader()


def test_statistics_are_numbers(make: Make) -> None:
    store, _ = claimed(make)
    assert all(isinstance(value, int) for value in store.statistics().values())


def test_whether_there_is_a_ledger_is_told_without_making_one(make: Make) -> None:
    assert not make().exists()
    assert not make().exists()
    claimed(make)
    assert make().exists()
