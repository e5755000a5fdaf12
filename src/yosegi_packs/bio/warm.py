"""The capabilities of this pack with both models read beforehand: publish these where tasks are many.

A site forks each task from a process that has imported the entry's module. From `yosegi_packs.bio:genome` each task
reads the genome-scale model again, which takes seconds; from `yosegi_packs.bio.warm:genome` it finds it read. The price
is paid once: some seconds and about 170 MB when the site starts.
"""

from yosegi_packs.bio import core, fedbatch_core, fedbatch_genome, genome, optknock, screen
from yosegi_packs.bio.cells import CORE, GENOME, load

__all__ = ["core", "fedbatch_core", "fedbatch_genome", "genome", "optknock", "screen"]

for _cell in (CORE, GENOME):
    load(_cell, "mixed-acid").slim_optimize()  # the first solution builds what later ones start from
