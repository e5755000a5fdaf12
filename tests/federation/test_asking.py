"""A device that can be asked by key: whatever dies, it is asked, nothing is repeated, and what it did is charged."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.toys import SPEC, Value, X, simulate
from yosegi.campaign import parse_spec
from yosegi.core.capability import Context, capability
from yosegi.core.states import CampaignState
from yosegi.governance.charter.statement import Listens, Outbound
from yosegi.testing.federation import Federation, Place, address
from yosegi.testing.loop import run_simulated


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def _device(context: Context, inputs: dict[str, Any]) -> Value:
    """The simulated engine answers from its world; this stands for the driver's own function."""
    raise NotImplementedError


@capability(
    "toy.expose@1", kind="instrument", effect="queryable", field="toys", simulated=True, cost={"samples": "1"},
    query=_device,
)  # fmt: skip
def expose(x: X) -> Value:
    """Take a shot."""
    return Value((x - 0.35) ** 2)


def _sites(folder: Path) -> Federation:
    """argonne asks; nims has a device that can be asked, and an engine that forgets everything with its process."""
    return Federation(
        {
            "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
            "riken": Place("riken", Listens(url=address("riken")), capabilities=[simulate]),
            "nims": Place(
                "nims", Outbound(mailbox="argonne"), capabilities=[expose], duration=10.0, grant={"samples": "40"}
            ),
        },
        folder,
    )


def _spec(trials: int) -> str:
    text = SPEC.replace("TRIALS", str(trials)).partition('[[source]]\nname = "simulation"')[0]
    head, _, _ = text.partition("[[source]]")
    step = '{ name = "expose", capability = "nims/toy.expose@1" }'
    return f'{head}[[source]]\nname = "experiment"\nprice = 1.0\nstep = [{step}]\n'


def _books(federation: Federation) -> tuple[int, int, int]:
    """Held, spent and what happened, in samples."""
    rows = federation.places["nims"].running.ledger.query("SELECT SUM(held) AS h, SUM(spent) AS s FROM grant_tranches")
    return rows[0]["h"] // 1000, rows[0]["s"] // 1000, federation.world.effects.total()


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(deaths=st.lists(st.floats(0.5, 40.0), max_size=3))
def test_whenever_the_owner_dies_its_device_is_asked_and_nobody_is_called(
    tmp_path_factory: pytest.TempPathFactory, deaths: list[float]
) -> None:
    async def story() -> None:
        federation = _sites(tmp_path_factory.mktemp("asked"))
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(_spec(3)), federation.member())
        for seconds in deaths:
            await asyncio.sleep(seconds)
            await federation.crash("nims")
            await federation.restart("nims")
        await asyncio.sleep(300)
        assert home.campaigns.get("toy").state is CampaignState.ENDED
        assert not federation.world.twice()
        assert not federation.places["nims"].running.alerts.open()
        held, spent, happened = _books(federation)
        assert (held, spent) == (0, happened)

    run_simulated(story())


@pytest.mark.parametrize(("seconds", "happened"), [(2.0, 0), (8.0, 1)], ids=["before", "after"])
def test_a_device_that_answers_later_settles_what_was_uncertain_also_after_another_restart(
    tmp_path: Path, seconds: float, happened: int
) -> None:
    async def story() -> None:
        federation = _sites(tmp_path)
        await federation.start()
        home, nims = federation.places["argonne"].running, federation.places["nims"].running
        await home.campaigns.start(parse_spec(_spec(1)), federation.member())
        while not nims.ledger.query("SELECT stream FROM task WHERE state = 'dispatched'"):
            await asyncio.sleep(0.1)
        await asyncio.sleep(seconds)
        await federation.crash("nims")
        for _ in range(2):
            nims = await federation.restart("nims")
            engine = federation.places["nims"].engine
            assert engine is not None
            engine.mute = True
            await asyncio.sleep(200)
            assert len(nims.alerts.open()) == 1
            if _ == 0:
                await federation.crash("nims")
        assert _books(federation)[0] == 1
        engine.mute = False
        await asyncio.sleep(400)
        assert not nims.alerts.open()
        held, spent, total = _books(federation)
        assert held == 0
        assert spent == total
        assert total >= happened
        assert not federation.world.twice()

    run_simulated(story())
