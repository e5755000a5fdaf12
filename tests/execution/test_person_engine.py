"""The suite that every engine passes, over people at a bench; and what only they do: late, twice, wrong, half."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from yosegi.core.capability import Context, Infeasible
from yosegi.core.clock import SystemClock
from yosegi.core.csv_text import spreadsheet_cell
from yosegi.core.engine import Engine, Engines, PersonResult, PersonTask
from yosegi.core.errors import Conflict, Invalid, NotFound, Unavailable
from yosegi.core.states import Effect
from yosegi.core.supervision import Supervisor
from yosegi.execution.engines.person.engine import PersonEngine
from yosegi.execution.engines.person.folder import PROPOSALS, REJECTED, RESULTS, PersonFolder
from yosegi.execution.engines.person.tables import proposals_csv, read_results
from yosegi.execution.engines.registry import kind_of
from yosegi.execution.last_resort import LastResort
from yosegi.execution.stop_control import StopControl
from yosegi.ledger import Ledger, SqliteStore
from yosegi.testing.capabilities import capabilities
from yosegi.testing.engine_suite import EngineSuite, fresh, ignore, until, work
from yosegi.trust.signer import Ed25519Signer

KEY = Ed25519Signer.from_seed(b"bench".ljust(32, b"."))


@asynccontextmanager
async def ledger_in(folder: Path) -> AsyncIterator[Ledger]:
    store = SqliteStore(folder / "ledger.db", durable=False)
    ledger = await Ledger.open(store, site="riken", signer=KEY, clock=SystemClock(), views=[], code="t", inline=True)
    try:
        yield ledger
    finally:
        ledger.close()


def engine_of(ledger: Ledger, folder: Path | None = None) -> PersonEngine:
    contracts = {name: found.contract for name, found in capabilities().items()}
    return PersonEngine(
        "bench", "riken", contracts, ledger, SystemClock(), PersonFolder(folder) if folder else None, 0.01
    )


def done_at_the_bench(task: PersonTask, folder: Path) -> PersonResult:
    """What somebody enters who does what the sample would."""
    sample = capabilities()[task.capability]
    try:
        context = {"context": Context(task.key, 0, folder, state=folder)} if sample.takes_context else {}
        found: Any = sample.function(**task.inputs, **context)
        names = task.outputs
        return PersonResult({name: getattr(found, name) for name in names if hasattr(found, name)})
    except Infeasible as error:
        return PersonResult(infeasible=error.why)
    except Exception as error:  # noqa: BLE001 whatever a sample raises, somebody writes it down
        return PersonResult(failed=f"{type(error).__name__}: {error}")


async def people(engine: PersonEngine, folder: Path) -> None:
    while True:
        for task in engine.tasks_of_people():
            try:
                await engine.enter(task.key, done_at_the_bench(task, folder), "pi@riken")
            except Invalid:
                await engine.enter(task.key, PersonResult(failed="it gave no value that fits"), "pi@riken")
        await asyncio.sleep(0.01)


@asynccontextmanager
async def staffed(folder: Path) -> AsyncIterator[Engine]:
    async with ledger_in(folder) as ledger:
        engine = engine_of(ledger)
        await engine.start()
        bench = asyncio.create_task(people(engine, folder))
        try:
            yield engine
        finally:
            bench.cancel()
            await engine.close()


class TestPersonEngine(EngineSuite):
    tells_cost = False

    def test_outputs_that_break_the_contract_are_a_bad_output(self, opened: Any, run: Any) -> None:
        # A person is told so at once and may correct it: they who cannot say that it failed.
        outcome = self.outcome(opened, run, "wrong_type")
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "failed")

    @pytest.fixture
    def run(self):  # type: ignore[no-untyped-def]
        return asyncio.run

    @pytest.fixture
    def opened(self, tmp_path: Path):  # type: ignore[no-untyped-def]
        return lambda: staffed(tmp_path)


def test_nobody_is_handed_a_task_while_the_site_holds(tmp_path: Path) -> None:
    async def main() -> None:
        async with ledger_in(tmp_path) as ledger:
            engine = engine_of(ledger)
            await engine.start()
            control = StopControl(
                ledger, [engine], SystemClock(), LastResort(tmp_path / "stop.json"),
                Supervisor(SystemClock()).scope("stop"),
            )  # fmt: skip
            await control.engage("hold", "operator@riken", "maintenance")
            asked = asyncio.create_task(engine.run(work("twice", fresh(), x=3.0), ignore))
            while not engine.statistics()["waiting"]:
                await asyncio.sleep(0)
            assert engine.tasks_of_people() == ()
            await control.release("operator@riken", "done")
            (task,) = engine.tasks_of_people()
            await engine.enter(task.key, done_at_the_bench(task, tmp_path), "pi@riken")
            assert (await asked).effect is Effect.DONE
            await engine.close()

    asyncio.run(main())


def test_the_kind_is_found_by_its_name() -> None:
    assert kind_of("person") is PersonEngine


async def waiting(engine: PersonEngine, count: int = 1) -> tuple[PersonTask, ...]:
    while len(found := engine.tasks_of_people()) != count:
        await asyncio.sleep(0.005)
    return found


def at_a_bench(folder: Path, story: Callable[[PersonEngine], Any], files: Path | None = None) -> None:
    async def main() -> None:
        async with ledger_in(folder) as ledger:
            engine = engine_of(ledger, files)
            await engine.start()
            try:
                await story(engine)
            finally:
                await engine.close()

    asyncio.run(main())


def test_a_wrong_entry_is_refused_and_the_task_waits_on(tmp_path: Path) -> None:
    async def story(engine: PersonEngine) -> None:
        key = fresh()
        asked = asyncio.create_task(engine.run(work("twice", key, x=3.0), ignore))
        (task,) = await waiting(engine)
        assert list(task.outputs) == ["value"]
        with pytest.raises(Invalid, match="value"):
            await engine.enter(key, PersonResult({"value": "six"}), "pi@riken")
        with pytest.raises(Invalid):
            await engine.enter(key, PersonResult(), "pi@riken")
        await engine.enter(key, PersonResult({"value": 6}), "pi@riken")
        assert (await asked).outputs == {"value": 6}

    at_a_bench(tmp_path, story)


def test_what_is_entered_twice_or_late_or_was_never_asked_is_refused_by_name(tmp_path: Path) -> None:
    async def story(engine: PersonEngine) -> None:
        key, late = fresh(), fresh()
        asked = asyncio.create_task(engine.run(work("twice", key, x=3.0), ignore))
        await waiting(engine)
        await engine.enter(key, PersonResult({"value": 6}), "pi@riken")
        with pytest.raises(Conflict, match="entered already"):
            await engine.enter(key, PersonResult({"value": 7}), "pi@riken")
        assert (await asked).outputs == {"value": 6}
        outcome = await engine.run(work("dispense", late, limit=0.02, what="x"), ignore)
        # A consuming task of which nobody said anything may have happened.
        assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "time_limit")
        with pytest.raises(Conflict, match="waited for no more"):
            await engine.enter(late, PersonResult({"text": "x"}), "pi@riken")
        with pytest.raises(NotFound):
            await engine.enter("task/home/never", PersonResult({"value": 1}), "pi@riken")

    at_a_bench(tmp_path, story)


def test_a_task_outlives_a_restart_and_its_result_counts_once(tmp_path: Path) -> None:
    async def main() -> None:
        key = fresh()
        async with ledger_in(tmp_path) as ledger:
            engine = engine_of(ledger)
            await engine.start()
            asked = asyncio.create_task(engine.run(work("dispense", key, what="x"), ignore))
            (before,) = await waiting(engine)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            await engine.close()
            again = engine_of(ledger)
            await again.start()
            waited = asyncio.create_task(again.attach(work("dispense", key, what="x"), ignore))
            (after,) = await waiting(again)
            assert after.since == before.since
            await again.enter(key, PersonResult({"text": "by hand"}), "pi@riken")
            assert (await waited).outputs == {"text": "by hand"}
            await again.close()
            third = engine_of(ledger)
            await third.start()
            assert (await third.attach(work("dispense", key, what="x"), ignore)).outputs == {"text": "by hand"}
            assert [entry.type for entry in ledger.read(third.stream)] == ["person.handed_out", "person.entered"]
            await third.close()

    asyncio.run(main())


def test_a_folder_gives_proposals_out_and_takes_results_in(tmp_path: Path) -> None:
    bench = tmp_path / "bench"

    async def story(engine: PersonEngine) -> None:
        key, other = fresh(), fresh()
        asked = [asyncio.create_task(engine.run(work("twice", one, x=3.0), ignore)) for one in (key, other)]
        await waiting(engine, 2)
        head = (bench / PROPOSALS).read_text().splitlines()
        assert head[0] == "key,capability,x,value,infeasible,failed"
        assert f"{key},sample.twice@1,3.0,,," in head
        # Half a line is left; a wrong row is said beside it; the right one below it counts, and once.
        (bench / RESULTS).write_text(f"key,value\n{key},six\nnobody,1\n{key},6\n{key},7\n{other},1")
        assert (await asked[0]).outputs == {"value": 6}
        await waiting(engine, 1)
        rejected = (bench / REJECTED).read_text()
        assert "2,task" in rejected.replace(key, "task")
        assert "nobody" in rejected
        assert not asked[1].done()
        (bench / RESULTS).write_text((bench / RESULTS).read_text() + "2\n")
        assert (await asked[1]).outputs == {"value": 12}
        assert key not in (bench / PROPOSALS).read_text()

    at_a_bench(tmp_path, story, bench)


def unreadable(name: str) -> Callable[[Path], object]:
    """What somebody may put where results are expected."""
    as_bytes = {
        "Shift-JIS": "key,value\n\u5099\u8003,1\n".encode("shift-jis"),
        "UTF-16": "key,value\nk,1\n".encode("utf-16"),
        "a field without an end": b"key,value\nk," + b"9" * 200_000 + b"\n",
        "more than is read": b"k,1\n" * 1_100_000,
        "a column twice": b"key,value,value\nk,1,2\n",
    }
    special: dict[str, Callable[[Path], object]] = {
        "a pipe": os.mkfifo,
        "a folder": Path.mkdir,
        "a file without an end": lambda path: path.symlink_to("/dev/zero"),
    }
    return special.get(name) or (lambda path: path.write_bytes(as_bytes[name]))


UNREADABLE = (
    "Shift-JIS", "UTF-16", "a field without an end", "more than is read", "a column twice", "a pipe", "a folder",
    "a file without an end",
)  # fmt: skip


@pytest.mark.parametrize("what", UNREADABLE)
def test_results_that_cannot_be_read_are_said_beside_them_once_and_end_no_task(tmp_path: Path, what: str) -> None:
    bench = tmp_path / "bench"

    async def story(engine: PersonEngine) -> None:
        key = fresh()
        asked = asyncio.create_task(engine.run(work("twice", key, x=3.0), ignore))
        await waiting(engine)
        results, rejected = bench / RESULTS, bench / REJECTED
        unreadable(what)(results)
        await until(rejected.exists)
        looked = engine._looked
        await until(lambda: engine._looked > looked + 0.03)
        (line,) = rejected.read_text().splitlines()[1:]
        assert "nothing is taken from it meanwhile" in line
        results.rmdir() if what == "a folder" else results.unlink()
        results.write_text(f"key,value\n{key},6\n")
        assert (await asked).outputs == {"value": 6}

    at_a_bench(tmp_path, story, bench)


def test_a_cell_nested_thousands_deep_is_words_and_refused_with_its_row(tmp_path: Path) -> None:
    bench = tmp_path / "bench"

    async def story(engine: PersonEngine) -> None:
        key = fresh()
        asked = asyncio.create_task(engine.run(work("twice", key, x=3.0), ignore))
        await waiting(engine)
        (bench / RESULTS).write_text(f"key,value\n{key},{'[' * 50_000}\n{key},6\n")
        assert (await asked).outputs == {"value": 6}
        rejected = (bench / REJECTED).read_text()
        assert f"2,{key}" in rejected
        assert len(rejected) < 2000, "what is quoted is cut"

    at_a_bench(tmp_path, story, bench)


@pytest.mark.parametrize("name", [".lock", "proposals.csv", "proposals.csv.part", "rejected.csv"])
def test_nothing_is_written_through_a_link_that_somebody_put_into_the_folder(tmp_path: Path, name: str) -> None:
    bench, ours = tmp_path / "bench", tmp_path / "ledger.db"
    bench.mkdir()
    ours.write_text("precious")
    (bench / name).symlink_to(ours)

    async def main() -> None:
        async with ledger_in(tmp_path / "home") as ledger:
            engine = engine_of(ledger, bench)
            if name == ".lock":
                with pytest.raises(Unavailable, match="is a link"):
                    await engine.start()
                return
            await engine.start()
            asked = asyncio.create_task(engine.run(work("twice", fresh(), x=3.0), ignore))
            await waiting(engine)
            (bench / RESULTS).write_text("key,value\nnobody,3\n")
            looked = engine._looked
            await until(lambda: engine._looked > looked + 0.03)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            await engine.close()

    (tmp_path / "home").mkdir()
    asyncio.run(main())
    assert ours.read_text() == "precious"


def test_a_folder_that_was_away_and_came_back_empty_has_what_is_to_be_done_and_takes_results(tmp_path: Path) -> None:
    bench = tmp_path / "bench"

    async def story(engine: PersonEngine) -> None:
        key = fresh()
        asked = asyncio.create_task(engine.run(work("twice", key, x=3.0), ignore))
        await waiting(engine)
        shutil.rmtree(bench)
        other = asyncio.create_task(engine.run(work("twice", fresh(), x=4.0), ignore))
        await waiting(engine, 2)
        bench.mkdir()
        async with asyncio.timeout(60):
            while not (bench / PROPOSALS).exists():
                await asyncio.sleep(0.005)
        assert key in (bench / PROPOSALS).read_text()
        (bench / RESULTS).write_text(f"key,value\n{key},6\n")
        assert (await asked).outputs == {"value": 6}
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)

    at_a_bench(tmp_path, story, bench)


def test_two_engines_never_give_work_out_in_one_folder(tmp_path: Path) -> None:
    bench = tmp_path / "bench"

    async def story(engine: PersonEngine) -> None:
        other = engine_of(engine._ledger, bench)
        with pytest.raises(Unavailable, match="another engine gives work out there"):
            await other.start()
        await engine.close()
        await other.start()
        await other.close()

    at_a_bench(tmp_path, story, bench)


def test_engines_with_people_are_found_by_their_ability(tmp_path: Path) -> None:
    async def story(engine: PersonEngine) -> None:
        assert list(Engines([engine]).people) == ["bench"]

    at_a_bench(tmp_path, story)


# -- a second person --------------------------------------------------------------------------------------------------


def with_second(ledger: Ledger) -> PersonEngine:
    contract = capabilities()["sample.twice@1"].contract.model_copy(update={"confirmed_by": "second_person"})
    return PersonEngine("bench", "riken", {contract.name: contract}, ledger, SystemClock())


def bench_story(folder: Path, story: Callable[[PersonEngine, str, asyncio.Task[Any]], Any]) -> Any:
    """A task waits whose contract wants a second person."""

    async def main() -> Any:
        async with ledger_in(folder) as ledger:
            engine = with_second(ledger)
            await engine.start()
            asked = asyncio.create_task(engine.run(work("twice", fresh(), x=3.0), ignore))
            (task,) = await waiting(engine)
            try:
                return await story(engine, task.key, asked)
            finally:
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)

    return asyncio.run(main())


def test_an_answer_counts_when_a_second_person_of_the_site_has_confirmed_it(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, key: str, asked: asyncio.Task[Any]) -> None:
        await engine.enter(key, PersonResult({"value": 6.0}), "first@riken")
        (task,) = engine.tasks_of_people()
        assert (task.entered, task.entered_by) == ({"value": 6.0}, "first@riken")
        assert not asked.done()
        with pytest.raises(Conflict, match="entered by yourself"):
            await engine.confirm(key, "first@riken")
        with pytest.raises(Conflict, match="somebody of riken"):
            await engine.confirm(key, "pi@argonne")
        assert not asked.done()
        await engine.confirm(key, "second@riken")
        assert (await asked).outputs == {"value": 6.0}

    bench_story(tmp_path, story)


def test_the_same_entered_by_a_second_person_confirms_and_something_else_waits_for_another(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, key: str, asked: asyncio.Task[Any]) -> None:
        await engine.enter(key, PersonResult({"value": 6.0}), "first@riken")
        await engine.enter(key, PersonResult({"value": 6.5}), "second@riken")
        (task,) = engine.tasks_of_people()
        assert (task.entered, task.entered_by) == ({"value": 6.5}, "second@riken")
        await engine.enter(key, PersonResult({"value": 6.5}), "pi@argonne")
        assert not asked.done()
        await engine.enter(key, PersonResult({"value": 6.5}), "first@riken")
        assert (await asked).outputs == {"value": 6.5}

    bench_story(tmp_path, story)


def test_what_is_not_confirmed_is_entered_anew_and_says_why(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, key: str, asked: asyncio.Task[Any]) -> None:
        await engine.enter(key, PersonResult({"value": 60.0}), "first@riken")
        with pytest.raises(Invalid, match="reason"):
            await engine.not_confirm(key, " ", "second@riken")
        await engine.not_confirm(key, "the point is in the wrong place", "second@riken")
        (task,) = engine.tasks_of_people()
        assert (task.entered_by, task.not_confirmed) == ("", "the point is in the wrong place")
        with pytest.raises(Conflict, match="no answer that waits"):
            await engine.confirm(key, "second@riken")
        assert not asked.done()

    bench_story(tmp_path, story)


def test_an_answer_that_was_not_confirmed_still_waits_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        task = work("twice", fresh(), x=3.0)
        async with ledger_in(tmp_path) as ledger:
            engine = with_second(ledger)
            await engine.start()
            asked = asyncio.create_task(engine.run(task, ignore))
            await waiting(engine)
            await engine.enter(task.key, PersonResult({"value": 6.0}), "first@riken")
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
        async with ledger_in(tmp_path) as ledger:
            engine = with_second(ledger)
            await engine.start()
            asked = asyncio.create_task(engine.attach(task, ignore))
            (shown,) = await waiting(engine)
            assert shown.entered_by == "first@riken"
            with pytest.raises(Conflict, match="entered by yourself"):
                await engine.confirm(task.key, "first@riken")
            await engine.confirm(task.key, "second@riken")
            assert (await asked).outputs == {"value": 6.0}

    asyncio.run(main())


# -- taken back -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("capability", "inputs", "effect"),
    [("twice", {"x": 3.0}, Effect.NONE), ("dispense", {"what": "x"}, Effect.UNKNOWN)],
)
def test_work_that_is_taken_back_leaves_everybody_and_who_answers_late_is_told(
    tmp_path: Path, capability: str, inputs: dict[str, Any], effect: Effect
) -> None:
    bench = tmp_path / "bench"

    async def story(engine: PersonEngine) -> None:
        key = fresh()
        asked = asyncio.create_task(engine.run(work(capability, key, **inputs), ignore))
        await waiting(engine)
        assert not await engine.cancel(key), "somebody may have begun"
        await engine.withdraw(key, "its campaign was aborted")
        assert engine.tasks_of_people() == ()
        assert key not in (bench / PROPOSALS).read_text()
        assert f"{key},taken back by whoever asked: its campaign was aborted" in (bench / REJECTED).read_text()
        # Consuming work that somebody may have begun is never said to be undone.
        assert (await asked).effect is effect
        with pytest.raises(Conflict, match="its campaign was aborted"):
            await engine.enter(key, PersonResult({"value": 6.0}), "pi@riken")

    at_a_bench(tmp_path, story, bench)


def test_what_was_taken_back_stays_so_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        task = work("dispense", fresh(), what="x")
        async with ledger_in(tmp_path) as ledger:
            engine = engine_of(ledger)
            await engine.start()
            asked = asyncio.create_task(engine.run(task, ignore))
            await waiting(engine)
            await engine.withdraw(task.key, "no longer wanted")
            await asked
        async with ledger_in(tmp_path) as ledger:
            again = engine_of(ledger)
            await again.start()
            assert (await again.attach(task, ignore)).effect is Effect.UNKNOWN
            with pytest.raises(Conflict, match="no longer wanted"):
                await again.enter(task.key, PersonResult({"text": "x"}), "pi@riken")

    asyncio.run(main())


# CWE-1236 names these: https://cwe.mitre.org/data/definitions/1236.html
@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_a_spreadsheet_would_run_is_text_in_what_people_open_and_as_it_is_for_programs(first: str) -> None:
    task = PersonTask("task/argonne/k", "film.break@1", {"film": f"{first}x", "load": -1.5}, {}, "")
    opened, read = (
        next(csv.DictReader(io.StringIO(proposals_csv([task], text), newline=""))) for text in (spreadsheet_cell, str)
    )
    assert (opened["film"], opened["load"]) == (f"'{first}x", "-1.5")
    assert (read["film"], read["load"]) == (f"{first}x", "-1.5")


def test_what_a_task_says_makes_no_row_of_its_own() -> None:
    r"""A bare `\r` ends a row for whoever reads it (RFC 4180, 2.6: such a field is enclosed in double quotes)."""
    hostile = "a film\rtask/argonne/other,film.break@1,,99"
    task = PersonTask("task/argonne/k", "film.break@1", {"film": hostile}, {"strength": {}}, "")
    assert [found.key for found in read_results(proposals_csv([task]), {}, whole=True)] == ["task/argonne/k"]
