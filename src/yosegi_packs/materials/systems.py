"""The two alloy systems: their thermodynamic databases, which ship with pycalphad, and their phases.

- Al–Zn: an Mey, Z. Metallkd. 84:451 (1993), as typed by Abe, Hashimoto and Sawada (National Institute for Materials
  Science, "Copyright (C) NIMS 2009") in `alzn_mey.tdb`.
- Al–Mg–Si: COST 507, Thermochemical database for light metal alloys (Ansara, Dinsdale and Rand, eds., EUR 18499, 1998),
  in `COST507.tdb` of January 1999, which says "Obtained from http://www.opencalphad.com/databases.html" and "It may be
  used freely but on your own risk". It holds the same Al–Zn.

`alzn_mey.tdb` states no terms; pycalphad, which carries both among its tests, is under the MIT licence. They are read
from the installed library and not copied here.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final, NamedTuple

MASSES: Final = {"AL": 26.982, "MG": 24.305, "SI": 28.085, "ZN": 65.38}
"""g/mol. Abridged standard atomic weights, Prohaska et al., Pure Appl. Chem. 94:573 (2022)."""


@dataclass(frozen=True, slots=True)
class System:
    """An alloy system.

    Args:
        name: as metallurgists write it.
        file: its database within `pycalphad.tests.databases`.
        phases: the database's names of the phases that are considered, with the names used here.
    """

    name: str
    file: str
    phases: Mapping[str, str] = field(hash=False)


AL_ZN: Final = System("Al-Zn", "alzn_mey.tdb", {"LIQUID": "liquid", "FCC_A1": "fcc", "HCP_A3": "hcp"})

AL_ZN_COST: Final = System("Al-Zn", "COST507.tdb", {"LIQUID": "liquid", "FCC_A1": "fcc", "HCP_ZN": "hcp"})
"""The same system in COST 507, for comparison."""

AL_MG_SI: Final = System(
    "Al-Mg-Si",
    "COST507.tdb",
    {
        "LIQUID": "liquid",
        "FCC_A1": "fcc",
        "MG2SI": "Mg2Si",
        "DIAMOND_A4": "diamond",
        "ALMG_BETA": "Al3Mg2",
        "AL12MG17": "Al12Mg17",
    },
)
"""The phases that the aluminium corner meets; a test compares with all that the database has for the three elements."""


class Prepared(NamedTuple):
    """What a system's equilibria start from: built once a process, seconds, and used by all after it."""

    database: Any
    components: list[str]
    models: Any
    records: Any


@functools.lru_cache(maxsize=4)
def database(file: str) -> Any:
    """A database of pycalphad's, read once a process and shared; it must not be changed."""
    from pycalphad import Database

    with resources.as_file(resources.files("pycalphad.tests.databases") / file) as path, warnings.catch_warnings():
        # COST 507 names type definitions that no phase uses, and uses one that it does not define.
        warnings.simplefilter("ignore", UserWarning)
        return Database(str(path))


@functools.lru_cache(maxsize=16)
def prepare(system: System, elements: tuple[str, ...]) -> Prepared:
    """Models and compiled energies of a system's phases for the elements that are there, in alphabetical order."""
    from pycalphad import variables as v
    from pycalphad.codegen.phase_record_factory import PhaseRecordFactory
    from pycalphad.core.utils import filter_phases, instantiate_models, unpack_species

    source, components = database(system.file), [*elements, "VA"]
    present = sorted(set(filter_phases(source, unpack_species(source, components))) & set(system.phases))
    models = instantiate_models(source, components, present)
    return Prepared(source, components, models, PhaseRecordFactory(source, components, [v.N, v.P, v.T], models))
