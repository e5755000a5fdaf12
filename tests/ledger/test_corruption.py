"""Damage is found and named: at the end of a ledger when it is opened, anywhere when it is checked."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.support import Budget, Opener, write
from yosegi.core.errors import Corrupt, Refused
from yosegi.ledger import Ledger
from yosegi.ledger.tree import Frontier, leaf_hash

LAST = 600


def run(action: Any) -> Any:
    return asyncio.run(action)


async def filled(opened: Opener) -> None:
    """A closed ledger of 601 entries in four commits; every other task has a body."""
    ledger = await opened(views=[Budget(10**6)])
    for first in (0, 200, 400):
        await ledger.append(
            *[
                write(f"task/{number % 50}", None, facts={"amount": 1}, body={"n": number} if number % 2 else None)
                for number in range(first, first + 200)
            ]
        )
    ledger.close()


def damage(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


async def checked(opened: Opener) -> Ledger:
    ledger = await opened(views=[Budget(10**6)])
    for _ in ledger.check():
        pass
    return ledger


def test_a_whole_ledger_passes_and_says_how_far_it_is(opened: Opener) -> None:
    async def body() -> None:
        await filled(opened)
        ledger = await opened(views=[Budget(10**6)])
        steps = [(step.what, step.done, step.total) for step in ledger.check()]
        assert steps == [("entries", 601, 601), ("view budget", 1, 1)]

    run(body())


HEADER = (
    "UPDATE ledger_entries SET header = CAST(replace(CAST(header AS TEXT), '\"amount\":1', '\"amount\":2') AS BLOB) "
    "WHERE sequence = {0}"
)
ANOTHER = (
    "UPDATE ledger_entries SET header = (SELECT header FROM ledger_entries WHERE sequence = 9) WHERE sequence = {0}"
)
DAMAGE = {
    "header changed": (HEADER, "its header is not the one the tree was built over"),
    "header unreadable": ("UPDATE ledger_entries SET header = x'00' WHERE sequence = {0}", "not readable"),
    "header of another entry": (ANOTHER, "its header is of entry 9"),
    "hash changed": ("UPDATE ledger_entries SET nodes = zeroblob(length(nodes)) WHERE sequence = {0}", "tree"),
    "entry deleted": ("DELETE FROM ledger_entries WHERE sequence = {0}", "missing"),
    "body changed": ("UPDATE ledger_bodies SET body = x'7b7d' WHERE sequence = {0}", "its body is not the one"),
    "salt changed": ("UPDATE ledger_bodies SET salt = x'00' WHERE sequence = {0}", "its body is not the one"),
    "filed elsewhere": ("UPDATE ledger_entries SET stream = 'task/x' WHERE sequence = {0}", "filed at"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_at_the_end_is_found_when_the_ledger_is_opened(opened: Opener, file: Path, kind: str) -> None:
    async def body() -> None:
        await filled(opened)
        statement, why = DAMAGE[kind]
        damage(file, statement.format(LAST))
        with pytest.raises(Corrupt, match=f"entry {LAST} is corrupt.*{why}"):
            await opened()

    run(body())


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_anywhere_is_found_when_the_ledger_is_checked(opened: Opener, file: Path, kind: str) -> None:
    async def body() -> None:
        await filled(opened)
        statement, why = DAMAGE[kind]
        damage(file, statement.format(46))
        with pytest.raises(Corrupt, match=f"entry 46 is corrupt.*{why}"):
            await checked(opened)

    run(body())


def test_an_entry_cut_off_the_end_is_missed(opened: Opener, file: Path) -> None:
    async def body() -> None:
        await filled(opened)
        damage(file, f"DELETE FROM ledger_entries WHERE sequence > {LAST - 1}")
        with pytest.raises(Corrupt, match=f"entry {LAST} is corrupt: it is missing: the last checkpoint is over 601"):
            await opened()

    run(body())


def test_entries_without_a_checkpoint_are_refused(opened: Opener, file: Path) -> None:
    async def body() -> None:
        await filled(opened)
        damage(file, "DELETE FROM ledger_checkpoints WHERE size = 601")
        with pytest.raises(Corrupt, match="entry 401 is corrupt: no checkpoint is over it"):
            await opened()
        damage(file, "DELETE FROM ledger_checkpoints")
        with pytest.raises(Corrupt, match="no checkpoint over them"):
            await opened()

    run(body())


def test_a_checkpoint_that_was_changed_is_refused(opened: Opener, file: Path) -> None:
    async def body() -> None:
        await filled(opened)
        damage(file, "UPDATE ledger_checkpoints SET envelope = x'7b7d' WHERE size = 201")
        ledger = await opened()
        with pytest.raises(Corrupt, match="checkpoint 201"):
            list(ledger.check())
        ledger.close()
        damage(
            file,
            "UPDATE ledger_checkpoints SET envelope = (SELECT envelope FROM ledger_checkpoints WHERE size = 401) "
            "WHERE size = 601",
        )
        with pytest.raises(Corrupt, match=r"entry 600 .* another root"):
            await opened()

    run(body())


def test_a_history_rewritten_with_its_hashes_is_refused(opened: Opener, file: Path) -> None:
    """Someone who recomputes every hash still lacks the key."""

    async def body() -> None:
        await filled(opened)
        with closing(sqlite3.connect(file)) as db:
            frontier = Frontier()
            for sequence, header in db.execute("SELECT sequence, header FROM ledger_entries ORDER BY 1").fetchall():
                header = header.replace(b'"amount":1', b'"amount":2') if sequence == 590 else header
                nodes = frontier.append(leaf_hash(header))
                update = "UPDATE ledger_entries SET header = ?, nodes = ? WHERE sequence = ?"
                db.execute(update, (header, nodes, sequence))
            db.commit()
        with pytest.raises(Corrupt, match="another root than the signed checkpoint over 601"):
            await opened()

    run(body())


def test_a_body_that_vanished_without_a_word_is_missed(opened: Opener, file: Path) -> None:
    async def body() -> None:
        await filled(opened)
        damage(file, "DELETE FROM ledger_bodies WHERE sequence = 46")
        with pytest.raises(Corrupt, match=r"entry 46 .* no entry says it was erased"):
            await checked(opened)

    run(body())


def test_a_body_that_came_back_is_noticed(opened: Opener, file: Path) -> None:
    async def body() -> None:
        await filled(opened)
        ledger = await opened(views=[Budget(10**6)])
        entry = ledger.entry(46)
        await ledger.erase(46, "why", "officer@riken")
        ledger.close()
        with closing(sqlite3.connect(file)) as db:
            db.execute("INSERT INTO ledger_bodies VALUES (?, ?, ?)", (46, entry.salt, entry.body_bytes))
            db.commit()
        with pytest.raises(Corrupt, match=r"entry 46 .* though it was erased"):
            await checked(opened)

    run(body())


def test_a_view_that_differs_from_its_entries_is_named_and_can_be_rebuilt(opened: Opener, file: Path) -> None:
    async def body() -> None:
        await filled(opened)
        damage(file, "UPDATE budget SET used = 7")
        ledger = await opened(views=[Budget(10**6)])
        with pytest.raises(Corrupt, match=r"view budget is corrupt: table budget lacks 1 rows .* and has 1 others"):
            list(ledger.check())
        damage(file, "DELETE FROM budget")
        with pytest.raises(Corrupt, match=r"lacks 1 rows .* and has 0 others"):
            list(ledger.check())
        ledger.rebuild(["budget"])
        list(ledger.check())
        assert ledger.query("SELECT used FROM budget") == [{"used": 600}]

    run(body())


def test_a_file_that_is_no_database_is_refused(opened: Opener, file: Path) -> None:
    async def body() -> None:
        file.write_bytes(b"no database, this" * 1000)
        with pytest.raises(Corrupt, match="not a database"):
            await opened()

    run(body())


def test_a_file_with_overwritten_pages_is_refused(opened: Opener, file: Path) -> None:
    async def body() -> None:
        await filled(opened)
        data = bytearray(file.read_bytes())
        data[8192:-4096] = bytes(len(data) - 8192 - 4096)
        file.write_bytes(data)
        with pytest.raises(Corrupt):
            await checked(opened)

    run(body())


def test_a_store_of_a_later_layout_is_refused(opened: Opener, file: Path) -> None:
    async def body() -> None:
        await filled(opened)
        damage(file, "UPDATE ledger_sequencer SET layout = 2")
        with pytest.raises(Corrupt, match="layout 2"):
            await opened()

    run(body())


def test_a_stricter_view_names_the_entry_it_no_longer_takes(opened: Opener) -> None:
    class Stricter(Budget):
        version = 2

        def apply(self, db: Any, entry: Any) -> None:
            if entry.sequence == 46:
                raise Refused(entry.stream, ("budget.exhausted",))

    async def body() -> None:
        await filled(opened)
        with pytest.raises(Corrupt, match="view budget is corrupt: it refuses entry 46"):
            await opened(views=[Stricter(10**6)])

    run(body())


def test_another_sites_ledger_is_refused(opened: Opener) -> None:
    async def body() -> None:
        await filled(opened)
        with pytest.raises(Corrupt, match="of riken"):
            await opened(site="argonne")

    run(body())
