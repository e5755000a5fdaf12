"""A Bluesky plan as a capability: a real run engine over a real soft IOC."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

pytest.importorskip("bluesky", reason="the extra `bluesky` is not installed")

from event_model import DocumentNames, schema_validators

from packs.devices.conftest import Bench
from yosegi.core.capability import Context, Stopped
from yosegi_packs.devices import (
    Disconnected,
    HeldByAnother,
    MovedByAnother,
    NotReached,
    PutRefused,
    StaleReading,
    Unsettled,
)
from yosegi_packs.devices.errors import DeviceError
from yosegi_packs.devices.scan import scan

pytestmark = [pytest.mark.processes, pytest.mark.slow]


def documents(path: Path) -> list[tuple[str, dict[str, object]]]:
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()]


@pytest.fixture
def context(bench: Bench, tmp_path: Path) -> Context:
    folder = tmp_path / "task"
    folder.mkdir()
    return Context(key="task/7", seed=1, state=bench.folder, folder=folder)


def test_its_documents_are_bluesky_s_own_and_carry_the_task_s_key(bench: Bench, context: Context) -> None:
    found = scan(-2.0, 2.0, 3, context=context)
    kept = documents(found.documents)
    for name, document in kept:
        schema_validators[DocumentNames[name]].validate(document)
    assert [name for name, _ in kept] == ["start", "descriptor", "event", "event", "event", "stop"]
    assert kept[0][1]["yosegi_key"] == "task/7"
    assert [round(one["data"]["field"]) for name, one in kept if name == "event"] == [-2, 0, 2]
    assert found.events == 3
    assert bench.look("MAG:CUR:SP") == 0.0


def test_a_stopped_plan_ends_in_its_safe_state_and_its_documents_say_so(bench: Bench, context: Context) -> None:
    answers = iter([False] * 40)
    context.stopping = lambda: next(answers, True)
    with pytest.raises(Stopped, match="everything is back where it was") as told:
        scan(-2.0, 2.0, 100, context=context)
    assert told.value.effect == "done"
    assert bench.look("MAG:CUR:SP") == 0.0
    last = documents(context.folder / "documents.jsonl")[-1]
    assert (last[0], last[1]["exit_status"]) == ("stop", "fail")


def test_a_refused_put_fails_the_plan(bench: Bench, context: Context) -> None:
    bench.fault("refuse")
    with pytest.raises(PutRefused, match="the IOC refused 1 A"):
        scan(1.0, 2.0, 2, context=context)


def test_a_plan_whose_ioc_is_cut_off_is_unsettled_and_no_later_plan_moves_anything(
    bench: Bench, context: Context
) -> None:
    asked = 0

    def cut() -> bool:
        nonlocal asked
        asked += 1
        if asked == 40:
            os.kill(bench.twin.process.pid, signal.SIGSTOP)
        return False

    context.stopping = cut
    with pytest.raises(DeviceError) as told:
        scan(-2.0, 2.0, 100, context=context)
    assert told.value.effect == ""
    os.kill(bench.twin.process.pid, signal.SIGCONT)
    context.stopping = lambda: False
    before = bench.look("MAG:CUR:SP")
    with pytest.raises(Unsettled) as refused:
        scan(-2.0, 2.0, 3, context=context)
    assert refused.value.effect == "none"
    assert bench.look("MAG:CUR:SP") == before


def test_what_somebody_else_moves_ends_the_plan_and_is_left_to_them(bench: Bench, context: Context) -> None:
    asked = 0

    def move() -> bool:
        nonlocal asked
        asked += 1
        if asked == 40:
            bench.put("MAG:CUR:SP", 7.0)
        return False

    context.stopping = move
    with pytest.raises(MovedByAnother):
        scan(-2.0, 2.0, 100, context=context)
    assert bench.look("MAG:CUR:SP") == 7.0


def test_a_readback_that_is_not_measured_any_more_ends_the_plan(bench: Bench, context: Context) -> None:
    bench.fault("stale")
    with pytest.raises(StaleReading):
        scan(0.0, 2.0, 2, context=context)


def at_look(number: int, what: Callable[[], object]) -> Callable[[], bool]:
    """Do something when a plan looks for the so-manieth time whether it is to stop; it never is."""
    looks = count(1)

    def look() -> bool:
        if next(looks) == number:
            what()
        return False

    return look


def test_a_plan_whose_ioc_is_killed_is_unsettled_and_no_later_plan_moves_anything(
    bench: Bench, context: Context
) -> None:
    context.stopping = at_look(40, bench.twin.kill)
    with pytest.raises(DeviceError) as told:
        scan(-2.0, 2.0, 100, context=context)
    assert told.value.effect == ""
    bench.twin.power_cycle()
    bench.await_contact()
    context.stopping = lambda: False
    with pytest.raises(Unsettled) as refused:
        scan(-2.0, 2.0, 3, context=context)
    assert refused.value.effect == "none"
    assert bench.look("MAG:CUR:SP") == 0.0


def test_a_power_cycle_in_the_middle_of_a_plan_is_told_and_not_fought(bench: Bench, context: Context) -> None:
    context.stopping = at_look(40, bench.twin.power_cycle)
    with pytest.raises((MovedByAnother, Disconnected)):
        scan(1.0, 2.0, 100, context=context)
    bench.await_contact()
    # As the IOC came up: nobody put anything since.
    assert bench.look("MAG:CUR:SP") == 0.0


def test_a_readback_that_stands_still_ends_the_plan_and_what_was_saved_is_put_back(
    bench: Bench, context: Context
) -> None:
    bench.fault("freeze")
    with pytest.raises(NotReached, match="everything is back where it was") as told:
        scan(1.0, 2.0, 2, context=context)
    assert told.value.effect == "done"
    assert bench.look("MAG:CUR:SP") == 0.0


def test_a_plan_moves_nothing_that_another_station_holds(bench: Bench, context: Context) -> None:
    bench.put("MAG:HOLDER", "another-00000000")
    with pytest.raises(HeldByAnother, match="another-00000000") as told:
        scan(1.0, 2.0, 2, context=context)
    assert told.value.effect == "none"
    assert bench.look("MAG:CUR:SP") == 0.0


CUT_SHORT = """
import os, signal, sys
from itertools import count
from pathlib import Path
from yosegi.core.capability import Context
from yosegi_packs.devices.scan import scan

looks = count(1)
def look():
    if next(looks) == 40:
        os.kill(os.getpid(), signal.SIGKILL)
    return False

context = Context(key="task/6", seed=1, state=Path(sys.argv[1]), folder=Path(sys.argv[2]))
context.stopping = look
scan(1.0, 2.0, 100, context=context)
"""


def test_after_a_worker_that_was_killed_within_a_plan_no_later_plan_moves_anything(
    bench: Bench, context: Context, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    killed = subprocess.run([sys.executable, "-c", CUT_SHORT, str(bench.folder), str(tmp_path / "other")], check=False)
    assert killed.returncode == -signal.SIGKILL
    left = bench.look("MAG:CUR:SP")
    assert left >= 1.0
    with pytest.raises(DeviceError) as refused:
        scan(-2.0, 2.0, 3, context=context)
    assert refused.value.effect == "none"
    assert bench.look("MAG:CUR:SP") == left
