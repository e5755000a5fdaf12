"""What every engine does, whatever it runs on; a test module subclasses the suite for each of its engines."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

from execution.conftest import work
from yosegi.core.engine import Engine, Outcome, Progress
from yosegi.core.states import Effect, Result

Opened = Callable[[], AbstractAsyncContextManager[Engine]]
Run = Callable[[Coroutine[Any, Any, Any]], Any]


_number = itertools.count(1)


def fresh() -> str:
    """A key that no other test uses: some engines remember."""
    return f"task/home/{next(_number)}"


def ignore(progress: Progress) -> None:
    pass


class EngineSuite:
    """The suite: subclass it, and give it the fixtures `opened` and `run`."""

    def outcome(self, opened: Opened, run: Run, name: str, *, limit: float = 20.0, **inputs: Any) -> Outcome:
        async def main() -> Outcome:
            async with opened() as engine:
                return await engine.run(work(name, fresh(), limit=limit, **inputs), ignore)

        found: Outcome = run(main())
        return found

    def test_a_valid_outcome_has_outputs_cost_and_effect(self, opened: Opened, run: Run) -> None:
        outcome = self.outcome(opened, run, "twice", x=3.0)
        assert (outcome.effect, outcome.result, outcome.outputs) == (Effect.DONE, Result.VALID, {"value": 6})
        assert outcome.spent is not None
        assert outcome.spent.decimals() == {"node_h": "0.25"}

    def test_a_point_without_answer_is_infeasible(self, opened: Opened, run: Run) -> None:
        outcome = self.outcome(opened, run, "nowhere", x=3.0)
        assert (outcome.effect, outcome.result, outcome.reason) == (Effect.DONE, Result.INVALID, "infeasible")
        assert outcome.message == "no answer at 3"

    def test_an_exception_is_a_failed_task_with_its_last_line(self, opened: Opened, run: Run) -> None:
        outcome = self.outcome(opened, run, "broken")
        assert (outcome.effect, outcome.result, outcome.reason) == (Effect.NONE, Result.ABSENT, "failed")
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
                unknown = type(known)(known.key, "absent@1", {}, 1.0, known.effect)
                return await engine.run(unknown, ignore)

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

    def test_nothing_starts_during_a_safe_stop(self, opened: Opened, run: Run) -> None:
        async def main() -> tuple[bool, Outcome]:
            async with opened() as engine:
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
