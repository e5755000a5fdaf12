"""Capability: OptKnock on the core model: which knock-outs force most succinate at the largest growth, one programme.

OptKnock (Burgard, Pharkya & Maranas, Biotechnol. Bioeng. 84:647, 2003) chooses the knock-outs and the fluxes together:

    max  v_succ   subject to   v ∈ argmax { c·v : S·v = 0, l ≤ v ≤ u, v_j = 0 where y_j = 0 },   Σ (1 − y_j) ≤ K.

With c = growth, as published, the cell is kind: of all fluxes with the largest growth it takes those with most
succinate, and strains win that need not make any. With c = growth − ε · succinate, ε = 0.001, it takes those with
least.

By strong duality the inner linear programme is replaced by its own constraints, those of its dual,

    Sᵀλ + h − w = c,   h, w ≥ 0,   and   c·v ≥ u·h − l·w,

of which the last says that no feasible v does better. Where y_j = 0 the dual constraint of v_j is set free, which needs
no product of variables. One binary variable stands for each candidate, and GLPK branches over them. It takes 0.99999
for 1 unless told otherwise, and so lets a share of every large bound through: bounds are as small as they may be, and
the tolerance is tight.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

import cobra

from yosegi.core.capability import Context, Fidelity, capability, quantity
from yosegi_packs.bio.balance import DECIMALS, LEAST_GROWTH, Environment, optimum, prepare
from yosegi_packs.bio.cells import CORE, load
from yosegi_packs.bio.screen import TILT
from yosegi_packs.bio.strains import CANDIDATES, Strain

__all__ = ["Designed", "designs", "optknock"]

LARGEST_FLUX: Final = 200.0
"""mmol/(g·h), twenty times the glucose; what the published bounds of 1,000 allow more are loops."""

LARGEST_PRICE: Final = 10.0
"""Of a mmol of anything, in growth: 1/h for a mmol/(g·h)."""

INTEGRAL: Final = 1e-9
"""How far from 0 or 1 a variable may be: it is multiplied by the largest price or flux."""

Kept = Annotated[int, quantity("1", ge=1, le=50)]
Largest = Annotated[int, quantity("1", ge=1, le=3)]


@dataclass(frozen=True)
class Designed:
    """The strains that OptKnock chooses, the best first.

    Args:
        strains: knock-outs of each, BiGG identifiers with a space between.
        succinate: the least that each makes at its largest growth on the core model.
    """

    strains: list[str]
    succinate: Annotated[list[Annotated[float, quantity("mmol/(g.h)", ge=0)]], quantity("mmol/(g.h)")]


def designs(
    largest: int = 3, environment: Environment | None = None, tilt: float = TILT
) -> Iterator[tuple[Strain, float]]:
    """Strains by falling succinate at the largest growth, none of them twice.

    Args:
        largest: most knock-outs.
        environment: the medium; without oxygen if none is given.
        tilt: growth that the cell gives up for a mmol/(g·h) of succinate less; 0 is OptKnock as published.

    Yields:
        The strain, and its succinate in mmol/(g·h).

    Raises:
        SolverStopped: the solver gave up.
    """
    model = load(CORE).copy()
    prepare(model, CORE, (), environment or Environment())
    for one in model.reactions:
        one.bounds = max(one.lower_bound, -LARGEST_FLUX), min(one.upper_bound, LARGEST_FLUX)
    model.solver.configuration.tolerances.integrality = INTEGRAL
    kept = _bilevel(model, largest, tilt)
    while not math.isnan(best := optimum(model, "OptKnock")):
        strain = tuple(one for one in CANDIDATES if kept[one].primal < 0.5)
        yield strain, max(0.0, round(best, DECIMALS))
        # Not this strain again: one of its knock-outs is kept, or a further one is made.
        others = sum(1 - kept[one] for one in CANDIDATES if one not in strain)
        again = sum(kept[one] for one in strain) + others
        model.add_cons_vars([model.problem.Constraint(again, lb=1.0)])


def _bilevel(model: cobra.Model, largest: int, tilt: float) -> dict[str, Any]:
    """Make the model's programme that of OptKnock; by candidate the variable that is 1 where it is kept."""
    solver = model.problem
    growth, acid = model.reactions.get_by_id(CORE.biomass), model.reactions.get_by_id("EX_succ_e")
    kept: dict[str, Any] = {one: solver.Variable(f"kept_{one}", type="binary") for one in CANDIDATES}
    of = {reaction: kept[one] for one in CANDIDATES for reaction in CORE.reactions(one)}
    price = {one: solver.Variable(f"price_{one.id}", lb=-LARGEST_PRICE, ub=LARGEST_PRICE) for one in model.metabolites}
    made: list[Any] = [*kept.values(), *price.values()]
    worth = 0.0
    for one in model.reactions:
        high, low = (solver.Variable(f"{side}_{one.id}", lb=0.0, ub=LARGEST_PRICE) for side in ("high", "low"))
        column = sum(price[metabolite] * weight for metabolite, weight in one.metabolites.items()) + high - low
        made += [high, low]
        if (y := of.get(one.id)) is not None:
            free = solver.Variable(f"free_{one.id}", lb=-LARGEST_PRICE, ub=LARGEST_PRICE)
            column += free
            made += [free, *_where_kept(solver, one, free, y)]
        right = 1.0 if one is growth else -tilt if one is acid else 0.0
        made.append(solver.Constraint(column, lb=right, ub=right))
        worth = worth + high * one.upper_bound - low * one.lower_bound
    made.append(solver.Constraint(growth.flux_expression - tilt * acid.flux_expression - worth, lb=0.0))
    made.append(solver.Constraint(sum(1 - y for y in kept.values()), ub=largest))
    # After the dual was written: the engineer's bound and not the cell's.
    made.append(solver.Constraint(growth.flux_expression, lb=LEAST_GROWTH))
    model.add_cons_vars(made)
    model.objective = solver.Objective(acid.flux_expression, direction="max")
    return kept


def _where_kept(solver: Any, one: cobra.Reaction, free: Any, y: Any) -> list[Any]:
    """No flux where y is 0, and the dual constraint free there alone."""
    flux = one.flux_expression
    return [
        solver.Constraint(flux - one.upper_bound * y, ub=0.0),
        solver.Constraint(flux - one.lower_bound * y, lb=0.0),
        solver.Constraint(free + LARGEST_PRICE * y, ub=LARGEST_PRICE),
        solver.Constraint(free - LARGEST_PRICE * y, lb=-LARGEST_PRICE),
    ]


@capability(
    "succinate.optknock@1",
    kind="simulation",
    effect="pure",
    field="biotechnology",
    cost={"node_h": "0.02"},
    time_limit=600,
    simulated=True,
    fidelity=Fidelity(
        of="succinate",
        level="OptKnock on the core model",
        noise="none",
        bias="calls dead what grows on the genome scale; at all of the growth, not at 95 %",
    ),
)
def optknock(largest: Largest = 3, keep: Kept = 10, context: Context | None = None) -> Designed:
    """Strains that must make most succinate at their largest growth, by OptKnock on the core model (simulated).

    Without oxygen, 10 mmol/(g·h) of glucose, products of mixed-acid fermentation. What comes first is worth a task of
    `succinate.genome@1`; how well it predicts that is in docs/packs/bio.md.

    Args:
        largest: most reactions taken out.
        keep: how many strains are told.
        context: of the task; told how far it is.

    Raises:
        SolverStopped: the solver ended without an answer.
    """
    found: list[tuple[Strain, float]] = []
    for design in designs(largest):
        found.append(design)
        if context is not None:
            context.progress(len(found) / keep, f"{len(found)} of {keep} strains")
        if len(found) == keep:
            break
    return Designed(
        strains=[" ".join(strain) or "wild type" for strain, _ in found],
        succinate=[value for _, value in found],
    )
