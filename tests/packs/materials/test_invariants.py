"""Invariants and melting points against what was measured.

[zn] Murray, Bull. Alloy Phase Diagrams 4:55 (1983): eutectic 381 °C, eutectoid (monotectoid) 277 °C. [si] Murray and
McAlister, Bull. Alloy Phase Diagrams 5:74 (1984): eutectic 577 °C at 12.2 ± 0.1 at.% Si. [mg] Murray, Bull. Alloy Phase
Diagrams 3:60 (1982): eutectic 450 °C. [its] Preston-Thomas, Metrologia 27:3 (1990):
aluminium freezes at 933.473 K, zinc at 692.677 K. [mg2si] Zhang, Fan, Wang and Zhou, Mater. Sci. Technol. (2001),
abstract: the pseudo-eutectic of Al and Mg2Si lies between 583.5 and 594 °C and Al holds 1.91 mass % Mg2Si at 583.5 °C.
Temperatures are given to a degree or half of one; that is the tolerance, with what is said at each test.
"""

from __future__ import annotations

import pytest

from yosegi.core.capability import Context
from yosegi_packs.materials import ageing, invariants
from yosegi_packs.materials.ageing import solidus, solvus
from yosegi_packs.materials.alloy import MG_SHARE
from yosegi_packs.materials.equilibrium import equilibrium
from yosegi_packs.materials.invariants import DiagramIncomplete, mapped
from yosegi_packs.materials.systems import AL_MG_SI, AL_ZN, AL_ZN_COST, MASSES, System

ZERO = 273.15


@pytest.fixture(scope="module")
def found():
    return invariants()


def test_the_eutectic_of_aluminium_and_zinc_is_the_measured_one(found):
    assert found.eutectic - ZERO == pytest.approx(381.0, abs=1.0)  # [zn]


def test_the_eutectoid_of_aluminium_and_zinc_is_the_measured_one(found):
    assert found.eutectoid - ZERO == pytest.approx(277.0, abs=1.0)  # [zn]


def test_the_two_databases_of_aluminium_and_zinc_hold_one_assessment(found):
    other = mapped(AL_ZN_COST)
    assert other.eutectic == pytest.approx(found.eutectic, abs=0.05)
    assert other.eutectoid == pytest.approx(found.eutectoid, abs=0.05)
    assert other.eutectoid_parent == pytest.approx(found.eutectoid_parent, abs=0.05)


def test_an_invariant_is_where_the_phases_of_both_sides_meet(found):
    def kinds(zinc, temperature):
        mole = zinc / 100
        mass = 100 * mole * MASSES["ZN"] / (mole * MASSES["ZN"] + (1 - mole) * MASSES["AL"])
        return sorted(share.phase for share in equilibrium(AL_ZN, {"ZN": mass}, temperature))

    assert kinds(found.eutectic_liquid, found.eutectic + 0.5) == ["liquid"]
    assert kinds(found.eutectic_liquid, found.eutectic - 0.5) == ["fcc", "hcp"]
    assert kinds(found.eutectoid_parent, found.eutectoid + 0.5) == ["fcc"]
    assert kinds(found.eutectoid_parent, found.eutectoid - 0.5) == ["fcc", "hcp"]
    assert kinds(40.0, found.critical + 1.0) == ["fcc"]


def test_a_map_without_a_reaction_says_what_it_has():
    without = System("Al-Zn without hcp", AL_ZN.file, {"LIQUID": "liquid", "FCC_A1": "fcc"})
    with pytest.raises(DiagramIncomplete, match="three phases meet in: none"):
        mapped(without)


@pytest.mark.parametrize(
    ("system", "contents", "kelvin"),
    [(AL_MG_SI, {}, 933.473), (AL_ZN, {"ZN": 0.0}, 933.473), (AL_ZN, {"ZN": 100.0}, 692.677)],
)
def test_a_pure_metal_melts_where_the_temperature_scale_says(system, contents, kelvin):
    [below], [above] = equilibrium(system, contents, kelvin - 0.2), equilibrium(system, contents, kelvin + 0.2)
    assert below.phase != "liquid"  # [its]
    assert above.phase == "liquid"


def test_aluminium_and_silicon_melt_at_the_measured_eutectic():
    mass = 100 * 0.122 * MASSES["SI"] / (0.122 * MASSES["SI"] + 0.878 * MASSES["AL"])
    assert solidus({"SI": mass}, 700.0) - ZERO == pytest.approx(577.0, abs=1.0)  # [si]
    # At the measured composition hardly any solid is left a degree above the eutectic.
    shares = {share.phase: share.moles for share in equilibrium(AL_MG_SI, {"SI": mass}, 577.0 + ZERO + 1.5)}
    assert shares["liquid"] > 0.98


def test_aluminium_and_magnesium_melt_at_the_measured_eutectic():
    assert solidus({"MG": 25.0}, 600.0) - ZERO == pytest.approx(450.0, abs=1.0)  # [mg]


def test_magnesium_silicide_dissolves_as_published_at_the_pseudo_eutectic():
    def contents(silicide):
        return {"MG": silicide * MG_SHARE, "SI": silicide * (1 - MG_SHARE)}

    assert solvus(contents(1.91), 700.0) - ZERO == pytest.approx(583.5, abs=1.0)  # [mg2si]
    assert solidus(contents(5.0), 700.0) - ZERO == pytest.approx(583.5, abs=1.0)  # [mg2si]


def test_the_pseudo_eutectic_ends_at_the_published_temperature():
    silicide = {"MG": 13.9 * MG_SHARE, "SI": 13.9 * (1 - MG_SHARE)}
    above = {share.phase: share.moles for share in equilibrium(AL_MG_SI, silicide, 594.0 + ZERO + 2.0)}
    assert above["liquid"] > 0.98  # [mg2si]: 13.9 mass %, 594 °C


def test_ageing_is_reproducible_as_a_task():
    inputs = {"magnesium": 0.8, "silicon": 0.5, "temperature": 448.0, "least_window": 30.0}
    context = Context(key="k", seed=1)
    assert ageing.run(inputs, context) == ageing.run(inputs, context)
