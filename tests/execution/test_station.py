from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.conftest import work
from execution.stations import (
    SITE_KEY,
    STATION_KEY,
    DirectLink,
    SlowExecutor,
    make_engine,
    make_station,
)
from yosegi.core.engine import Outcome, Progress
from yosegi.core.errors import Conflict, Invalid, NotFound, Unavailable
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.station.documents import LIFE
from yosegi.execution.engines.station.engine import StationEngine
from yosegi.execution.station import Station, StationAnswer, StationCall
from yosegi.testing.loop import SimulatedClock, run_simulated
from yosegi.trust.document import SKEW
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import by_id
from yosegi.trust.signer import Ed25519Signer


def ignore(progress: Progress) -> None:
    pass


def happened(folder: Path) -> list[str]:
    """Keys in the order of their effects."""
    world = folder / "world"
    return world.read_text().split() if world.exists() else []


class House:
    """A site's engine and its station, each of which may die and come back; the station's folder stays."""

    def __init__(self, folder: Path, *, seconds: float = 1.0, fault: Callable[[int], str] = lambda n: "") -> None:
        self.folder, self.clock, self.seconds = folder, SimulatedClock(), seconds
        self.late: list[tuple[str, Outcome]] = []
        self.takes_late: Callable[[str, Outcome], Awaitable[None]] | None = None
        self.link = DirectLink(lambda call: self.engine.handle(call), self.clock, fault)
        self.point: Callable[[str], None] = lambda name: None
        self.site_starts()
        self.task: asyncio.Task[None] | None = None

    def site_starts(self) -> None:
        self.engine: StationEngine = make_engine(self.clock, on_late=self.hear)

    async def hear(self, key: str, outcome: Outcome) -> None:
        if self.takes_late is not None:
            await self.takes_late(key, outcome)
        self.late.append((key, outcome))

    def station_starts(self) -> Station:
        self.executor = SlowExecutor(self.folder, self.clock, seconds=self.seconds)
        self.executor.point = lambda name: self.point(name)
        self.station = make_station(self.folder, self.link, self.executor, self.clock)
        log = self.station.log
        begin, end = log.start, log.end

        def start(key: str) -> None:
            self.point("before started")
            begin(key)

        def ended(key: str, outcome: Outcome) -> None:
            self.point("before ended")
            end(key, outcome)
            self.point("after ended")

        log.start, log.end = start, ended  # type: ignore[method-assign]
        self.task = asyncio.create_task(self.station.run())
        return self.station

    async def station_dies(self) -> None:
        """As by kill -9: nothing is finished, nothing is written."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.station.log._db.close()
            os.close(self.station.log._lock)

    async def leave(self) -> None:
        if self.task is not None:
            self.station.leave()
            await self.task
            self.station.log.close()

    def ask(self, key: str = "k", what: str = "x", name: str = "dispense") -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.engine.run(work(name, key, what=what), ignore))


# -- lost messages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lost", "answer_lost"])
@pytest.mark.parametrize("number", range(1, 12))
def test_whichever_message_is_lost_everything_happens_once(tmp_path: Path, fault: str, number: int) -> None:
    async def main() -> list[Outcome]:
        house = House(tmp_path, fault=lambda n: fault if n == number else "")
        house.station_starts()
        outcomes = await asyncio.gather(house.ask("k1"), house.ask("k2"), house.ask("k3", name="read_out"))
        await house.leave()
        return list(outcomes)

    outcomes = run_simulated(main())
    assert [outcome.result for outcome in outcomes] == [Result.VALID] * 3
    assert sorted(happened(tmp_path)) == ["k1", "k2", "k3"]


@settings(max_examples=25, deadline=None)
@given(faults=st.lists(st.sampled_from(["", "", "lost", "answer_lost"]), max_size=40), deaths=st.lists(
    st.tuples(st.sampled_from(["station", "site"]), st.floats(0.1, 4.0)), max_size=4))  # fmt: skip
def test_under_any_faults_and_deaths_nothing_physical_happens_twice(
    tmp_path_factory: pytest.TempPathFactory, faults: list[str], deaths: list[tuple[str, float]]
) -> None:
    folder = tmp_path_factory.mktemp("house")

    async def main() -> list[Outcome]:
        house = House(folder, fault=lambda n: faults[n - 1] if n <= len(faults) else "")
        house.station_starts()
        keys = ["k1", "k2", "k3"]
        tasks = [house.ask(key) for key in keys]
        for who, after in deaths:
            await house.clock.sleep(after)
            if who == "station":
                await house.station_dies()
                house.station_starts()
            else:
                known = {k: t.result() for k, t in zip(keys, tasks, strict=True) if t.done() and not t.cancelled()}
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                house.site_starts()
                tasks = [asyncio.create_task(_of(known[key])) if key in known else house.ask(key) for key in keys]
        outcomes = await asyncio.gather(*tasks)
        await house.leave()
        return list(outcomes)

    outcomes = run_simulated(main())
    counts = [happened(folder).count(key) for key in ("k1", "k2", "k3")]
    for outcome, count in zip(outcomes, counts, strict=True):
        assert count <= 1
        assert outcome.effect is Effect.UNKNOWN or (outcome.effect is Effect.DONE) == (count == 1)


async def _of(outcome: Outcome) -> Outcome:
    return outcome


# -- deaths of the station --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "effect", "times"),
    [
        ("before started", Effect.DONE, 1),
        ("after started", Effect.UNKNOWN, 0),
        ("after the effect", Effect.UNKNOWN, 1),
        ("before ended", Effect.UNKNOWN, 1),
        ("after ended", Effect.DONE, 1),
    ],
)
@pytest.mark.filterwarnings("ignore:Task exception was never retrieved")
def test_a_station_that_dies_at_any_point_does_nothing_twice(
    tmp_path: Path, point: str, effect: Effect, times: int
) -> None:
    async def main() -> Outcome:
        house, dead = House(tmp_path), asyncio.Event()

        def die(name: str) -> None:
            if name == point and not dead.is_set():
                dead.set()
                raise asyncio.CancelledError  # what follows in the process is never reached

        house.point = die
        house.station_starts()
        asked = house.ask()
        await dead.wait()
        await house.station_dies()
        house.station_starts()
        outcome = await asked
        await house.leave()
        return outcome

    outcome = run_simulated(main())
    assert outcome.effect is effect
    assert happened(tmp_path) == ["k"] * times


def test_repeatable_work_is_run_again_after_a_death(tmp_path: Path) -> None:
    async def main() -> Outcome:
        house = House(tmp_path)
        house.station_starts()
        asked = house.ask(name="read_out")
        await house.clock.sleep(0.3)
        await house.station_dies()
        house.station_starts()
        outcome = await asked
        await house.leave()
        return outcome

    assert run_simulated(main()).result is Result.VALID


def test_a_site_that_restarts_is_told_again_and_nothing_is_done_again(tmp_path: Path) -> None:
    async def main() -> tuple[Outcome, Outcome]:
        house = House(tmp_path)
        house.station_starts()
        first = await house.ask()
        await house.clock.sleep(5)  # long enough for the end to be acknowledged
        house.site_starts()
        again = await house.ask()
        await house.leave()
        return first, again

    first, again = run_simulated(main())
    assert first == again
    assert happened(tmp_path) == ["k"]


# -- silence ----------------------------------------------------------------------------------------------------------


def test_a_silent_station_makes_the_effect_unknown_and_its_truth_is_passed_on_later(tmp_path: Path) -> None:
    async def main() -> tuple[Outcome, list[tuple[str, Outcome]], float]:
        house = House(tmp_path)
        house.station_starts()
        asked = house.ask()
        await house.clock.sleep(0.3)
        house.link.up = False
        begun = house.clock.monotonic()
        outcome = await asked
        waited = house.clock.monotonic() - begun
        house.link.up = True
        await house.clock.sleep(60)
        await house.leave()
        return outcome, house.late, waited

    outcome, late, waited = run_simulated(main())
    assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "station_silent")
    assert 20.0 + 30.0 - 0.3 <= waited < 80.0  # the task's time and the engine's grace, from the last call
    assert [(key, truth.effect) for key, truth in late] == [("k", Effect.DONE)]
    assert happened(tmp_path) == ["k"]


def test_what_was_given_up_is_not_begun_when_the_station_comes_back(tmp_path: Path) -> None:
    async def main() -> tuple[Outcome, list[tuple[str, Outcome]]]:
        house = House(tmp_path, fault=lambda n: "answer_lost")
        house.station_starts()
        await house.clock.sleep(0.01)
        asked = house.ask()  # offered, and the station never hears of it
        await house.clock.sleep(1)
        house.link.up = False
        outcome = await asked
        house.link.fault, house.link.up = (lambda n: ""), True
        await house.clock.sleep(120)
        await house.leave()
        return outcome, house.late

    outcome, late = run_simulated(main())
    assert outcome.reason == "station_silent"
    assert [(key, truth.effect, truth.reason) for key, truth in late] == [("k", Effect.NONE, "cancelled")]
    assert happened(tmp_path) == []


def test_a_station_that_hears_nothing_finishes_its_step_and_starts_nothing(tmp_path: Path) -> None:
    async def main() -> tuple[str, list[str]]:
        house = House(tmp_path)
        station = house.station_starts()
        asked = house.ask()
        await house.clock.sleep(0.3)
        house.link.up = False
        await house.clock.sleep(100)
        seen = station.statistics()
        asked.cancel()
        await house.leave()
        return seen["resting"], house.executor.done

    assert run_simulated(main()) == ("silence", ["k"])


def test_work_waits_for_a_station_that_has_not_called_yet(tmp_path: Path) -> None:
    async def main() -> Outcome:
        house = House(tmp_path)
        asked = house.ask()
        await house.clock.sleep(10_000)
        house.station_starts()
        outcome = await asked
        await house.leave()
        return outcome

    assert run_simulated(main()).result is Result.VALID


# -- cancel and stop --------------------------------------------------------------------------------------------------


def test_cancelling_work_that_may_be_under_way_is_proved_by_the_stations_word(tmp_path: Path) -> None:
    async def main() -> tuple[bool, Outcome]:
        house = House(tmp_path, fault=lambda n: "answer_lost" if n == 1 else "")
        house.station_starts()
        await house.clock.sleep(0.01)
        asked = house.ask()
        await house.clock.sleep(0.02)
        proved = await house.engine.cancel("k")
        outcome = await asked
        await house.leave()
        return proved, outcome

    proved, outcome = run_simulated(main())
    assert proved
    assert (outcome.effect, outcome.reason) == (Effect.NONE, "cancelled")
    assert happened(tmp_path) == []


def test_nothing_is_proved_by_a_station_that_is_not_there(tmp_path: Path) -> None:
    async def main() -> tuple[bool, Outcome]:
        house = House(tmp_path)
        asked = house.ask()
        await house.clock.sleep(0.01)
        proved = await house.engine.cancel("k")
        house.station_starts()
        outcome = await asked
        await house.leave()
        return proved, outcome

    proved, outcome = run_simulated(main())
    assert not proved
    assert outcome.reason == "cancelled"
    assert happened(tmp_path) == []


def test_what_runs_is_not_cancelled(tmp_path: Path) -> None:
    async def main() -> tuple[bool, Outcome]:
        house = House(tmp_path)
        house.station_starts()
        asked = house.ask()
        await house.clock.sleep(0.5)
        proved = await house.engine.cancel("k")
        outcome = await asked
        await house.leave()
        return proved, outcome

    proved, outcome = run_simulated(main())
    assert not proved
    assert outcome.result is Result.VALID


def test_a_station_is_offered_nothing_while_its_site_holds_and_finishes_what_it_has_begun(tmp_path: Path) -> None:
    async def main() -> tuple[Outcome, bool, Outcome]:
        house = House(tmp_path, seconds=10.0)
        house.station_starts()
        first = house.ask()
        await house.clock.sleep(5)
        await house.engine.hold()
        second = house.ask(key="second")
        outcome = await first
        await house.clock.sleep(100)
        waits = not second.done()
        await house.engine.resume()
        after = await second
        await house.leave()
        return outcome, waits, after

    first, waits, second = run_simulated(main())
    assert (first.result, waits, second.result) == (Result.VALID, True, Result.VALID)


def test_a_safe_stop_reaches_a_waiting_station_and_ends_with_resume(tmp_path: Path) -> None:
    async def main() -> tuple[str, Outcome]:
        house = House(tmp_path)
        station = house.station_starts()
        await house.clock.sleep(1)
        await house.engine.safe_stop()
        await house.clock.sleep(0.1)
        resting = station.statistics()["resting"]
        asked = house.ask()
        await house.clock.sleep(100)
        assert not asked.done()
        await house.engine.resume()
        outcome = await asked
        await house.leave()
        return resting, outcome

    resting, outcome = run_simulated(main())
    assert resting == "safe_stop"
    assert outcome.result is Result.VALID


@pytest.mark.parametrize(
    ("began", "effect", "late"), [(True, Effect.UNKNOWN, Effect.DONE), (False, Effect.UNKNOWN, Effect.NONE)]
)
def test_a_task_taken_up_after_a_restart_is_given_up_if_its_station_never_comes_back_and_told_if_it_does(
    tmp_path: Path, began: bool, effect: Effect, late: Effect
) -> None:
    async def main() -> tuple[Outcome, list[tuple[str, Outcome]]]:
        house = House(tmp_path)
        if began:
            house.station_starts()
            first = house.ask()
            await house.clock.sleep(0.7)
            house.link.up = False
            await house.clock.sleep(60)
            first.cancel()
            await house.station_dies()
        house.site_starts()
        outcome = await house.engine.attach(work("dispense", "k", what="x"), ignore)
        house.link.up = True
        house.station_starts()
        await house.clock.sleep(60)
        await house.leave()
        return outcome, house.late

    outcome, told = run_simulated(main())
    assert (outcome.effect, outcome.reason) == (effect, "station_silent")
    assert [(key, known.effect) for key, known in told] == [("k", late)]


@pytest.mark.parametrize("fault", ["", "lost", "answer_lost"])
@pytest.mark.parametrize("number", range(3, 7))
def test_a_stop_of_one_task_reaches_the_station_once_whichever_message_is_lost(
    tmp_path: Path, number: int, fault: str
) -> None:
    async def main() -> list[str]:
        house = House(tmp_path, seconds=60.0, fault=lambda n: fault if n == number else "")
        house.station_starts()
        asked = house.ask()
        await house.clock.sleep(5)
        await house.engine.halt("k", "safe_stop")
        await house.clock.sleep(5)
        await house.engine.halt("k", "abort")
        await house.clock.sleep(5)
        await house.engine.halt("k", "safe_stop")
        await asked
        await house.leave()
        return house.executor.stops

    assert run_simulated(main()) == ["safe_stop", "abort"]


def test_a_stop_is_told_again_by_a_site_that_was_started_again(tmp_path: Path) -> None:
    async def main() -> list[str]:
        house = House(tmp_path, seconds=60.0)
        house.station_starts()
        first = house.ask()
        await house.clock.sleep(5)
        first.cancel()
        house.site_starts()
        asked = house.ask()
        await asyncio.sleep(0)
        await house.engine.halt("k", "safe_stop")
        outcome = await asked
        assert outcome.result is Result.VALID  # it did not listen, and finished
        await house.leave()
        return house.executor.stops

    assert run_simulated(main()) == ["safe_stop"]


def test_a_stop_of_a_task_that_the_station_has_not_begun_keeps_it_from_beginning(tmp_path: Path) -> None:
    async def main() -> tuple[Outcome, list[str]]:
        house = House(tmp_path, seconds=10.0)
        house.station_starts()
        first, second = house.ask("k1"), house.ask("k2")
        await house.clock.sleep(2)
        await house.engine.halt("k2", "abort")
        outcome = await second
        await first
        await house.leave()
        return outcome, house.executor.stops

    outcome, stops = run_simulated(main())
    assert (outcome.effect, outcome.reason, stops) == (Effect.NONE, "cancelled", [])
    assert happened(tmp_path) == ["k1"]


def test_a_station_out_of_contact_finishes_its_step_and_rests_until_it_hears_again(tmp_path: Path) -> None:
    async def main() -> tuple[str, list[str], list[str]]:
        house = House(tmp_path, seconds=20.0)
        station = house.station_starts()
        first, second = house.ask("k1"), house.ask("k2")
        await house.clock.sleep(5)
        house.link.up = False
        await house.clock.sleep(200)
        resting, alone = station.statistics()["resting"], happened(tmp_path)
        house.link.up = True
        await asyncio.gather(first, second)
        await house.leave()
        return resting, alone, happened(tmp_path)

    assert run_simulated(main()) == ("silence", ["k1"], ["k1", "k2"])


def test_a_station_that_is_told_to_leave_finishes_its_step_and_tells(tmp_path: Path) -> None:
    async def main() -> Outcome:
        house = House(tmp_path)
        house.station_starts()
        asked = house.ask()
        await house.clock.sleep(0.3)
        await house.leave()
        return await asked

    assert run_simulated(main()).result is Result.VALID


def test_a_station_leaves_although_its_site_is_away(tmp_path: Path) -> None:
    async def main() -> list[str]:
        house = House(tmp_path)
        house.station_starts()
        asked = house.ask()
        await house.clock.sleep(0.3)
        house.link.up = False
        await house.leave()
        asked.cancel()
        return house.executor.done

    assert run_simulated(main()) == ["k"]


def test_attempts_at_a_site_that_is_away_grow_rarer(tmp_path: Path) -> None:
    async def main() -> int:
        house = House(tmp_path)
        house.link.up = False
        house.station_starts()
        await house.clock.sleep(600)
        calls = house.link.calls
        await house.leave()
        return calls

    # From half a second doubled up to thirty, each shortened by up to a half: between 20 and 60 calls in ten minutes.
    assert 20 <= run_simulated(main()) <= 60


def test_an_idle_station_calls_as_often_as_its_patience_ends(tmp_path: Path) -> None:
    async def main() -> int:
        house = House(tmp_path)
        house.station_starts()
        await house.clock.sleep(600)
        calls = house.link.calls
        await house.leave()
        return calls

    assert run_simulated(main()) == 30  # one every twenty seconds


def test_a_full_disk_keeps_the_outcome_until_it_can_be_written(tmp_path: Path) -> None:
    async def main() -> tuple[str, Outcome]:
        house = House(tmp_path)
        station = house.station_starts()
        asked = house.ask()
        await house.clock.sleep(0.3)
        pages = station.log._db.execute("PRAGMA page_count").fetchone()[0]
        station.log._db.execute("PRAGMA query_only = ON")
        await house.clock.sleep(5)
        resting = station.statistics()["resting"]
        station.log._db.execute("PRAGMA query_only = OFF")
        outcome = await asked
        await house.leave()
        assert pages
        return resting, outcome

    resting, outcome = run_simulated(main())
    assert resting == "log"
    assert outcome.result is Result.VALID
    assert happened(tmp_path) == ["k"]


def test_a_fault_of_the_instrument_is_a_failed_task_and_the_station_goes_on(tmp_path: Path) -> None:
    async def main() -> tuple[Outcome, Outcome]:
        house = House(tmp_path)
        faults = iter([OSError("the arm is unplugged")])

        def point(name: str) -> None:
            if name == "after started":
                for fault in faults:
                    raise fault

        house.point = point
        house.station_starts()
        outcomes = await house.ask("k1"), await house.ask("k2")
        await house.leave()
        return outcomes

    broken, after = run_simulated(main())
    assert (broken.effect, broken.reason) == (Effect.UNKNOWN, "crashed")
    assert broken.message == "OSError: the arm is unplugged"
    assert after.result is Result.VALID


def test_a_site_that_ends_lets_the_open_call_go(tmp_path: Path) -> None:
    async def main() -> float:
        clock = SimulatedClock()
        engine = make_engine(clock)
        waiting = asyncio.create_task(engine.handle(call(clock, wait=20.0)))
        await clock.sleep(1)
        await engine.close()
        await waiting
        return clock.monotonic()

    assert run_simulated(main()) == 1


def test_progress_arrives_while_the_task_runs(tmp_path: Path) -> None:
    heard: list[Progress] = []

    async def main() -> None:
        house = House(tmp_path, seconds=4.0)
        house.station_starts()
        await house.engine.run(work("twice", "k", x=1.0), heard.append)
        await house.leave()

    run_simulated(main())
    assert Progress("k", 0.5, "half") in heard


# -- what is refused --------------------------------------------------------------------------------------------------


def call(clock: SimulatedClock, signer: Ed25519Signer = STATION_KEY, **changed: Any) -> bytes:
    now = clock.now()
    fields: dict[str, Any] = {
        "station": "robot", "site": "nims", "run": 5, "sequence": 5, "issued": now, "not_after": now + LIFE,
        "wait": 0.0, "room": 1,
    }  # fmt: skip
    return StationCall(**(fields | changed)).sign(signer).to_bytes()


def test_a_call_of_before_its_site_was_started_is_refused_by_the_site_that_was(tmp_path: Path) -> None:
    async def main() -> None:
        clock = SimulatedClock()
        kept = call(clock)
        await make_engine(clock).handle(kept)
        await clock.sleep(5)
        again = make_engine(clock)
        with pytest.raises(Conflict, match="was received before"):
            await again.handle(kept)
        await again.handle(call(clock))

    run_simulated(main())


def test_a_site_that_was_started_while_its_clock_was_ahead_hears_its_station_once_it_is_right() -> None:
    async def main() -> None:
        clock = SimulatedClock()
        clock.skew = 9 * 3600.0
        engine = make_engine(clock)
        await clock.sleep(120)
        clock.skew = 0.0
        await engine.handle(call(clock))

    run_simulated(main())


def test_a_call_counts_once(tmp_path: Path) -> None:
    async def main() -> None:
        clock = SimulatedClock()
        engine = make_engine(clock)
        await engine.handle(call(clock))
        for stale in ({}, {"sequence": 4}, {"run": 4, "sequence": 9}):
            with pytest.raises(Conflict, match="was received before"):
                await engine.handle(call(clock, **stale))
        await engine.handle(call(clock, run=6, sequence=1))

    run_simulated(main())


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"signer": SITE_KEY}, Untrusted),
        ({"station": "other"}, Invalid),
        ({"site": "riken"}, Invalid),
    ],
)
def test_a_call_of_another_or_to_another_is_refused(changed: dict[str, Any], error: type[Exception]) -> None:
    async def main() -> None:
        clock = SimulatedClock()
        with pytest.raises(error):
            await make_engine(clock).handle(call(clock, **changed))

    run_simulated(main())


def test_a_call_from_another_time_is_refused() -> None:
    async def main() -> None:
        clock = SimulatedClock()
        engine = make_engine(clock)
        kept = call(clock)
        early = call(clock, issued=clock.now() + 2 * SKEW, not_after=clock.now() + 2 * SKEW + LIFE)
        lasting = call(clock, not_after=clock.now() + 2 * LIFE)
        with pytest.raises(Untrusted):
            await engine.handle(early)
        with pytest.raises(Invalid, match="lives longer than 30 seconds"):
            await engine.handle(lasting)
        await clock.sleep((LIFE + SKEW).total_seconds() + 1)
        with pytest.raises(Untrusted):
            await engine.handle(kept)

    run_simulated(main())


def test_a_station_does_nothing_for_an_answer_that_is_not_its_sites(tmp_path: Path) -> None:
    async def main() -> tuple[str, list[str]]:
        house = House(tmp_path)
        honest = house.engine.handle

        async def forged(body: bytes) -> bytes:
            answer = StationAnswer.open(
                Envelope.read(await honest(body)), by_id([SITE_KEY.public]), now=house.clock.now()
            )
            return answer.sign(STATION_KEY).to_bytes()

        house.link.engine = forged
        station = house.station_starts()
        asked = house.ask()
        await house.clock.sleep(5)
        trouble = station.statistics()["trouble"]
        asked.cancel()
        await house.leave()
        return trouble, house.executor.done

    trouble, done = run_simulated(main())
    assert "signed by a key that is not known here" in trouble
    assert done == []


def test_a_station_does_nothing_for_an_answer_to_another_call(tmp_path: Path) -> None:
    async def main() -> tuple[str, list[str]]:
        house = House(tmp_path)
        honest = house.engine.handle
        kept: list[bytes] = []

        async def one_behind(body: bytes) -> bytes:
            kept.append(await honest(body))
            return kept[-2] if len(kept) > 1 else b"{}"

        house.link.engine = one_behind
        station = house.station_starts()
        asked = house.ask()
        await house.clock.sleep(20)
        trouble = station.statistics()["trouble"]
        asked.cancel()
        await house.leave()
        return trouble, house.executor.done

    trouble, done = run_simulated(main())
    assert "answers another call" in trouble
    assert done == []


def test_a_key_that_comes_with_another_body_is_refused_and_nothing_is_done(tmp_path: Path) -> None:
    async def main() -> Outcome:
        house = House(tmp_path)
        house.station_starts()
        await house.ask("k", "x")
        await house.clock.sleep(1)
        house.site_starts()
        outcome = await house.ask("k", "y")
        await house.leave()
        return outcome

    outcome = run_simulated(main())
    assert (outcome.effect, outcome.reason) == (Effect.NONE, "not_started")
    assert happened(tmp_path) == ["k"]


def test_an_outcome_that_cannot_be_recorded_is_told_again(tmp_path: Path) -> None:
    heard: list[str] = []

    async def main() -> None:
        house = House(tmp_path)

        async def full(key: str, outcome: Outcome) -> None:
            heard.append(key)
            if len(heard) == 1:
                raise Unavailable("the ledger", "its disk is full")

        house.station_starts()
        asked = house.ask()
        await house.clock.sleep(0.5)
        asked.cancel()
        house.takes_late = full
        await house.clock.sleep(60)
        await house.leave()

    run_simulated(main())
    assert heard == ["k", "k"]


def test_an_outcome_that_nobody_knows_is_told_once(tmp_path: Path) -> None:
    heard: list[str] = []

    async def main() -> None:
        house = House(tmp_path)

        async def unknown(key: str, outcome: Outcome) -> None:
            heard.append(key)
            raise NotFound("task", key)

        house.station_starts()
        asked = house.ask()
        await house.clock.sleep(0.5)
        asked.cancel()
        house.takes_late = unknown
        await house.clock.sleep(60)
        await house.leave()

    run_simulated(main())
    assert heard == ["k"]


def test_contact_shows(tmp_path: Path) -> None:
    async def main() -> tuple[str, bool, str]:
        house = House(tmp_path)
        before = repr(house.engine)
        house.station_starts()
        await house.clock.sleep(1)
        connected = house.engine.statistics()["connected"]
        house.link.up = False
        await house.clock.sleep(100)
        after = repr(house.engine)
        await house.leave()
        return before, connected, after

    before, connected, after = run_simulated(main())
    assert before == after == "<engine of station robot: silent, 0 tasks>"
    assert connected
