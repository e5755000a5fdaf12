"""What one member does to an owner's work hurts nobody but itself: at running sites, on simulated time."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from federation.asking import ask, person, why_refused
from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import CampaignState, Effect, TaskState
from yosegi.execution.outcomes import MOST_ATTEMPTS
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated

THEIRS = "someone@riken"


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


async def fail_three_times(federation: Federation) -> None:
    """Three requests of riken fail at nims, the last of four that it makes still waiting for its turn."""
    engine = federation.places["nims"].engine
    assert engine is not None
    engine.broken = True
    riken = {"sender": "riken", "on_behalf_of": THEIRS, "signed_by": federation.signer("riken")}
    for number in range(3):
        await ask(federation, f"bad-{number}", **riken)
        await asyncio.sleep(5)
    engine.broken = False


def test_three_failing_requests_of_one_member_keep_nobody_else_from_the_instrument(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path, people=(THEIRS,))
        await federation.start()
        await fail_three_times(federation)
        riken = {"sender": "riken", "on_behalf_of": THEIRS, "signed_by": federation.signer("riken")}
        assert why_refused(await ask(federation, "one-more", **riken)) == "breaker_open_to"
        home, nims = federation.places["argonne"].running, federation.places["nims"].running
        await home.campaigns.start(parse_spec(spec(2)), federation.member())
        await asyncio.sleep(120)
        assert home.campaigns.get("toy").state is CampaignState.ENDED
        assert [one.name for one in nims.alerts.open()] == [f"breaker/toy.make@1/riken/{THEIRS}"]
        await nims.operations.close_breaker("toy.make@1", federation.member(), "its inputs were wrong")
        await ask(federation, "after", **riken)
        await asyncio.sleep(30)
        assert nims.tasks.get("riken/after").state is TaskState.ENDED

    run_simulated(story())


def test_a_task_that_waits_stays_where_it_is_while_its_requesters_breaker_is_open(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path, people=(THEIRS,))
        federation.places["nims"].duration = 5
        await federation.start()
        nims = federation.places["nims"].running
        engine = federation.places["nims"].engine
        assert engine is not None
        engine.broken = True
        riken = {"sender": "riken", "on_behalf_of": THEIRS, "signed_by": federation.signer("riken")}
        for number in range(5):
            await ask(federation, f"bad-{number}", **riken)
        await asyncio.sleep(60)
        engine.broken = False
        states = [nims.tasks.get(f"riken/bad-{number}").state for number in range(5)]
        assert states == [TaskState.ENDED] * 3 + [TaskState.ACCEPTED] * 2
        await ask(federation, "good")
        await asyncio.sleep(30)
        assert nims.tasks.get("argonne/good").state is TaskState.ENDED
        await nims.operations.close_breaker("toy.make@1", federation.member(), "mended")
        await asyncio.sleep(60)
        assert all(nims.tasks.get(f"riken/bad-{number}").state is TaskState.ENDED for number in range(5))

    run_simulated(story())


def test_a_pure_task_that_ends_its_site_is_begun_a_bounded_number_of_times_and_told(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["riken"].duration = 50.0
        await federation.start()
        riken = federation.places["riken"].running
        stream, home = "task/argonne/deadly", federation.places["argonne"].running
        terms = {"charter": CHARTER, "team": TEAM, "inputs": {"x": 0.5}, "purpose": "research"}
        await home.task_requests.ask(person(), key="deadly", capability="riken/toy.simulate@1", **terms)
        await asyncio.sleep(5)
        assert riken.repository.task(stream).state is TaskState.DISPATCHED
        for _ in range(MOST_ATTEMPTS + 3):
            await federation.crash("riken")
            riken = await federation.restart("riken")
            await asyncio.sleep(1)
        begun = sum(entry.type == "task.dispatched" for entry in riken.ledger.read(stream))
        task = riken.repository.task(stream)
        assert begun == MOST_ATTEMPTS
        assert task.outcome is not None
        assert (task.state, task.outcome.code, task.outcome.effect) == (
            TaskState.ENDED, OutcomeCode.GIVEN_UP, Effect.NONE,
        )  # fmt: skip
        assert [one.name for one in riken.alerts.open()] == ["breaker/toy.simulate@1/argonne/pi@argonne"]

    run_simulated(story())
