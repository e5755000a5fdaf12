"""The crystal question with CHGNet loaded: publish from here where tasks are many.

A site forks each task from a process that has imported the entry's module. From `yosegi_packs.materials:crystal_relax`
each task imports torch and loads the weights, eleven seconds; from here it finds both done. Nothing is computed before
the fork, so that torch has no threads of its own yet; each task has one.
"""

from yosegi_packs.materials import crystal_radii, crystal_relax
from yosegi_packs.materials.relax import potential

__all__ = ["crystal_radii", "crystal_relax"]

potential()
