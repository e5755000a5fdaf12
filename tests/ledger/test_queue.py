"""Who commits an append: the loop where it is alone and the disk is quick, else a thread that gathers them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from ledger.support import Opener, StillClock, write
from yosegi.core.errors import Conflict
from yosegi.ledger import Db, Entry, Ledger

LONG = 30
"""Appends one after another: more than it takes to see that each is alone."""


class Who:
    """A view that notes which thread folds."""

    name = "who"
    version = 1
    ddl = ("CREATE TABLE who (name TEXT)",)

    def __init__(self) -> None:
        self.seen: list[str] = []

    def apply(self, db: Db, entry: Entry) -> None:
        self.seen.append(threading.current_thread().name)


class SlowClock(StillClock):
    """A clock by which everything takes a hundredth of a second."""

    def monotonic(self) -> float:
        self.turn(0.01)
        return self.seconds


async def one_after_another(ledger: Ledger, stream: str) -> None:
    for position in range(LONG):
        await ledger.append(write(stream, position))


def run(opened: Opener, **fields: Any) -> tuple[list[str], list[str], list[str]]:
    """The threads that committed: appends one after another, many at once, and one after another again."""
    who = Who()

    async def body() -> None:
        ledger = await opened(inline=False, views=[who], **fields)
        await one_after_another(ledger, "before")
        who.seen.append("")
        await asyncio.gather(*(ledger.append(write(f"s{n}", 0)) for n in range(50)))
        who.seen.append("")
        await one_after_another(ledger, "after")
        assert [len(ledger.read(stream)) for stream in ("before", "s0", "s49", "after")] == [LONG, 1, 1, LONG]
        assert [entry.sequence for entry in ledger.scan()] == list(range(ledger.size))

    asyncio.run(body())
    first = who.seen.index("")
    second = who.seen.index("", first + 1)
    return who.seen[:first], who.seen[first + 1 : second], who.seen[second + 1 :]


def test_an_append_that_is_alone_is_committed_by_the_loop_and_many_by_the_thread(opened: Opener) -> None:
    before, together, after = run(opened)
    assert (before[1], before[-1]) == ("ledger", "MainThread")
    assert set(together) == {"ledger"}
    assert (after[0], after[-1]) == ("ledger", "MainThread")


def test_while_commits_take_long_the_loop_commits_nothing(opened: Opener) -> None:
    before, together, after = run(opened, clock=SlowClock())
    assert {*before[1:], *together, *after} == {"ledger"}


def test_what_would_keep_the_loop_long_is_committed_by_the_thread(opened: Opener) -> None:
    who = Who()

    async def body() -> None:
        ledger = await opened(inline=False, views=[who])
        await one_after_another(ledger, "before")
        await ledger.append(write("many", 0, drafts=100))

    asyncio.run(body())
    assert (who.seen[-101], who.seen[-1]) == ("MainThread", "ledger")


def test_an_append_that_the_loop_refuses_is_refused_to_who_asked(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened(inline=False)
        await one_after_another(ledger, "before")
        size = ledger.size
        with pytest.raises(Conflict, match="at position 30"):
            await ledger.append(write("before", 0))
        assert ledger.size == size
        await ledger.append(write("before", LONG))

    asyncio.run(body())
