from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from yosegi.core.clock import SystemClock
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome
from yosegi.core.errors import Conflict
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, Result
from yosegi.execution.outcomes import MOST_ATTEMPTS
from yosegi.execution.station import IntentLog, LogFailed, StationInUse, WorkOffer

DONE = Outcome(effect=Effect.DONE, result=Result.VALID, outputs={"value": 1})
LOST = Outcome.failed(Effect.UNKNOWN, "crashed")


def offer(key: str, effect: str = "consuming", **inputs: Any) -> WorkOffer:
    return WorkOffer(
        key=key, capability="sample.x@1", inputs=inputs, time_limit=1.0, effect=EffectClass(effect), attempt=1
    )


def reopened(log: IntentLog, folder: Path) -> IntentLog:
    log.close()
    log = IntentLog(folder, SystemClock())
    log.recover()
    return log


@pytest.fixture
def log(tmp_path: Path) -> Any:
    log = IntentLog(tmp_path, SystemClock())
    yield log
    log.close()


def state_of(log: IntentLog, key: str) -> str:
    found = log.find(key)
    return found.state if found is not None else ""


def test_a_key_is_received_once_and_with_one_body(log: IntentLog) -> None:
    log.receive(offer("k", x=1))
    assert log.receive(offer("k", x=1)).state == "received"
    with pytest.raises(Conflict, match="was used at this station before, for another task"):
        log.receive(offer("k", x=2))


def test_a_further_attempt_is_the_same_task(log: IntentLog) -> None:
    log.receive(offer("k"))
    assert log.receive(offer("k").model_copy(update={"attempt": 2})).state == "received"


def test_a_task_starts_once(log: IntentLog) -> None:
    log.receive(offer("k"))
    log.start("k")
    with pytest.raises(Conflict, match="does not wait to be started"):
        log.start("k")


def test_what_was_never_received_cannot_start(log: IntentLog) -> None:
    with pytest.raises(Conflict, match="nothing was started"):
        log.start("k")


def test_the_start_is_on_the_disk_when_it_returns(log: IntentLog, tmp_path: Path) -> None:
    log.receive(offer("k"))
    log.start("k")
    assert log._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL (sqlite.org/pragma.html#pragma_synchronous)
    with sqlite3.connect(tmp_path / "intents.sqlite") as other:
        assert other.execute("SELECT state FROM intent").fetchall() == [("started",)]
    other.close()


@pytest.mark.parametrize(
    ("effect", "state"),
    [("pure", "received"), ("idempotent", "received"), ("queryable", "ended"), ("consuming", "ended"),
     ("stateful", "ended")],
)  # fmt: skip
def test_after_a_restart_only_what_may_be_repeated_starts_again(tmp_path: Path, effect: str, state: str) -> None:
    log = IntentLog(tmp_path, SystemClock())
    log.receive(offer("k", effect))
    log.start("k")
    log = reopened(log, tmp_path)
    found = log.find("k")
    assert found is not None
    assert found.state == state
    if found.outcome is not None:
        assert (found.outcome.effect, found.outcome.reason) == (Effect.UNKNOWN, "station_restarted")
    log.close()


def test_a_known_effect_is_never_changed_and_an_unknown_one_may_become_known(log: IntentLog) -> None:
    log.receive(offer("k"))
    log.start("k")
    log.end("k", LOST)
    log.end("k", DONE)
    log.end("k", LOST)
    found = log.find("k")
    assert found is not None
    assert found.outcome == DONE


def test_what_is_buried_before_it_comes_never_starts(log: IntentLog) -> None:
    assert log.bury("k")
    assert log.receive(offer("k")).state == "ended"
    with pytest.raises(Conflict):
        log.start("k")


def test_what_has_started_cannot_be_buried(log: IntentLog) -> None:
    log.receive(offer("k"))
    log.start("k")
    assert not log.bury("k")
    assert state_of(log, "k") == "started"


def test_an_end_is_told_until_it_is_acknowledged_and_again_when_the_task_is_offered_again(log: IntentLog) -> None:
    log.receive(offer("k"))
    log.start("k")
    log.end("k", DONE)
    assert [intent.key for intent in log.to_tell()] == ["k"]
    log.acknowledge(["k"])
    assert log.to_tell() == []
    log.receive(offer("k"))
    assert [intent.outcome for intent in log.to_tell()] == [DONE]


def test_two_processes_cannot_be_one_station(log: IntentLog, tmp_path: Path) -> None:
    with pytest.raises(StationInUse, match="runs already"):
        IntentLog(tmp_path, SystemClock())


def test_a_full_disk_is_said_and_starts_nothing(log: IntentLog) -> None:
    log.receive(offer("k"))
    pages = log._db.execute("PRAGMA page_count").fetchone()[0]
    log._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LogFailed, match=r"full.*nothing is started"):
        log.receive(offer("l", text="x" * 100_000))
    assert state_of(log, "l") == ""


def test_a_file_that_is_no_log_is_said(tmp_path: Path) -> None:
    (tmp_path / "intents.sqlite").write_bytes(b"not a database, and long enough to be looked at" * 100)
    with pytest.raises(LogFailed, match="not a database"):
        IntentLog(tmp_path, SystemClock())


def test_runs_are_numbered_upwards_across_restarts(tmp_path: Path) -> None:
    log = IntentLog(tmp_path, SystemClock())
    first = log.next_run()
    log = reopened(log, tmp_path)
    assert log.next_run() > first
    log.close()


KEYS = st.sampled_from(["a", "b", "c"])


class Logged(RuleBasedStateMachine):
    """Whatever is done in whatever order, with restarts anywhere: nothing that must not be repeated starts twice."""

    @initialize()
    def open_log(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.log = IntentLog(self.folder, SystemClock())
        self.starts: dict[str, int] = {}
        self.effects: dict[str, str] = {}
        self.settled: dict[str, Outcome] = {}

    def teardown(self) -> None:
        if hasattr(self, "log"):
            self.log.close()
            shutil.rmtree(self.folder)

    @rule(key=KEYS)
    def receive(self, key: str) -> None:
        effect = "pure" if key == "a" else "consuming"
        self.effects[key] = effect
        self.log.receive(offer(key, effect))

    @rule(key=KEYS)
    def start(self, key: str) -> None:
        try:
            self.log.start(key)
        except Conflict:
            return
        self.starts[key] = self.starts.get(key, 0) + 1

    @rule(key=KEYS, outcome=st.sampled_from([DONE, LOST]))
    def end(self, key: str, outcome: Outcome) -> None:
        if state_of(self.log, key) in ("started", "ended"):
            self.log.end(key, outcome)

    @rule(key=KEYS)
    def bury(self, key: str) -> None:
        if self.log.bury(key):
            assert self.starts.get(key, 0) == 0 or self.effects[key] == "pure"

    @rule(key=KEYS)
    def acknowledge(self, key: str) -> None:
        self.log.acknowledge([key])

    @rule()
    def restart(self) -> None:
        self.log = reopened(self.log, self.folder)

    @invariant()
    def nothing_that_must_not_be_repeated_starts_twice(self) -> None:
        for key, starts in getattr(self, "starts", {}).items():
            assert starts <= 1 or self.effects[key] == "pure"

    @invariant()
    def a_known_end_stays(self) -> None:
        for key in getattr(self, "effects", {}):
            found = self.log.find(key)
            if found is not None and found.outcome is not None and found.outcome.effect is not Effect.UNKNOWN:
                assert self.settled.setdefault(key, found.outcome) == found.outcome


TestLogged = Logged.TestCase
TestLogged.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)


@pytest.mark.parametrize("effect", ["pure", "idempotent"])
def test_what_ended_its_station_as_often_as_it_was_begun_is_given_up(tmp_path: Path, effect: str) -> None:
    log = IntentLog(tmp_path, SystemClock())
    log.receive(offer("k", effect))
    for _ in range(MOST_ATTEMPTS):
        assert state_of(log, "k") == "received"
        log.start("k")
        log = reopened(log, tmp_path)
    found = log.find("k")
    log.close()
    assert found is not None
    assert found.outcome is not None
    assert (found.state, found.outcome.code, found.outcome.effect) == ("ended", OutcomeCode.GIVEN_UP, Effect.NONE)
