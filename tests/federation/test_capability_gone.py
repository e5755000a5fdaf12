"""What ran when its site ended and is published there no more: failed where it may be repeated, else uncertain."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, TaskState
from yosegi.execution.tasks import Task
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def only(source: str) -> str:
    """The toy campaign with one of its sources."""
    head, *sources = spec(3).split("[[source]]")
    return head + "".join(f"[[source]]{one}" for one in sources if f'name = "{source}"' in one)


async def restarted_without_it(federation: Federation, owner: str, source: str) -> Task:
    """A task runs at its owner; the site ends, and begins again without the capability."""
    place = federation.places[owner]
    place.duration = 600.0
    await federation.start()
    await federation.places["argonne"].running.campaigns.start(parse_spec(only(source)), federation.member())
    await asyncio.sleep(30)
    (first, *_) = [one for one in place.running.tasks.list() if one.state is TaskState.DISPATCHED]
    stream = f"task/{first.name}"
    place.capabilities = ()
    await federation.crash(owner)
    await federation.restart(owner)
    await asyncio.sleep(60)
    return place.running.repository.task(stream)


def test_pure_work_whose_capability_left_the_settings_fails_plainly_and_is_charged_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        task = await restarted_without_it(federation, "riken", "simulation")
        assert task.state is TaskState.ENDED
        assert task.outcome is not None
        assert (task.outcome.effect, task.outcome.code) == (Effect.NONE, OutcomeCode.CAPABILITY_GONE)
        assert "taken out of the settings of riken" in task.outcome.message
        assert not task.charged
        trials = federation.places["argonne"].running.campaigns.get("toy").trials
        assert any("capability_gone" in trial.why for trial in trials)

    run_simulated(story())


def test_work_that_cannot_be_repeated_stays_uncertain(tmp_path: Path) -> None:
    async def story() -> None:
        task = await restarted_without_it(three_sites(tmp_path), "nims", "experiment")
        assert task.state is TaskState.UNCERTAIN

    run_simulated(story())
