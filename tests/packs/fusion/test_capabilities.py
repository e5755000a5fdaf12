from __future__ import annotations

from dataclasses import replace

import pytest

from yosegi.core.capability import Context, Infeasible
from yosegi_packs.fusion import Scenario, scenario_full, scenario_quick
from yosegi_packs.fusion.scenario import LIMITS, Plan, check
from yosegi_packs.fusion.transport import TransportStopped

pytestmark = pytest.mark.timeout(900)  # the first run in a process compiles, a minute of an idle core

GOOD = Scenario(
    fusion_power=400.0,
    gain=8.0,
    q_min=1.05,
    greenwald_fraction=0.9,
    beta_n=2.2,
    lh_ratio=2.0,
    h98=1.2,
    confinement_time=2.4,
    stored_energy=300.0,
    bootstrap_fraction=0.4,
    drift=0.001,
    steps=190,
)


def test_a_scenario_within_all_limits_is_let_through():
    check(GOOD)


@pytest.mark.parametrize(
    ("output", "value"), [("q_min", 0.99), ("greenwald_fraction", 1.01), ("beta_n", 2.9), ("lh_ratio", 1.2)]
)
def test_a_scenario_that_breaks_a_limit_is_infeasible_and_says_which(output, value):
    with pytest.raises(Infeasible, match=output):
        check(replace(GOOD, **{output: value}))


def test_every_limit_that_is_broken_is_named():
    with pytest.raises(Infeasible) as caught:
        check(replace(GOOD, q_min=0.5, beta_n=5.0))
    assert "q_min" in str(caught.value)
    assert "beta_n" in str(caught.value)


def test_a_limit_is_on_an_output_of_the_contract():
    outputs = scenario_full.contract.outputs["properties"]
    assert {limit.output for limit in LIMITS} <= set(outputs)


def test_both_sources_take_and_give_the_same():
    quick, full = scenario_quick.contract, scenario_full.contract
    assert quick.inputs == full.inputs
    assert quick.outputs == full.outputs
    assert quick.simulated
    assert full.simulated


def test_an_integration_that_broke_down_says_where():
    error = TransportStopped(Plan(51.0, 0.13, 0.74, 10.5, 0.36), "NAN_DETECTED", 3.2)
    assert "3.20 s with NAN_DETECTED" in str(error)


def test_a_task_repeats_exactly():
    pytest.importorskip("torax", reason="needs the extra yosegi[fusion]: make setup-fusion, make test-fusion")
    inputs = {"power": 51.0, "heating_radius": 0.13, "density": 0.74, "current": 10.5, "drive_radius": 0.36}
    context = Context(key="k", seed=1)
    first = scenario_quick.run({**inputs, "limits": "reported"}, context)
    assert first == scenario_quick.run({**inputs, "limits": "reported"}, context)
    assert first["gain"] == pytest.approx(first["fusion_power"] / 51.0, rel=1e-4)


def test_more_current_lowers_the_least_safety_factor():
    pytest.importorskip("torax", reason="needs the extra yosegi[fusion]: make setup-fusion, make test-fusion")
    low, high = (scenario_quick(current=current, limits="reported") for current in (10.0, 13.0))
    assert high.q_min < low.q_min
    with pytest.raises(Infeasible, match="q_min"):
        scenario_quick(current=13.0)
