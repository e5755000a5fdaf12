"""The materials pack measured: `python -m benchmarks.packs.materials time|table|race|boundary|figure`.

`time` measures seconds and memory per evaluation in fresh processes; `table` answers every alloy of the ageing campaign
by both sources (about two minutes; kept in `data/materials.csv`); `race` compares searches on it; `boundary` compares
ways to map the phases of Al–Zn; `figure` draws docs/packs/materials.svg.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from benchmarks.packs.race import CACHE, PEERS, SEARCHES, Answer, Table, load, run, save
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.stats import qmc

from yosegi.core.capability import Infeasible
from yosegi.planner import Candidates, Objective, Observation, Parameter, Problem, suggest
from yosegi_packs.materials import Ageing, Invariants, ageing, ageing_quick, invariants, phases
from yosegi_packs.materials.diagram import diagram
from yosegi_packs.materials.systems import AL_ZN, MASSES

TABLE = CACHE / "materials.csv"
FIGURE = Path(__file__).parents[2] / "docs" / "packs" / "materials.svg"
COSTS = (0.05, 1.0)
UNIT = "costly answers, by seconds of a task forked from `warm`"
RECIPES = 256
GRID = (np.arange(2.0, 99.0, 4.0), np.arange(402.0, 760.0, 8.0))
"""Mole % zinc and K of the points that a map of Al–Zn may ask for."""

COUNTS = (20, 40, 60, 80)
"""Measurements after which a map is scored."""

MEASURED = (381.0 + 273.15, 277.0 + 273.15)
"""K: eutectic and eutectoid, Murray, Bull. Alloy Phase Diagrams 4:55 (1983)."""


def answered(source: Callable[..., Ageing], magnesium: float, silicon: float) -> float:
    """The silicide, NaN where infeasible."""
    try:
        return source(magnesium, silicon).silicide
    except Infeasible:
        return np.nan


def build() -> None:
    """Every alloy by both sources; neither has noise, so that the costly one is the truth."""
    points = qmc.scale(qmc.Sobol(2, scramble=True, rng=2026).random(RECIPES), (0.2, 0.2), (1.6, 1.6)).round(2)
    alloys = [{"magnesium": float(mg), "silicon": float(si)} for mg, si in np.unique(points, axis=0)]
    cheap = tuple(Answer(-answered(ageing_quick, **alloy), 0.0) for alloy in alloys)
    costly = tuple(Answer(-answered(ageing, **alloy), 0.0) for alloy in alloys)
    truth = tuple(answer.value for answer in costly)
    save(TABLE, Table("ageing", "silicide", COSTS, UNIT, tuple(alloys), cheap, costly, truth))


# ---- time ----

PROBE = """
import resource, sys, time
start = time.process_time()
import yosegi_packs.materials as pack
imported = time.process_time() - start
call = eval(sys.argv[1], vars(pack))
times = []
for _ in range(3):
    start = time.process_time()
    call()
    times.append(time.process_time() - start)
print(imported, times[0], min(times[1:]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

CASES = {
    "alloy.ageing-quick@1": "lambda: ageing_quick(0.8, 0.46)",
    "alloy.ageing@1": "lambda: ageing(0.8, 0.46)",
    "alloy.phases@1, Al-Zn": "lambda: phases(573.15, zinc=50.0)",
    "alloy.phases@1, Al-Mg-Si": "lambda: phases(450.0, magnesium=0.8, silicon=0.46)",
    "alloy.invariants@1": "lambda: invariants()",
}


def timed(repeats: int = 3) -> None:
    """Medians over fresh processes."""
    print("| capability | import, s | first answer, s | further answer, s | MB at most |\n|---|---|---|---|---|")
    for name, code in CASES.items():
        rows = []
        for _ in range(repeats):
            told = subprocess.run([sys.executable, "-c", PROBE, code], capture_output=True, text=True, check=True)
            rows.append([float(word) for word in told.stdout.split()])
        imported, first, further, memory = np.median(rows, axis=0)
        print(f"| `{name}` | {imported:.1f} | {first:.2g} | {further:.2g} | {memory:.0f} |", flush=True)


# ---- boundary ----


@cache
def reactions() -> Invariants:
    """The invariants, computed once."""
    return invariants()


@dataclass(frozen=True)
class Map:
    """Al–Zn on the grid: points in mole % zinc and K, shape (n, 2), and the label of each."""

    points: NDArray[np.float64]
    labels: NDArray[np.str_]

    @property
    def scaled(self) -> NDArray[np.float64]:
        """Points in units of the grid's range."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        return np.asarray((self.points - low) / (high - low))

    def score(self, asked: Sequence[int]) -> float:
        """Share of the points whose label is that of the nearest point asked: the same judge for all searches."""
        at = self.scaled
        nearest = np.argmin(((at[:, None, :] - at[None, list(asked), :]) ** 2).sum(axis=2), axis=1)
        return float(np.mean(self.labels[np.array(asked)[nearest]] == self.labels))

    def bracket(self, asked: Sequence[int], which: int) -> float:
        """Kelvin between the nearest points asked below and above an invariant; infinite where one side is missing."""
        found = reactions()
        ends = ((found.eutectic_fcc, found.eutectic_hcp), (found.eutectoid_fcc, found.eutectoid_parent))[which]
        zinc, kelvin = self.points[list(asked)].T
        within = (zinc > ends[0]) & (zinc < ends[1])
        below = within & (self.labels[list(asked)] == "fcc + hcp")
        above = within & ~below
        if not below.any() or not above.any():
            return np.inf
        low, high = kelvin[below].max(), kelvin[above].min()
        assert low < (found.eutectic, found.eutectoid)[which] < high
        return float(high - low)


def mapped() -> Map:
    """The label of each point of the grid, by CALPHAD."""
    points = np.array([(zinc, kelvin) for zinc in GRID[0] for kelvin in GRID[1]])
    x = points[:, 0] / 100.0
    mass = 100.0 * x * MASSES["ZN"] / (x * MASSES["ZN"] + (1.0 - x) * MASSES["AL"])
    labels = [phases(float(kelvin), zinc=float(m)).label for m, kelvin in zip(mass, points[:, 1], strict=True)]
    return Map(points, np.array(labels))


Mapper = Callable[[Map, int, int], list[int]]


def by_chance(of: Map, seed: int, count: int) -> list[int]:
    """Points in random order."""
    return np.random.default_rng(seed).permutation(len(of.points))[:count].tolist()


def by_design(of: Map, seed: int, count: int) -> list[int]:
    """The grid's points nearest to a Sobol sequence: what a person without a model would do."""
    at, asked = of.scaled, []
    for point in qmc.Sobol(2, scramble=True, rng=seed).random(128):
        row = int(np.argmin(((at - point) ** 2).sum(axis=1)))
        if row not in asked:
            asked.append(row)
    return asked[:count]


def by_peer(of: Map, seed: int, count: int) -> list[int]:
    """Least certain label first by label propagation: PDC (Terayama et al., Phys. Rev. Materials 3:033802, 2019)."""
    from sklearn.semi_supervised import LabelPropagation

    kinds = {kind: at for at, kind in enumerate(sorted(set(of.labels)))}
    asked = by_chance(of, seed, 5)
    while len(asked) < count:
        known = np.full(len(of.points), -1)
        known[asked] = [kinds[of.labels[row]] for row in asked]
        if len(set(known)) < 3:
            asked.append(by_chance(of, seed, len(asked) + 1)[-1])
            continue
        model = LabelPropagation(kernel="knn", n_neighbors=12, max_iter=300).fit(of.scaled, known)
        shares = np.nan_to_num(model.label_distributions_)
        doubt = 1.0 - shares.max(axis=1)
        doubt[asked] = -1.0
        best = np.flatnonzero(doubt >= doubt.max() - 1e-9)
        asked.append(int(np.random.default_rng(1000 * seed + len(asked)).choice(best)))
    return asked


def by_planner(of: Map, seed: int, count: int) -> list[int]:
    """The planner with goal `boundary`, from the same five points."""
    names = ("zinc", "temperature")
    candidates = Candidates.of(dict(zip(names, of.points.T, strict=True)))
    lows, highs = of.points.min(axis=0).tolist(), of.points.max(axis=0).tolist()
    problem = Problem(
        parameters=tuple(Parameter.continuous(*of_one) for of_one in zip(names, lows, highs, strict=True)),
        objectives=(Objective("label", "boundary"),),
        candidates=candidates,
    )
    asked = by_chance(of, seed, 5)
    while len(asked) < count:
        history = [Observation(candidates.row(row), {"label": str(of.labels[row])}) for row in asked]
        [proposal] = suggest(problem, history, seed=10_000 * seed + len(asked))
        asked.append(int(str(proposal.candidate)))
    return asked


MAPPERS: dict[str, Mapper] = {
    "random": by_chance,
    "Sobol design": by_design,
    "label propagation (PDC's method)": by_peer,
    "planner, goal boundary": by_planner,
}


def boundary(seeds: int) -> None:
    """Mean share of labels right after so many measurements, with its 95 % bootstrap interval, and invariants."""
    import time

    of = mapped()
    kinds, counts = np.unique(of.labels, return_counts=True)
    print(f"{len(of.labels)} points: {dict(zip(kinds.tolist(), counts.tolist(), strict=True))}; {seeds} seeds\n")
    head = " | ".join(f"% right, {count} measured" for count in COUNTS)
    print(
        f"| search | {head} | eutectic within, K | eutectoid within, K | s a proposal |\n|{'---|' * (len(COUNTS) + 4)}"
    )
    for name, search in MAPPERS.items():
        start = time.process_time()
        runs = [search(of, seed, COUNTS[-1]) for seed in range(seeds)]
        seconds = (time.process_time() - start) / (seeds * COUNTS[-1])
        cells = [interval([100.0 * of.score(asked[:count]) for asked in runs]) for count in COUNTS]
        ends = [f"{np.median([of.bracket(asked, which) for asked in runs]):.0f}" for which in (0, 1)]
        print(f"| {name} | {' | '.join(cells)} | {' | '.join(ends)} | {seconds:.3f} |", flush=True)


def interval(values: Sequence[float]) -> str:
    """Mean and its 95 % bootstrap interval."""
    draws = np.random.default_rng(0).choice(values, (2000, len(values))).mean(axis=1)
    return f"{np.mean(values):.1f} ({np.quantile(draws, 0.025):.1f} to {np.quantile(draws, 0.975):.1f})"


# ---- figure ----


def draw() -> None:
    """The diagram with what the planner asked, and the alloys that can be solution-treated."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "yosegi"
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.4), layout="constrained")
    of = mapped()
    asked = by_planner(of, 0, COUNTS[-1])
    marks = ("o", "s", "^", "v", "D", "P", "X")
    colours = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "0.4")
    for kind, mark, colour in zip(sorted(set(of.labels)), marks, colours, strict=False):
        rows = [row for row in asked if of.labels[row] == kind]
        left.scatter(*of.points[rows].T, 22, colour, marker=mark, label=kind, zorder=3)
    lines, points = diagram(AL_ZN)
    for line in lines:
        for zinc in line.zinc:
            left.plot(zinc, line.temperature, "0.5", linewidth=0.9)
    for point in points:
        ends = [zinc for found in point.zinc.values() for zinc in found]
        left.plot((min(ends), max(ends)), (point.temperature,) * 2, "0.5", linewidth=0.9)
    for kelvin in MEASURED:
        left.axhline(kelvin, color="0.2", linestyle=":", linewidth=0.8)
    left.set(xlabel="zinc, mole %", ylabel="temperature, K", xlim=(0, 100), ylim=(400, 960))
    left.set_title(f"Al–Zn: {len(asked)} points by the planner; dotted: measured 381 and 277 °C", fontsize=9)
    left.legend(fontsize=7, loc="upper right", frameon=False)
    _draw_ageing(right)
    figure.savefig(FIGURE, metadata={"Date": None})
    print(f"wrote {FIGURE}")


def _draw_ageing(axes: Axes) -> None:
    table = load(TABLE, "ageing", "silicide", COSTS, UNIT)
    at = np.array([(r["magnesium"], r["silicon"]) for r in table.recipes])
    costly = -np.array([a.value for a in table.costly])
    cheap = -np.array([a.value for a in table.cheap])
    no, trap = np.isnan(costly) & np.isnan(cheap), np.isnan(costly) & ~np.isnan(cheap)
    axes.scatter(*at[no].T, 14, "0.75", marker="x", label="no window of 30 K by either")
    axes.scatter(*at[trap].T, 20, "#d55e00", marker="x", label="none by CALPHAD alone")
    fine = ~np.isnan(costly)
    shown = axes.scatter(*at[fine].T, 24, costly[fine], cmap="viridis")
    axes.figure.colorbar(shown, ax=axes, label="Mg₂Si at 448 K, mass %")
    axes.axline((0, 0), slope=1 / 1.73, color="0.4", linewidth=0.8)
    axes.set(xlabel="magnesium, mass %", ylabel="silicon, mass %", xlim=(0.1, 1.7), ylim=(0.1, 1.7))
    axes.set_title("Al–Mg–Si: line is Mg : Si = 1.73", fontsize=9)
    axes.legend(fontsize=7, loc="upper right")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("time", "table", "race", "boundary", "figure"))
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--searches", nargs="*", default=[*SEARCHES, *PEERS], help="for `race`")
    options = parser.parse_args()
    if options.what == "time":
        timed()
    elif options.what == "table":
        build()
    elif options.what == "race":
        table = load(TABLE, "ageing", "silicide", COSTS, UNIT)
        run(table, options.seeds, 128.0, 0.02, options.searches)
    elif options.what == "boundary":
        boundary(options.seeds)
    else:
        draw()


if __name__ == "__main__":
    main()
