"""A Bluesky plan as a capability: a real run engine over a real soft IOC."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

pytest.importorskip("bluesky", reason="the extra `bluesky` is not installed")

from event_model import DocumentNames, schema_validators

from packs.devices.conftest import Bench
from yosegi.core.capability import Context, Stopped
from yosegi_packs.devices import MovedByAnother, PutRefused, StaleReading, Unsettled
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
