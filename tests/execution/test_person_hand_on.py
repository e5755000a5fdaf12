"""A task that one person hands on to another: who enters it then, who confirms it, and what a restart keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from execution.test_person_engine import at_a_bench, bench_story, engine_of, ledger_in, waiting, with_second
from yosegi.core.engine import PersonResult
from yosegi.core.errors import Conflict, Invalid, Unavailable
from yosegi.execution.engines.person.engine import PersonEngine
from yosegi.execution.engines.person.folder import PROPOSALS, REJECTED, RESULTS
from yosegi.ledger import Ledger
from yosegi.testing.engine_suite import fresh, ignore, work

A, B, C = "a@riken", "b@riken", "c@riken"
SIX = PersonResult({"value": 6.0})


def with_a_task(folder: Path, story: Callable[[PersonEngine, str, asyncio.Task[Any]], Any]) -> None:
    async def told(engine: PersonEngine) -> None:
        asked = asyncio.create_task(engine.run(work("twice", fresh(), x=3.0), ignore))
        (task,) = await waiting(engine)
        try:
            await story(engine, task.key, asked)
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)

    at_a_bench(folder, told)


async def hand_on(engine: PersonEngine, key: str, to: str, by: str, note: str = "it is your press") -> None:
    await engine.hand_on(key, to, note, by, runs_site=False)


def test_who_a_task_was_handed_on_to_sees_the_note_and_alone_enters_it(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, key: str, asked: asyncio.Task[Any]) -> None:
        await hand_on(engine, key, B, by=A)
        (task,) = engine.tasks_of_people()
        assert (task.handed_to, task.handed_by, task.handed_note) == (B, A, "it is your press")
        for other in (A, C):
            with pytest.raises(Conflict, match=f"handed on to {B} by {A}"):
                await engine.enter(key, SIX, other)
        assert not asked.done()
        await engine.enter(key, SIX, B)
        assert (await asked).outputs == {"value": 6.0}

    with_a_task(tmp_path, story)


def test_a_task_handed_on_twice_is_with_the_last_and_the_first_takes_nothing_back(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, key: str, asked: asyncio.Task[Any]) -> None:
        await hand_on(engine, key, B, by=A)
        await hand_on(engine, key, C, by=B, note="your shift")
        with pytest.raises(Conflict, match=f"handed on to {C} by {B}"):
            await hand_on(engine, key, A, by=A)
        assert not engine.may_hand_on(key, A, runs_site=False)
        with pytest.raises(Conflict, match=f"handed on to {C} by {B}"):
            await engine.enter(key, SIX, B)
        await engine.enter(key, SIX, C)
        assert (await asked).outputs == {"value": 6.0}
        said = [
            (e.facts["by"], e.facts["to"], (e.body or {})["note"])
            for e in engine._ledger.read(engine.stream)
            if e.type == "person.handed_on"
        ]
        assert said == [(A, B, "it is your press"), (B, C, "your shift")]

    with_a_task(tmp_path, story)


def test_whoever_handed_a_task_on_last_takes_it_back(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, key: str, asked: asyncio.Task[Any]) -> None:
        await hand_on(engine, key, B, by=A)
        await hand_on(engine, key, A, by=A, note="you are ill")
        with pytest.raises(Conflict, match=f"handed on to {A}"):
            await engine.enter(key, SIX, B)
        await engine.enter(key, SIX, A)
        assert (await asked).outputs == {"value": 6.0}

    with_a_task(tmp_path, story)


def test_who_runs_the_site_gives_a_task_to_another_whoever_holds_it(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, key: str, asked: asyncio.Task[Any]) -> None:
        await hand_on(engine, key, B, by=A)
        with pytest.raises(Conflict, match="an operator of the site"):
            await hand_on(engine, key, C, by=C)
        await engine.hand_on(key, C, "b has left", "operator@riken", runs_site=True)
        assert engine.tasks_of_people()[0].handed_to == C

    with_a_task(tmp_path, story)


def test_a_task_is_not_handed_on_to_who_has_it_nor_without_a_reason_nor_when_it_is_over(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, key: str, asked: asyncio.Task[Any]) -> None:
        with pytest.raises(Conflict, match=f"is with {A} already"):
            await hand_on(engine, key, A, by=A)
        with pytest.raises(Invalid, match="the note: it is empty"):
            await hand_on(engine, key, B, by=A, note=" ")
        await hand_on(engine, key, B, by=A)
        with pytest.raises(Conflict, match=f"is with {B} already"):
            await hand_on(engine, key, B, by=A)
        await engine.enter(key, SIX, B)
        with pytest.raises(Conflict, match="was entered already"):
            await hand_on(engine, key, C, by=B)
        assert [e.type for e in engine._ledger.read(engine.stream)].count("person.handed_on") == 1

    with_a_task(tmp_path, story)


def test_a_task_handed_on_stays_so_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        task = work("twice", fresh(), x=3.0)

        async def asked_of(engine: PersonEngine) -> asyncio.Task[Any]:
            await engine.start()
            asked = asyncio.create_task(engine.attach(task, ignore))
            await waiting(engine)
            return asked

        async with ledger_in(tmp_path) as ledger:
            engine = engine_of(ledger)
            asked = await asked_of(engine)
            await hand_on(engine, task.key, B, by=A)
            (before,) = engine.tasks_of_people()
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
        async with ledger_in(tmp_path) as ledger:
            engine = engine_of(ledger)
            asked = await asked_of(engine)
            (after,) = engine.tasks_of_people()
            assert after == before
            with pytest.raises(Conflict, match=f"handed on to {B}"):
                await engine.enter(task.key, SIX, A)
            await engine.enter(task.key, SIX, B)
            assert (await asked).outputs == {"value": 6.0}

    asyncio.run(main())


def test_a_hand_on_that_is_not_recorded_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(self: Ledger, *writes: Any, **more: Any) -> Any:
        raise Unavailable("the ledger", "its disk is full")

    async def story(engine: PersonEngine, key: str, asked: asyncio.Task[Any]) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "append", full)
            with pytest.raises(Unavailable, match="its disk is full"):
                await hand_on(engine, key, B, by=A)
        await engine.enter(key, SIX, A)
        assert (await asked).outputs == {"value": 6.0}

    with_a_task(tmp_path, story)


def test_who_handed_a_task_on_may_be_its_second_person(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, key: str, asked: asyncio.Task[Any]) -> None:
        await hand_on(engine, key, B, by=A)
        with pytest.raises(Conflict, match=f"handed on to {B}"):
            await engine.enter(key, SIX, A)
        await engine.enter(key, SIX, B)
        with pytest.raises(Conflict, match="entered by yourself"):
            await engine.confirm(key, B)
        # Something else is not entered by who does not hold it; what is wrong is not confirmed.
        with pytest.raises(Conflict, match=f"handed on to {B}"):
            await engine.enter(key, PersonResult({"value": 7.0}), A)
        await engine.not_confirm(key, "the wrong pellet", A)
        await engine.enter(key, SIX, B)
        await engine.confirm(key, A)
        assert (await asked).outputs == {"value": 6.0}

    bench_story(tmp_path, story)


def test_the_same_entered_by_who_handed_a_task_on_confirms_it(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, key: str, asked: asyncio.Task[Any]) -> None:
        await hand_on(engine, key, B, by=A)
        await engine.enter(key, SIX, B)
        await engine.enter(key, SIX, A)
        assert (await asked).outputs == {"value": 6.0}

    bench_story(tmp_path, story)


def test_an_answer_that_waits_for_a_second_person_may_be_handed_on_to_them(tmp_path: Path) -> None:
    async def main() -> None:
        task = work("twice", fresh(), x=3.0)
        async with ledger_in(tmp_path) as ledger:
            engine = with_second(ledger)
            await engine.start()
            asked = asyncio.create_task(engine.run(task, ignore))
            await waiting(engine)
            await engine.enter(task.key, SIX, A)
            await hand_on(engine, task.key, B, by=A, note="please look at it")
            (shown,) = engine.tasks_of_people()
            assert (shown.entered_by, shown.handed_to) == (A, B)
            await engine.confirm(task.key, B)
            assert (await asked).outputs == {"value": 6.0}

    asyncio.run(main())


def test_a_folder_no_longer_asks_for_what_was_handed_on_and_its_rows_do_not_count(tmp_path: Path) -> None:
    bench = tmp_path / "bench"

    async def story(engine: PersonEngine) -> None:
        key, other = fresh(), fresh()
        asked = [asyncio.create_task(engine.run(work("twice", one, x=3.0), ignore)) for one in (key, other)]
        await waiting(engine, 2)
        await hand_on(engine, key, B, by=A)
        assert key not in (bench / PROPOSALS).read_text()
        assert other in (bench / PROPOSALS).read_text()
        assert f"handed on to {B} by {A}" in (bench / REJECTED).read_text()
        (bench / RESULTS).write_text(f"key,value\n{key},6\n{other},6\n")
        assert (await asked[1]).outputs == {"value": 6}
        assert not asked[0].done()
        assert f"2,{key}" in (bench / REJECTED).read_text()
        await engine.enter(key, SIX, B)
        assert (await asked[0]).outputs == {"value": 6.0}

    at_a_bench(tmp_path, story, bench)
