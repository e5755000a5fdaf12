"""Cubic compounds: what both sources of the crystal question take and give, and the published figures of their ions.

A compound is a structure and its ions: cation and anion in rock salt, zinc blende or caesium chloride, and A, B and
three anions in perovskite. Charges must balance. Lengths in Å, energies in eV.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, NamedTuple

from yosegi.core.capability import Infeasible, quantity

__all__ = ["IONS", "MP_REFERENCE", "Anion", "Cation", "Compound", "Crystal", "Ion", "Second", "Structure", "Target"]

Structure = Literal["rocksalt", "zincblende", "caesium_chloride", "perovskite"]
Cation = Literal["Li", "Na", "K", "Rb", "Cs", "Ag", "Be", "Mg", "Ca", "Sr", "Ba", "Zn", "Cd"]
Second = Literal["none", "Mg", "Ca", "Zn", "Cd", "Ti", "Zr", "Hf", "Sn", "Nb", "Ta"]
Anion = Literal["F", "Cl", "Br", "I", "O", "S", "Se", "Te"]
Target = Annotated[float, quantity("Ao", ge=2.0, le=9.0, resolution=0.001)]


@dataclass(frozen=True)
class Crystal:
    """A compound in a structure, at rest.

    Args:
        formation_energy: of the compound from its elements, per atom; below 0 it gives energy off.
        lattice_parameter: of the cubic cell.
        mismatch: the relative difference of the lattice parameter to the target.
    """

    formation_energy: Annotated[float, quantity("eV")]
    lattice_parameter: Annotated[float, quantity("Ao", gt=0)]
    mismatch: Annotated[float, quantity("%", ge=0)]


class Ion(NamedTuple):
    """An element as an ion.

    Args:
        charge: in elementary charges.
        electronegativity: Pauling's, eV^½.
        radii: effective ionic radius, Å, by coordination number.
    """

    charge: int
    electronegativity: float
    radii: dict[int, float]


IONS: Final = {
    "Li": Ion(1, 0.98, {4: 0.59, 6: 0.76, 8: 0.92}),
    "Na": Ion(1, 0.93, {4: 0.99, 6: 1.02, 8: 1.18, 12: 1.39}),
    "K": Ion(1, 0.82, {4: 1.37, 6: 1.38, 8: 1.51, 12: 1.64}),
    "Rb": Ion(1, 0.82, {6: 1.52, 8: 1.61, 12: 1.72}),
    "Cs": Ion(1, 0.79, {6: 1.67, 8: 1.74, 12: 1.88}),
    "Ag": Ion(1, 1.93, {4: 1.0, 6: 1.15, 8: 1.28}),
    "Be": Ion(2, 1.57, {4: 0.27, 6: 0.45}),
    "Mg": Ion(2, 1.31, {4: 0.57, 6: 0.72, 8: 0.89}),
    "Ca": Ion(2, 1.0, {6: 1.0, 8: 1.12, 12: 1.34}),
    "Sr": Ion(2, 0.95, {6: 1.18, 8: 1.26, 12: 1.44}),
    "Ba": Ion(2, 0.89, {6: 1.35, 8: 1.42, 12: 1.61}),
    "Zn": Ion(2, 1.65, {4: 0.6, 6: 0.74, 8: 0.9}),
    "Cd": Ion(2, 1.69, {4: 0.78, 6: 0.95, 8: 1.1, 12: 1.31}),
    "Ti": Ion(4, 1.54, {4: 0.42, 6: 0.605, 8: 0.74}),
    "Zr": Ion(4, 1.33, {4: 0.59, 6: 0.72, 8: 0.84}),
    "Hf": Ion(4, 1.3, {4: 0.58, 6: 0.71, 8: 0.83}),
    "Sn": Ion(4, 1.96, {4: 0.55, 6: 0.69, 8: 0.81}),
    "Nb": Ion(5, 1.6, {4: 0.48, 6: 0.64, 8: 0.74}),
    "Ta": Ion(5, 1.5, {6: 0.64, 8: 0.74}),
    "F": Ion(-1, 3.98, {6: 1.33}),
    "Cl": Ion(-1, 3.16, {6: 1.81}),
    "Br": Ion(-1, 2.96, {6: 1.96}),
    "I": Ion(-1, 2.66, {6: 2.2}),
    "O": Ion(-2, 3.44, {6: 1.4}),
    "S": Ion(-2, 2.58, {6: 1.84}),
    "Se": Ion(-2, 2.55, {6: 1.98}),
    "Te": Ion(-2, 2.1, {6: 2.21}),
}
"""Radii of Shannon, Acta Cryst. A 32:751 (1976); electronegativities on Pauling's scale; both as pymatgen carries them
(a test compares). Anions have the radius of coordination 6 everywhere, the only one that Shannon gives for most."""

MP_REFERENCE: Final = {
    "Li": -1.9089,
    "Na": -1.3225,
    "K": -1.1104,
    "Rb": -0.9805,
    "Cs": -0.8954,
    "Ag": -2.8326,
    "Be": -3.7394,
    "Mg": -1.6003,
    "Ca": -2.0056,
    "Sr": -1.6895,
    "Ba": -1.919,
    "Zn": -1.2597,
    "Cd": -0.9229,
    "Ti": -7.8955,
    "Zr": -8.5477,
    "Hf": -9.9572,
    "Sn": -4.0096,
    "Nb": -10.1013,
    "Ta": -11.8578,
    "F": -1.9115,
    "Cl": -1.8485,
    "Br": -1.6369,
    "I": -1.524,
    "O": -4.948,
    "S": -4.1364,
    "Se": -3.4959,
    "Te": -3.1433,
}
"""eV per atom of each element in its state of least energy, Materials Project of 2022-09-19, as listed by Matbench
Discovery (`mp_elemental_ref_energies`; Riebesell et al., Nat. Mach. Intell. 7:836, 2025)."""

NEIGHBOURS: Final = {"rocksalt": 6, "zincblende": 4, "caesium_chloride": 8}
"""The coordination of cation and anion."""

EDGE: Final = {"rocksalt": 2.0, "zincblende": 4.0 / math.sqrt(3.0), "caesium_chloride": 2.0 / math.sqrt(3.0)}
"""Edge of the cubic cell over the distance of cation and anion."""


@dataclass(frozen=True)
class Compound:
    """A structure and the ions in it.

    Args:
        structure: one of four cubic ones.
        cation: of a binary compound; A of a perovskite ABX₃.
        second: B of a perovskite; `none` elsewhere.
        anion: X.

    Raises:
        Infeasible: the charges do not balance, or a second cation is missing or too many.

    Example:
        >>> Compound("perovskite", "Sr", "Ti", "O").formula
        'SrTiO3'
    """

    structure: Structure
    cation: Cation
    second: Second
    anion: Anion
    formula: str = field(init=False)

    def __post_init__(self) -> None:
        """Refuse what is no compound."""
        if (self.structure == "perovskite") != (self.second != "none"):
            raise Infeasible(f"a perovskite has two cations, and no other has: {self.structure} with {self.second}")
        formula = "".join(name if count == 1 else f"{name}{count}" for name, count in self.contents)
        object.__setattr__(self, "formula", formula)
        if charge := sum(count * IONS[name].charge for name, count in self.contents):
            raise Infeasible(f"the charges of {formula} do not balance: {charge:+d}")

    @property
    def contents(self) -> tuple[tuple[str, int], ...]:
        """Elements and how many of each a formula unit has."""
        if self.second == "none":
            return (self.cation, 1), (self.anion, 1)
        return (self.cation, 1), (self.second, 1), (self.anion, 3)

    @property
    def atoms(self) -> int:
        """In a formula unit, which is also the primitive cell."""
        return sum(count for _, count in self.contents)

    def answer(self, energy: float, lattice: float, target: float) -> Crystal:
        """The answer of either source: formation energy in eV per atom, cubic cell and target in Å."""
        return Crystal(round(energy, 4), round(lattice, 4), round(100.0 * abs(lattice / target - 1.0), 3))
