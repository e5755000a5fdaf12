"""The colour question measured: `python -m benchmarks.packs.labs race|figure`: wells until one is below CIEDE2000 2.0.

Campaigns as in examples/colour.toml (a well costs 20 simulations) on robots whose truth is drawn from a seed, one
proposal at a time: the planner with both sources, with wells alone, and recipes at random, whose mean is one over the
share of recipes that are good enough, from 200,000 of them. The simulation's cost is counted in wells. Other planners
(`--peers`) know no mixtures: they choose three numbers from 0 to 1 that break 150 µL into four parts, evenly over all
recipes, and have wells alone. `figure` draws docs/packs/labs.svg: what the dyes of three robots absorb beside what the
simulation assumes, and the best well so far of a campaign on each of ten robots.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from benchmarks.packs.race import ADAPTERS
from matplotlib.axes import Axes

from yosegi.planner import Linear, Objective, Observation, Parameter, Problem, Source, suggest
from yosegi_packs.labs.answer import GOOD_ENOUGH, TARGET, random_recipes
from yosegi_packs.labs.capabilities import simulate
from yosegi_packs.labs.colour import WAVELENGTHS, delta_e
from yosegi_packs.labs.dyes import ASSUMED
from yosegi_packs.labs.truth import Truth, draw_truth
from yosegi_packs.labs.uncertainty import standard_error

LIQUIDS = ("red", "yellow", "blue", "water")
WELL, SIMULATION = 20.0, 1.0
FIGURE = Path(__file__).parents[2] / "docs" / "packs" / "labs.svg"
COLOURS = {"red": "#d55e00", "yellow": "#b8860b", "blue": "#0072b2"}
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


def campaign(truth: Truth, seed: int, both: bool) -> list[tuple[float, float]]:
    """Of each well until one is good enough: the cost so far in wells, simulations included, and its difference."""
    history: list[Observation] = []
    measured: list[tuple[float, float]] = []
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
        if cost == WELL:
            measured.append((spent, found))
            if found < GOOD_ENOUGH:
                break
    return measured


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
        planner = [campaign(truth, seed, both)[-1][0] for both in (True, False)] if ours else []
        found = (by_chance(truth), *planner, *(peer(truth, seed, name) for name in peers))
        print(seed, *(f"{value:.1f}" for value in found), flush=True)
        yield found


def draw(robots: int = 10) -> None:
    """The dyes as assumed and as they are, and the best well so far on each robot, beside what chance would find."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "yosegi"
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.3), layout="constrained")
    _draw_dyes(left)
    truths = [draw_truth(1000 + seed) for seed in range(robots)]
    _draw_chance(right, truths)
    for both, colour, label in ((False, "#d55e00", "wells alone"), (True, "#0072b2", "simulation and wells")):
        for seed, truth in enumerate(truths):
            cost, found = np.array(campaign(truth, seed, both)).T
            best = np.minimum.accumulate(found)
            right.step(cost, best, where="post", color=colour, linewidth=0.9, alpha=0.7)
            right.plot(cost[-1], best[-1], "o", color=colour, markersize=4, label=None if seed else label)
            print(f"{label}, robot {seed}: {len(cost)} wells, cost {cost[-1]:.1f}, best {best[-1]:.2f}", flush=True)
    right.axhline(GOOD_ENOUGH, color="0.5", linewidth=0.8)
    right.set(xscale="log", yscale="log", xlabel="cost, in wells", ylabel="least CIEDE2000 difference so far")
    right.set_title(f"{robots} robots whose truth no planner is told (simulated)", fontsize=9)
    right.legend(fontsize=8, frameon=False)
    figure.savefig(FIGURE, metadata={"Date": None})
    print(f"wrote {FIGURE}")


def _draw_dyes(axes: Axes) -> None:
    for number, dye in enumerate(ASSUMED):
        for seed in range(3):
            true = draw_truth(1000 + seed).dyes[number].spectrum() * dye.stock
            axes.plot(WAVELENGTHS, true, color=COLOURS[dye.name], linewidth=0.8, linestyle=":")
        axes.plot(WAVELENGTHS, dye.spectrum() * dye.stock, color=COLOURS[dye.name], label=dye.substance)
    axes.set(xlabel="wavelength, nm", ylabel="absorbance of 1 cm of stock solution")
    axes.set_title("Dyes as the simulation assumes them (line) and of three robots (dotted)", fontsize=9)
    axes.legend(fontsize=8, frameon=False)


def _draw_chance(axes: Axes, truths: Sequence[Truth]) -> None:
    """The median of the least of n recipes at random: half of all sets of n have one below the (1 - 2^(-1/n)) level."""
    wells = np.geomspace(1.0, 5000.0, 40)
    found = np.stack([delta_e(truth.colour(random_recipes(50_000, seed=1)), TARGET) for truth in truths])
    level = np.quantile(found, 1.0 - 0.5 ** (1.0 / wells), axis=1)
    axes.plot(wells, np.median(level, axis=1), "--", color="0.4", label="recipes at random (median)")


def race(seeds: int, peers: Sequence[str], ours: bool) -> None:
    """Every search on every robot, and a table in Markdown."""
    names = [*(["planner, both sources", "planner, wells alone"] if ours else []), *peers]
    table = np.array(list(rows(seeds, peers, ours)))
    draws = np.random.default_rng(0).integers(0, len(table), (2000, len(table)))
    print("| search | median wells | mean | times fewer than by chance (95 %) |\n|---|---|---|---|")
    for column, name in enumerate(names, 1):
        ratio = table[draws, 0].mean(axis=1) / table[draws, column].mean(axis=1)
        low, high = np.quantile(ratio, (0.025, 0.975))
        mean = table[:, column].mean()
        print(
            f"| {name} | {np.median(table[:, column]):.1f} | {mean:.1f} | "
            f"{table[:, 0].mean() / mean:.0f} ({low:.0f} to {high:.0f}) |"
        )
    print(f"by chance: median {np.median(table[:, 0]):.0f}, mean {table[:, 0].mean():.0f}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="race", choices=("race", "figure"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--peers", nargs="*", default=["optuna-tpe", "physbo"])
    parser.add_argument("--peers-alone", action="store_true", help="leave our planner out")
    given = parser.parse_args()
    if given.what == "race":
        race(given.seeds, given.peers, not given.peers_alone)
    else:
        draw()


if __name__ == "__main__":
    main()
