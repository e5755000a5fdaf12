"""A store that fails: an append fails whole, and the ledger goes on as soon as the store does."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger.support import KEYS, Budget, open_ledger, write
from yosegi.core.errors import Conflict, Invalid, Refused
from yosegi.ledger import Db, Entry, Ledger, SqliteStore, Stale, StoreDamaged, StoreFailed, verify_entries
from yosegi.ledger.rows import DDL
from yosegi.ledger.store import Parameter, Row


def run(action: Any) -> Any:
    return asyncio.run(action)


class FailingDb:
    """Counts statements, and fails at the one it is told to."""

    def __init__(self, inner: Db, store: FailingStore) -> None:
        self._inner, self._store = inner, store

    def execute(self, sql: str, params: Sequence[Parameter] = ()) -> None:
        self._store.tick()
        self._inner.execute(sql, params)

    def many(self, sql: str, rows: Iterable[Sequence[Parameter]]) -> None:
        self._store.tick()
        self._inner.many(sql, rows)

    def one(self, sql: str, params: Sequence[Parameter] = ()) -> Row | None:
        self._store.tick()
        return self._inner.one(sql, params)

    def all(self, sql: str, params: Sequence[Parameter] = ()) -> list[Row]:
        self._store.tick()
        return self._inner.all(sql, params)


class FailingStore:
    """A store that fails at a statement, at the commit, or after it (kept, but not known to be)."""

    def __init__(self, inner: SqliteStore) -> None:
        self._inner = inner
        self.statements = 0
        self.fail_at: int | None = None
        self.fail_commit = self.fail_after = False
        self.where = inner.where

    def tick(self) -> None:
        self.statements += 1
        if self.statements == self.fail_at:
            raise StoreFailed(self.where, "no space left on the device")

    @contextmanager
    def transaction(self, term: int) -> Iterator[Db]:
        self.statements = 0
        with self._inner.transaction(term) as db:
            yield FailingDb(db, self)
            if self.fail_commit:
                raise StoreFailed(self.where, "input/output error")
        if self.fail_after:
            raise StoreFailed(self.where, "input/output error")

    def claim(self, ddl: Iterable[str]) -> int:
        return self._inner.claim(ddl)

    def reader(self) -> Db:
        return self._inner.reader()

    def query(self, sql: str, params: Sequence[Parameter] = ()) -> list[dict[str, Any]]:
        return self._inner.query(sql, params)

    def scrub(self) -> None:
        self._inner.scrub()

    def backup(self, target: Path) -> None:
        self._inner.backup(target)

    def damage(self) -> str:
        return self._inner.damage()

    def statistics(self) -> Mapping[str, int]:
        return self._inner.statistics()

    def close(self) -> None:
        self._inner.close()


async def failing(file: Path) -> tuple[Ledger, FailingStore]:
    store = FailingStore(SqliteStore(file, durable=False))
    ledger = await open_ledger(store, views=[Budget(100)])
    await ledger.append(write("a", 0, facts={"amount": 5}))
    return ledger, store


def used(ledger: Ledger) -> int:
    return int(ledger.query("SELECT used FROM budget")[0]["used"])


@pytest.mark.parametrize("statement", range(1, 40))
def test_a_failure_at_any_statement_writes_nothing_and_the_ledger_goes_on(file: Path, statement: int) -> None:
    async def body() -> None:
        ledger, store = await failing(file)
        store.fail_at = statement
        try:
            await ledger.append(write("a", 1, facts={"amount": 7}, body={"n": 1}), write("b", 0, drafts=2))
            failed = False
        except StoreFailed:
            failed = True
        assert failed is (store.statements == statement)
        store.fail_at = None
        if failed:
            assert (ledger.size, ledger.position("a"), ledger.position("b"), used(ledger)) == (2, 1, 0, 5)
            await ledger.append(write("a", 1, facts={"amount": 7}))
        assert used(ledger) == 12
        list(ledger.check())
        ledger.close()

    run(body())


def test_a_commit_that_fails_writes_nothing(file: Path) -> None:
    async def body() -> None:
        ledger, store = await failing(file)
        store.fail_commit = True
        for _ in range(3):
            with pytest.raises(StoreFailed, match="input/output error"):
                await ledger.append(write("a", 1, facts={"amount": 7}))
        store.fail_commit = False
        assert ledger.statistics()["failures"] == 3
        (entry,) = await ledger.append(write("a", 1, facts={"amount": 7}))
        assert (entry.sequence, used(ledger)) == (2, 12)
        list(ledger.check())
        ledger.close()

    run(body())


def test_a_commit_that_was_kept_but_reported_as_failed_is_found_again(file: Path) -> None:
    """The caller asks again with the position it folded, and learns by the conflict that it was written."""

    async def body() -> None:
        ledger, store = await failing(file)
        store.fail_after = True
        with pytest.raises(StoreFailed):
            await ledger.append(write("a", 1, facts={"amount": 7}))
        store.fail_after = False
        with pytest.raises(Conflict, match="at position 2"):
            await ledger.append(write("a", 1, facts={"amount": 7}))
        assert [entry.position for entry in ledger.read("a")] == [1, 2]
        (entry,) = await ledger.append(write("a", 2))
        assert (entry.sequence, used(ledger)) == (3, 12)
        assert ledger.receipt(2).header == ledger.entry(2).header_bytes.decode()
        list(ledger.check())
        ledger.close()

    run(body())


def test_a_guards_refusal_and_a_failing_store_are_told_apart(file: Path) -> None:
    async def body() -> None:
        ledger, _ = await failing(file)
        with pytest.raises(Refused):
            await ledger.append(write("a", 1, facts={"amount": 96}))
        assert (ledger.statistics()["refusals"], ledger.statistics()["failures"]) == (1, 0)
        ledger.close()

    run(body())


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "thread"])
def test_a_full_database_refuses_cleanly_and_goes_on_when_there_is_room(file: Path, inline: bool) -> None:
    async def body() -> None:
        store = SqliteStore(file, durable=False)
        ledger = await open_ledger(store, views=[Budget(10**9)], inline=inline)
        assert store._writer is not None
        pages = store._writer.one("PRAGMA page_count")
        assert pages is not None
        # https://sqlite.org/pragma.html#pragma_max_page_count: beyond it, SQLITE_FULL as on a full disk.
        store._writer.one(f"PRAGMA max_page_count = {pages[0] + 40}")
        written = 0

        async def fill() -> None:
            nonlocal written
            while written < 1000:
                await ledger.append(write("a", written, facts={"amount": 1}, body={"text": "x" * 2000}))
                written += 1

        with pytest.raises(StoreFailed, match="full"):
            await fill()
        assert 0 < written < 1000
        assert (ledger.position("a"), used(ledger), ledger.size) == (written, written, written + 1)
        store._writer.one("PRAGMA max_page_count = 1000000")
        await ledger.append(write("a", written, facts={"amount": 1}, body={"text": "x" * 2000}))
        list(ledger.check())
        ledger.close()

    run(body())


@pytest.mark.processes
def test_a_file_that_may_not_grow_refuses_cleanly(file: Path) -> None:
    """RLIMIT_FSIZE makes real writes fail in the middle of a commit (EFBIG), as a full disk does (ENOSPC)."""
    script = textwrap.dedent(
        """
        import asyncio, resource, signal, sys
        from pathlib import Path
        from ledger.support import KEYS, Budget, open_ledger, write
        from yosegi.ledger import SqliteStore, StoreFailed

        async def main():
            ledger = await open_ledger(SqliteStore(Path(sys.argv[1])), views=[Budget(10**9)])
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
            written = 0
            try:
                while written < 1000:
                    await ledger.append(write("a", written, facts={"amount": 1}, body={"text": "x" * 2000}))
                    written += 1
            except StoreFailed as error:
                print("failed", error)
            used = ledger.query("SELECT used FROM budget")[0]["used"]
            print(written, ledger.position("a"), used, ledger.size)
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            await ledger.append(write("a", written, facts={"amount": 1}))
            list(ledger.check())
            ledger.close()

        asyncio.run(main())
        """
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 0, done.stderr
    failed, figures = done.stdout.splitlines()
    written, position, used_up, size = map(int, figures.split())
    assert failed.startswith("failed")
    assert 0 < written == position == used_up == size - 1 < 1000

    async def body() -> None:
        ledger = await open_ledger(SqliteStore(file, durable=False), views=[Budget(10**9)])
        assert ledger.position("a") == written + 1
        ledger.close()

    run(body())


def test_a_writer_whose_term_is_over_stops_for_good(file: Path) -> None:
    async def body() -> None:
        ledger = await open_ledger(SqliteStore(file, durable=False))
        # As if the lock had been lost (a network file system) and another had taken over.
        usurper = SqliteStore(file, durable=False)
        term = usurper._begin_term([])
        with pytest.raises(Stale, match="term 2 has begun"):
            await ledger.append(write("a", 0))
        with usurper.transaction(term) as db:
            db.execute("UPDATE ledger_sequencer SET term = 1")
        with pytest.raises(Stale):
            await ledger.append(write("a", 0))
        assert ledger.size == 1
        usurper.close()
        ledger.close()

    run(body())


def test_a_savepoint_that_is_lost_fails_the_whole_commit(file: Path) -> None:
    """Some disk errors roll back more than was asked; nothing may be written on top of that."""

    class Undoing(Budget):
        def apply(self, db: Db, entry: Entry) -> None:
            if entry.type == "bad":
                db.execute("ROLLBACK")
                raise Refused(entry.stream, ("budget.exhausted",))
            super().apply(db, entry)

    async def body() -> None:
        ledger = await open_ledger(SqliteStore(file, durable=False), views=[Undoing(100)], inline=False)
        answers = await asyncio.gather(
            *[ledger.append(write(f"a/{n}", 0, type="bad" if n == 2 else "good")) for n in range(4)],
            return_exceptions=True,
        )
        assert isinstance(answers[2], StoreFailed)
        assert ledger.size == 1 + sum(isinstance(answer, list) for answer in answers)
        await ledger.append(write("b", 0))
        list(ledger.check())
        ledger.close()

    run(body())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match=r"missing/ledger\.sqlite.*No such file"):
        run(open_ledger(SqliteStore(tmp_path / "missing" / "ledger.sqlite")))


def test_an_error_while_opening_gives_the_lock_back(file: Path) -> None:
    async def body() -> None:
        with pytest.raises(Invalid, match="twice"):
            await open_ledger(SqliteStore(file), views=[Budget(1), Budget(2)])
        (await open_ledger(SqliteStore(file))).close()
        file.write_bytes(b"x" * 5000)
        for _ in range(2):
            with pytest.raises(StoreDamaged):
                await open_ledger(SqliteStore(file))

    run(body())


def test_a_ledger_in_memory_is_a_ledger() -> None:
    async def body() -> None:
        ledger = await open_ledger(SqliteStore(None), views=[Budget(100)])
        await ledger.append(write("a", 0, facts={"amount": 5}, body={"n": 1}))
        with pytest.raises(Exception, match="readonly"):
            ledger.query("DELETE FROM budget")
        await ledger.append(write("a", 1, facts={"amount": 5}))
        await ledger.erase(1, "why", "officer@riken")
        assert (used(ledger), ledger.entry(1).erased) == (10, True)
        assert ledger.statistics()["file_bytes"] == 0
        list(ledger.check())
        ledger.close()

    run(body())


def test_what_can_be_read_can_be_proved_even_in_the_moment_of_its_commit(file: Path) -> None:
    """A reader may see an entry before the writer's thread has said that its commit is over."""
    committed, asked = threading.Event(), threading.Event()

    class Slow(SqliteStore):
        @contextmanager
        def transaction(self, term: int) -> Iterator[Db]:
            with super().transaction(term) as db:
                yield db
            if threading.current_thread() is not threading.main_thread():
                committed.set()
                asked.wait(30)

    async def body() -> None:
        ledger = await open_ledger(Slow(file, durable=False), inline=False)
        appending = asyncio.ensure_future(ledger.append(write("a", 0)))
        await asyncio.to_thread(committed.wait, 30)
        (entry,) = ledger.read("a")
        asked.set()
        assert ledger.receipt(entry.sequence).verify(KEYS) == entry.header
        proof, checkpoint = ledger.attest([entry.sequence])
        verify_entries([entry.header_bytes], checkpoint, KEYS, proof=proof)
        await appending
        ledger.close()

    run(body())


def test_a_store_that_nobody_closed_gives_its_lock_back_when_it_is_gone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "left.sqlite", durable=False)
    store.claim(DDL)
    del store
    gc.collect()
    again = SqliteStore(tmp_path / "left.sqlite", durable=False)
    assert again.claim(DDL) == 2
    again.close()
