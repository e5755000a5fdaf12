"""Time on instruments: windows, and an instrument that its operator takes back; on simulated time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.asking import ask, person
from federation.toys import three_sites
from yosegi.core.errors import Conflict, NotFound, Refused, Unavailable
from yosegi.core.states import Effect, TaskState
from yosegi.execution.turn_view import turns_taken
from yosegi.services.operations.stop_permission import StopPermission
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import EPOCH, run_simulated

ROBOT = ("toy.make@1", "toy.measure@1")
OPERATOR = person("operator@nims", "operator")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def minutes(first: float, last: float) -> str:
    """A span of minutes after the beginning of simulated time, a Wednesday at midnight UTC."""
    starts, ends = EPOCH + timedelta(minutes=first), EPOCH + timedelta(minutes=last)
    return f"{starts.isoformat()}/{ends.isoformat()}"


async def with_robot(folder: Path, **terms: Any) -> tuple[Federation, Site]:
    """A federation in which nims' robot makes and measures, with its terms."""
    federation = three_sites(folder)
    federation.places["nims"].instruments = {"robot": {"capabilities": [*ROBOT], **terms}}
    await federation.start()
    return federation, federation.places["nims"].running


def state(site: Site, key: str, home: str = "argonne") -> TaskState:
    return site.repository.task(f"task/{home}/{key}").state


def test_a_task_outside_the_windows_waits_with_the_next_in_words_and_starts_in_it(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path, spans=[minutes(30, 60)], time_zone="Asia/Tokyo")
        task = await ask(federation, "early")
        assert (task.state, [reason.code for reason in task.reasons]) == (TaskState.ACCEPTED, ["instrument_closed"])
        assert "2026-04-01 09:30–10:00 Asia/Tokyo" in task.reasons[0].en
        shown = nims.tasks.show("argonne/early", OPERATOR)
        assert [reason.code for reason in shown.reasons] == ["instrument_closed"]
        await asyncio.sleep(29 * 60)
        assert state(nims, "early") is TaskState.ACCEPTED
        await asyncio.sleep(2 * 60)
        assert state(nims, "early") is TaskState.ENDED
        assert federation.world.effects["task/argonne/early"] == 1

    run_simulated(story())


def test_nothing_is_started_that_could_end_after_its_window(tmp_path: Path) -> None:
    async def story() -> None:
        # The contract's time limit is a minute.
        federation, nims = await with_robot(tmp_path, spans=[minutes(0, 30), minutes(50, 60)])
        asyncio.get_running_loop().leap(29 * 60 + 10)  # type: ignore[attr-defined]
        await ask(federation, "late")
        await asyncio.sleep(60)
        assert state(nims, "late") is TaskState.ACCEPTED
        await asyncio.sleep(21 * 60)
        assert state(nims, "late") is TaskState.ENDED

    run_simulated(story())


def test_a_window_that_is_too_short_for_it_is_no_next_window(tmp_path: Path) -> None:
    async def story() -> None:
        federation, _ = await with_robot(tmp_path, spans=[minutes(30, 30.5)])
        task = await ask(federation, "long")
        assert [reason.code for reason in task.reasons] == ["instrument_never_open"]

    run_simulated(story())


def test_an_operators_window_counts_at_once_and_after_a_restart_and_closes_when_withdrawn(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path, spans=[minutes(600, 660)])
        await ask(federation, "one")
        with pytest.raises(Refused):
            await nims.instruments.add_window("robot", "mon-sun 00:00-24:00", person())
        await nims.instruments.add_window("robot", "mon-sun 00:00-24:00", OPERATOR)
        await asyncio.sleep(5)
        assert state(nims, "one") is TaskState.ENDED
        await federation.crash("nims")
        nims = await federation.restart("nims")
        assert nims.instruments.show("robot", OPERATOR).open
        await nims.instruments.withdraw_window("robot", "mon-sun 00:00-24:00", OPERATOR)
        await ask(federation, "two")
        await asyncio.sleep(60)
        assert state(nims, "two") is TaskState.ACCEPTED
        with pytest.raises(NotFound):
            await nims.instruments.withdraw_window("robot", "mon-sun 00:00-24:00", OPERATOR)

    run_simulated(story())


def test_where_the_last_window_was_withdrawn_the_instrument_is_closed_and_not_open_to_all(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path)
        assert nims.instruments.show("robot", OPERATOR).open
        await nims.instruments.add_window("robot", "mon 09:00-10:00", OPERATOR)
        await nims.instruments.withdraw_window("robot", "mon 09:00-10:00", OPERATOR)
        await ask(federation, "one")
        await asyncio.sleep(60)
        assert state(nims, "one") is TaskState.ACCEPTED

    run_simulated(story())


def test_a_site_whose_clock_is_off_starts_nothing_in_a_window_that_it_believes_open(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path, spans=[minutes(60, 90)])
        await ask(federation, "early")
        nims.clock.skew = 65 * 60.0  # type: ignore[attr-defined]
        for peer in ("argonne", "riken"):
            right = nims.clock.now() - timedelta(minutes=65)
            nims.channels.clocks.hear(peer, right, nims.clock.now(), in_force=True)
        await asyncio.sleep(120)
        assert nims.channels.clocks.seconds_off > 3600
        assert nims.instruments.show("robot", OPERATOR).open
        assert state(nims, "early") is TaskState.ACCEPTED
        nims.clock.skew = 0.0  # type: ignore[attr-defined]
        for peer in ("argonne", "riken"):
            nims.channels.clocks.hear(peer, nims.clock.now(), nims.clock.now(), in_force=True)
        await asyncio.sleep(120)
        assert state(nims, "early") is TaskState.ACCEPTED
        await asyncio.sleep(60 * 60)
        assert state(nims, "early") is TaskState.ENDED

    run_simulated(story())


def test_a_peer_that_is_started_again_still_knows_the_windows(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path, shifts=["mon-fri 09:00-17:00"], time_zone="Asia/Tokyo")
        await nims.instruments.add_window("robot", "sat 09:00-12:00", OPERATOR)
        await asyncio.sleep(60)
        await federation.crash("nims")
        await federation.crash("argonne")
        home = await federation.restart("argonne")
        told = "mon-fri 09:00-17:00; sat 09:00-12:00 (Asia/Tokyo)"
        assert home.catalogue.show("nims/toy.make@1").windows == told
        assert home.catalogue.show("nims/toy.measure@1").windows == told
        nims = await federation.restart("nims")
        await nims.instruments.withdraw_window("robot", "sat 09:00-12:00", OPERATOR)
        await asyncio.sleep(60)
        await federation.crash("argonne")
        home = await federation.restart("argonne")
        assert home.catalogue.show("nims/toy.make@1").windows == "mon-fri 09:00-17:00 (Asia/Tokyo)"

    run_simulated(story())


def test_what_teams_owe_each_other_on_an_instrument_outlives_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path)
        for number in range(3):
            await ask(federation, f"k{number}")
        await asyncio.sleep(60)
        taken = turns_taken(nims.ledger.query)
        # A turn counts as long as the contract's time limit, a minute; there were three.
        assert [(one.lane, one.team, one.start, one.finish) for one in taken] == [
            ("instrument robot", f"{CHARTER}/{TEAM}", 120.0, 180.0)
        ]
        await federation.crash("nims")
        nims = await federation.restart("nims")
        await ask(federation, "after")
        await asyncio.sleep(60)
        (last,) = turns_taken(nims.ledger.query)
        assert (last.start, last.finish) == (180.0, 240.0)

    run_simulated(story())


def test_the_catalogue_tells_the_windows_at_home_too_and_again_when_they_change(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path, shifts=["mon-fri 09:00-17:00"], time_zone="Asia/Tokyo")
        home = federation.places["argonne"].running
        told = "mon-fri 09:00-17:00 (Asia/Tokyo)"
        assert nims.catalogue.show("nims/toy.make@1").windows == told
        assert home.catalogue.show("nims/toy.make@1").windows == told
        await nims.instruments.add_window("robot", "sat 09:00-12:00", OPERATOR)
        await asyncio.sleep(60)
        assert home.catalogue.show("nims/toy.make@1").windows == ("mon-fri 09:00-17:00; sat 09:00-12:00 (Asia/Tokyo)")
        lines = {line.capability: line.windows for line in await home.governance.access(person())}
        assert lines["nims/toy.make@1"] == "mon-fri 09:00-17:00; sat 09:00-12:00 (Asia/Tokyo)"
        assert lines["riken/toy.simulate@1"] == ""

    run_simulated(story())


# -- taken back -------------------------------------------------------------------------------------------------------


def test_an_instrument_taken_back_stops_what_runs_and_keeps_the_queue_until_it_is_given_back(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path)
        federation.places["nims"].engine.duration = 40.0  # type: ignore[union-attr]
        await ask(federation, "runs")
        await ask(federation, "waits")
        await asyncio.sleep(5)
        told = await nims.instruments.take_back("robot", OPERATOR, "the pump leaks")
        assert [(use.task, use.team) for use in told.running] == [("argonne/runs", "colour-team")]
        await asyncio.sleep(60)
        ended = nims.repository.task("task/argonne/runs")
        assert ended.outcome is not None
        assert (ended.outcome.effect, ended.outcome.reason) == (Effect.NONE, "stopped")
        assert [reason.code for reason in nims.tasks.show("argonne/waits", OPERATOR).reasons] == [
            "instrument_taken_back"
        ]
        assert "the pump leaks" in nims.tasks.show("argonne/waits", OPERATOR).reasons[0].en
        await federation.crash("nims")
        nims = await federation.restart("nims")
        await asyncio.sleep(120)
        assert state(nims, "waits") is TaskState.ACCEPTED
        with pytest.raises(Refused):
            await nims.instruments.give_back("robot", person())
        await nims.instruments.give_back("robot", OPERATOR, "mended")
        await asyncio.sleep(120)
        assert state(nims, "waits") is TaskState.ENDED
        assert not federation.world.twice()
        with pytest.raises(Conflict):
            await nims.instruments.give_back("robot", OPERATOR)

    run_simulated(story())


def test_who_may_not_stop_the_site_takes_no_instrument_back_and_no_agent_does(tmp_path: Path) -> None:
    async def story() -> None:
        _, nims = await with_robot(tmp_path)
        strict = replace(nims.instruments, stop_permission=StopPermission("nims", "operators"))
        with pytest.raises(Refused, match="stopping_not_yours"):
            await strict.take_back("robot", person(), "I want it")
        with pytest.raises(Refused, match="people_only"):
            await strict.take_back("robot", person("operator@nims", "operator", agent="planner"), "I want it")
        assert nims.instruments.show("robot", OPERATOR).open
        assert not (await strict.take_back("robot", OPERATOR, "the pump leaks")).open

    run_simulated(story())


def test_what_was_uncertain_when_an_instrument_was_taken_back_stays_uncertain(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path)
        federation.places["nims"].engine.duration = 40.0  # type: ignore[union-attr]
        await ask(federation, "runs")
        await asyncio.sleep(30)
        # After its effect, and before it has told: the engine dies with the site, and its book does not say.
        await nims.instruments.take_back("robot", OPERATOR, "smoke")
        await federation.crash("nims")
        nims = await federation.restart("nims")
        await asyncio.sleep(60)
        assert state(nims, "runs") is TaskState.UNCERTAIN
        await nims.instruments.give_back("robot", OPERATOR)
        await asyncio.sleep(120)
        assert state(nims, "runs") is TaskState.UNCERTAIN
        assert federation.world.effects["task/argonne/runs"] == 1

    run_simulated(story())


def test_a_take_back_whose_engine_does_not_answer_is_on_record_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path)
        engine = federation.places["nims"].engine
        assert engine is not None
        engine.duration = 40.0
        await ask(federation, "runs")
        await asyncio.sleep(5)

        async def fails(key: str, word: str) -> None:
            raise Unavailable("the robot", "does not answer")

        monkeypatch.setattr(engine, "halt", fails)
        with pytest.raises(Unavailable, match="does not answer"):
            await nims.instruments.take_back("robot", OPERATOR, "smoke")
        assert nims.instruments.show("robot", OPERATOR).taken_back_why == "smoke"
        assert [entry.type for entry in nims.ledger.read("instrument/robot")] == ["instrument.taken_back"]

    run_simulated(story())


def test_a_take_back_that_no_ledger_has_outlives_the_death_of_its_site_and_is_recorded_later(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path)
        federation.stores["nims"].full = True
        await nims.instruments.take_back("robot", OPERATOR, "smoke")
        await federation.crash("nims")
        federation.stores["nims"].full = False
        nims = await federation.restart("nims")
        assert nims.instruments.show("robot", OPERATOR).taken_back_why == "smoke"
        await asyncio.sleep(120)
        assert [entry.type for entry in nims.ledger.read("instrument/robot")] == ["instrument.taken_back"]
        assert nims.instruments.show("robot", OPERATOR).recorded
        await nims.instruments.give_back("robot", OPERATOR, "aired")
        await federation.crash("nims")
        assert not (await federation.restart("nims")).instruments.show("robot", OPERATOR).taken_back_by

    run_simulated(story())


def test_a_take_back_on_a_full_disk_counts_at_once_and_is_recorded_when_there_is_room(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path)
        federation.stores["nims"].full = True
        told = await nims.instruments.take_back("robot", OPERATOR, "smoke")
        assert (told.open, told.taken_back_by, told.recorded) == (False, "operator@nims", False)
        with pytest.raises(Unavailable):
            await nims.instruments.give_back("robot", OPERATOR)
        federation.stores["nims"].full = False
        await asyncio.sleep(120)
        assert [entry.type for entry in nims.ledger.read("instrument/robot")] == ["instrument.taken_back"]
        await federation.crash("nims")
        assert (await federation.restart("nims")).instruments.show("robot", OPERATOR).taken_back_why == "smoke"

    run_simulated(story())


def test_what_another_team_runs_on_an_instrument_is_not_told(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_robot(tmp_path)
        await ask(federation, "runs")
        await asyncio.sleep(0.5)
        use = nims.instruments.show("robot", person("guest@riken")).running[0]
        assert (use.task, use.team, use.capability) == ("", "", "toy.make@1")

    run_simulated(story())
