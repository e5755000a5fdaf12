"""The two *E. coli* models that ship with cobra, read from its own files: nothing is downloaded.

`textbook` is the core model of Orth, Fleming & Palsson, EcoSal Plus 4 (2010), doi:10.1128/ecosalplus.10.2.1
(95 reactions, 72 metabolites); `iJO1366` the genome-scale model of Orth et al., Mol. Syst. Biol. 7:535 (2011)
(2,583 reactions with exchanges, 1,805 metabolites in compartments). Fluxes are in mmol per gram dry weight and hour.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Literal

import cobra
from cobra.io import read_sbml_model

Excretion = Literal["mixed-acid", "any"]

MIXED_ACID = ("ac", "etoh", "for", "lac__D", "succ", "pyr", "co2")
"""What *E. coli* ferments glucose to (Clark, FEMS Microbiol. Rev. 5:223, 1989), and pyruvate, which strains without
lactate dehydrogenase and pyruvate formate lyase excrete (Ma et al., Appl. Microbiol. Biotechnol. 97:6739, 2013)."""

_WITH_BIOMASS = ("meoh",)
"""Made in trace amounts with biotin by the genome-scale model, which cannot grow without excreting it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One model and how it names the things both models have.

    Args:
        name: what the pages call it.
        file: its file within `cobra.data`.
        biomass: identifier of the biomass reaction; its flux is the growth rate in 1/h.
        elsewhere: reactions of this model that together are one reaction of the core model, where the identifiers
            differ.
        one_way: reactions that run forward only when excretion is `mixed-acid`.
    """

    name: str
    file: str
    biomass: str
    elsewhere: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    one_way: tuple[str, ...] = ()

    def reactions(self, core_id: str) -> tuple[str, ...]:
        """The identifiers in this model of a reaction of the core model."""
        return self.elsewhere.get(core_id, (core_id,))


CORE = Cell("E. coli core", "textbook.xml.gz", "Biomass_Ecoli_core")

GENOME = Cell(
    "iJO1366",
    "iJO1366.xml.gz",
    "BIOMASS_Ec_iJO1366_core_53p95M",
    elsewhere={
        "ATPS4r": ("ATPS4rpp",),
        "FRD7": ("FRD2", "FRD3"),
        "GLCpts": ("GLCptspp",),
        "NADH16": ("NADH16pp", "NADH17pp", "NADH18pp"),
        "THD2": ("THD2pp",),
    },
    # Pyruvate:flavodoxin oxidoreductase serves to reduce flavodoxin (UniProt P52647). Backwards it would fix CO2
    # with NADPH, which swallows the electrons that succinate should take.
    one_way=("POR5",),
)


@functools.lru_cache(maxsize=4)
def load(cell: Cell, excretion: Excretion = "mixed-acid") -> cobra.Model:
    """The model, read once a process and shared: change it only inside `with model:`.

    Args:
        cell: which.
        excretion: `any` is the model as published. `mixed-acid` closes the excretion of every carbon compound but
            `MIXED_ACID`, and the reverse of `one_way`. Without that the genome-scale model balances its electrons by
            excreting hexanoate, which fermenting *E. coli* does not do.
    """
    with resources.as_file(resources.files("cobra.data") / cell.file) as path:
        model = read_sbml_model(str(path))
    if excretion == "mixed-acid":
        kept = {f"EX_{name}_e" for name in (*MIXED_ACID, *_WITH_BIOMASS)}
        for exchange in model.exchanges:
            carbon = any(metabolite.elements.get("C", 0) for metabolite in exchange.metabolites)
            if carbon and exchange.id not in kept:
                exchange.upper_bound = 0.0
        for reaction in cell.one_way:
            model.reactions.get_by_id(reaction).lower_bound = 0.0
    return model
