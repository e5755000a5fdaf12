"""The colour question measured: `python -m benchmarks.packs.labs`: wells until one is below CIEDE2000 2.0.

Campaigns as in examples/colour.toml (a well costs 20 simulations) on robots whose truth is drawn from a seed, one
proposal at a time: the planner with both sources, with wells alone, and recipes at random, whose mean is one over the
share of recipes that are good enough, from 200,000 of them. The simulation's cost is counted in wells. Other planners
(`--peers`) know no mixtures: they choose three numbers from 0 to 1 that break 150 µL into four parts, evenly over all
recipes, and have wells alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
from benchmarks.packs.race import ADAPTERS

from yosegi.planner import Linear, Objective, Observation, Parameter, Problem, Source, suggest
from yosegi_packs.labs.answer import GOOD_ENOUGH, TARGET, random_recipes
from yosegi_packs.labs.capabilities import simulate
from yosegi_packs.labs.colour import delta_e
from yosegi_packs.labs.truth import Truth, draw_truth
from yosegi_packs.labs.uncertainty import standard_error

LIQUIDS = ("red", "yellow", "blue", "water")
WELL, SIMULATION = 20.0, 1.0
LIMIT = 100
"""Wells after which a search is counted as having used that many and no more."""


def problem(both: bool) -> Problem:
    """The question of examples/colour.toml."""
    sources = (Source("well", WELL), Source("simulation", SIMULATION))
    return Problem(
        parameters=tuple(Parameter.continuous(name, 0.0, 150.0, resolution=0.5) for name in LIQUIDS),
        objectives=(Objective("delta_e"),),
        constraints=(Linear(dict.fromkeys(LIQUIDS, 1.0), equals=150.0),),
        sources=sources if both else sources[:1],
    )


def campaign(truth: Truth, seed: int, both: bool) -> tuple[int, float]:
    """Wells until one is good enough, and the cost in wells, simulations included."""
    history: list[Observation] = []
    wells, spent, asked = 0, 0.0, problem(both)
    while wells < LIMIT:
        [proposal] = suggest(asked, history, count=1, seed=10_000 * seed + len(history))
        volumes = [float(proposal.values[name]) for name in LIQUIDS]
        if proposal.source == "simulation":
            told = simulate(*volumes, target_L=TARGET[0], target_a=TARGET[1], target_b=TARGET[2])
            found, error, cost = told.delta_e, told.standard_error, SIMULATION
        else:
            seen = truth.reading(wells, volumes)
            found, error, cost = float(delta_e(seen, TARGET)), standard_error(seen, volumes, TARGET), WELL
            wells += 1
        spent += cost / WELL
        history.append(
            Observation(proposal.values, {"delta_e": found}, {"delta_e": error}, proposal.source or "well", cost)
        )
        if cost == WELL and found < GOOD_ENOUGH:
            break
    return wells, spent


def broken(values: Sequence[float]) -> list[float]:
    """Four volumes that sum to 150 µL, evenly spread over all recipes where three values are over 0 to 1."""
    rest, volumes = 150.0, []
    for number, value in enumerate(values):
        part = round(2.0 * rest * (1.0 - (1.0 - value) ** (1.0 / (3 - number)))) / 2.0
        volumes.append(part)
        rest -= part
    return [*volumes, rest]


def peer(truth: Truth, seed: int, name: str) -> float:
    """Wells until one is good enough, by another planner."""
    names = ("first", "second", "third")
    asked = Problem(tuple(Parameter.continuous(one, 0.0, 1.0) for one in names), (Objective("delta_e"),))
    history: list[Observation] = []
    while len(history) < LIMIT:
        [proposal] = suggest(asked, history, count=1, seed=10_000 * seed + len(history), planner=ADAPTERS[name])
        volumes = broken([float(proposal.values[one]) for one in names])
        found = float(delta_e(truth.reading(len(history), volumes), TARGET))
        history.append(Observation(proposal.values, {"delta_e": found}))
        if found < GOOD_ENOUGH:
            break
    return float(len(history))


def by_chance(truth: Truth) -> float:
    """Mean number of wells to the first good one, recipes at random."""
    share = np.mean(delta_e(truth.colour(random_recipes(200_000, seed=1)), TARGET) < GOOD_ENOUGH)
    return float(1.0 / share)


def rows(seeds: int, peers: Sequence[str], ours: bool) -> Iterator[tuple[float, ...]]:
    """By truth: chance, planner with both and with wells alone unless they are left out, the peers; in wells."""
    for seed in range(seeds):
        truth = draw_truth(1000 + seed)
        planner = [campaign(truth, seed, both)[1] for both in (True, False)] if ours else []
        found = (by_chance(truth), *planner, *(peer(truth, seed, name) for name in peers))
        print(seed, *(f"{value:.1f}" for value in found), flush=True)
        yield found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--peers", nargs="*", default=["optuna-tpe", "physbo"])
    parser.add_argument("--peers-alone", action="store_true", help="leave our planner out")
    given = parser.parse_args()
    ours = not given.peers_alone
    names = [*(["planner, both sources", "planner, wells alone"] if ours else []), *given.peers]
    table = np.array(list(rows(given.seeds, given.peers, ours)))
    draw = np.random.default_rng(0).integers(0, len(table), (2000, len(table)))
    print("| search | median wells | mean | times fewer than by chance (95 %) |\n|---|---|---|---|")
    for column, name in enumerate(names, 1):
        ratio = table[draw, 0].mean(axis=1) / table[draw, column].mean(axis=1)
        low, high = np.quantile(ratio, (0.025, 0.975))
        mean = table[:, column].mean()
        print(
            f"| {name} | {np.median(table[:, column]):.1f} | {mean:.1f} | "
            f"{table[:, 0].mean() / mean:.0f} ({low:.0f} to {high:.0f}) |"
        )
    print(f"by chance: median {np.median(table[:, 0]):.0f}, mean {table[:, 0].mean():.0f}")


if __name__ == "__main__":
    main()
