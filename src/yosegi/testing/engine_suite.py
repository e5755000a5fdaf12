"""What every engine does, whatever it runs on: the suite that an engine from any package is tried with.

A test module subclasses `EngineSuite`, or `ForcefulEngineSuite` for an engine that can end work by force, and gives it
two fixtures: `opened`, which opens an engine with everything in `yosegi.testing.capabilities`, and `run`, which runs
a coroutine (`asyncio.run`, or `run_simulated` on simulated time):

    pytest.register_assert_rewrite("yosegi.testing.engine_suite")

    class TestMine(EngineSuite):
        @pytest.fixture
        def run(self): return asyncio.run

        @pytest.fixture
        def opened(self, tmp_path): return lambda: my_engine(tmp_path)

Expected values come from what the Protocol in `yosegi.core.engine` and the samples' own docstrings say.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from yosegi.core.engine import AnswersCalls, Engine, Engines, NeedsSettling, Outcome, Progress, Work
from yosegi.core.states import Effect, Result
from yosegi.testing.capabilities import capabilities

Opened = Callable[[], AbstractAsyncContextManager[Engine]]
Run = Callable[[Coroutine[Any, Any, Any]], Any]


_number = itertools.count(1)


def fresh() -> str:
    """A key that no other test uses: some engines remember."""
    return f"task/home/{next(_number)}"


def ignore(progress: Progress) -> None:
    """Nobody looks at it."""


def work(name: str, key: str, *, limit: float = 20.0, grace: float | None = None, **inputs: Any) -> Work:
    """One task of a sample, e.g. `work("twice", fresh(), x=3.0)`."""
    contract = capabilities()[f"sample.{name}@1"].contract
    return Work(key, contract.name, inputs, limit, contract.effect, grace=grace)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does; the test's own time limit ends it."""
    while not condition():
        await asyncio.sleep(0.005)


class EngineSuite:
    """For every engine.

    Args:
        tells_cost: whether the engine tells what a task actually cost; else the contract's cost applies.
        tells_lines: whether a failure tells the last line of its exception.
    """

    tells_cost = True
    tells_lines = True

    def outcome(self, opened: Opened, run: Run, name: str, *, limit: float = 20.0, **inputs: Any) -> Outcome:
        """How one task ends."""

        async def main() -> Outcome:
            async with opened() as engine:
                return await engine.run(work(name, fresh(), limit=limit, **inputs), ignore)

        found: Outcome = run(main())
        return found

    def test_a_valid_outcome_has_outputs_cost_and_effect(self, opened: Opened, run: Run) -> None:
        outcome = self.outcome(opened, run, "twice", x=3.0)
        assert (outcome.effect, outcome.result, outcome.outputs) == (Effect.DONE, Result.VALID, {"value": 6})
        told = None if outcome.spent is None else outcome.spent.decimals()
        assert told == ({"node_h": "0.25"} if self.tells_cost else None)

    def test_a_point_without_answer_is_infeasible(self, opened: Opened, run: Run) -> None:
        outcome = self.outcome(opened, run, "nowhere", x=3.0)
        assert (outcome.effect, outcome.result, outcome.reason) == (Effect.DONE, Result.INVALID, "infeasible")
        assert outcome.message == "no answer at 3"

    def test_an_exception_is_a_failed_task_with_its_last_line(self, opened: Opened, run: Run) -> None:
        outcome = self.outcome(opened, run, "broken")
        assert (outcome.effect, outcome.result, outcome.reason) == (Effect.NONE, Result.ABSENT, "failed")
        if self.tells_lines:
            assert outcome.message.startswith("RuntimeError: the sample is broken")

    def test_an_exception_after_the_start_of_consuming_work_leaves_its_effect_unknown(
        self, opened: Opened, run: Run
    ) -> None:
        outcome = self.outcome(opened, run, "dispense", what="raise_after")
        assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "failed")

    def test_wrong_inputs_start_nothing(self, opened: Opened, run: Run) -> None:
        outcome = self.outcome(opened, run, "twice", x=-1.0)
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "bad_inputs")

    def test_outputs_that_break_the_contract_are_a_bad_output(self, opened: Opened, run: Run) -> None:
        outcome = self.outcome(opened, run, "wrong_type")
        assert (outcome.effect, outcome.result, outcome.reason) == (Effect.NONE, Result.INVALID, "bad_output")

    def test_an_unknown_capability_starts_nothing(self, opened: Opened, run: Run) -> None:
        async def main() -> Outcome:
            async with opened() as engine:
                known = work("noop", fresh(), x=1.0)
                return await engine.run(replace(known, capability="absent@1", inputs={}), ignore)

        outcome = run(main())
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "not_started")

    def test_two_at_once_do_not_touch_each_other(self, opened: Opened, run: Run) -> None:
        async def main() -> list[Outcome]:
            async with opened() as engine:
                works = work("broken", fresh()), work("twice", fresh(), x=1.0), work("nowhere", fresh(), x=1.0)
                return await asyncio.gather(*(engine.run(each, ignore) for each in works))

        assert [outcome.reason for outcome in run(main())] == ["failed", "", "infeasible"]

    def test_work_cancelled_before_its_start_has_no_effect(self, opened: Opened, run: Run) -> None:
        async def main() -> tuple[bool, Outcome, Outcome]:
            async with opened() as engine:
                key = fresh()
                await engine.safe_stop()
                task = asyncio.create_task(engine.run(work("dispense", key, what="x"), ignore))
                await asyncio.sleep(0.01)
                proved = await engine.cancel(key)
                outcome = await task
                await engine.resume()
                return proved, outcome, await engine.run(work("twice", fresh(), x=1.0), ignore)

        proved, outcome, after = run(main())
        assert proved
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "cancelled")
        assert after.result is Result.VALID

    def test_a_key_that_nobody_knows_is_not_cancelled(self, opened: Opened, run: Run) -> None:
        async def main() -> bool:
            async with opened() as engine:
                return await engine.cancel("absent")

        assert run(main()) is False

    def test_halting_what_nobody_knows_changes_nothing(self, opened: Opened, run: Run) -> None:
        async def main() -> Outcome:
            async with opened() as engine:
                await engine.halt("absent", "abort")
                await engine.halt("absent", "safe_stop")
                await engine.resume()
                return await engine.run(work("noop", fresh(), x=1.0), ignore)

        assert run(main()).result is Result.VALID

    def test_a_key_that_runs_already_starts_nothing(self, opened: Opened, run: Run) -> None:
        async def main() -> tuple[Outcome, Outcome]:
            async with opened() as engine:
                key = fresh()
                await engine.safe_stop()
                first = asyncio.create_task(engine.run(work("noop", key, x=1.0), ignore))
                await asyncio.sleep(0.01)
                second = await engine.run(work("noop", key, x=1.0), ignore)
                await engine.resume()
                return await first, second

        first, second = run(main())
        assert first.result is Result.VALID
        assert (second.effect, second.reason) == (Effect.NONE, "not_started")

    def test_what_it_had_before_a_restart_is_told_once_by_an_engine_that_remembers(
        self, opened: Opened, run: Run
    ) -> None:
        async def main() -> tuple[bool, Outcome, Outcome]:
            async with opened() as engine:
                asked = work("dispense", fresh(), what="x")
                first = await engine.run(asked, ignore)
                return engine.remembers, first, await engine.attach(asked, ignore) if engine.remembers else first

        remembers, first, again = run(main())
        assert (again.effect, again.result, again.outputs) == (Effect.DONE, Result.VALID, {"text": "x"})
        assert again == first or not remembers

    def test_an_ability_is_there_whole_or_not_at_all(self, opened: Opened, run: Run) -> None:
        async def main() -> list[tuple[bool, bool, bool]]:
            async with opened() as engine:
                engines = Engines([engine, engine])
                assert list(engines) == [engine]
                abilities = ("handle", AnswersCalls, engines.answering), ("settle", NeedsSettling, engines.settling)
                return [
                    (hasattr(engine, v), isinstance(engine, kind), engine.name in has) for v, kind, has in abilities
                ]

        assert all(len(set(said)) == 1 for said in run(main()))

    def test_nothing_starts_during_a_safe_stop(self, opened: Opened, run: Run) -> None:
        async def main() -> tuple[bool, Outcome]:
            async with opened() as engine:
                await engine.safe_stop()
                await engine.safe_stop()
                task = asyncio.create_task(engine.run(work("twice", fresh(), x=1.0), ignore))
                await asyncio.sleep(0.05)
                idle = engine.statistics()["running"] == 0 and not task.done()
                await engine.resume()
                return idle, await task

        idle, outcome = run(main())
        assert idle
        assert outcome.result is Result.VALID

    def test_statistics_count_what_runs_and_waits(self, opened: Opened, run: Run) -> None:
        async def main() -> dict[str, Any]:
            async with opened() as engine:
                await engine.run(work("twice", fresh(), x=1.0), ignore)
                return engine.statistics()

        statistics = run(main())
        assert (statistics["running"], statistics["waiting"], statistics["stopped"]) == (0, 0, False)


class ForcefulEngineSuite(EngineSuite):
    """For an engine that ends work by force."""

    def test_work_that_takes_too_long_is_ended(self, opened: Opened, run: Run) -> None:
        outcome = self.outcome(opened, run, "hang", limit=0.3)
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "time_limit")

    def test_consuming_work_that_takes_too_long_has_an_unknown_effect(self, opened: Opened, run: Run) -> None:
        outcome = self.outcome(opened, run, "dispense", limit=0.3, what="hang_after")
        assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "time_limit")

    def test_a_crash_is_a_failed_task_and_the_next_one_runs(self, opened: Opened, run: Run) -> None:
        async def main() -> list[str]:
            async with opened() as engine:
                names = (work("segfault", fresh()), work("noop", fresh(), x=1.0))
                return [(await engine.run(each, ignore)).reason for each in names]

        assert run(main()) == ["crashed", ""]

    def stopped(
        self,
        opened: Opened,
        run: Run,
        folder: Path,
        word: str,
        *,
        one: bool = True,
        grace: float = 5.0,
        deaf: bool = False,
    ) -> tuple[Outcome, bool]:
        """Stop a task that runs, alone or with all others; how it ended, and whether it reached its safe state."""

        async def main() -> Outcome:
            async with opened() as engine:
                key = fresh()
                asked = asyncio.create_task(
                    engine.run(work("park", key, grace=grace, folder=str(folder), deaf=deaf), ignore)
                )
                await until(lambda: any(folder.glob("*.began")))
                await until(lambda: engine.statistics()["running"] == 1)
                if one:
                    await engine.halt(key, word)  # type: ignore[arg-type]
                else:
                    await (engine.abort() if word == "abort" else engine.safe_stop())
                outcome = await asked
                await engine.resume()
                assert (await engine.run(work("noop", fresh(), x=1.0), ignore)).result is Result.VALID
                return outcome

        return run(main()), any(folder.glob("*.parked"))

    @pytest.mark.parametrize("one", [True, False], ids=["one", "all"])
    @pytest.mark.parametrize("word", ["safe_stop", "abort"])
    def test_a_task_that_listens_reaches_its_safe_state(
        self, opened: Opened, run: Run, tmp_path: Path, word: str, one: bool
    ) -> None:
        outcome, parked = self.stopped(opened, run, tmp_path, word, one=one)
        assert parked
        assert (outcome.effect, outcome.reason, outcome.message) == (Effect.NONE, "stopped", "the arm is parked")

    def test_an_abort_ends_by_force_what_does_not_listen(self, opened: Opened, run: Run, tmp_path: Path) -> None:
        outcome, parked = self.stopped(opened, run, tmp_path, "abort", grace=0.2, deaf=True)
        assert not parked
        assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "stopped")

    def test_a_task_whose_time_is_up_is_asked_before_it_is_ended(
        self, opened: Opened, run: Run, tmp_path: Path
    ) -> None:
        outcome = self.outcome(opened, run, "park", limit=0.3, folder=str(tmp_path), deaf=False)
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "stopped")

    @pytest.mark.parametrize("word", ["safe_stop", "abort"])
    def test_what_takes_no_context_finishes_at_a_safe_stop_and_ends_at_an_abort(
        self, opened: Opened, run: Run, tmp_path: Path, word: str
    ) -> None:
        async def main() -> Outcome:
            async with opened() as engine:
                key = fresh()
                asked = asyncio.create_task(engine.run(work("wait_consuming", key, folder=str(tmp_path)), ignore))
                await until(lambda: any(tmp_path.iterdir()) and engine.statistics()["running"] == 1)
                await engine.halt(key, word)  # type: ignore[arg-type]
                if word == "safe_stop":
                    (tmp_path / "go").touch()
                return await asked

        outcome = run(main())
        expected = (Effect.DONE, "") if word == "safe_stop" else (Effect.UNKNOWN, "stopped")
        assert (outcome.effect, outcome.reason) == expected
