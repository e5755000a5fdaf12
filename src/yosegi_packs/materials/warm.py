"""The capabilities of this pack with pycalphad imported and the databases read: publish these where tasks are many.

A site forks each task from a process that has imported the entry's module. From `yosegi_packs.materials:ageing` each
task imports pycalphad and reads COST 507, ten seconds; from `yosegi_packs.materials.warm:ageing` it finds both done.
"""

from yosegi_packs.materials import ageing, ageing_quick, invariants, phases
from yosegi_packs.materials.systems import AL_MG_SI, AL_ZN, prepare

__all__ = ["ageing", "ageing_quick", "invariants", "phases"]

prepare(AL_ZN, ("AL", "ZN"))
prepare(AL_MG_SI, ("AL", "MG", "SI"))
