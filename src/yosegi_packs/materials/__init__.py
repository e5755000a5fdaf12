"""Advanced materials: phases of aluminium alloys by CALPHAD, with pycalphad (`pip install yosegi[materials]`).

Two questions: where the phases of Al–Zn change (`phases`, scored by `invariants`), and which 6xxx alloy holds most
Mg₂Si when it is aged (`ageing_quick` without pycalphad, `ageing` with it).
"""

from yosegi_packs.materials.ageing import ageing
from yosegi_packs.materials.alloy import Ageing
from yosegi_packs.materials.invariants import Invariants, invariants
from yosegi_packs.materials.phases import Phases, phases
from yosegi_packs.materials.quick import ageing_quick

__all__ = ["Ageing", "Invariants", "Phases", "ageing", "ageing_quick", "invariants", "phases"]
