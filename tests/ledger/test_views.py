"""Views are folded with the entries, and can be folded again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from ledger.support import Budget, Opener, Titles, tables, write
from yosegi.core.errors import Corrupt, Invalid
from yosegi.ledger import Db, Entry


def run(action: Any) -> Any:
    return asyncio.run(action)


class Counter:
    """Counts what it is shown; its version, tables and factor are a test's to choose."""

    name = "counter"

    def __init__(self, version: int = 1, table: str = "counts", factor: int = 1) -> None:
        self.version, self.table, self.factor = version, table, factor
        self.shown: list[int] = []

    @property
    def ddl(self) -> Sequence[str]:
        return (f"CREATE TABLE {self.table} (sequence INTEGER PRIMARY KEY, number INTEGER NOT NULL)",)

    def apply(self, db: Db, entry: Entry) -> None:
        self.shown.append(entry.sequence)
        db.execute(f"INSERT INTO {self.table} VALUES (?, ?)", (entry.sequence, entry.sequence * self.factor))


def test_a_view_that_is_new_is_folded_from_the_first_entry(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        await ledger.append(write("a", 0, drafts=9))
        ledger.close()
        counter = Counter()
        ledger = await opened(views=[counter])
        assert counter.shown == list(range(10))
        await ledger.append(write("a", 9))
        assert counter.shown[-1] == 10
        assert len(ledger.query("SELECT * FROM counts")) == 11

    run(body())


def test_a_view_that_is_up_to_date_is_not_folded_again(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened(views=[Counter()])
        await ledger.append(write("a", 0))
        ledger.close()
        counter = Counter()
        await opened(views=[counter])
        assert counter.shown == []

    run(body())


def test_a_view_that_was_away_for_a_while_catches_up(opened: Opener) -> None:
    async def body() -> None:
        (await opened(views=[Counter()])).close()
        ledger = await opened()
        await ledger.append(write("a", 0, drafts=2))
        ledger.close()
        counter = Counter()
        await opened(views=[counter])
        assert counter.shown == [1, 2]

    run(body())


@pytest.mark.parametrize("form", [(2, 10, "counts"), (2, 1, "counts2"), (1, 1, "counts2")])
def test_a_view_of_another_version_or_form_begins_anew(opened: Opener, form: tuple[int, int, str]) -> None:
    version, factor, table = form

    async def body() -> None:
        newer = Counter(version, factor=factor, table=table)
        ledger = await opened(views=[Counter()])
        await ledger.append(write("a", 0, drafts=2))
        ledger.close()
        ledger = await opened(views=[newer])
        assert newer.shown == [0, 1, 2]
        numbers = [row["number"] for row in ledger.query(f"SELECT number FROM {newer.table} ORDER BY 1")]
        assert numbers == [0, newer.factor, 2 * newer.factor]
        assert {name for name in tables(ledger) if name.startswith("counts")} == {newer.table}
        list(ledger.check())

    run(body())


def test_a_rebuilt_view_is_the_same(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened(views=[Titles(), Budget(100)])
        await ledger.append(
            write("a", 0, type="titled", body={"title": "x"}, facts={"amount": 3}), write("b", 0, facts={"amount": 4})
        )
        before = ledger.query("SELECT * FROM titles"), ledger.query("SELECT * FROM budget")
        ledger.rebuild()
        assert (ledger.query("SELECT * FROM titles"), ledger.query("SELECT * FROM budget")) == before
        await ledger.append(write("b", 1, facts={"amount": 5}))
        assert ledger.query("SELECT used FROM budget") == [{"used": 12}]
        with pytest.raises(Invalid, match="not registered"):
            ledger.rebuild(["colours"])

    run(body())


def test_a_long_ledger_is_folded_in_pieces(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        for _ in range(6):
            await ledger.append(write("a", None, drafts=2000))
        ledger.close()
        counter = Counter()
        ledger = await opened(views=[counter])
        assert counter.shown == list(range(12_001))

    run(body())


def test_a_ledger_whose_rebuild_failed_stops_and_goes_on_when_it_is_opened_again(opened: Opener) -> None:
    class Fragile(Counter):
        fails = False

        def apply(self, db: Db, entry: Entry) -> None:
            if self.fails and entry.sequence == 1:
                raise ZeroDivisionError
            super().apply(db, entry)

    async def body() -> None:
        view = Fragile()
        ledger = await opened(views=[view])
        await ledger.append(write("a", 0, drafts=3))
        view.fails = True
        with pytest.raises(ZeroDivisionError):
            ledger.rebuild()
        with pytest.raises(ZeroDivisionError):
            await ledger.append(write("a", 3))
        ledger.close()
        view.fails = False
        ledger = await opened(views=[view])
        list(ledger.check())
        await ledger.append(write("a", 3))

    run(body())


def test_appends_wait_while_a_view_is_rebuilt(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened(views=[Counter()], inline=False)
        await ledger.append(write("a", 0, drafts=500))
        waiting = [asyncio.ensure_future(ledger.append(write(f"b/{n}", 0))) for n in range(50)]
        await asyncio.sleep(0)
        ledger.rebuild()
        await asyncio.gather(*waiting)
        assert len(ledger.query("SELECT * FROM counts")) == ledger.size == 551
        list(ledger.check())

    run(body())


def test_a_view_that_takes_an_entry_for_corrupt_stops_its_own_append_alone(opened: Opener) -> None:
    class Suspicious(Counter):
        def apply(self, db: Db, entry: Entry) -> None:
            if entry.type == "odd":
                raise Corrupt("a bundle", "it does not hold together")
            super().apply(db, entry)

    async def body() -> None:
        ledger = await opened(views=[Suspicious()])
        with pytest.raises(Corrupt, match="a bundle"):
            await ledger.append(write("a", 0, type="odd"))
        await ledger.append(write("a", 0))

    run(body())


def test_two_views_of_one_name_are_refused(opened: Opener) -> None:
    async def body() -> None:
        with pytest.raises(Invalid, match="twice"):
            await opened(views=[Counter(), Counter()])

    run(body())


def test_a_view_may_not_take_the_ledgers_own_tables(opened: Opener) -> None:
    async def body() -> None:
        with pytest.raises(Invalid, match="ledger_mine"):
            await opened(views=[Counter(table="ledger_mine")])

    run(body())


def test_a_query_cannot_write(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened(views=[Counter()])
        with pytest.raises(Exception, match=r"read-?only"):
            ledger.query("DELETE FROM counts")

    run(body())
