"""The ring behind a real soft IOC: shots that leave nothing behind, a trip on the way, and a setting that stays."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("at", reason="the extra `accelerator` is not installed")
pytest.importorskip("softioc", reason="the extra `devices` is not installed")

from packs import iocs
from yosegi.core.capability import Context, Infeasible, Stopped
from yosegi_packs.accelerator import apply, model, shot
from yosegi_packs.accelerator.machine import KNOBS, LOSS_LIMIT, Machine, loss_of, rms, surveyed
from yosegi_packs.accelerator.twin import ring_plan
from yosegi_packs.devices.twin_process import TwinProcess

MACHINE = 2


def test_the_best_that_four_correctors_can_do_is_within_the_loss_limit():
    for seed in range(3):
        machine = Machine(seed)
        response, rest = machine.optics.response, machine.optics.rest
        kicks = -1e6 * np.linalg.lstsq(response, rest, rcond=None)[0]
        assert rms(machine.orbit(kicks)) < rms(machine.orbit(np.zeros(4)))
        assert loss_of(machine.orbit(np.zeros(4))) < LOSS_LIMIT


def test_the_model_knows_the_machine_only_as_far_as_its_survey():
    machine, survey = Machine(MACHINE), surveyed(MACHINE)
    kicks = np.random.default_rng(1).uniform(-200, 200, (60, 4))
    true = [rms(machine.orbit(one)) for one in kicks]
    told = [rms(survey.orbit(one)) for one in kicks]
    assert 0.5 < np.corrcoef(true, told)[0, 1] < 0.999
    assert model(10.0, 0.0, 0.0, 0.0, machine=MACHINE).orbit == pytest.approx(
        rms(survey.orbit(np.array([10.0, 0.0, 0.0, 0.0])))
    )


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinProcess]:
    with iocs.start(ring_plan(MACHINE), tmp_path_factory.mktemp("ring")) as twin:
        yield twin


@pytest.fixture
def context(ring: TwinProcess, tmp_path: Path) -> Context:
    iocs.tell(tmp_path)
    return Context(key="t1", seed=1, state=tmp_path)


def setpoints(ring: TwinProcess) -> list[float]:
    from p4p.client.thread import Context as Operator

    conf = {"EPICS_PVA_ADDR_LIST": f"127.0.0.1:{ring.pva}", "EPICS_PVA_AUTO_ADDR_LIST": "NO"}
    with Operator("pva", conf=conf, useenv=False) as operator:
        return [float(one) for one in operator.get([f"RING:{name}:SP" for name in KNOBS], timeout=30.0)]


@pytest.mark.processes
@pytest.mark.slow
def test_a_shot_measures_the_true_orbit_and_puts_everything_back(ring: TwinProcess, context: Context) -> None:
    before = setpoints(ring)
    found = shot(30.0, -20.0, 10.0, 0.0, context=context)
    true = rms(Machine(MACHINE).orbit(np.array([30.0, -20.0, 10.0, 0.0])))
    # Hysteresis is 8 urad a corrector, and a metre of response moves the orbit by a few micrometres for each.
    assert found.orbit == pytest.approx(true, abs=0.12)
    assert setpoints(ring) == before == [0.0] * 4


@pytest.mark.processes
@pytest.mark.slow
def test_a_shot_that_would_lose_the_beam_trips_on_its_way_and_is_put_back(ring: TwinProcess, context: Context) -> None:
    with pytest.raises(Infeasible, match="beyond the trip"):
        shot(250.0, 250.0, -250.0, 250.0, context=context)
    assert setpoints(ring) == [0.0] * 4


@pytest.mark.processes
@pytest.mark.slow
def test_an_abort_puts_the_ring_back(ring: TwinProcess, context: Context) -> None:
    asked = iter([False] * 6)
    context.stopping = lambda: next(asked, True)
    with pytest.raises(Stopped, match="everything is back where it was") as told:
        shot(100.0, 0.0, 0.0, 0.0, context=context)
    assert told.value.effect == "done"
    assert setpoints(ring) == [0.0] * 4


@pytest.mark.processes
@pytest.mark.slow
def test_a_setting_that_keeps_the_limit_stays(ring: TwinProcess, context: Context) -> None:
    found = apply(5.0, 0.0, 0.0, 0.0, context=context)
    assert found.log_loss < math.log(LOSS_LIMIT)
    assert setpoints(ring) == [5.0, 0.0, 0.0, 0.0]
    apply(0.0, 0.0, 0.0, 0.0, context=context)
