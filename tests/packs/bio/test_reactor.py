from __future__ import annotations

import math
from pathlib import Path

import pytest
from cobra.flux_analysis import flux_variability_analysis
from hypothesis import given
from hypothesis import strategies as st

from yosegi.core.capability import Context, Infeasible
from yosegi_packs.bio import fedbatch_core, fedbatch_genome
from yosegi_packs.bio.balance import Environment, prepare
from yosegi_packs.bio.cells import CORE, load
from yosegi_packs.bio.fedbatch import START
from yosegi_packs.bio.reactor import (
    GLUCOSE_GRAMS,
    GRID,
    STARVING,
    SUCCINATE_GRAMS,
    Broth,
    Plan,
    Rates,
    advance,
    ferment,
    rates_of,
)

CONTEXT = Context(key="k", seed=1, folder=Path())
PLAN = Plan(switch=6.0, duration=36.0, feed=3.0)
STRAIN = ("ALCD2x", "LDH_D", "PFL")


def test_cells_with_plenty_grow_exponentially():
    def respond(_: float) -> Rates:
        return Rates(growth=0.7, glucose=8.0, succinate=0.0)

    plan, broth = Plan(switch=10.0, duration=5.0, feed=0.0, step=0.01), START
    for _ in range(500):
        broth = advance(broth, plan, respond, with_air=True)
    assert broth.biomass == pytest.approx(0.1 * math.exp(0.7 * 5.0), rel=0.02)  # the solution of X' = 0.7 X
    assert START.glucose - broth.glucose == pytest.approx((broth.biomass - 0.1) * 8.0 / 0.7, rel=1e-9)


def test_starving_cells_stay_and_the_feed_arrives():
    broth = advance(Broth(2.0, 0.0, 5.0, 1.0), PLAN, lambda _: STARVING, with_air=False)
    assert broth == Broth(2.0, PLAN.feed * PLAN.step / GLUCOSE_GRAMS, 5.0, 1.0 + PLAN.feed * PLAN.step / PLAN.strength)


@given(
    biomass=st.floats(0.01, 50),
    glucose=st.floats(0, 500),
    feed=st.floats(0, 10),
    share=st.floats(0, 1),
    with_air=st.booleans(),
)
def test_no_more_glucose_is_taken_than_is_there(biomass, glucose, feed, share, with_air):
    plan = Plan(switch=1.0, duration=2.0, feed=feed)
    offers = []

    def respond(offered: float) -> Rates:
        offers.append(offered)
        return Rates(0.05 * offered, share * offered, 0.5 * share * offered)

    after = advance(Broth(biomass, glucose, 0.0, 1.0), plan, respond, with_air)
    fed = 0.0 if with_air else feed * plan.step / GLUCOSE_GRAMS
    taken = share * offers[0] * biomass * plan.step
    assert taken <= glucose * (1 + 1e-9)
    assert after.glucose == pytest.approx(glucose - taken + fed, abs=1e-9 + 1e-9 * glucose)


def test_the_rates_are_those_of_flux_variability_at_the_largest_growth():
    known: dict[int, Rates] = {}
    rates = rates_of(load(CORE), CORE, STRAIN, 10.004, 0.0, known)
    assert list(known) == [round(10.0 / GRID)]
    model = load(CORE)
    with model:  # cobra's own analysis as the reference
        prepare(model, CORE, STRAIN, Environment(10.0, 0.0))
        assert rates.growth == pytest.approx(model.slim_optimize(), rel=1e-6)
        row = flux_variability_analysis(model, ["EX_succ_e"], fraction_of_optimum=1 - 1e-6, processes=1).iloc[0]
    assert rates.succinate == pytest.approx(row["minimum"], abs=1e-3)
    assert rates.glucose == pytest.approx(10.0, abs=1e-3)


def test_too_little_glucose_for_maintenance_is_starving():
    assert rates_of(load(CORE), CORE, (), 0.5, 0.0, {}) == STARVING


def test_a_run_keeps_the_balance_of_carbon_and_electrons():
    end = ferment(load(CORE), CORE, STRAIN, PLAN, START)
    given_mmol = START.glucose + PLAN.feed * (PLAN.duration - PLAN.switch) / GLUCOSE_GRAMS
    assert 0 < end.succinate <= 12 / 7 * (given_mmol - end.glucose)  # 7 glucose + 6 CO2 → 12 succinate + 6 water
    assert end.volume == pytest.approx(1.0 + 3.0 * 30.0 / 500.0)


def test_half_the_step_gives_the_same_run_within_two_percent():
    whole = ferment(load(CORE), CORE, STRAIN, PLAN, START)
    half = ferment(load(CORE), CORE, STRAIN, Plan(6.0, 36.0, 3.0, step=PLAN.step / 2), START)
    assert half.succinate == pytest.approx(whole.succinate, rel=0.02)
    assert half.biomass == pytest.approx(whole.biomass, rel=0.02)


def test_a_strain_that_does_not_grow_with_air_is_infeasible():
    with pytest.raises(Infeasible, match=r"GLCpts grows by .* with air"):
        fedbatch_core("GLCpts", "none", "none", 6.0, 3.0, 36.0)


def test_a_task_gives_what_the_contract_says():
    inputs = {"first": "ALCD2x", "second": "LDH_D", "third": "PFL", "switch": 6.0, "feed": 3.0, "duration": 36.0}
    out = fedbatch_core.run(inputs, CONTEXT)
    assert out["titre"] == pytest.approx(out["productivity"] * 36.0, rel=1e-4)
    assert 0 < out["mass_yield"] < 12 / 7 * SUCCINATE_GRAMS / GLUCOSE_GRAMS
    assert fedbatch_core.contract.simulated


@pytest.mark.slow
def test_the_genome_scale_run_of_the_published_strain_makes_about_the_published_titre():
    # KJ060 and KJ073 made 622 to 733 mmol/L: Jantama et al., Biotechnol. Bioeng. 99:1140 (2008), abstract. Another
    # medium, another plan and no toxicity here: the same order of size is all that can be asked.
    out = fedbatch_genome("ALCD2x", "LDH_D", "PFL", 6.0, 3.0, 48.0)
    assert 0.6 < out.titre / SUCCINATE_GRAMS / 677.0 < 1.6
