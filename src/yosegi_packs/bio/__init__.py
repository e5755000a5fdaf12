"""Biotechnology: strain design by flux balance, with the cobra library (`pip install yosegi[bio]`), and fermentation.

Three questions, each at two fidelities: how much succinate a strain is forced to make (`core`, `genome`; `screen` and
`optknock` for all strains at once), what a fed-batch run of it harvests (`fedbatch_core`, `fedbatch_genome`), and how
glucose and inducer are fed for most foreign protein (`induction_model`, `induction_fermenter`).
"""

from yosegi_packs.bio.fedbatch import Harvest, fedbatch_core, fedbatch_genome
from yosegi_packs.bio.induction import Induced, induction_fermenter, induction_model
from yosegi_packs.bio.optknock import Designed, optknock
from yosegi_packs.bio.screen import Screened, screen
from yosegi_packs.bio.succinate import Succinate, core, genome

__all__ = [
    "Designed",
    "Harvest",
    "Induced",
    "Screened",
    "Succinate",
    "core",
    "fedbatch_core",
    "fedbatch_genome",
    "genome",
    "induction_fermenter",
    "induction_model",
    "optknock",
    "screen",
]
