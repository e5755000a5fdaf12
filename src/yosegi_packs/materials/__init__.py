"""Advanced materials: phases of aluminium alloys by CALPHAD, with pycalphad (`pip install yosegi[materials]`).

Four questions: where the phases of Al–Zn change (`phases`, scored by `invariants`); which 6xxx alloy holds most Mg₂Si
when it is aged (`ageing_quick` without pycalphad, `ageing` with it); which cubic compound is stable and fits a lattice
(`crystal_radii` without any library, `crystal_relax` with chgnet: `pip install yosegi[materials-ml]`); how to heat a
powder (`anneal`, a simulated furnace, `diffract`, a simulated diffractometer, `expect` by published kinetics).
"""

from yosegi_packs.materials.ageing import ageing
from yosegi_packs.materials.alloy import Ageing
from yosegi_packs.materials.crystal import Crystal
from yosegi_packs.materials.furnace import Annealed, Diffraction, Kinetics, anneal, diffract, expect
from yosegi_packs.materials.invariants import Invariants, invariants
from yosegi_packs.materials.phases import Phases, phases
from yosegi_packs.materials.quick import ageing_quick
from yosegi_packs.materials.radii import crystal_radii
from yosegi_packs.materials.relax import crystal_relax

__all__ = [
    "Ageing",
    "Annealed",
    "Crystal",
    "Diffraction",
    "Kinetics",
    "Invariants",
    "Phases",
    "ageing",
    "ageing_quick",
    "anneal",
    "crystal_radii",
    "crystal_relax",
    "diffract",
    "expect",
    "invariants",
    "phases",
]
