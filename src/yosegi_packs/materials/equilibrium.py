"""Thermodynamic equilibrium of an alloy at 1 atm: which phases, how much of each, and what they are made of.

CALPHAD (Lukas, Fries and Sundman, Computational Thermodynamics, Cambridge 2007) writes the molar Gibbs energy of each
phase as a function of composition and temperature, with parameters assessed from measurements; equilibrium is the least
total Gibbs energy. pycalphad finds it globally (Otis and Liu, J. Open Res. Softw. 5:1, 2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from yosegi.core.errors import Invalid, YosegiError
from yosegi_packs.materials.systems import MASSES, Prepared, System, prepare

Part = tuple[str, float, dict[str, float]]
"""Database name of a phase, moles of its atoms, and its mole fractions."""

PRESSURE = 101325.0
"""Pa."""

SAME = 1e-3
"""Mole fraction. Two parts of one phase whose compositions differ by less are one: the solver may split a phase."""

SAMPLINGS = (200, 500, 2000, 60)
"""Points sampled in each phase to start the minimiser from. Near a reaction of four phases it may fail from one sample
and succeed from the next, so that they are tried in turn."""

TRACE = 1e-9
"""Mole fraction of an element, and share of a phase, below which it is not there."""


class EquilibriumNotFound(YosegiError):
    """The minimiser ended without an equilibrium: nothing is known of the point."""

    code = "equilibrium_not_found"

    def __init__(self, system: str, contents: Mapping[str, float], temperature: float) -> None:
        self.system, self.contents, self.temperature = system, dict(contents), temperature
        super().__init__(f"no equilibrium of {system} was found at {temperature:.2f} K and {self.contents} mass %")


@dataclass(frozen=True, slots=True)
class Share:
    """One phase of an equilibrium.

    Args:
        phase: as in `System.phases`.
        moles: of its atoms in a mole of all atoms.
        mass: g of it in a g of all.
        composition: mole fraction of each element in it.
    """

    phase: str
    moles: float
    mass: float
    composition: Mapping[str, float]


def mole_fractions(contents: Mapping[str, float]) -> dict[str, float]:
    """Mole fractions of all elements, aluminium the balance, from mass % of the others.

    Example:
        >>> {element: round(x, 4) for element, x in mole_fractions({"ZN": 77.6}).items()}
        {'AL': 0.4116, 'ZN': 0.5884}
    """
    whole = {"AL": 100.0 - sum(contents.values()), **contents}
    if min(whole.values()) < 0.0 or set(whole) - set(MASSES):
        raise Invalid("alloy", f"contents of {dict(contents)} mass %", "give contents of at least 0 and at most 100 %")
    moles = {element: mass / MASSES[element] for element, mass in whole.items()}
    total = sum(moles.values())
    return {element: n / total for element, n in sorted(moles.items())}


def equilibrium(system: System, contents: Mapping[str, float], temperature: float) -> tuple[Share, ...]:
    """The phases in equilibrium, the largest first.

    Args:
        system: the alloy system.
        contents: mass % of the alloying elements (database names); the rest is aluminium.
        temperature: in K.

    Raises:
        Invalid: contents that are negative or sum to more than 100 %.
        EquilibriumNotFound: the minimiser gave up.
    """
    fractions = {element: x for element, x in mole_fractions(contents).items() if x > TRACE}
    made = prepare(system, tuple(fractions))
    for sampling in SAMPLINGS:
        found = _minimised(made, fractions, temperature, sampling)
        if found and abs(sum(moles for _, moles, _ in found) - 1.0) < 1e-4:
            return _merged(system, found)
    raise EquilibriumNotFound(system.name, contents, temperature)


def _minimised(made: Prepared, fractions: Mapping[str, float], temperature: float, sampling: int) -> list[Part]:
    """The parts of least Gibbs energy, as pycalphad gives them; none, or not all, where it does not converge."""
    from pycalphad import Workspace
    from pycalphad import variables as v

    free = [element for element in fractions if element != "AL"]
    if "AL" not in fractions:
        free = free[1:]  # One mole fraction follows from the others.
    space = Workspace(
        database=made.database,
        components=made.components,
        phases=sorted(made.models),
        conditions={v.T: temperature, v.P: PRESSURE, v.N: 1.0, **{v.X(one): fractions[one] for one in free}},
        models=made.models,
        phase_record_factory=made.records,
        calc_opts={"pdens": sampling},
    )
    return [
        (str(one.phase_record.phase_name), float(one.NP), dict(zip(sorted(fractions), map(float, one.X), strict=True)))
        for one in space.get_composition_sets()
        if float(one.NP) > TRACE
    ]


def _merged(system: System, found: Sequence[Part]) -> tuple[Share, ...]:
    """Equal parts of one phase put together, with their masses."""
    parts: list[Part] = []
    for name, moles, composition in found:
        for at, (other, before, its) in enumerate(parts):
            if other == name and all(abs(x - its[element]) < SAME for element, x in composition.items()):
                both = moles + before
                mean = {e: (moles * x + before * its[e]) / both for e, x in composition.items()}
                parts[at] = (name, both, mean)
                break
        else:
            parts.append((name, moles, composition))
    masses = [moles * sum(x * MASSES[element] for element, x in made.items()) for _, moles, made in parts]
    total, all_moles = sum(masses), sum(moles for _, moles, _ in parts)
    shares = [
        Share(system.phases[name], moles / all_moles, mass / total, made)
        for (name, moles, made), mass in zip(parts, masses, strict=True)
    ]
    return tuple(sorted(shares, key=lambda share: (-share.moles, share.phase)))


def label(shares: Sequence[Share]) -> str:
    """The phases by name, in alphabetical order: `fcc + hcp`; a miscibility gap is `fcc + fcc`.

    Example:
        >>> label([Share("hcp", 0.6, 0.7, {}), Share("fcc", 0.4, 0.3, {})])
        'fcc + hcp'
    """
    return " + ".join(sorted(share.phase for share in shares))
