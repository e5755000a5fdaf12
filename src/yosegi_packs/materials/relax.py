"""Capability: the crystal question by relaxation with CHGNet, the costly source (`pip install yosegi[materials-ml]`).

Deng et al., "CHGNet as a pretrained universal neural network potential for charge-informed atomistic modelling", Nat.
Mach. Intell. 5:1031 (2023). Its weights (0.3.0, trained on relaxations of the Materials Project with PBE and PBE+U) lie
in its wheel. Everything runs on the processor with one thread, so that a task repeats exactly.
"""

from __future__ import annotations

import contextlib
import functools
import io
import warnings
from collections.abc import Iterator
from typing import Any, Final

from yosegi.core.capability import Fidelity, capability
from yosegi.core.errors import Unavailable, YosegiError
from yosegi_packs.materials.crystal import (
    EDGE,
    IONS,
    MP_REFERENCE,
    Anion,
    Cation,
    Compound,
    Crystal,
    Second,
    Structure,
    Target,
)
from yosegi_packs.materials.phases import FIELD

__all__ = ["WEIGHTS", "NotRelaxed", "crystal_relax", "potential", "relaxed"]

WEIGHTS: Final = "0.3.0"
STEEPEST: Final = 0.01
"""eV/Å: the greatest force, and force on the cell, at which a crystal counts as relaxed."""

STEPS: Final = 200
CELLS: Final = {"rocksalt": 4, "zincblende": 4, "caesium_chloride": 1, "perovskite": 1}
"""Primitive cells in a cubic one."""


class NotRelaxed(YosegiError):
    """The relaxation did not come to rest: nothing is known of the compound."""

    code = "not_relaxed"

    def __init__(self, formula: str, structure: str, force: float) -> None:
        self.formula, self.structure, self.force = formula, structure, force
        super().__init__(
            f"{formula} as {structure} still had a force of {force:.3g} eV/Å after {STEPS} steps: nothing is known"
        )


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without what the libraries print and warn of: that they run on a processor, and of their own calls."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@functools.cache
def potential() -> Any:
    """ASE's calculator with CHGNet's weights, made once a process; ten seconds, most of it for importing torch.

    Raises:
        Unavailable: the extra is not installed.
    """
    with _quietly():
        try:
            import torch
            from chgnet.model import CHGNet, CHGNetCalculator
        except ImportError as error:
            todo = "pip install 'yosegi[materials-ml]'"
            raise Unavailable("crystal.relax@1", f"chgnet is not installed ({error})", todo) from None
        torch.set_num_threads(1)
        return CHGNetCalculator(CHGNet.load(model_name=WEIGHTS, use_device="cpu", verbose=False), use_device="cpu")


def _atoms(compound: Compound, edge: float) -> Any:
    """The primitive cell with a cubic edge in Å, as ASE has it."""
    from ase import Atoms
    from ase.build import bulk

    if compound.structure == "perovskite":
        corners = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
        symbols = [compound.cation, compound.second, *(compound.anion,) * 3]
        return Atoms(symbols, scaled_positions=corners, cell=[edge] * 3, pbc=True)
    kind = compound.structure.replace("caesium_chloride", "cesiumchloride")
    return bulk(compound.formula, kind, a=edge)


def _start(compound: Compound) -> float:
    """An edge in Å to begin from: the ions' radii for six neighbours, which are published for all."""
    radii = {name: IONS[name].radii[6] for name, _ in compound.contents}
    if compound.second != "none":
        return 2.0 * (radii[compound.second] + radii[compound.anion])
    return EDGE[compound.structure] * (radii[compound.cation] + radii[compound.anion])


def relaxed(compound: Compound) -> tuple[float, float]:
    """Formation energy in eV per atom, and edge of the cubic cell in Å.

    The cell is relaxed under its own symmetry, which holds every atom in its place: only its size changes. The energies
    of the elements are those of the Materials Project, on whose corrected energies CHGNet was trained.

    Raises:
        NotRelaxed: it did not come to rest.
        Unavailable: the extra is not installed.
    """
    calculator = potential()
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    with _quietly():
        atoms = _atoms(compound, _start(compound))
        atoms.calc = calculator
        cell = FrechetCellFilter(atoms, hydrostatic_strain=True)
        search = FIRE(cell, logfile=None)
        if not search.run(fmax=STEEPEST, steps=STEPS):
            raise NotRelaxed(compound.formula, compound.structure, float(abs(cell.get_forces()).max()))
        energy, volume = float(atoms.get_potential_energy()), float(atoms.get_volume())
    elements = sum(count * MP_REFERENCE[name] for name, count in compound.contents)
    return (energy - elements) / compound.atoms, (CELLS[compound.structure] * volume) ** (1.0 / 3.0)


@capability(
    "crystal.relax@1",
    kind="simulation",
    effect="pure",
    field=FIELD,
    cost={"node_h": "0.02"},
    time_limit=300,
    simulated=True,
    fidelity=Fidelity(
        of="formation_energy",
        level="CHGNet 0.3.0, relaxed to 0.01 eV/Ao",
        noise="none",
        bias="that of PBE, whose lattice parameters are about 1 to 2 % too large, and of the network; at 0 K, cubic",
    ),
)
def crystal_relax(
    structure: Structure, cation: Cation, anion: Anion, second: Second = "none", target: Target = 5.431
) -> Crystal:
    """Lattice parameter and formation energy of a cubic compound, by relaxation with CHGNet (simulated).

    A pretrained universal potential (Deng et al., Nat. Mach. Intell. 5:1031, 2023) relaxes the size of the cell; the
    energies of the elements are those of the Materials Project.

    Args:
        structure: of the crystal.
        cation: of a binary compound; A of a perovskite.
        anion: of the compound.
        second: B of a perovskite; none elsewhere.
        target: lattice parameter to be matched; that of silicon by default.

    Raises:
        Infeasible: the charges do not balance.
        NotRelaxed: the relaxation did not come to rest.
    """
    compound = Compound(structure, cation, second, anion)
    energy, lattice = relaxed(compound)
    return compound.answer(energy, lattice, target)
