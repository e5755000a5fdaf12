"""Three words stop what a site runs; and a right that lapses does what the contract says: on simulated time."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Unavailable
from yosegi.core.states import CampaignState, Effect, TaskState
from yosegi.execution.tasks import REVOKED, Task
from yosegi.governance.policy.explanation import explained
from yosegi.identity.accounts import Session
from yosegi.services.runtime import Site
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated

LAPSED = (explained("document_expired", until="2026-04-01"),)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


async def _making(folder: Path, when: float, duration: float = 40.0) -> tuple[Federation, Site, str]:
    """A federation whose robot has been making a sample for so many seconds; and that task's stream."""
    federation = three_sites(folder)
    federation.places["nims"].duration = duration
    await federation.start()
    home, nims = federation.places["argonne"].running, federation.places["nims"].running
    await home.campaigns.start(parse_spec(spec(2)), federation.member())
    while not (rows := nims.ledger.query("SELECT stream FROM task WHERE state = 'dispatched'")):
        await asyncio.sleep(0.1)
    await asyncio.sleep(when)
    return federation, nims, str(rows[0]["stream"])


def _held(site: Site) -> int:
    return int(site.ledger.query("SELECT SUM(held) AS held FROM grant_tranches")[0]["held"])


@pytest.mark.parametrize(("when", "state"), [(5.0, TaskState.ENDED), (25.0, TaskState.UNCERTAIN)])
def test_an_abort_ends_what_runs_by_what_it_had_done(tmp_path: Path, when: float, state: TaskState) -> None:
    async def story() -> None:
        federation, nims, stream = await _making(tmp_path, when)
        await nims.operations.set_stop_level("abort", federation.member(), "smoke")
        await asyncio.sleep(40)
        task = nims.repository.task(stream)
        assert task.state is state
        assert not federation.world.twice()
        # Nothing new starts, also after a restart, until somebody releases it.
        happened = federation.world.effects.total()
        await federation.crash("nims")
        again = await federation.restart("nims")
        await asyncio.sleep(120)
        assert again.dispatcher.stop_level == "abort"
        assert federation.world.effects.total() == happened
        await again.operations.set_stop_level("release", federation.member(), "it was steam")
        await asyncio.sleep(400)
        assert federation.places["argonne"].running.campaigns.get("toy").state is CampaignState.ENDED
        assert not federation.world.twice()

    run_simulated(story())


def test_a_stop_on_a_full_disk_is_done_told_as_done_and_stands_after_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims, stream = await _making(tmp_path, 5.0)
        federation.stores["nims"].full = True
        told = await nims.operations.set_stop_level("abort", federation.member(), "smoke")
        assert (told.held, told.word, told.recorded) == (True, "abort", False)
        await asyncio.sleep(40)
        assert not federation.world.effects[stream]
        await federation.crash("nims")
        again = await federation.restart("nims")
        assert again.dispatcher.stop_level == "abort"
        await asyncio.sleep(60)
        assert not federation.world.effects[stream]
        last = again.ledger.read("owner/switch")[-1]
        assert (last.facts["word"], last.header.actor, (last.body or {})["reason"]) == ("abort", "pi@argonne", "smoke")
        assert again.dispatcher.stop_is_recorded
        await again.operations.set_stop_level("release", federation.member(), "it was steam")
        await federation.crash("nims")
        assert not (await federation.restart("nims")).dispatcher.is_stopped

    run_simulated(story())


def test_a_stop_is_recorded_once_the_disk_has_room_again(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims, _ = await _making(tmp_path, 5.0)
        federation.stores["nims"].full = True
        await nims.operations.set_stop_level("hold", federation.member(), "maintenance")
        await nims.operations.set_stop_level("stop", federation.member(), "smoke")
        await asyncio.sleep(100)
        federation.stores["nims"].full = False
        await asyncio.sleep(400)
        assert [entry.facts["word"] for entry in nims.ledger.read("owner/switch")] == ["safe_stop"]

    run_simulated(story())


def test_a_release_that_cannot_be_recorded_starts_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims, _ = await _making(tmp_path, 5.0)
        await nims.operations.set_stop_level("hold", federation.member(), "maintenance")
        federation.stores["nims"].full = True
        with pytest.raises(Unavailable):
            await nims.operations.set_stop_level("release", federation.member(), "done")
        assert nims.dispatcher.stop_level == "hold"

    run_simulated(story())


def test_a_stop_is_told_to_operators_with_who_and_why_until_it_is_released(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims, _ = await _making(tmp_path, 5.0)
        await nims.operations.set_stop_level("abort", federation.member(), "smoke")
        await asyncio.sleep(3 * nims.alerts.every)
        (told,) = [alert.text for alert in nims.alerts.open() if alert.name.startswith("stop/")]
        assert "was stopped (abort) by pi@argonne" in told
        assert ": smoke" in told
        await nims.operations.set_stop_level("release", Session("operator@nims", "operator", float("inf"), ""), "")
        await asyncio.sleep(3 * nims.alerts.every)
        assert not [alert for alert in nims.alerts.open() if alert.name.startswith("stop/")]

    run_simulated(story())


def test_a_weaker_word_does_not_take_an_abort_back(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims, _ = await _making(tmp_path, 1.0)
        await nims.operations.set_stop_level("abort", federation.member(), "smoke")
        await nims.operations.set_stop_level("hold", federation.member(), "")
        assert nims.dispatcher.stop_level == "abort"

    run_simulated(story())


def test_a_task_that_waits_is_refused_when_its_right_lapses_and_costs_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims, _ = await _making(tmp_path, 1.0)
        rows = nims.ledger.query("SELECT stream FROM task WHERE state = 'accepted'")
        waiting = str(rows[0]["stream"])
        before = _held(nims)
        task = await nims.dispatcher.revoke(waiting, LAPSED)
        assert task.state is TaskState.REFUSED
        assert [reason.code for reason in task.reasons] == ["document_expired"]
        assert _held(nims) == before - 1000
        await asyncio.sleep(200)
        assert federation.world.effects[waiting] == 0

    run_simulated(story())


@pytest.mark.parametrize(
    ("when", "effect", "charged"), [(5.0, Effect.NONE, 0), (25.0, Effect.DONE, 1000)], ids=["before", "after"]
)
def test_a_running_task_whose_right_lapses_is_stopped_as_its_contract_says(
    tmp_path: Path, when: float, effect: Effect, charged: int
) -> None:
    async def story() -> Task:
        federation, nims, stream = await _making(tmp_path, when)
        await asyncio.gather(nims.dispatcher.revoke(stream, LAPSED), nims.dispatcher.revoke(stream, LAPSED))
        revocations = [entry.facts for entry in nims.ledger.read(stream) if entry.type == REVOKED]
        assert revocations == [{"how": "safe_stop"}]
        await asyncio.sleep(60)
        assert not federation.world.twice()
        return nims.repository.task(stream)

    task = run_simulated(story())
    assert task.state is TaskState.ENDED
    assert task.outcome is not None
    assert (task.outcome.effect, task.charged["samples"]) == (effect, charged)
    assert [reason.code for reason in task.reasons] == ["document_expired"]


def test_a_task_whose_right_lapsed_is_stopped_again_after_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims, stream = await _making(tmp_path, 5.0)
        await nims.dispatcher.revoke(stream, LAPSED)
        await federation.crash("nims")
        # As with a station that has received it, has not begun, and has not heard that it is to stop.
        del federation.places["nims"].book[stream]
        nims = await federation.restart("nims")
        await asyncio.sleep(60)
        outcome = nims.repository.task(stream).outcome
        assert outcome is not None
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "stopped")
        assert federation.world.effects[stream] == 0

    run_simulated(story())


def test_a_task_that_is_over_stays_as_it_is_when_its_right_lapses(tmp_path: Path) -> None:
    async def story() -> None:
        _, nims, stream = await _making(tmp_path, 60.0)
        before = nims.repository.task(stream)
        assert before.state is TaskState.ENDED
        assert await nims.dispatcher.revoke(stream, LAPSED) == before

    run_simulated(story())
