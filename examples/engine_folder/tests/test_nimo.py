"""NIMO's candidates.csv as its users keep it; the rules are those of NIMO's documentation, *Basic usage*."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from yosegi_engine_folder import FolderEngine, FolderSettings

from yosegi.core.clock import SystemClock
from yosegi.core.engine import Outcome
from yosegi.core.errors import Invalid
from yosegi.core.states import Effect, Result
from yosegi.testing.capabilities import capabilities
from yosegi.testing.engine_suite import fresh, ignore, work

TABLE = "x,value\n1,\n0.5,\n0.5,\n2,4\n"
NAME = "sample.twice@1"


@asynccontextmanager
async def opened(folder: Path, table: str = TABLE) -> AsyncIterator[FolderEngine]:
    """An engine over a table that is there before it starts, or was left by one before it."""
    folder.mkdir(exist_ok=True)
    if not (folder / "candidates.csv").exists():
        (folder / "candidates.csv").write_text(table)
    settings = FolderSettings(folder=str(folder), look_seconds=0.01, convention="nimo")
    contract = capabilities()[NAME].contract
    engine = FolderEngine("bench", folder, {NAME: contract}, SystemClock().sleep, settings)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


def proposed(folder: Path) -> list[list[str]]:
    """What a machine of NIMO reads."""
    with (folder / "proposals.csv").open(newline="") as file:
        return list(csv.reader(file))


async def handed_out(engine: FolderEngine, count: int = 1) -> None:
    while engine.statistics()["running"] < count:
        await asyncio.sleep(0.005)


def fill(folder: Path, row: int, value: str) -> None:
    """What NIMO's analysis_output does: objectives are written into the row, and the file is written anew."""
    lines = (folder / "candidates.csv").read_text().splitlines()
    lines[row + 1] = f"{lines[row + 1].split(',')[0]},{value}"
    (folder / "candidates.csv").write_text("\n".join(lines) + "\n")


def test_a_recipe_stands_in_proposals_by_its_row_and_its_objective_comes_back_in_the_candidates(tmp_path: Path) -> None:
    async def main() -> Outcome:
        async with opened(tmp_path) as engine:
            asked = asyncio.create_task(engine.run(work("twice", fresh(), x=1.0), ignore))
            await handed_out(engine)
            assert proposed(tmp_path) == [["actions", "x"], ["0", "1"]]
            fill(tmp_path, 0, "2.0")
            outcome = await asked
            assert proposed(tmp_path) == [["actions", "x"]]
            return outcome

    outcome = asyncio.run(main())
    assert (outcome.effect, outcome.result, outcome.outputs) == (Effect.DONE, Result.VALID, {"value": 2.0})


def test_a_recipe_on_two_rows_is_asked_for_twice_and_each_task_has_its_own(tmp_path: Path) -> None:
    async def main() -> list[dict[str, float] | None]:
        async with opened(tmp_path) as engine:
            tasks = [asyncio.create_task(engine.run(work("twice", fresh(), x=0.5), ignore)) for _ in range(2)]
            await handed_out(engine, 2)
            third = await engine.run(work("twice", fresh(), x=0.5), ignore)
            assert (third.effect, third.reason) == (Effect.NONE, "bad_inputs")
            fill(tmp_path, 2, "1.1")
            fill(tmp_path, 1, "1.0")
            return [(await task).outputs for task in tasks]

    assert asyncio.run(main()) == [{"value": 1.0}, {"value": 1.1}]


@pytest.mark.parametrize(("x", "says"), [(3.0, "has no row"), (2.0, "is measured already")])
def test_what_is_not_an_open_candidate_is_refused_before_anything_begins(tmp_path: Path, x: float, says: str) -> None:
    async def main() -> Outcome:
        async with opened(tmp_path) as engine:
            return await engine.run(work("twice", fresh(), x=x), ignore)

    outcome = asyncio.run(main())
    assert (outcome.effect, outcome.reason) == (Effect.NONE, "bad_inputs")
    assert says in outcome.message


@pytest.mark.parametrize(
    "half", ["", "x,value\n1,2", "x,value\n1,2.0\n", "x,value\n1,2.0\n0.5", "value\n2.0\n"], ids=repr
)
def test_a_table_that_is_being_written_is_read_when_it_is_whole(tmp_path: Path, half: str) -> None:
    async def main() -> Outcome:
        async with opened(tmp_path) as engine:
            asked = asyncio.create_task(engine.run(work("twice", fresh(), x=1.0), ignore))
            await handed_out(engine)
            (tmp_path / "candidates.csv").write_text(half)
            await asyncio.sleep(0.1)
            assert not asked.done()
            (tmp_path / "candidates.csv").write_text(TABLE.replace("1,\n", "1,7\n", 1))
            return await asked

    assert asyncio.run(main()).outputs == {"value": 7.0}


def test_a_wrong_value_is_said_once_and_the_corrected_one_counts(tmp_path: Path) -> None:
    async def main() -> Outcome:
        async with opened(tmp_path) as engine:
            asked = asyncio.create_task(engine.run(work("twice", fresh(), x=1.0), ignore))
            await handed_out(engine)
            fill(tmp_path, 0, "about two")
            while not (tmp_path / "rejected.csv").exists():
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            assert not asked.done()
            fill(tmp_path, 0, "2.0")
            return await asked

    assert asyncio.run(main()).outputs == {"value": 2.0}
    said = (tmp_path / "rejected.csv").read_text().splitlines()
    assert len(said) == 2
    assert said[1].startswith("0,")


def test_a_value_that_came_while_the_site_was_down_is_taken_when_it_is_back(tmp_path: Path) -> None:
    async def main() -> Outcome:
        task = work("twice", fresh(), x=1.0)
        async with opened(tmp_path) as engine:
            asked = asyncio.create_task(engine.run(task, ignore))
            await handed_out(engine)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
        fill(tmp_path, 0, "2.0")
        async with opened(tmp_path) as engine:
            return await engine.attach(task, ignore)

    assert asyncio.run(main()).outputs == {"value": 2.0}


def test_a_table_of_other_columns_keeps_the_engine_from_starting(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path, "temperature,value\n1,\n"):
            pass

    with pytest.raises(Invalid, match="its columns are temperature, value"):
        asyncio.run(main())
