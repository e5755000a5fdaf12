"""The crystal question's cheap source and its table of candidates; neither needs a library."""

from __future__ import annotations

import csv
import math
from typing import get_args

import pytest
from benchmarks.packs.crystals import CANDIDATES, compounds, described

from yosegi.core.capability import Infeasible
from yosegi_packs.materials import crystal_radii, crystal_relax
from yosegi_packs.materials.crystal import IONS, MP_REFERENCE, Anion, Cation, Compound, Second
from yosegi_packs.materials.radii import distance, lattice_parameter, pauling_energy

MEASURED = {
    ("rocksalt", "Li", "F"): 3.974,
    ("rocksalt", "Li", "Cl"): 5.072,
    ("rocksalt", "Na", "F"): 4.570,
    ("rocksalt", "Na", "Cl"): 5.565,
    ("rocksalt", "Mg", "O"): 4.188,
    ("rocksalt", "Ca", "O"): 4.781,
}
"""Å, measured and freed of zero-point motion: Haas, Tran and Blaha, Phys. Rev. B 79:085104 (2009)."""


@pytest.mark.parametrize(("asked", "measured"), MEASURED.items())
def test_ions_that_touch_give_the_measured_cell_of_salts_and_oxides_within_six_per_cent(asked, measured):
    assert crystal_radii(*asked).lattice_parameter == pytest.approx(measured, rel=0.06)


def test_the_edge_of_each_structure_follows_from_its_nearest_neighbours():
    # In rock salt along an edge, in zinc blende a quarter and in caesium chloride half of the diagonal of the cell.
    diagonal = math.sqrt(3)
    for structure, neighbours, share in (
        ("rocksalt", 6, 1 / 2),
        ("zincblende", 4, diagonal / 4),
        ("caesium_chloride", 8, diagonal / 2),
    ):
        compound = Compound(structure, "Na", "none", "Cl")
        assert share * lattice_parameter(compound) == pytest.approx(distance("Na", "Cl", neighbours))


def test_the_cation_that_is_too_large_for_its_hole_sets_the_cell_of_a_perovskite():
    # Goldschmidt's tolerance factor of SrTiO3 is 1.00, of BaTiO3 1.06: barium is too large for its hole.
    held, pushed = (Compound("perovskite", a, "Ti", "O") for a in ("Sr", "Ba"))
    assert lattice_parameter(held) == pytest.approx(2 * distance("Ti", "O", 6), rel=0.01)
    assert lattice_parameter(pushed) == pytest.approx(math.sqrt(2) * distance("Ba", "O", 12))


def test_pauling_s_energy_is_the_square_of_the_difference_a_bond():
    # IUPAC Gold Book E01990: (χA − χB)² eV a bond; NaCl has one for each two atoms.
    assert pauling_energy(Compound("rocksalt", "Na", "none", "Cl")) == pytest.approx(-((3.16 - 0.93) ** 2) / 2)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (("rocksalt", "Na", "O"), "do not balance: -1"),
        (("perovskite", "Sr", "F", "Ti"), "do not balance: \\+3"),
        (("perovskite", "Sr", "O"), "two cations"),
        (("rocksalt", "Na", "Cl", "Ti"), "two cations"),
        (("zincblende", "Cs", "F"), "no radius is published for Cs with 4"),
    ],
)
def test_what_is_no_compound_is_infeasible_and_says_why(asked, why):
    with pytest.raises(Infeasible, match=why):
        crystal_radii(*asked)


def test_both_sources_take_and_give_the_same():
    assert crystal_radii.contract.inputs == crystal_relax.contract.inputs
    assert crystal_radii.contract.outputs == crystal_relax.contract.outputs
    assert crystal_relax.contract.simulated
    assert crystal_radii.contract.simulated


def test_every_ion_of_the_contract_has_its_figures():
    names = {*get_args(Cation), *get_args(Second), *get_args(Anion)} - {"none"}
    assert names == set(IONS) == set(MP_REFERENCE)


def test_the_example_s_table_holds_every_compound_and_what_describes_it():
    with CANDIDATES.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = [(c.structure, c.cation, c.second, c.anion, described(c)) for c in compounds()]
    found = [
        (row["structure"], row["cation"], row["second"], row["anion"], {n: float(row[n]) for n in wanted[0][4]})
        for row in rows
    ]
    assert [one[:4] for one in found] == [other[:4] for other in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one[4] == pytest.approx(other[4], rel=1e-5)
