"""The ageing question: stoichiometry, mass balance, and how the two sources differ."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yosegi.core.capability import Infeasible
from yosegi.core.errors import Invalid
from yosegi_packs.materials import ageing, ageing_quick, phases
from yosegi_packs.materials.alloy import MG_SHARE
from yosegi_packs.materials.equilibrium import PRESSURE, equilibrium
from yosegi_packs.materials.quick import solubility_product
from yosegi_packs.materials.systems import AL_MG_SI, MASSES, database

CONTENTS = st.floats(0.1, 2.0)


def test_magnesium_silicide_has_magnesium_and_silicon_as_one_point_seven_three_to_one_by_mass():
    # Wikipedia, "Aluminium–magnesium–silicon alloys": 1.73 : 1.
    assert pytest.approx(1.73, abs=0.005) == MG_SHARE / (1 - MG_SHARE)


@settings(max_examples=12, deadline=None)
@given(CONTENTS, CONTENTS, st.floats(400, 900))
def test_every_equilibrium_keeps_the_elements(magnesium, silicon, temperature):
    found = equilibrium(AL_MG_SI, {"MG": magnesium, "SI": silicon}, temperature)
    assert sum(share.mass for share in found) == pytest.approx(1.0, abs=1e-9)
    for element, content in (("MG", magnesium), ("SI", silicon)):
        mass = sum(
            share.mass
            * share.composition[element]
            * MASSES[element]
            / sum(x * MASSES[e] for e, x in share.composition.items())
            for share in found
        )
        assert 100 * mass == pytest.approx(content, rel=1e-4)


@settings(max_examples=6, deadline=None)
@given(CONTENTS, CONTENTS)
def test_no_more_silicide_is_found_than_the_elements_make(magnesium, silicon):
    most = min(magnesium / MG_SHARE, silicon / (1 - MG_SHARE))
    for source in (ageing, ageing_quick):
        found = source(magnesium, silicon, least_window=-300.0).silicide  # to five decimals
        assert 0 <= found <= most * (1 + 1e-5) + 5e-6


@pytest.mark.parametrize("source", [ageing, ageing_quick])
def test_a_hotter_ageing_leaves_less_silicide(source):
    cold, hot = source(0.8, 0.5, 450.0), source(0.8, 0.5, 540.0)
    assert cold.silicide > hot.silicide
    assert cold.solvus == pytest.approx(hot.solvus, abs=0.2)


@pytest.mark.parametrize("source", [ageing, ageing_quick])
def test_an_alloy_that_cannot_be_solution_treated_is_infeasible(source):
    with pytest.raises(Infeasible, match=r"window is .* K wide"):
        source(1.4, 0.8)


def test_the_two_sources_agree_at_the_pseudo_eutectic_they_were_both_fitted_to():
    costly, cheap = (source(1.21, 0.70, least_window=-300.0) for source in (ageing, ageing_quick))
    assert costly.solvus == pytest.approx(cheap.solvus, abs=2.0)
    assert costly.solidus == pytest.approx(cheap.solidus, abs=2.0)


def test_free_silicon_melts_the_alloy_sooner_and_only_the_costly_source_knows():
    costly, cheap = (source(0.6, 1.6, least_window=-300.0) for source in (ageing, ageing_quick))
    assert costly.silicon > 0.5
    assert costly.solidus < cheap.solidus - 15.0


def test_the_solubility_product_goes_through_its_published_points():
    for kelvin, silicide in ((856.65, 1.91), (473.15, 0.08)):
        product = (MG_SHARE * silicide) ** 2 * (1 - MG_SHARE) * silicide
        assert solubility_product(kelvin) == pytest.approx(product, rel=1e-9)


def test_the_minimiser_is_started_again_where_it_fails():
    # Just below the ternary eutectic; pycalphad's default sampling of 60 points gives no composition sets here.
    found = equilibrium(AL_MG_SI, {"MG": 1.0, "SI": 2.0}, 828.4698486328125)
    assert sorted(share.phase for share in found) == ["Mg2Si", "diamond", "fcc"]


def test_phases_of_another_system_are_refused():
    with pytest.raises(Infeasible, match="zinc together with"):
        phases(500.0, zinc=5.0, magnesium=2.0)


def test_contents_above_a_hundred_percent_are_refused():
    with pytest.raises(Invalid):
        equilibrium(AL_MG_SI, {"MG": 60.0, "SI": 60.0}, 500.0)


@pytest.mark.parametrize(
    ("inputs", "label"),
    [
        ({"temperature": 573.15, "zinc": 51.0}, "fcc + fcc"),
        ({"temperature": 700.0, "zinc": 51.0}, "fcc"),
        ({"temperature": 500.0, "zinc": 99.0}, "fcc + hcp"),
        ({"temperature": 700.0, "zinc": 98.0}, "liquid"),
        ({"temperature": 450.0, "magnesium": 1.0, "silicon": 0.6}, "Mg2Si + diamond + fcc"),
        ({"temperature": 840.0, "magnesium": 0.8, "silicon": 0.5}, "fcc"),
        ({"temperature": 400.0}, "fcc"),
    ],
)
def test_a_label_names_the_phases_of_the_diagram(inputs, label):
    found = phases(**inputs)
    assert found.label == label
    assert sum(found.shares) == pytest.approx(100.0, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("magnesium", "silicon", "temperature"),
    [(1.0, 0.6, 450.0), (0.4, 1.5, 700.0), (2.0, 0.2, 450.0), (1.5, 1.5, 880.0)],
)
def test_the_phases_left_out_of_the_database_would_not_appear(magnesium, silicon, temperature):
    from pycalphad import equilibrium as reference
    from pycalphad import variables as v
    from pycalphad.core.utils import filter_phases, unpack_species

    source, components = database("COST507.tdb"), ["AL", "MG", "SI", "VA"]
    aluminium = 100 - magnesium - silicon
    moles = {"MG": magnesium / MASSES["MG"], "SI": silicon / MASSES["SI"], "AL": aluminium / MASSES["AL"]}
    total = sum(moles.values())
    everything = reference(
        source,
        components,
        sorted(set(filter_phases(source, unpack_species(source, components))) - {"GAS"}),
        {v.T: temperature, v.P: PRESSURE, v.N: 1, v.X("MG"): moles["MG"] / total, v.X("SI"): moles["SI"] / total},
    )
    names = [AL_MG_SI.phases[str(name)] for name in everything.Phase.values.ravel() if name]
    ours = equilibrium(AL_MG_SI, {"MG": magnesium, "SI": silicon}, temperature)
    assert sorted(names) == sorted(share.phase for share in ours)
