"""The engine suite over the engine of another facility: beside a facility in this process, and with our own face in
another process; and what it does when a facility keeps its promises badly.

What must hold is what the Protocol of engines says: nothing consuming happens twice, and no effect is claimed that
nobody knows. What really happened is counted by the facility.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from iri.bad_facility import FAULTS, BadFacility
from iri.engines import beside, credentials, elsewhere, facility_engine, settings
from yosegi.core.clock import SystemClock
from yosegi.core.engine import Engine, Outcome
from yosegi.core.errors import Invalid
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.iri.documents import job_name
from yosegi.execution.engines.registry import kind_of
from yosegi.testing.engine_suite import EngineSuite, Opened, Run, fresh, ignore, work
from yosegi.testing.loop import SimulatedClock, run_simulated
from yosegi.trust.errors import LooseKeyFile

TESTS = Path(__file__).parents[1]
THIRD = ("launch", "job", "jobs")


class TestBesideAFacility(EngineSuite):
    @pytest.fixture
    def run(self) -> Run:
        return run_simulated

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Opened:
        return lambda: beside(tmp_path, SimulatedClock())


class TestBesideAPartialFacilityOfVersionOne(TestBesideAFacility):
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Opened:
        return lambda: beside(tmp_path, SimulatedClock(), version="v1", serves=("facility", "launch", "job"))


@pytest.mark.processes
class TestOurOwnFaceInAnotherProcess(EngineSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls) -> Iterator[asyncio.Runner]:
        with asyncio.Runner() as runner:
            yield runner

    @pytest.fixture
    def run(self, runner: asyncio.Runner) -> Run:
        return runner.run

    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
        folder = tmp_path_factory.mktemp("elsewhere")
        there = subprocess.Popen(
            [sys.executable, "-m", "iri.serve"], cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(TESTS)},
        )  # fmt: skip
        assert there.stdout is not None
        try:
            told = json.loads(there.stdout.readline())
            opening = elsewhere(folder, SystemClock(), told["url"], told["token"])
            engine = runner.run(opening.__aenter__())

            @asynccontextmanager
            async def again() -> AsyncIterator[Engine]:
                yield engine

            yield again
            runner.run(opening.__aexit__(None, None, None))
        finally:
            assert there.stdin is not None
            there.stdin.close()
            there.wait(30)
            there.stdout.close()


# -- a facility that keeps its promises badly -------------------------------------------------------------------------


def told(
    tmp_path: Path, name: str, fault: Callable[[int], str], *, wait: float = 0.0, **how: Any
) -> tuple[Outcome, BadFacility, list[Outcome]]:
    """How one task ends, what really happened, and what came late."""
    late: list[Outcome] = []

    async def on_late(key: str, outcome: Outcome) -> None:
        late.append(outcome)

    async def main() -> tuple[Outcome, BadFacility]:
        clock = SimulatedClock()
        there = BadFacility(clock, tmp_path / "there", fault, **how)
        inputs = {"what": "x"} if name == "dispense" else {"x": 3.0}
        async with facility_engine(tmp_path, clock, there, on_late=on_late) as engine:
            outcome = await engine.run(work(name, fresh(), **inputs), ignore)
            await clock.sleep(wait)
        there.end()
        return outcome, there

    outcome, there = run_simulated(main())
    return outcome, there, late


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", range(1, 9))
def test_each_call_may_go_wrong_and_nothing_happens_twice(tmp_path: Path, fault: str, number: int) -> None:
    outcome, there, late = told(tmp_path, "dispense", lambda n: fault if n == number else "", wait=300.0)
    happened = sum(there.effects.values())
    assert happened <= 1
    known = late[-1] if outcome.effect is Effect.UNKNOWN and late else outcome
    if known.effect is not Effect.UNKNOWN:
        assert (known.effect is Effect.DONE) == (happened == 1)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", range(1, 9))
def test_what_may_be_repeated_comes_to_its_answer_whatever_goes_wrong_once(
    tmp_path: Path, fault: str, number: int
) -> None:
    outcome, _, _ = told(tmp_path, "twice", lambda n: fault if n == number else "")
    refused = fault == "404" and outcome.reason == "not_started"
    assert refused or outcome.outputs == {"value": 6}


@pytest.mark.parametrize("period", [2, 3])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_facility_may_go_wrong_again_and_again(tmp_path: Path, fault: str, period: int) -> None:
    outcome, there, _ = told(tmp_path, "dispense", lambda n: fault if n % period == 0 else "", wait=300.0)
    assert sum(there.effects.values()) <= 1
    if outcome.effect is Effect.NONE:
        assert not there.effects


def test_a_lost_answer_is_made_up_for_by_the_jobs_name(tmp_path: Path) -> None:
    # The probe is the first call, the submission the second.
    outcome, there, _ = told(tmp_path, "dispense", lambda n: "answer_lost" if n == 2 else "")
    assert (outcome.effect, outcome.result) == (Effect.DONE, Result.VALID)
    assert there.asked.count("launch") == 1


def test_a_job_that_turns_up_late_is_uncertain_and_then_told(tmp_path: Path) -> None:
    outcome, there, late = told(tmp_path, "dispense", lambda n: "late" if n == 2 else "", wait=200.0)
    assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "facility_silent")
    assert [(one.effect, one.result) for one in late] == [(Effect.DONE, Result.VALID)]
    assert there.asked.count("launch") == 1


def test_a_list_without_names_finds_nothing_and_proves_nothing(tmp_path: Path) -> None:
    fault: Callable[[int], str] = lambda n: "answer_lost" if n == 2 else ""  # noqa: E731
    outcome, there, _ = told(tmp_path, "dispense", fault, names=False)
    assert outcome.effect is Effect.UNKNOWN
    assert there.asked.count("launch") == 1


def test_a_third_of_the_operations_is_enough(tmp_path: Path) -> None:
    outcome, _, _ = told(tmp_path, "dispense", lambda n: "", version="v1", serves=("facility", *THIRD))
    assert (outcome.effect, outcome.result) == (Effect.DONE, Result.VALID)


def test_a_facility_that_forgets_a_job_leaves_its_effect_unknown_and_not_failed(tmp_path: Path) -> None:
    outcome, there, _ = told(tmp_path, "dispense", lambda n: "404" if n > 2 else "")
    assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "facility_silent")
    assert there.asked.count("launch") == 1


def test_a_token_that_is_not_taken_starts_nothing(tmp_path: Path) -> None:
    outcome, there, _ = told(tmp_path, "dispense", lambda n: "", token="another")
    assert (outcome.effect, outcome.reason) == (Effect.NONE, "not_started")
    assert not there.jobs


@pytest.mark.parametrize("calls", range(1, 12))
@pytest.mark.parametrize("name", ["dispense", "twice"])
def test_the_site_may_end_at_each_call_and_go_on_after(tmp_path: Path, name: str, calls: int) -> None:
    class Gone(BaseException):
        """The site's process ends."""

    def die(number: int) -> str:
        if number == calls:
            raise Gone
        return ""

    async def main() -> tuple[Outcome, BadFacility]:
        clock = SimulatedClock()
        there = BadFacility(clock, tmp_path / "there", die)
        asked = work(name, fresh(), **({"what": "x"} if name == "dispense" else {"x": 3.0}))
        try:
            async with facility_engine(tmp_path, clock, there) as engine:
                outcome = await engine.run(asked, ignore)
        except Gone:
            there.fault = lambda number: ""
            async with facility_engine(tmp_path, clock, there) as engine:
                outcome = await engine.attach(asked, ignore)
        there.end()
        return outcome, there

    outcome, there = run_simulated(main())
    assert sum(there.effects.values()) <= 1
    if name == "twice":
        assert outcome.outputs == {"value": 6}
    elif outcome.effect is not Effect.UNKNOWN:
        assert (outcome.effect is Effect.DONE) == (sum(there.effects.values()) == 1)


# -- what it sends ----------------------------------------------------------------------------------------------------


def test_a_jobs_name_is_an_opaque_hash_that_every_scheduler_takes() -> None:
    name = job_name("argonne", "task/riken/colour-team-secret", 1)
    assert len(name) == 27
    assert name.isalnum()
    assert name == job_name("argonne", "task/riken/colour-team-secret", 1)
    assert name != job_name("argonne", "task/riken/colour-team-secret", 2)


def test_credentials_that_others_may_read_stop_the_start(tmp_path: Path) -> None:
    async def main() -> None:
        clock = SimulatedClock()
        async with facility_engine(tmp_path, clock, BadFacility(clock, tmp_path)) as engine:
            credentials(tmp_path).chmod(0o640)
            await engine.start()

    with pytest.raises(LooseKeyFile):
        run_simulated(main())


@pytest.mark.parametrize(
    "url",
    [
        "http://facility.example",
        "https://user:secret@facility.example",
        "https://facility.example/?token=x",
        "file:///x",
    ],
)
def test_an_address_that_would_show_the_token_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        settings(url)


def test_the_kind_is_found_by_its_name() -> None:
    assert kind_of("iri").Settings is type(settings())
