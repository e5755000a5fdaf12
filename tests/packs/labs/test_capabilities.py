"""The contracts, and the functions behind them."""

import subprocess
import sys

import pytest

from yosegi.core.capability import Context
from yosegi.core.contract import EffectClass
from yosegi.core.errors import Invalid
from yosegi_packs.labs import measure, mix, simulate
from yosegi_packs.labs.answer import TARGET
from yosegi_packs.labs.robot import robot_at

WELL = {"red": 28.0, "yellow": 28.5, "blue": 41.5, "water": 52.0}
GOAL = dict(zip(("target_L", "target_a", "target_b"), TARGET, strict=True))


@pytest.fixture
def context(tmp_path):
    state = (tmp_path / "robot").resolve()
    yield lambda key: Context(key=key, seed=1, folder=tmp_path, state=state)
    robot_at(state).close()
    robot_at.cache_clear()


@pytest.mark.parametrize("capability", [simulate, mix, measure])
def test_every_capability_says_that_it_is_simulated(capability):
    assert capability.contract.simulated
    assert "simulated" in capability.contract.title


def test_effects_are_as_declared():
    effects = [capability.contract.effect for capability in (simulate, mix, measure)]
    assert effects == [EffectClass.PURE, EffectClass.CONSUMING, EffectClass.IDEMPOTENT]


def test_a_mixture_costs_a_sample_and_instrument_time():
    assert mix.contract.cost.decimals() == {"samples": "1", "instrument_h": "0.05"}


@pytest.mark.parametrize("capability", [simulate, mix])
def test_volumes_that_do_not_fill_the_well_are_refused(capability, tmp_path):
    inputs = WELL | {"water": 60.0} | (GOAL if capability is simulate else {})
    with pytest.raises(Invalid, match="is 158 and must equal 150"):
        capability.run(inputs, Context(key="k", seed=1, folder=tmp_path))


def test_volumes_carry_their_unit_and_resolution():
    assert simulate.contract.inputs["properties"]["red"] == {
        "type": "number", "unit": "uL", "minimum": 0, "maximum": 150, "resolution": 0.5,
        "description": "Allura Red AC, 0.45 mmol/L.",
    }  # fmt: skip


def test_samples_are_marked_as_such_on_both_sides():
    given, taken = mix.contract.outputs["properties"]["sample"], measure.contract.inputs["properties"]["sample"]
    assert given["format"] == taken["format"] == "yosegi-sample"


def test_a_simulation_repeats_exactly(tmp_path):
    runs = [simulate.run(WELL | GOAL, Context(key=key, seed=1, folder=tmp_path)) for key in ("a", "b")]
    assert runs[0] == runs[1]
    assert runs[0]["standard_error"] == 0.0
    assert runs[0]["delta_e"] < 5.0


def test_mixing_and_measuring_gives_a_colour_and_how_sure_it_is(context):
    made = mix.run(WELL, context("mix-1"))
    seen = measure.run(made | GOAL, context("measure-1"))
    assert made["sample"].endswith(".plate-1.A1")
    assert 0.02 < seen["standard_error"] < 1.0
    assert seen == measure.run(made | GOAL, context("measure-2"))


def test_another_target_is_compared_with_the_same_reading(context):
    made = mix.run(WELL, context("mix-1"))
    one = measure.run(made | GOAL, context("measure-1"))
    other = measure.run(made | GOAL | {"target_L": 90.0}, context("measure-2"))
    assert [one[name] for name in "Lab"] == [other[name] for name in "Lab"]
    assert one["delta_e"] != other["delta_e"]


@pytest.mark.parametrize(("capability", "inputs"), [(mix, WELL), (measure, {"sample": "x", **GOAL})])
def test_the_robot_needs_a_station(capability, inputs, tmp_path):
    with pytest.raises(Invalid, match="Run them in a station"):
        capability.run(inputs, Context(key="k", seed=1, folder=tmp_path))


def test_reading_the_contracts_needs_neither_library():
    script = "import sys, yosegi_packs.labs; print([m for m in ('colour', 'scipy', 'pylabrobot') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
