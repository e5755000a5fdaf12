"""Capability: the crystal question from tables of ions, the cheap source; it needs no library."""

from __future__ import annotations

import math

from yosegi.core.capability import Fidelity, Infeasible, capability
from yosegi_packs.materials.crystal import (
    EDGE,
    IONS,
    NEIGHBOURS,
    Anion,
    Cation,
    Compound,
    Crystal,
    Second,
    Structure,
    Target,
)
from yosegi_packs.materials.phases import FIELD

__all__ = ["crystal_radii", "distance", "lattice_parameter", "pauling_energy"]


def distance(cation: str, anion: str, neighbours: int) -> float:
    """Of a cation with so many neighbours to an anion, Å: the sum of their radii.

    Raises:
        Infeasible: Shannon has no radius for that coordination.
    """
    radii = IONS[cation].radii
    if neighbours not in radii:
        raise Infeasible(f"no radius is published for {cation} with {neighbours} neighbours")
    return radii[neighbours] + IONS[anion].radii[6]


def lattice_parameter(compound: Compound) -> float:
    """Edge of the cubic cell from ions that touch, Å.

    In a perovskite a = 2 (r_B + r_X) or √2 (r_A + r_X), whichever is more (Goldschmidt, Naturwissenschaften 14:477,
    1926): the cation that is too large for its hole sets the cell.

    Raises:
        Infeasible: a radius is not published.

    Example:
        >>> round(lattice_parameter(Compound("rocksalt", "Mg", "none", "O")), 2)
        4.24
    """
    if compound.second == "none":
        neighbours = NEIGHBOURS[compound.structure]
        return EDGE[compound.structure] * distance(compound.cation, compound.anion, neighbours)
    inner = 2.0 * distance(compound.second, compound.anion, 6)
    return max(inner, math.sqrt(2.0) * distance(compound.cation, compound.anion, 12))


def pauling_energy(compound: Compound) -> float:
    """Formation energy, eV per atom: each bond of unlike atoms is stronger by (χ_A − χ_X)² eV than those of like atoms.

    Pauling, J. Am. Chem. Soc. 54:3570 (1932); the definition of the scale in the IUPAC Gold Book, E01990. A cation has
    as many bonds as its charge.

    Example:
        >>> round(pauling_energy(Compound("rocksalt", "Na", "none", "Cl")), 2)
        -2.49
    """
    anion = IONS[compound.anion]
    cations = [IONS[name] for name, _ in compound.contents[:-1]]
    gained = sum(ion.charge * (anion.electronegativity - ion.electronegativity) ** 2 for ion in cations)
    return -gained / compound.atoms


@capability(
    "crystal.radii@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.001"},
    time_limit=60,
    simulated=True,
    fidelity=Fidelity(
        of="formation_energy",
        level="ionic radii and electronegativities",
        noise="none",
        bias="the energy knows no structure, and nothing of the double bond in O2, so that oxides come out too low; "
        "covalent compounds come out too large or too small by up to a tenth",
    ),
)
def crystal_radii(
    structure: Structure, cation: Cation, anion: Anion, second: Second = "none", target: Target = 5.431
) -> Crystal:
    """Lattice parameter and formation energy of a cubic compound, from tables of ions (simulated).

    Ions that touch, with the radii of Shannon (Acta Cryst. A 32:751, 1976), and Pauling's bond energies.

    Args:
        structure: of the crystal.
        cation: of a binary compound; A of a perovskite.
        anion: of the compound.
        second: B of a perovskite; none elsewhere.
        target: lattice parameter to be matched; that of silicon by default.

    Raises:
        Infeasible: the charges do not balance, or no radius is published for a coordination.
    """
    compound = Compound(structure, cation, second, anion)
    return compound.answer(pauling_energy(compound), lattice_parameter(compound), target)
