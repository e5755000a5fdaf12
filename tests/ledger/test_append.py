"""Appending: order, conflicts, all or nothing, guards."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ledger.support import Budget, Opener, write
from yosegi.core.errors import Conflict, Invalid, Refused, Unavailable
from yosegi.ledger import Db, Draft, Entry, Ledger, Write

ROOMS = pytest.mark.parametrize("inline", [True, False], ids=["inline", "thread"])


def run(action: Any) -> Any:
    return asyncio.run(action)


def used(ledger: Ledger) -> int:
    return int(ledger.query("SELECT used FROM budget")[0]["used"])


@ROOMS
def test_a_new_ledger_begins_with_an_entry_that_names_its_key(opened: Opener, inline: bool) -> None:
    async def body() -> None:
        ledger = await opened(inline=inline)
        first = ledger.entry(0)
        assert (first.type, first.stream, first.position, ledger.size) == ("ledger.opened", "ledger", 1, 1)
        assert first.facts["key"].startswith("ed25519-")

    run(body())


@ROOMS
def test_entries_take_the_next_places(opened: Opener, inline: bool) -> None:
    async def body() -> None:
        ledger = await opened(inline=inline)
        first, second = await ledger.append(write("a", 0, drafts=2))
        (third,) = await ledger.append(write("b", 0))
        (fourth,) = await ledger.append(write("a", 2, body={"n": 1}, facts={"amount": 3}))
        assert [entry.sequence for entry in (first, second, third, fourth)] == [1, 2, 3, 4]
        assert [entry.position for entry in (first, second, third, fourth)] == [1, 2, 1, 3]
        assert ledger.read("a") == [first, second, fourth]
        assert ledger.read("a", after=2) == [fourth]
        assert (ledger.position("a"), ledger.position("b"), ledger.position("c")) == (3, 1, 0)
        assert (fourth.body, fourth.facts, fourth.type) == ({"n": 1}, {"amount": 3}, "task.noted")

    run(body())


@ROOMS
def test_a_stream_that_moved_on_is_a_conflict_and_nothing_is_written(opened: Opener, inline: bool) -> None:
    async def body() -> None:
        ledger = await opened(inline=inline)
        await ledger.append(write("a", 0))
        with pytest.raises(Conflict, match="stream a: at position 1, and 0 was expected"):
            await ledger.append(write("b", 0), write("a", 0))
        assert (ledger.size, ledger.position("b")) == (2, 0)

    run(body())


def test_what_is_expected_none_of_takes_any_position(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        for position in (1, 2, 3):
            assert (await ledger.append(write("a", None)))[0].position == position

    run(body())


def test_two_writes_to_one_stream_follow_each_other(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        entries = await ledger.append(write("a", 0), write("a", 1), write("b", 0))
        assert [entry.position for entry in entries] == [1, 2, 1]
        with pytest.raises(Conflict):
            await ledger.append(write("a", 2), write("a", 2))

    run(body())


def test_nothing_to_append_is_nothing(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        assert await ledger.append() == []
        assert ledger.size == 1

    run(body())


@ROOMS
def test_a_guard_takes_back_its_own_append_alone(opened: Opener, inline: bool) -> None:
    async def body() -> None:
        ledger = await opened(views=[Budget(100)], inline=inline)
        answers = await asyncio.gather(
            *[ledger.append(write(f"task/{n}", 0, facts={"amount": 30})) for n in range(5)], return_exceptions=True
        )
        refused = [answer for answer in answers if isinstance(answer, Refused)]
        assert (len(answers) - len(refused), len(refused)) == (3, 2)
        assert (ledger.size, used(ledger)) == (4, 90)
        assert [ledger.position(f"task/{n}") for n in range(5)] == [1, 1, 1, 0, 0]
        list(ledger.check())

    run(body())


def test_many_askers_for_107_of_100_get_exactly_100(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened(views=[Budget(100)], inline=False)
        answers = await asyncio.gather(
            *[ledger.append(write(f"task/{n}", 0, facts={"amount": 1})) for n in range(107)], return_exceptions=True
        )
        assert sum(isinstance(answer, Refused) for answer in answers) == 7
        assert used(ledger) == 100

    run(body())


def test_a_fault_in_a_view_is_its_callers_alone(opened: Opener) -> None:
    class Faulty:
        name = "faulty"
        version = 1
        ddl = ("CREATE TABLE faulty (sequence INTEGER PRIMARY KEY)",)

        def apply(self, db: Db, entry: Entry) -> None:
            db.execute("INSERT INTO faulty (sequence) VALUES (?)", (entry.sequence,))
            if entry.type == "bad":
                db.execute("SELECT no_such_column FROM faulty")

    async def body() -> None:
        ledger = await opened(views=[Faulty()], inline=False)
        good, bad = await asyncio.gather(
            ledger.append(write("a", 0)), ledger.append(write("b", 0, type="bad")), return_exceptions=True
        )
        assert isinstance(good, list)
        assert "no_such_column" in str(bad)
        assert (await ledger.append(write("c", 0)))[0].sequence == 2
        assert len(ledger.query("SELECT * FROM faulty")) == ledger.size

    run(body())


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        (Draft("t", {"n": 2**53}), "beyond 2\\^53"),
        (Draft("t", {"n": float("nan")}), "canonical"),
        (Draft("t", {"text": "x" * 70_000}), "a header of"),
        (Draft("t", body=b"x" * (4 * 1024 * 1024 + 1)), "at most"),
        (Draft("t", body={"n": object()}), "canonical"),
        (Draft("t", {"text": "\ud800"}), "canonical"),
    ],
)
def test_what_cannot_be_written_is_refused_and_changes_nothing(opened: Opener, draft: Draft, why: str) -> None:
    async def body() -> None:
        ledger = await opened()
        with pytest.raises(Invalid, match=why):
            await ledger.append(write("a", 0), Write("b", 0, (draft,), "c", "a"))
        assert (ledger.size, ledger.position("a")) == (1, 0)

    run(body())


def test_a_body_of_bytes_is_kept_as_it_is(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        binary, document = await ledger.append(write("a", 0, body=b"\x00\xff"), write("b", 0, body=b'{"b": 1, "a": 2}'))
        assert ledger.entry(1) == binary
        assert ledger.entry(1).body_bytes == b"\x00\xff"
        assert ledger.entry(2).body_bytes == b'{"b": 1, "a": 2}'
        assert document.body == {"a": 2, "b": 1}
        with pytest.raises(Invalid, match="body_bytes"):
            _ = binary.body

    run(body())


def test_a_header_says_who_for_whom_under_what_and_after_what(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        first = ledger.entry(0)
        draft = Draft("task.accepted", {"state": "accepted"}, after=(first.hash,), type_version=2)
        (entry,) = await ledger.append(Write("task/1", 0, (draft,), "alliance", "agent@argonne", "pi@argonne"))
        header = ledger.entry(entry.sequence).header
        assert (header.charter, header.site, header.epoch, header.code) == ("alliance", "riken", 1, "yosegi test")
        assert (header.actor, header.on_behalf_of, header.after) == ("agent@argonne", "pi@argonne", (first.hash,))
        assert (header.type_version, header.time) == (2, "2026-11-21T04:00:00.000000Z")
        assert header.covers(b"", b"") is False

    run(body())


def test_a_closed_ledger_refuses(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened(inline=False)
        ledger.close()
        ledger.close()
        with pytest.raises(Unavailable, match="closed"):
            await ledger.append(write())

    run(body())


def test_a_caller_that_gives_up_waiting_harms_no_other(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened(inline=False)
        given_up = asyncio.ensure_future(ledger.append(write("a", 0)))
        kept = asyncio.ensure_future(ledger.append(write("b", 0)))
        await asyncio.sleep(0)
        given_up.cancel()
        assert (await kept)[0].stream == "b"
        await ledger.append(write("c", 0))

    run(body())


def test_appends_that_wait_together_share_a_commit(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened(inline=False)
        before = ledger.statistics()["commits"]
        with ledger._sequencer._lock:
            waiting = [asyncio.ensure_future(ledger.append(write(f"task/{n}", 0))) for n in range(200)]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        # The writer's thread may have set out with the first few.
        assert ledger.statistics()["commits"] - before <= 2
        assert ledger.size == 201

    run(body())


def test_a_ledgers_repr_is_a_sentence(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        assert repr(ledger) == "ledger of riken: 1 entries, epoch 1, term 1"
        assert repr(ledger.entry(0)) == "entry 0: ledger.opened in ledger at 1"

    run(body())


def test_a_ledger_is_checked_while_it_goes_on(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened(views=[Budget(10**6)], inline=False)
        for _ in range(3):
            await ledger.append(write("a", None, drafts=700, facts={"amount": 1}))
        (kept,) = await ledger.append(write("c", 0, body={"n": 1}))
        for step in ledger.check():
            await ledger.append(write("b", None, facts={"amount": 1}))
            if step.done == 1000:
                await ledger.erase(kept.sequence, "why", "officer@riken")
        assert ledger.entry(kept.sequence).erased
        list(ledger.check())

    run(body())
