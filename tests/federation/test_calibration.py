"""Calibration with an end, and control samples that the site measures by itself; on simulated time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import pytest

from federation.asking import ask, person
from federation.test_instruments import OPERATOR, ROBOT, state, with_robot
from federation.toys import make, measure, three_sites
from yosegi.core.capability import capability, quantity
from yosegi.core.errors import Invalid, NotFound, Refused
from yosegi.core.states import TaskState
from yosegi.services.runtime import Site
from yosegi.testing.federation import TEAM, Federation
from yosegi.testing.loop import EPOCH, run_simulated


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def test_a_calibration_names_data_that_is_here_whole_or_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        _, nims = await with_robot(tmp_path)
        officer = person("officer@nims", "officer")
        how: dict[str, Any] = {"media_type": "text/csv", "sensitivity": "team", "team": TEAM}
        until = EPOCH + timedelta(minutes=10)
        with pytest.raises(NotFound):
            await nims.instruments.calibrate("robot", until, OPERATOR, {}, object_=f"sha256:{'9f' * 32}")
        gone = (await nims.objects.put(BytesIO(b"gone"), officer, **how)).sha256
        nims.objects.store.delete(gone)
        with pytest.raises(NotFound, match="bytes of object"):
            await nims.instruments.calibrate("robot", until, OPERATOR, {}, object_=gone)
        assert nims.instruments.show("robot", OPERATOR).calibration is None
        here = (await nims.objects.put(BytesIO(b"weights"), officer, **how)).sha256
        found = await nims.instruments.calibrate("robot", until, OPERATOR, {}, object_=here)
        assert found.calibration is not None
        assert found.calibration.object == here

    run_simulated(story())


def test_a_task_waits_past_the_end_of_a_calibration_and_its_report_names_the_one_that_held(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path, needs_calibration=True)
        first = await ask(federation, "one")
        assert [reason.code for reason in first.reasons] == ["calibration_missing"]
        with pytest.raises(Refused):
            await nims.instruments.calibrate("robot", EPOCH + timedelta(minutes=10), person(), {})
        with pytest.raises(Invalid):
            await nims.instruments.calibrate("robot", EPOCH, OPERATOR, {})
        ref = await nims.objects.put(
            BytesIO(b"weights"), person("officer@nims", "officer"), media_type="text/csv", sensitivity="team", team=TEAM
        )
        digest = ref.sha256
        await nims.instruments.calibrate(
            "robot", EPOCH + timedelta(minutes=10), OPERATOR, {"gain": 1.02}, "by weight", digest
        )
        await asyncio.sleep(30)
        done = nims.tasks.show("argonne/one", OPERATOR)
        assert done.state is TaskState.ENDED
        assert done.calibration is not None
        assert (done.calibration.by, done.calibration.object) == ("operator@nims", digest)
        await asyncio.sleep(9 * 60)
        # A task may take a minute, and less is left.
        late = await ask(federation, "two")
        assert [reason.code for reason in late.reasons] == ["calibration_lapsed"]
        await asyncio.sleep(120)
        assert not nims.instruments.show("robot", OPERATOR).calibration.holds  # type: ignore[union-attr]
        assert "calibration_lapsed" in {problem.code for problem in nims.alerts.conditions()}
        await federation.crash("nims")
        nims = await federation.restart("nims")
        await asyncio.sleep(60)
        assert state(nims, "two") is TaskState.ACCEPTED
        await nims.instruments.calibrate("robot", EPOCH + timedelta(hours=2), OPERATOR, {})
        await asyncio.sleep(30)
        assert state(nims, "two") is TaskState.ENDED

    run_simulated(story())


def test_a_home_site_is_told_the_calibration_that_held(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path)
        home = federation.places["argonne"].running
        await nims.instruments.calibrate("robot", EPOCH + timedelta(hours=2), OPERATOR, {})
        await home.task_requests.ask(
            federation.member(), key="one", charter="demo", team="colour-team", capability="nims/toy.make@1",
            inputs={"x": 0.5}, purpose="research",
        )  # fmt: skip
        await asyncio.sleep(120)
        told = home.task_requests.show("nims", "one", federation.member())
        assert told.calibration is not None
        assert (told.calibration.instrument, told.calibration.by) == ("robot", "operator@nims")

    run_simulated(story())


# -- control samples --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Level:
    y: Annotated[float, quantity("1")]


READS = [5.0]
"""What the control reads, the next first; the last again and again."""


@capability("toy.check@1", kind="instrument", effect="idempotent", field="toys", simulated=True)
def check(foil: str) -> Level:
    """Measure the control."""
    return Level(READS.pop(0) if len(READS) > 1 else READS[0])


async def controlled(folder: Path, *reads: float, **how: Any) -> tuple[Federation, Site]:
    READS[:] = reads
    federation = three_sites(folder)
    nims = federation.places["nims"]
    nims.capabilities = [make, measure, check]
    control = {"capability": "toy.check@1", "inputs": {"foil": "gold"}, "output": "y", "target": 5.0, "sigma": 0.1}
    nims.instruments = {"robot": {"capabilities": [*ROBOT], "control": {**control, **how}}}
    await federation.start()
    return federation, nims.running


def controls(site: Site) -> list[tuple[float | None, bool]]:
    """The values on record, and whether each was in control."""
    entries = [entry for entry in site.ledger.read("control/robot") if entry.type == "control.measured"]
    return [(entry.facts.get("value"), not entry.facts["verdict"]) for entry in entries]


def test_a_control_is_measured_first_and_again_after_so_many_tasks(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await controlled(tmp_path, 5.01, 4.98, 5.02, every_tasks=2)
        for number in range(4):
            await ask(federation, f"t{number}")
        await asyncio.sleep(240)
        assert all(state(nims, f"t{number}") is TaskState.ENDED for number in range(4))
        assert controls(nims) == [(5.01, True), (4.98, True), (5.02, True)]
        began = [e.stream for e in nims.ledger.scan() if e.type in ("control.started", "task.dispatched")]
        assert [stream == "control/robot" for stream in began] == [True, False, False, True, False, False, True]

    run_simulated(story())


def test_a_control_that_drifts_opens_the_breaker_tells_people_and_a_good_one_closes_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await controlled(tmp_path, 5.0, 5.35, 5.0, every_hours=0.25)
        await asyncio.sleep(60)
        await ask(federation, "before")
        await asyncio.sleep(16 * 60)
        assert controls(nims) == [(5.0, True), (5.35, False)]
        assert state(nims, "before") is TaskState.ENDED
        refused = await ask(federation, "after")
        assert (refused.state, refused.reasons[0].code) == (TaskState.REFUSED, "breaker_open")
        assert "5.35 is beyond 3 standard deviations from 5" in refused.reasons[0].en
        assert "breaker_open" in {problem.code for problem in nims.alerts.conditions()}
        await asyncio.sleep(16 * 60)
        assert (await ask(federation, "still")).state is TaskState.REFUSED
        await federation.crash("nims")
        nims = await federation.restart("nims")
        for name in ROBOT:
            await nims.operations.close_breaker(name, OPERATOR, "a new lamp")
        assert (await ask(federation, "mended")).state is not TaskState.REFUSED

    run_simulated(story())


def test_a_control_that_is_set_to_never_again_keeps_no_task_waiting(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await controlled(tmp_path, 5.0, every_hours=1e300)
        await asyncio.sleep(60)
        await ask(federation, "one")
        await asyncio.sleep(60)
        assert state(nims, "one") is TaskState.ENDED

    run_simulated(story())


def test_a_control_that_gives_no_value_is_out_of_control(tmp_path: Path) -> None:
    async def story() -> None:
        _, nims = await controlled(tmp_path, 5.0, every_hours=1, output="z")
        await asyncio.sleep(60)
        assert controls(nims) == [(None, False)]
        assert nims.dispatcher.breakers.why_open("toy.make@1")

    run_simulated(story())


def test_a_site_that_dies_while_a_control_runs_measures_it_again_and_records_it_once(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await controlled(tmp_path, 5.0, every_hours=1)
        federation.places["nims"].engine.duration = 60.0  # type: ignore[union-attr]
        await asyncio.sleep(30)
        await federation.crash("nims")
        nims = await federation.restart("nims")
        await asyncio.sleep(120)
        types = [entry.type for entry in nims.ledger.read("control/robot")]
        assert types == ["control.started", "control.measured"]

    run_simulated(story())


def test_no_control_is_measured_on_an_instrument_that_was_taken_back(tmp_path: Path) -> None:
    async def story() -> None:
        _, nims = await controlled(tmp_path, 5.0, every_hours=0.25)
        await asyncio.sleep(60)
        await nims.instruments.take_back("robot", OPERATOR, "smoke")
        await asyncio.sleep(30 * 60)
        assert len(controls(nims)) == 1
        await nims.instruments.give_back("robot", OPERATOR)
        await asyncio.sleep(60)
        assert len(controls(nims)) == 2

    run_simulated(story())
