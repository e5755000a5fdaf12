"""A folder in NIMO's convention: what is asked, what is taken, and what a file that changes at the wrong time does.

What NIMO's scripts read and write was read off NIMO 2.1.8: `ai_tools/ai_tool_re.py` (proposals.csv: a header `actions`
and the descriptors, an action a row of candidates.csv from 0 below the header), and
`output_tools/analysis_output_standard.py` (reads proposals.csv again, and rewrites candidates.csv in place).
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from execution.test_person_engine import KEY, ledger_in, waiting
from yosegi.core.clock import SystemClock
from yosegi.core.engine import Outcome, PersonResult
from yosegi.core.errors import Invalid
from yosegi.core.states import Effect
from yosegi.execution.engines.person.candidates import CandidateColumns, CandidateTable
from yosegi.execution.engines.person.engine import HANDED_OUT, PersonEngine
from yosegi.execution.engines.person.folder import PROPOSALS, REJECTED
from yosegi.execution.engines.person.nimo_folder import NimoFolder, folder_of
from yosegi.execution.engines.person.settings import PersonSettings
from yosegi.ledger import Ledger
from yosegi.testing.capabilities import capabilities
from yosegi.testing.engine_suite import fresh, ignore, until, work

assert KEY  # the ledger of these tests is signed with it
CONTRACT = capabilities()["sample.twice@1"].contract
TABLE = "x,value\r\n1.0,\r\n2.0,\r\n3.0,\r\n4.0,8.0\r\n"

Ask = Callable[[float], "asyncio.Task[Outcome]"]


def engine_of(ledger: Ledger, folder: Path, most: int = 64) -> PersonEngine:
    files = NimoFolder(folder, CONTRACT, {}, most)
    return PersonEngine("bench", "riken", {CONTRACT.name: CONTRACT}, ledger, SystemClock(), files, 0.01)


def analysed(folder: Path, *objectives: Iterable[Any]) -> None:
    """What NIMO's script of the analysis does: the objectives, in the order of proposals.csv, into their rows."""
    asked = actions(folder)
    with (folder / "candidates.csv").open(newline="") as file:
        table = list(csv.reader(file))
    for action, values in zip(asked, objectives, strict=True):
        row = table[action + 1]
        table[action + 1] = [*row[:-1], *map(str, values)]
    with (folder / "candidates.csv").open("w", newline="") as file:
        csv.writer(file).writerows(table)


def actions(folder: Path) -> list[int]:
    """The rows that proposals.csv names, as NIMO's scripts read it."""
    path = folder / PROPOSALS
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [int(row[0]) for row in list(csv.reader(file))[1:]]


def in_a_folder(
    tmp_path: Path, story: Callable[[PersonEngine, Ask, Path], Any], table: str = TABLE, most: int = 64
) -> None:
    """A story with an engine on a folder that has a table."""
    folder = tmp_path / "nimo"
    folder.mkdir()
    (folder / "candidates.csv").write_text(table, newline="")

    async def main() -> None:
        async with ledger_in(tmp_path) as ledger, asyncio.timeout(60):
            engine = engine_of(ledger, folder, most)
            await engine.start()
            asked: list[asyncio.Task[Outcome]] = []

            def ask(x: float) -> asyncio.Task[Outcome]:
                asked.append(asyncio.create_task(engine.run(work("twice", fresh(), x=x), ignore)))
                return asked[-1]

            try:
                await story(engine, ask, folder)
            finally:
                for task in asked:
                    task.cancel()
                await asyncio.gather(*asked, return_exceptions=True)
                await engine.close()

    asyncio.run(main())


def told(folder: Path) -> str:
    path = folder / REJECTED
    return path.read_text() if path.exists() else ""


def test_what_is_asked_stands_as_nimo_writes_it_and_what_its_script_fills_in_is_the_result(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        asked = [ask(3.0), ask(1)]
        await waiting(engine, 2)
        assert (folder / PROPOSALS).read_bytes() == b"actions,x\r\n2,3.0\r\n0,1.0\r\n"
        analysed(folder, [6.0], [2.5])
        assert [(await one).outputs for one in asked] == [{"value": 6.0}, {"value": 2.5}]
        await until(lambda: (folder / PROPOSALS).read_bytes() == b"actions,x\r\n")

    in_a_folder(tmp_path, story)


def test_proposals_do_not_change_before_all_of_them_are_measured(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        first = ask(1.0)
        await until(lambda: actions(folder) == [0])
        second = ask(2.0)
        await until(lambda: bool(engine.statistics()["waiting"]))
        looked = engine._looked
        await until(lambda: engine._looked > looked + 0.05)
        assert actions(folder) == [0], "a script that reads it again would give the second what the first was"
        analysed(folder, [2.0])
        assert (await first).outputs == {"value": 2.0}
        await until(lambda: actions(folder) == [1])
        analysed(folder, [4.0])
        assert (await second).outputs == {"value": 4.0}

    in_a_folder(tmp_path, story)


def test_no_more_rows_are_proposed_at_once_than_the_scripts_take(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        asked = [ask(1.0), ask(2.0)]
        await until(lambda: actions(folder) == [0])
        analysed(folder, [2.0])
        await until(lambda: actions(folder) == [1])
        analysed(folder, [4.0])
        assert [(await one).outputs for one in asked] == [{"value": 2.0}, {"value": 4.0}]

    in_a_folder(tmp_path, story, most=1)


@pytest.mark.parametrize(
    ("x", "why"),
    [(2.5, "no row of candidates.csv is x = 2.5"), (4.0, "row 3 of candidates.csv has objectives already")],
)
def test_a_task_that_is_no_row_or_one_that_was_measured_before_is_refused(tmp_path: Path, x: float, why: str) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        outcome = await ask(x)
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "bad_inputs")
        assert why in outcome.message
        assert not actions(folder)

    in_a_folder(tmp_path, story)


def test_a_candidate_that_is_listed_twice_is_measured_twice(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        asked = [ask(1.0), ask(1.0), ask(1.0)]
        await until(lambda: actions(folder) == [0, 2])
        analysed(folder, [2.0], [2.1])
        ended = [await one for one in asked]
        assert sorted(one.outputs["value"] for one in ended if one.outputs) == [2.0, 2.1]
        assert [one.reason for one in ended if not one.outputs] == ["bad_inputs"]

    in_a_folder(tmp_path, story, table="x,value\n1.0,\n2.0,\n1.0,\n")


def test_a_table_that_is_cut_off_gives_no_result(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        asked = ask(3.0)
        await until(lambda: actions(folder) == [2])
        (folder / "candidates.csv").write_text("x,value\n1.0,\n2.0,\n3.0,6")
        await until(lambda: "its last line has no end" in told(folder))
        assert not asked.done()
        (folder / "candidates.csv").write_text("x,value\n1.0,\n2.0,\n3.0,6.25\n4.0,8.0\n")
        assert (await asked).outputs == {"value": 6.25}

    in_a_folder(tmp_path, story)


def test_nothing_is_taken_before_all_objectives_of_a_row_are_filled_in() -> None:
    columns = CandidateColumns.of(["x"], ["gain", "loss"], {"gain": "Gain (dB)"})
    table = CandidateTable.read("x,Gain (dB),loss\n1,0.5,\n2,,nan\n3,0.5,7\n", columns)
    assert [table.result(row) for row in range(3)] == [None, None, PersonResult({"gain": 0.5, "loss": 7})]
    assert [table.is_empty(row) for row in range(3)] == [False, True, False]


def test_a_wrong_value_is_told_and_not_asked_again_and_the_corrected_one_counts(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        asked = ask(1.0)
        await until(lambda: actions(folder) == [0])
        analysed(folder, ["six"])
        await until(lambda: "value" in told(folder))
        await until(lambda: actions(folder) == [])
        assert not asked.done()
        assert told(folder).splitlines()[1].startswith("2,"), "the line of candidates.csv"
        (folder / "candidates.csv").write_text("x,value\n1.0,6\n2.0,\n")
        assert (await asked).outputs == {"value": 6}

    in_a_folder(tmp_path, story)


def test_a_value_that_is_changed_after_it_was_taken_is_told_and_does_not_count(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        asked, other = ask(1.0), ask(2.0)
        await until(lambda: actions(folder) == [0, 1])
        (folder / "candidates.csv").write_text("x,value\n1.0,2.0\n2.0,\n")
        assert (await asked).outputs == {"value": 2.0}
        (folder / "candidates.csv").write_text("x,value\n1.0,2.5\n2.0,\n")
        await until(lambda: "what came first counts" in told(folder))
        assert not other.done()

    in_a_folder(tmp_path, story)


def test_nothing_is_taken_from_a_row_that_became_another_candidate(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        asked = ask(1.0)
        await until(lambda: actions(folder) == [0])
        (folder / "candidates.csv").write_text("x,value\n2.0,4.0\n1.0,9.0\n")
        await until(lambda: "row 0 of candidates.csv is another candidate now" in told(folder))
        assert not asked.done()
        (folder / "candidates.csv").write_text("x,value\n1.0,2.0\n2.0,4.0\n")
        assert (await asked).outputs == {"value": 2.0}

    in_a_folder(tmp_path, story)


def test_a_table_that_is_gone_holds_everything_until_it_is_back(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        asked = ask(1.0)
        await until(lambda: actions(folder) == [0])
        (folder / "candidates.csv").unlink()
        (folder / PROPOSALS).unlink()
        await until(lambda: "candidates.csv: is not there" in told(folder))
        assert not actions(folder)
        (folder / "candidates.csv").write_text(TABLE, newline="")
        await until(lambda: actions(folder) == [0])
        analysed(folder, [2.0])
        assert (await asked).outputs == {"value": 2.0}

    in_a_folder(tmp_path, story)


def test_a_row_of_work_that_was_taken_back_stays_until_it_is_filled_in(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        first = ask(1.0)
        (task,) = await waiting(engine)
        await engine.withdraw(task.key, "its campaign was aborted")
        assert (await first).reason == "cancelled"
        assert "row 0 stays in proposals.csv" in told(folder)
        second = ask(2.0)
        await until(lambda: bool(engine.statistics()["waiting"]))
        assert actions(folder) == [0]
        analysed(folder, [2.0])
        await until(lambda: actions(folder) == [1])
        assert told(folder).count("its campaign was aborted") == 2, "whoever filled it in is told, too"
        assert not second.done()

    in_a_folder(tmp_path, story)


@pytest.mark.parametrize("cell", ["infeasible: it will not dissolve", "failed: the vial broke"])
def test_a_word_in_place_of_an_objective_says_why_there_is_none(tmp_path: Path, cell: str) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        asked = ask(1.0)
        await until(lambda: actions(folder) == [0])
        analysed(folder, [cell])
        outcome = await asked
        assert (outcome.reason, outcome.message) == (cell.partition(":")[0], cell)

    in_a_folder(tmp_path, story)


def test_work_taken_back_before_its_round_was_never_begun(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        ask(1.0)
        await until(lambda: actions(folder) == [0])
        held = ask(2.0)
        await until(lambda: bool(engine._held))
        (key,) = engine._held
        assert await engine.cancel(key)
        assert ((await held).effect, (await held).reason) == (Effect.NONE, "cancelled")
        analysed(folder, [2.0])

    in_a_folder(tmp_path, story)


def test_nothing_is_proposed_while_the_engine_is_held(tmp_path: Path) -> None:
    async def story(engine: PersonEngine, ask: Ask, folder: Path) -> None:
        await engine.hold()
        ask(1.0)
        await until(lambda: engine._looked > 0 and bool(engine._held))
        looked = engine._looked
        await until(lambda: engine._looked > looked + 0.05)
        assert not actions(folder)
        await engine.resume()
        await until(lambda: actions(folder) == [0])

    in_a_folder(tmp_path, story)


def test_after_a_restart_a_round_goes_on_and_what_was_filled_in_meanwhile_counts(tmp_path: Path) -> None:
    folder = tmp_path / "nimo"
    folder.mkdir()
    (folder / "candidates.csv").write_text(TABLE, newline="")
    tasks = [work("twice", fresh(), x=x) for x in (1.0, 2.0)]

    async def main() -> None:
        async with ledger_in(tmp_path) as ledger, asyncio.timeout(60):
            engine = engine_of(ledger, folder)
            await engine.start()
            asked = [asyncio.create_task(engine.run(task, ignore)) for task in tasks]
            await until(lambda: actions(folder) == [0, 1])
            written = (folder / PROPOSALS).stat().st_mtime_ns
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            await engine.close()
            (folder / "candidates.csv").write_text("x,value\n1.0,2.0\n2.0,\n")
            again = engine_of(ledger, folder)
            await again.start()
            asked = [asyncio.create_task(again.attach(task, ignore)) for task in tasks]
            assert (await asked[0]).outputs == {"value": 2.0}
            assert (folder / PROPOSALS).stat().st_mtime_ns == written
            analysed(folder, [2.0], [4.0])
            assert (await asked[1]).outputs == {"value": 4.0}
            assert [entry.type for entry in ledger.read(again.stream)].count(HANDED_OUT) == 2
            await again.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x,y\n1,\n", "no column value"),
        ("value,x\n,1\n", "behind an objective"),
        ("x,x,value\n1,1,\n", "more than one column x"),
        ("x,value\n1,\n\n2,\n", "line 3 is empty"),
    ],
)
def test_a_table_that_nimo_and_the_contract_read_differently_is_refused(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        CandidateTable.read(text, CandidateColumns.of(["x"], ["value"], {}))


def test_the_convention_needs_a_folder_and_one_capability_and_its_own_names(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="needs a folder"):
        PersonSettings(convention="nimo")
    settings = PersonSettings(convention="nimo", folder=str(tmp_path))
    with pytest.raises(Invalid, match="one capability"):
        folder_of(settings, {name: found.contract for name, found in capabilities().items()})
    wrong = settings.model_copy(update={"columns": {"volume": "Volume"}})
    with pytest.raises(Invalid, match="volume: no input or output"):
        folder_of(wrong, {CONTRACT.name: CONTRACT})
    assert isinstance(folder_of(settings, {CONTRACT.name: CONTRACT}), NimoFolder)
