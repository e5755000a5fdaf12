"""Coupling against cobra's own flux variability analysis, which is written independently of ours."""

from __future__ import annotations

import pytest
from cobra.flux_analysis import flux_variability_analysis
from hypothesis import given, settings
from hypothesis import strategies as st

from yosegi.core.capability import Infeasible
from yosegi_packs.bio.balance import Environment, SolverStopped, couple, optimum, prepare
from yosegi_packs.bio.cells import CORE, GENOME, load
from yosegi_packs.bio.strains import CANDIDATES

COUPLED = ("ALCD2x", "LDH_D")


def reference(cell, knockouts, environment, fraction):
    model = load(cell)
    with model:
        prepare(model, cell, knockouts, environment)
        row = flux_variability_analysis(model, ["EX_succ_e"], fraction_of_optimum=fraction, processes=1).iloc[0]
    return row["minimum"], row["maximum"]


@pytest.mark.parametrize("knockouts", [(), COUPLED, ("LDH_D", "PFL"), ("PFL", "PYK")])
@pytest.mark.parametrize(("oxygen", "fraction"), [(0.0, 0.95), (0.0, 0.7), (5.0, 0.9)])
def test_the_range_of_succinate_on_the_core_model_is_cobras(knockouts, oxygen, fraction):
    environment = Environment(10.0, oxygen)
    found = couple(load(CORE), CORE, knockouts, environment, fraction)
    assert (found.least, found.most) == pytest.approx(reference(CORE, knockouts, environment, fraction), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("knockouts", [(), ("ALCD2x", "LDH_D", "PFL")])
def test_the_range_of_succinate_on_the_genome_scale_model_is_cobras(knockouts):
    found = couple(load(GENOME), GENOME, knockouts, Environment(), 0.95)
    assert (found.least, found.most) == pytest.approx(reference(GENOME, knockouts, Environment(), 0.95), abs=1e-4)


def test_a_model_is_left_as_it_was():
    model = load(CORE)
    before = {r.id: r.bounds for r in model.reactions}, str(model.objective)
    couple(model, CORE, COUPLED, Environment(5.0, 2.0), 0.9)
    with pytest.raises(Infeasible):
        couple(model, CORE, ("PPC",), Environment(), 0.9)
    assert ({r.id: r.bounds for r in model.reactions}, str(model.objective)) == before


@pytest.mark.parametrize(("knockouts", "says"), [(("PPC",), "grows by 0.0000"), (("GLCpts",), "maintenance")])
def test_a_strain_that_does_not_grow_says_so(knockouts, says):
    with pytest.raises(Infeasible, match=says):
        couple(load(CORE), CORE, knockouts, Environment(), 0.95)


def test_a_solver_that_gives_up_is_not_taken_for_a_dead_strain():
    class Stuck:
        id = "stuck"

        class solver:
            status = "time_limit"

        def slim_optimize(self, error_value):
            return error_value

    with pytest.raises(SolverStopped, match=r"largest growth.*time_limit"):
        optimum(Stuck(), "largest growth")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(CANDIDATES), max_size=3, unique=True),
    st.floats(1, 20),
    st.floats(0, 20),
    st.floats(0.5, 1.0),
)
def test_coupling_keeps_what_carbon_electrons_and_logic_allow(knockouts, glucose, oxygen, fraction):
    environment = Environment(glucose, oxygen)
    try:
        found = couple(load(CORE), CORE, knockouts, environment, fraction)
    except Infeasible:
        return
    assert 0 <= found.least <= found.most + 1e-5
    assert found.most <= 12 / 7 * glucose * (1 + 1e-6)  # 7 glucose + 6 CO2 → 12 succinate + 6 water
    slower = couple(load(CORE), CORE, knockouts, environment, fraction * 0.9)
    assert slower.least <= found.least + 1e-5
    assert slower.most >= found.most - 1e-5
    assert slower.growth == pytest.approx(found.growth, abs=2e-6)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(CANDIDATES), min_size=1, max_size=3, unique=True))
def test_taking_a_reaction_out_never_makes_a_strain_grow_faster(knockouts):
    def growth(of):
        try:
            return couple(load(CORE), CORE, of, Environment(), 0.95).growth
        except Infeasible:
            return 0.0

    assert growth(knockouts) <= growth(knockouts[:-1]) + 2e-6
