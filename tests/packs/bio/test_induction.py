"""The induction question: the published optimum, balances, and what a plan means."""

from pathlib import Path

import numpy as np
import pytest

from yosegi.core.capability import Context
from yosegi.core.errors import Invalid
from yosegi_packs.bio.induction import induction_fermenter, induction_model, plan_of
from yosegi_packs.bio.recombinant import Feeds, Tank, steady_growth, tank_after

PUBLISHED = 6.163913
"""Optimum of the Lee-Ramirez bioreactor with no price on the inducer, by IPOPT on 50 nodes: PSOPT's table of results,
doc/SQP_ALL_EXAMPLES.csv of August 2026."""

GLUCOSE = (0.0, 0.017, 0.0, 0.0, 0.045, 0.046, 0.109, 0.152, 0.5, 0.53)
INDUCER = (0.0, 0.0, 0.0, 0.0, 0.0, 0.012, 0.023, 0.022, 0.399, 0.589)
"""L/h in ten equal intervals: `python -m benchmarks.packs.induction optimum`."""


def product(tank: Tank) -> float:
    return tank.protein * tank.volume


def test_the_published_optimum_is_come_near_by_ten_intervals() -> None:
    # Fifty nodes can do no worse than ten intervals; half a per cent is what the coarser feeds give away.
    assert 0.995 * PUBLISHED < product(tank_after(Feeds.steps(GLUCOSE, INDUCER))) <= PUBLISHED


def test_no_feed_exceeds_the_published_optimum() -> None:
    draw = np.random.default_rng(1)
    for _ in range(40):
        feeds = Feeds.steps(tuple(draw.uniform(0, 1, 5) ** 3), tuple(draw.uniform(0, 0.5, 4) ** 2))
        assert product(tank_after(feeds)) < PUBLISHED


def test_glucose_is_balanced() -> None:
    # What was there and what was fed is still there or was eaten, at 0.51 g of cells for a gram.
    tank = tank_after(Feeds.steps((0.02, 0.1, 0.3), (0.0, 0.05)))
    fed = 100.0 * (0.02 + 0.1 + 0.3) * 10.0 / 3.0
    eaten = (tank.cells * tank.volume - 0.1) / 0.51
    assert 40.0 + fed == pytest.approx(tank.glucose * tank.volume + eaten, rel=1e-5)


def test_inducer_is_balanced_and_adaptation_is_whole() -> None:
    tank = tank_after(Feeds.steps((0.05,), (0.0, 0.1)))
    assert tank.inducer * tank.volume == pytest.approx(4.0 * 0.1 * 5.0, rel=1e-5)
    assert tank.shock + tank.recovery == pytest.approx(1.0, abs=1e-6)  # s' + r' = g₃ (1 - s - r), from 1


def test_growth_without_inducer_is_largest_at_forty_grams() -> None:
    # d/dN of N / (14.35 + N + N²/111.5) is zero at N = √(14.35 · 111.5) = 40.0.
    at = np.linspace(1.0, 100.0, 991)
    assert at[np.argmax([steady_growth(glucose) for glucose in at])] == pytest.approx(40.0, abs=0.1)


def test_a_plan_gives_the_glucose_it_says() -> None:
    plan = plan_of(glucose=1.2, exponent=0.5, induction=6.0, inducer=0.1)
    hours = np.linspace(0.0, 10.0, 20001)
    assert np.trapezoid([plan.glucose(t) for t in hours], hours) == pytest.approx(1.2, rel=1e-4)
    assert (plan.inducer(5.99), plan.inducer(6.0)) == (0.0, 0.1)


def test_the_pump_limits_a_steep_feed() -> None:
    plan = plan_of(glucose=4.0, exponent=1.2, induction=0.0, inducer=0.0)
    assert max(plan.glucose(t) for t in np.linspace(0, 10, 101)) == 1.0


def test_the_cheap_model_does_not_know_that_the_inducer_harms() -> None:
    much = {"glucose": 1.0, "exponent": 0.4, "induction": 1.0, "inducer": 0.4}
    assert induction_model(**much).protein > 1.5 * induction_fermenter(**much).protein
    none = {"glucose": 1.0, "exponent": 0.4, "induction": 9.5, "inducer": 0.0}
    assert induction_model(**none).cells == pytest.approx(induction_fermenter(**none).cells, rel=1e-5)


def test_the_assay_scatters_as_it_says_and_the_same_task_reads_the_same(tmp_path: Path) -> None:
    plan = {"glucose": 1.08, "exponent": 0.5, "induction": 5.75, "inducer": 0.065}
    answers = [induction_fermenter(**plan, context=Context("k", seed, tmp_path)) for seed in range(60)]
    proteins = np.array([one.protein for one in answers])
    assert proteins.std() == pytest.approx(answers[0].protein_error, rel=0.3)
    assert induction_fermenter(**plan, context=Context("k", 7, tmp_path)) == answers[7]


def test_an_amount_beyond_the_vessel_is_refused_with_its_unit(tmp_path: Path) -> None:
    beyond = {"glucose": 9.0, "exponent": 0.5, "induction": 5.0, "inducer": 0.1}
    with pytest.raises(Invalid, match="Give glucose in L"):
        induction_fermenter.run(beyond, Context("k", 1, tmp_path))


def test_sources_are_one_question_at_two_prices() -> None:
    cheap, costly = induction_model.contract, induction_fermenter.contract
    assert set(cheap.inputs["properties"]) == set(costly.inputs["properties"])
    assert cheap.outputs == costly.outputs
    assert cheap.cost["node_h"] < costly.cost["node_h"]
    assert costly.simulated
