"""An entry as it is read: what was written, what is newest, what is gone; and the one file it lies in."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.support import SIGNER, Budget, Opener, StillClock, Titles, open_ledger, write
from yosegi.core.errors import Corrupt, Invalid
from yosegi.ledger import Ledger, Locked, SqliteStore, Upcasters, tree
from yosegi.ledger.entry import Entry
from yosegi.ledger.rows import DDL
from yosegi.ledger.store import StoreFailed
from yosegi.ledger.view import compare, tables_of

LEAF = tree.leaf_hash(b"x")


def run(action: Any) -> Any:
    return asyncio.run(action)


async def one(opened: Opener, *writes: Any, **fields: Any) -> tuple[Ledger, list[Entry]]:
    ledger = await opened(**fields)
    return ledger, await ledger.append(*(writes or [write("a", body={"n": 1}, facts={"k": 2})]))


# --- entries ---------------------------------------------------------------------------------------------------------


def test_an_entry_shows_what_was_written(opened: Opener) -> None:
    async def body() -> None:
        ledger, (entry,) = await one(opened)
        read = ledger.entry(1)
        for found in (entry, read, next(iter(ledger.scan(1)))):
            assert (found.sequence, found.stream, found.position, found.type) == (1, "a", 1, "task.noted")
            assert (found.facts, found.body, found.type_version) == ({"k": 2}, {"n": 1}, 1)
            assert found.time == found.header.time == "2026-11-21T04:00:00.000000Z"
            assert found.body_bytes == b'{"n":1}'
            assert found.salt is not None
            assert len(found.salt) == 16
            assert found.hash == "sha256:" + tree.leaf_hash(found.header_bytes).hex()
            assert not found.erased
            assert repr(found) == "entry 1: task.noted in a at 1"
        assert entry == read
        assert hash(entry) == hash(read)
        assert len({entry, read}) == 1

    run(body())


def test_entries_are_equal_by_what_they_say_and_whether_it_is_still_there(opened: Opener) -> None:
    async def body() -> None:
        ledger, entries = await one(opened, write("a", body={"n": 1}), write("a"))
        before = ledger.entry(1)
        assert entries[0] != entries[1]
        assert entries[0] != "entry 1"
        await ledger.erase(1, "why", "officer@riken")
        assert ledger.entry(1) != before
        assert (ledger.entry(1).erased, ledger.entry(2).erased, ledger.entry(2).body) == (True, False, None)

    run(body())


@pytest.mark.parametrize("body", [b"\x00\xff", b"[1]", b"", b"text"])
def test_a_body_that_is_no_object_is_read_as_bytes_alone(opened: Opener, body: bytes) -> None:
    async def story() -> None:
        _, (entry,) = await one(opened, write("a", body=body))
        assert entry.body_bytes == body
        with pytest.raises(Invalid, match="the body of entry 1: not a JSON object"):
            _ = entry.body

    run(story())


def test_an_older_type_is_read_in_its_newest_form_and_shown_as_it_was_written(opened: Opener) -> None:
    upcasters = Upcasters()
    upcasters.register("old", 1, lambda facts, body: (facts | {"two": 2}, body))
    upcasters.register("old", 2, lambda facts, body: (facts | {"three": 3}, body and body | {"new": True}))
    with pytest.raises(Invalid, match="the upcaster of old version 2: registered twice"):
        upcasters.register("old", 2, lambda facts, body: (facts, body))

    async def body() -> None:
        writes = (
            write("a", type="old", body={"n": 1}),
            write("a", type="old", type_version=2),
            write("a", type="old", type_version=3, body={"n": 3}),
            write("a", type="other", body={"n": 4}),
        )
        ledger, _ = await one(opened, *writes, upcasters=upcasters)
        found = [(entry.type_version, entry.facts, entry.body) for entry in ledger.read("a")]
        assert found == [
            (3, {"two": 2, "three": 3}, {"n": 1, "new": True}),
            (3, {"three": 3}, None),
            (3, {}, {"n": 3}),
            (1, {}, {"n": 4}),
        ]
        assert [entry.header.type_version for entry in ledger.read("a")] == [1, 2, 3, 1]
        assert ledger.entry(1).header.facts == {}

    run(body())


def test_bytes_that_are_no_header_are_named_by_their_entry() -> None:
    with pytest.raises(Corrupt) as caught:
        _ = Entry(7, b"{}", LEAF).header
    assert caught.value.where == "entry 7"
    assert caught.value.why.startswith("its header is not readable (")


# --- the file --------------------------------------------------------------------------------------------------------


def test_a_ledgers_lock_is_its_owners_alone_and_names_who_holds_it(file: Path) -> None:
    first, second = SqliteStore(file), SqliteStore(file)
    assert first.claim(DDL) == 1
    lock = file.with_name(file.name + ".lock")
    assert stat.S_IMODE(lock.stat().st_mode) & 0o177 == 0
    assert lock.read_text() == str(os.getpid())
    with pytest.raises(Locked, match=f"process {os.getpid()}"):
        second.claim(DDL)
    first.close()
    lock.write_text("")
    assert second.claim(DDL) == 2
    second.close()


def setting(store: SqliteStore, name: str) -> Any:
    row = store._writer.one(f"PRAGMA {name}") if store._writer else None
    return row[0] if row else None


def test_what_is_written_is_synced_unless_it_was_said_not_to(file: Path, tmp_path: Path) -> None:
    # https://sqlite.org/pragma.html#pragma_synchronous: 2 is FULL, 0 is OFF.
    for durable, level in ((None, 2), (True, 2), (False, 0)):
        path = tmp_path / f"{durable}.sqlite"
        store = SqliteStore(path) if durable is None else SqliteStore(path, durable=durable)
        store.claim(DDL)
        assert setting(store, "synchronous") == level
        assert setting(store, "journal_mode") == "wal"
        assert setting(store, "secure_delete") == 1
        store.close()


def test_a_store_says_which_it_is_and_how_large(file: Path) -> None:
    memory = SqliteStore(None)
    assert memory.where == "a ledger in memory"
    assert memory.statistics() == {"file_bytes": 0, "log_bytes": 0}
    store = SqliteStore(file)
    assert store.where == f"ledger {file}"
    store.claim(DDL)
    assert store.statistics() == {
        "file_bytes": file.stat().st_size,
        "log_bytes": file.with_name(file.name + "-wal").stat().st_size,
    }
    store.scrub()
    assert store.statistics()["log_bytes"] == 0
    store.close()
    with pytest.raises(StoreFailed, match="it is closed"):
        store.reader()
    with pytest.raises(StoreFailed, match="it is closed"), store.transaction(1):
        pass


def test_a_store_in_memory_cannot_be_written_by_a_query_and_can_be_afterwards() -> None:
    store = SqliteStore(None)
    with pytest.raises(StoreFailed, match="it is closed"):
        store.reader()
    term = store.claim(DDL)
    with pytest.raises(StoreFailed, match="readonly"):
        store.query("DELETE FROM ledger_sequencer")
    with store.transaction(term) as db:
        db.execute("UPDATE ledger_sequencer SET copied = 1")
    assert store.query("SELECT term, copied FROM ledger_sequencer") == [{"term": 1, "copied": 1}]
    store.close()


def test_a_backup_leaves_no_half_of_itself_and_takes_the_place_of_one(opened: Opener, tmp_path: Path) -> None:
    async def body() -> None:
        ledger, _ = await one(opened)
        target = tmp_path / "backup" / "copy.sqlite"
        target.parent.mkdir()
        (target.parent / "copy.sqlite.part").write_text("half of an earlier one")
        ledger.backup(target)
        assert [path.name for path in target.parent.iterdir()] == ["copy.sqlite"]
        with closing(sqlite3.connect(target)) as db:
            assert db.execute("SELECT term, copied FROM ledger_sequencer").fetchall() == [(1, 1)]
            assert db.execute("SELECT count(*) FROM ledger_entries").fetchone() == (2,)
            assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert not ledger.restored
        with pytest.raises(StoreFailed, match=f"backup {tmp_path / 'nowhere' / 'copy'}"):
            ledger.backup(tmp_path / "nowhere" / "copy")

    run(body())


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_backup_lets_go_of_what_it_opened(opened: Opener, tmp_path: Path) -> None:
    async def body() -> None:
        ledger, _ = await one(opened)
        ledger.backup(tmp_path / "first.sqlite")
        before = descriptors()
        for number in range(3):
            ledger.backup(tmp_path / f"{number}.sqlite")
        assert descriptors() == before

    run(body())


class Unscrubbed(SqliteStore):
    """A store whose log cannot be emptied."""

    def scrub(self) -> None:
        raise StoreFailed(self.where, "input/output error")


def test_an_erasure_whose_log_cannot_be_emptied_yet_is_durable_and_counted(file: Path) -> None:
    async def body() -> None:
        ledger = await open_ledger(Unscrubbed(file, durable=False))
        await ledger.append(write("a", body={"n": 1}))
        await ledger.erase(1, "why", "officer@riken")
        assert ledger.entry(1).erased
        figures = ledger.statistics()
        assert (figures["failures"], figures["commits"], figures["refusals"]) == (1, 3, 0)
        await ledger.append(write("a"))
        assert ledger.size == 4
        ledger.close()

    run(body())


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.raises(StoreFailed, match=f"ledger {tmp_path / 'folder.sqlite'}"):
        SqliteStore(tmp_path / "folder.sqlite").reader()
    with pytest.raises(StoreFailed, match="its lock cannot be opened"):
        SqliteStore(tmp_path / "none" / "x.sqlite").claim(DDL)


def test_each_opening_begins_the_next_term(file: Path) -> None:
    async def body() -> None:
        for term in (1, 2, 3):
            ledger = await open_ledger(SqliteStore(file, durable=False))
            assert ledger.statistics()["term"] == term
            ledger.close()

    run(body())


# --- views -----------------------------------------------------------------------------------------------------------


def test_a_views_difference_is_counted_in_rows(opened: Opener, file: Path) -> None:
    async def body() -> None:
        writes = [write(f"t/{number}", type="titled", body={"title": "x"}) for number in range(3)]
        ledger, _ = await one(opened, *writes, views=[Titles()])
        list(ledger.check())
        with closing(sqlite3.connect(file)) as db:
            db.execute("UPDATE titles SET title = 'y' WHERE sequence = 1")
            db.execute("DELETE FROM titles WHERE sequence = 2")
            db.commit()
        with pytest.raises(Corrupt) as caught:
            list(ledger.check())
        assert caught.value.where == "view titles"
        assert caught.value.why == "table titles lacks 2 rows that its entries lead to, and has 1 others"
        ledger.rebuild(["titles"])
        list(ledger.check())
        with pytest.raises(Invalid, match="view 'none': not registered; there are titles"):
            ledger.rebuild(["titles", "none"])

    run(body())


def test_a_views_tables_are_those_it_creates_and_none_of_the_ledgers_own() -> None:
    class Own:
        name, version = "own", 1
        ddl = ("CREATE TABLE b (id INTEGER PRIMARY KEY AUTOINCREMENT)", "CREATE TABLE a (x TEXT UNIQUE)")

    class Bad(Own):
        ddl = ("CREATE TABLE fine (x TEXT)", "CREATE TABLE ledger_mine (x TEXT)")  # type: ignore[assignment]

    assert tables_of(Own()) == ["a", "b"]  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="view own: its table ledger_mine is named like the ledger's own"):
        tables_of(Bad())  # type: ignore[arg-type]


def test_views_of_a_ledger_are_compared_at_one_moment_and_leave_no_transaction_open(opened: Opener) -> None:
    async def body() -> None:
        ledger, _ = await one(opened, views=[Budget(10)])
        db = ledger._store.reader()
        compare(db, Budget(10), lambda size: ledger.scan(0, size))
        # Whoever leaves one open cannot begin another.
        db.execute("BEGIN")
        db.execute("COMMIT")
        await ledger.append(write("a"))
        list(ledger.check())

    run(body())


def test_a_ledger_is_dated_by_its_clock_and_signed_by_its_key(opened: Opener) -> None:
    async def body() -> None:
        clock = StillClock()
        ledger, _ = await one(opened, clock=clock)
        clock.turn(1.5)
        (entry,) = await ledger.append(write("a"))
        assert entry.time == "2026-11-21T04:00:01.500000Z"
        first = ledger.entry(0)
        assert (first.type, first.stream, first.header.actor, first.header.charter) == (
            "ledger.opened",
            "ledger",
            "sequencer@riken",
            "",
        )
        assert first.facts == {"epoch": 1, "key": SIGNER.public.key_id}

    run(body())
