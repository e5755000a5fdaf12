"""Biotechnology: strain design by flux balance, with the cobra library (`pip install yosegi[bio]`).

Two questions, each at two fidelities: how much succinate a strain is forced to make (`core`, `genome`), and what a
fed-batch run of it harvests (`fedbatch_core`, `fedbatch_genome`).
"""

from yosegi_packs.bio.fedbatch import Harvest, fedbatch_core, fedbatch_genome
from yosegi_packs.bio.succinate import Succinate, core, genome

__all__ = ["Harvest", "Succinate", "core", "fedbatch_core", "fedbatch_genome", "genome"]
