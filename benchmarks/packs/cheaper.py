"""Cheap sources of the strain question that were tried: `python -m benchmarks.packs.cheaper VERB`.

`networks` says what is left of iJO1366 and what it took; `table` puts the sources to the strains and keeps
data/cheaper.csv with the seconds of each; `compare` gives their rank correlations with `succinate.genome@1`; `race`
counts what each is worth at equal cost, `optknock` what its list is. The sources:

- core: `succinate.core@1`.
- core, loopless bounds: the core model, each reaction held to the range that its counterpart has in loopless flux
  variability of the genome-scale wild type (Schellenberger, Lewis & Palsson, Biophys. J. 100:544, 2011).
- core, OptKnock: most succinate at the largest growth, the value that the bilevel programme of OptKnock (Burgard,
  Pharkya & Maranas, Biotechnol. Bioeng. 84:647, 2003) has for a strain; `optknock` solves the programme itself, as
  published and with the cell's objective tilted against succinate (`yosegi_packs.bio.optknock`).
- core, enzyme cost: succinate where all fluxes together are least at the largest growth, the sum standing for enzyme
  (parsimonious flux balance, Lewis et al., Mol. Syst. Biol. 6:390, 2010).
- genome, rich medium: iJO1366 with amino acids in the medium, and what carries no flux there taken out.
- genome, reduced: iJO1366 without what carries no flux in this medium, whatever is knocked out: a knock-out only
  shrinks the set of fluxes, so that nothing is lost.
- genome, trunk: of the reduced one, what the parsimonious optimum of the wild type or of a single knock-out uses.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Callable
from functools import cache
from itertools import islice

import cobra
import numpy as np
from benchmarks.packs.bio import COUPLED, truth
from benchmarks.packs.race import CACHE
from cobra.flux_analysis import flux_variability_analysis, pfba
from cobra.flux_analysis.parsimonious import add_pfba
from cobra.io import from_json, to_json
from scipy.stats import spearmanr

from yosegi.core.capability import Infeasible
from yosegi_packs.bio.balance import LEAST_GROWTH, Environment, couple, optimum, prepare
from yosegi_packs.bio.cells import CORE, GENOME, Cell, load
from yosegi_packs.bio.optknock import designs
from yosegi_packs.bio.screen import TILT
from yosegi_packs.bio.strains import Strain, strains

TABLE = CACHE / "cheaper.csv"
ENVIRONMENT = Environment()
FRACTION = 0.95
RESIDUES = "ala arg asn asp cys gln glu his ile leu lys met phe pro ser thr trp tyr val"
AMINO_ACIDS = ("gly", *(f"{name}__L" for name in RESIDUES.split(" ")))
RICH = 0.1
"""mmol/(g·h) of each amino acid that the rich medium lets in; glucose stays the carbon source."""

OVERHEAD = 0.018
"""Seconds of a warm task besides its linear programmes (docs/packs/bio.md)."""

READ = {"core": 0.19, "genome": 2.8, "genome, reduced": 0.80, "genome, trunk": 0.24, "genome, rich medium": 0.71}
"""Seconds to read a model: the published ones from cobra's files (the same page), smaller ones from JSON, where a site
keeps what `networks` finds."""

# ---- smaller networks ----


def _without_blocked(model: cobra.Model) -> cobra.Model:
    """The model without reactions that carry no flux, found at a hundred times the glucose and without maintenance.

    So scaled, what biomass needs in traces is mostly above the solver's tolerance, and the set of fluxes is no smaller.
    What the wild type's parsimonious optimum uses is kept whatever its range.
    """
    with model:
        _prepare(model, ())
        used = _used(model)
    with model:
        prepare(model, GENOME, (), Environment(glucose=100.0 * ENVIRONMENT.glucose))
        model.reactions.get_by_id("ATPM").lower_bound = 0.0
        for one in model.reactions:
            one.bounds = tuple(100.0 * bound for bound in one.bounds)
        ranges = flux_variability_analysis(model, fraction_of_optimum=0.0, processes=1)
    largest = ranges.abs().max(axis=1)
    return _without(model, set(largest[largest < 1e-6].index) - used)


def _used(model: cobra.Model) -> set[str]:
    """The reactions that the parsimonious optimum uses."""
    fluxes = pfba(model).fluxes.abs()
    return set(fluxes[fluxes > 1e-9].index)


def _without(model: cobra.Model, ids: set[str]) -> cobra.Model:
    smaller = model.copy()
    smaller.remove_reactions([smaller.reactions.get_by_id(one) for one in sorted(ids)], remove_orphans=True)
    return smaller


@cache
def reduced() -> cobra.Model:
    """iJO1366 without what never carries flux in the medium."""
    return _without_blocked(load(GENOME))


@cache
def trunk() -> cobra.Model:
    """What the parsimonious optimum of the wild type or of a single knock-out uses."""
    model, used = reduced(), set[str]()
    for knockouts in strains(1):
        with model:
            _prepare(model, knockouts)
            if optimum(model, "largest growth") >= LEAST_GROWTH:
                used |= _used(model)
    kept = used | {one.id for one in model.exchanges} | {"ATPM"}
    return _without(model, {one.id for one in model.reactions} - kept)


@cache
def rich() -> cobra.Model:
    """iJO1366 that finds amino acids in its medium, without what never carries flux there."""
    model = load(GENOME).copy()
    for name in AMINO_ACIDS:
        model.reactions.get_by_id(f"EX_{name}_e").lower_bound = -RICH
    return _without_blocked(model)


@cache
def bounded() -> cobra.Model:
    """The core model within the loopless ranges of the genome-scale wild type."""
    model, wide = load(CORE).copy(), reduced()
    shared = [r.id for r in model.reactions if r.id in wide.reactions and r.id not in ("ATPM",)]
    with wide:
        _prepare(wide, ())
        ranges = flux_variability_analysis(wide, shared, loopless=True, fraction_of_optimum=0.0, processes=1)
    for one in shared:
        reaction, (low, high) = model.reactions.get_by_id(one), ranges.loc[one, ["minimum", "maximum"]]
        reaction.bounds = max(reaction.lower_bound, low - 1e-6), min(reaction.upper_bound, high + 1e-6)
    return model


def networks() -> None:
    """How large each is, and what it took to find it."""
    print("| network | reactions | metabolites | s to find | s to read from JSON |\n|---|---|---|---|---|")
    for name, make in (("iJO1366", lambda: load(GENOME)), ("reduced", reduced), ("trunk", trunk), ("rich", rich),
                       ("core", lambda: load(CORE)), ("core, loopless", bounded)):  # fmt: skip
        begin = time.process_time()
        model = make()
        took, text = time.process_time() - begin, to_json(model)
        begin = time.process_time()
        from_json(text)
        read = time.process_time() - begin
        size = f"{len(model.reactions)} | {len(model.metabolites)}"
        print(f"| {name} | {size} | {took:.1f} | {read:.2f} |", flush=True)


# ---- what each source says of a strain: coupled yield in 1/h, NaN for a dead one ----


def _prepare(model: cobra.Model, knockouts: Strain, cell: Cell = GENOME) -> None:
    """As `prepare`, where the network may lack what is taken out."""
    model.reactions.get_by_id("EX_glc__D_e").lower_bound = -ENVIRONMENT.glucose
    if "EX_o2_e" in model.reactions:
        model.reactions.get_by_id("EX_o2_e").lower_bound = -ENVIRONMENT.oxygen
    for knockout in knockouts:
        for one in cell.reactions(knockout):
            if one in model.reactions:
                model.reactions.get_by_id(one).knock_out()


def forced(model: cobra.Model, cell: Cell) -> Callable[[Strain], float]:
    """Growth by the least succinate at 95 % of it: two programmes."""

    def source(knockouts: Strain) -> float:
        with model:
            _prepare(model, knockouts, cell)
            growth = optimum(model, "largest growth")
            if not growth >= LEAST_GROWTH:
                return math.nan
            model.reactions.get_by_id(cell.biomass).lower_bound = growth * FRACTION
            model.objective = model.reactions.get_by_id("EX_succ_e")
            model.objective_direction = "min"
            return growth * max(0.0, optimum(model, "least succinate")) / ENVIRONMENT.glucose

    return source


def optimistic(knockouts: Strain) -> float:
    """Growth by the most succinate at nearly all of it, on the core model: OptKnock's value."""
    try:
        found = couple(load(CORE), CORE, knockouts, ENVIRONMENT, 1.0)
    except Infeasible:
        return math.nan
    return found.growth * found.most / ENVIRONMENT.glucose


def parsimonious(knockouts: Strain) -> float:
    """Growth by the succinate of the cheapest fluxes at the largest growth, on the core model."""
    model = load(CORE)
    with model:
        prepare(model, CORE, knockouts, ENVIRONMENT)
        growth = optimum(model, "largest growth")
        if not growth >= LEAST_GROWTH:
            return math.nan
        add_pfba(model, fraction_of_optimum=1.0)
        if math.isnan(optimum(model, "least sum of fluxes")):
            return math.nan
        return growth * max(0.0, float(model.reactions.get_by_id("EX_succ_e").flux)) / ENVIRONMENT.glucose


def sources() -> dict[str, Callable[[Strain], float]]:
    """By name."""
    return {
        "core": forced(load(CORE), CORE),
        "core, loopless bounds": forced(bounded(), CORE),
        "core, OptKnock": optimistic,
        "core, enzyme cost": parsimonious,
        "genome, rich medium": forced(rich(), GENOME),
        "genome, trunk": forced(trunk(), GENOME),
        "genome, reduced": forced(reduced(), GENOME),
        "genome": forced(load(GENOME), GENOME),
    }


def sample() -> list[int]:
    """The fixed sample: all strains that are coupled on the genome scale, and 453 others drawn from a seed."""
    t = truth()
    coupled = np.flatnonzero(np.nan_to_num(t.genome) > COUPLED)
    others = np.setdiff1d(np.arange(len(t.genome)), coupled)
    return sorted({*coupled.tolist(), *np.random.default_rng(0).choice(others, 453, replace=False).tolist()})


def table() -> None:
    """Every source over the sample; the last row has the seconds a strain took."""
    rows, every = sample(), list(strains())
    columns: dict[str, list[float]] = {}
    for name, source in sources().items():
        begin = time.process_time()
        columns[name] = [source(every[row]) for row in rows]
        columns[name].append((time.process_time() - begin) / len(rows))
        print(f"{name}: {columns[name][-1]:.4f} s a strain", flush=True)
        with TABLE.open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(["row", *columns])
            out.writerows([row, *(f"{c[n]:.6f}" for c in columns.values())] for n, row in enumerate([*rows, "seconds"]))


def tabled() -> tuple[list[int], dict[str, np.ndarray], dict[str, float]]:
    """Rows of the sample, and by source its answers and its seconds."""
    with TABLE.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    names = [name for name in lines[0] if name != "row"]
    answers = {name: np.array([float(line[name]) for line in lines[:-1]]) for name in names}
    return [int(line["row"]) for line in lines[:-1]], answers, {name: float(lines[-1][name]) for name in names}


# ---- how well, and what for ----


def prices(name: str, seconds: dict[str, float]) -> dict[str, float]:
    """Of a task of a source in tasks of `succinate.genome@1`, cold and warm.

    Three programmes of the costly source are one and a half times the two that were timed.
    """
    whole = 1.5 * seconds["genome"]
    read = READ.get(name, READ["core"])
    return {
        "cold": (read + seconds[name]) / (READ["genome"] + whole),
        "warm": (OVERHEAD + seconds[name]) / (OVERHEAD + whole),
    }


def compare() -> None:
    """Rank correlations over the sample, and what a task costs."""
    rows, answers, seconds = tabled()
    b = truth().genome[rows]
    filled, near = np.nan_to_num(b), np.nan_to_num(b) >= 0.95 * np.nanmax(b)
    print(
        "| source | alive: told right | all | alive in both | coupled in either | within 5 %, in its first 15 | "
        "ms a strain | price cold | warm |\n|---|---|---|---|---|---|---|---|---|"
    )
    for name, found in answers.items():
        a = np.nan_to_num(found)
        both = ~np.isnan(found) & ~np.isnan(b)
        kept = (np.ones(len(a), bool), both, (a > COUPLED) | (filled > COUPLED))
        rho = [f"{spearmanr(a[k], filled[k]).statistic:+.2f}" for k in kept]
        top = np.argsort(-a, kind="stable")[:15]
        price = prices(name, seconds)
        print(
            f"| {name} | {100 * np.mean(np.isnan(found) == np.isnan(b)):.0f} % | {' | '.join(rho)} | {near[top].sum()} "
            f"of {near.sum()} | {1000 * seconds[name]:.1f} | {price['cold']:.2f} | {price['warm']:.2f} |"
        )


def optknock(most: int) -> None:
    """OptKnock itself on the core model by GLPK, as published and tilted: what its first strains are worth."""
    t = truth()
    for label, tilt in (("as published", 0.0), ("tilted", TILT)):
        print(f"\n{label}\n\n| strain | succinate, core | coupled yield, genome | rank of {len(t.names)} | s |")
        print("|---|---|---|---|---|")
        begin, near = time.process_time(), 0
        for strain, succinate in islice(designs(3, tilt=tilt), most):
            name = " ".join(strain) or "wild type"
            row = t.names.index(name)
            value = float(np.nan_to_num(t.genome[row]))
            rank = int(np.sum(np.nan_to_num(t.genome) > value)) + 1
            near += bool(t.near[row])
            took = time.process_time() - begin
            print(f"| {name} | {succinate:.3f} | {value:.4f} | {rank} | {took:.1f} |", flush=True)
        print(f"{near} of the first {most} are within 5 % of the optimum, of {t.near.sum()} in all")


def race(seeds: int) -> None:
    """Costs at equal price, each source asked strain by strain as a task of its own, then the genome-scale one.

    What can be had from a cheap source without a model of the strains: so many strains at random are put to it, and the
    costly source is asked down its list. The number is the best one for each source, which a campaign does not know.
    """
    rows, answers, seconds = tabled()
    t = truth()
    near, total = t.near[rows], len(t.genome)
    weight = _weights(rows)
    exact = (total + 1) / (t.near.sum() + 1)
    print(f"random, genome alone: {exact:.0f} tasks to within 5 % (exactly); {seeds} draws below\n")
    print("| source | price cold | best screen, strains | cost cold | gain | price warm | screen | cost warm | gain |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, found in answers.items():
        if name == "genome":
            continue
        cells = []
        for price in prices(name, seconds).values():
            screened, cost = _best_screen(np.nan_to_num(found, nan=-1.0), near, weight, price, seeds)
            cells.append(f"{price:.2f} | {screened} | {cost:.0f} | {exact / cost:.1f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _weights(rows: list[int]) -> np.ndarray:
    """How many strains of all stand for each of the sample: those that are coupled are all there, the others few."""
    t = truth()
    coupled = np.nan_to_num(t.genome[rows]) > COUPLED
    others = len(t.genome) - int(np.sum(np.nan_to_num(t.genome) > COUPLED))
    return np.where(coupled, 1.0, others / np.sum(~coupled))


def _best_screen(
    merit: np.ndarray, near: np.ndarray, weight: np.ndarray, price: float, seeds: int
) -> tuple[int, float]:
    """The best number of strains to screen, and the mean cost to within 5 % of the optimum with it."""
    total = round(weight.sum())
    best = (0, math.inf)
    for screened in (25, 50, 100, 200, 400, 800, 1600, total):
        costs = []
        for seed in range(seeds):
            draw = np.random.default_rng(seed)
            pool = np.repeat(np.arange(len(merit)), np.maximum(1, weight.round().astype(int)))
            order = draw.permutation(pool)
            costs.append(_cost_down(order, screened, merit, near, price, draw))
        if (mean := float(np.mean(costs))) < best[1]:
            best = (screened, mean)
    return best


def _cost_down(
    order: np.ndarray, screened: int, merit: np.ndarray, near: np.ndarray, price: float, draw: np.random.Generator
) -> float:
    """Screen in portions of a random order, each followed down its list to its end, until one is near the optimum."""
    spent = 0.0
    for begin in range(0, len(order), screened):
        part = order[begin : begin + screened]
        spent += price * len(part)
        listed = part[np.lexsort((draw.random(len(part)), -merit[part]))]
        # The costly source is asked of the best twentieth of each portion, fifteen at least; then the next portion.
        asked = listed[: max(15, len(part) // 20)]
        hits = np.flatnonzero(near[asked])
        if hits.size:
            return spent + float(hits[0] + 1)
        spent += len(asked)
    return spent


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("networks", "table", "compare", "race", "optknock"))
    parser.add_argument("--seeds", type=int, default=200, help="for `race`")
    parser.add_argument("--most", type=int, default=15, help="strains, for `optknock`")
    given = parser.parse_args()
    if given.what == "race":
        race(given.seeds)
    elif given.what == "optknock":
        optknock(given.most)
    else:
        {"networks": networks, "table": table, "compare": compare}[given.what]()


if __name__ == "__main__":
    main()
