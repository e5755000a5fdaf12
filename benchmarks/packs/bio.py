"""What the two fidelities of strain design cost, how well one predicts the other, and what the planner makes of it.

    python -m benchmarks.packs.bio table     # both models over all 3,304 strains -> bio.csv (about two minutes)
    python -m benchmarks.packs.bio cost      # seconds and memory of one task in a process of its own
    python -m benchmarks.packs.bio compare   # rank correlation, and the figure docs/packs/bio.svg
    python -m benchmarks.packs.bio search    # planner against random search at equal cost -> bio-search.csv

`search` looks answers up in the table, so that a run of hundreds of trials takes seconds and the optimum is known.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import kendalltau, rankdata, spearmanr

from yosegi.core.capability import Infeasible
from yosegi.planner import Candidates, Objective, Observation, Problem, Source, Status, suggest
from yosegi_packs.bio import core, genome
from yosegi_packs.bio.cells import Excretion
from yosegi_packs.bio.strains import CANDIDATES, strains, triple

HERE = Path(__file__).parent
TABLE = HERE / "bio.csv"
SEARCH = HERE / "bio-search.csv"
FIGURE = HERE.parents[1] / "docs" / "packs" / "bio.svg"
FIDELITIES = {"core": core, "genome": genome}
FIELDS = ("coupled_yield", "growth", "succinate_least", "succinate_most")
COUPLED = 0.01
"""1/h; above it a strain counts as coupled. The wild type has 0.002 on the genome-scale model, from biosynthesis."""


# ---- the table ----


def table() -> None:
    """Both models over every strain, no oxygen, 10 mmol/(g·h) glucose, 95 % of the largest growth. Empty is dead."""
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["strain", *(f"{name}_{field}" for name in FIDELITIES for field in FIELDS)])
        out.writerows(_answers("mixed-acid"))
    print(f"wrote {TABLE}")


def _answers(excretion: Excretion) -> Iterator[list[str]]:
    for knockouts in strains():
        row = [" ".join(knockouts) or "wild type"]
        for capability in FIDELITIES.values():
            try:
                answer = capability(*triple(knockouts), excretion=excretion)
                row += [f"{getattr(answer, field):.6g}" for field in FIELDS]
            except Infeasible:
                row += [""] * len(FIELDS)
        yield row


@dataclass(frozen=True)
class Truth:
    """Coupled yields over strains, in 1/h; NaN is dead."""

    names: list[str]
    core: np.ndarray
    genome: np.ndarray

    @classmethod
    def of(cls, rows: Iterable[list[str]]) -> Truth:
        """From rows as `_answers` gives them."""
        found = list(rows)
        values = [[float(row[i] or "nan") for row in found] for i in (1, 1 + len(FIELDS))]
        return cls([row[0] for row in found], *map(np.array, values))

    @property
    def best(self) -> int:
        """Index of the optimum on the genome-scale model."""
        return int(np.nanargmax(self.genome))

    @property
    def near(self) -> np.ndarray:
        """Which strains lie within 5 % of the optimum."""
        near: np.ndarray = np.nan_to_num(self.genome) >= 0.95 * self.genome[self.best]
        return near


def truth() -> Truth:
    """Read the table, checking that it is of the present candidate set."""
    with TABLE.open(encoding="utf-8") as file:
        found = Truth.of(list(csv.reader(file))[1:])
    if found.names != [" ".join(k) or "wild type" for k in strains()]:
        raise SystemExit(f"{TABLE} is of another candidate set: run `table` first")
    return found


# ---- cost ----

_ONE = """
import json, os, resource, time
from statistics import median
begin = time.process_time()
from yosegi_packs.bio import {name}
from yosegi_packs.bio.strains import triple
imported = time.process_time()
{name}("none", "none", "none")
first = time.process_time()
some = [("LDH_D",), ("ALCD2x", "LDH_D"), ("PFL", "PYK"), ("MDH", "PDH", "TALA"), ("ICL", "RPE", "SUCDi")]
for knockouts in some:
    {name}(*triple(knockouts))
end = time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def forked(knockouts):
    child = os.fork()
    if child == 0:
        {name}(*triple(knockouts))
        os._exit(0)
    used = os.wait4(child, 0)[2]
    return used.ru_utime + used.ru_stime
from yosegi_packs.bio import warm
warmed = median(forked(knockouts) for knockouts in some)
print(json.dumps([imported - begin, first - imported, (end - first) / len(some), warmed, peak]))
"""


def cost() -> None:
    """Median of five fresh processes, in seconds of processor time, which other load does not lengthen."""
    head = ("fidelity", "import, s", "first answer, s", "further answers, s", "task forked from `warm`, s", "peak, MB")
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for name in FIDELITIES:
        runs = []
        for _ in range(5):
            command = [sys.executable, "-c", _ONE.format(name=name)]
            runs.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        start, first, further, warmed, peak = np.median(runs, axis=0)
        print(f"| {name} | {start:.2f} | {first:.2f} | {further:.4f} | {warmed:.3f} | {peak:.0f} |")


# ---- how well one predicts the other ----


def compare(excretion: Excretion) -> None:
    """Correlations over the stated set, what the core model finds of the best, and the figure."""
    t = truth() if excretion == "mixed-acid" else Truth.of(_answers(excretion))
    in_core, in_genome = ~np.isnan(t.core), ~np.isnan(t.genome)
    alive = in_core & in_genome
    a, b = np.nan_to_num(t.core), np.nan_to_num(t.genome)
    print(
        f"{len(t.names)} strains: {alive.sum()} grow in both models, {(in_genome & ~in_core).sum()} in genome alone, "
        f"{(in_core & ~in_genome).sum()} in core alone"
    )
    print(f"optimum: {t.names[t.best]} at {t.genome[t.best]:.6f} 1/h; {t.near.sum()} strains within 5 % of it")
    for label, kept in (
        ("all, dead strains count as 0", np.ones(len(a), bool)),
        ("strains that grow in both", alive),
        ("strains coupled in either", (a > COUPLED) | (b > COUPLED)),
    ):
        x, y = a[kept], b[kept]
        print(
            f"{label} (n = {len(x)}): Spearman {spearmanr(x, y).statistic:+.2f}, "
            f"Kendall {kendalltau(x, y).statistic:+.2f}, Pearson {np.corrcoef(x, y)[0, 1]:+.2f}"
        )
    good = b > COUPLED
    print(f"core tells coupled from not: area under the curve {_area(a, good):.2f}")
    for k in (15, 50, 100):
        top = np.argsort(-a, kind="stable")[:k]
        print(
            f"of core's best {k}: {good[top].sum()} coupled in genome (by chance {k * good.mean():.1f}), "
            f"{t.near[top].sum()} within 5 % of the optimum (by chance {k * t.near.mean():.1f})"
        )
    if excretion == "mixed-acid":
        _draw(t)


def _area(score: np.ndarray, positive: np.ndarray) -> float:
    """Area under the receiver operating characteristic, by the Mann-Whitney statistic; ties count half."""
    n, m = positive.sum(), (~positive).sum()
    return float((rankdata(score)[positive].sum() - n * (n + 1) / 2) / (n * m))


def _draw(t: Truth) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "yosegi"
    import matplotlib.pyplot as plt

    place = -0.008  # where strains that one model calls dead are drawn
    figure, axes = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
    both = ~np.isnan(t.core) & ~np.isnan(t.genome)
    points = np.column_stack([np.where(np.isnan(v), place, v) for v in (t.core, t.genome)]).round(3)
    for kept, marker, colour, label in (
        (both, "o", "#0072b2", "grow in both models"),
        (~both, "s", "#d55e00", "dead in one model or both (drawn below 0)"),
    ):
        places, count = np.unique(points[kept], axis=0, return_counts=True)
        size = 10 * np.sqrt(count)
        axes.scatter(places[:, 0], places[:, 1], size, colour, marker=marker, alpha=0.5, linewidths=0, label=label)
    best = points[t.best]
    axes.annotate(t.names[t.best], best, (best[0] + 0.01, best[1] + 0.006), fontsize=9)
    axes.axline((0, 0), slope=1, color="0.6", linewidth=0.8)
    axes.set(xlabel="coupled yield on the core model, 1/h", ylabel="coupled yield on iJO1366, 1/h", ylim=(-0.015, 0.15))
    axes.legend(loc="center right", fontsize=9, markerscale=1.0)
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(FIGURE, metadata={"Date": None})
    print(f"drew {FIGURE}")


# ---- search ----


SHARES = (0.9, 0.95, 1.0)
"""Of the optimum: what a run is timed to."""

NOISE = 0.003
"""1/h. Differences below it are not worth building a strain for; the planner is told so."""

SCREENED = 200
"""Core tasks at random that a screened campaign starts with."""

SCOUTED = 100
"""Core tasks, chosen by the planner on the core model alone, that a scouted campaign starts with."""

Reached = dict[float, float]
"""Cost, in genome-scale tasks, at which each share of the optimum was reached; infinite where it was not."""


def flags() -> Candidates:
    """One truth value per candidate knock-out."""
    return Candidates.of([{c: c in k for c in CANDIDATES} for k in strains()])


@dataclass
class Campaign:
    """A campaign against the table: one proposal at a time until the budget is spent or the optimum is known."""

    truth: Truth
    rows: Candidates
    sources: tuple[Source, ...]
    seed: int
    spent: float = 0.0

    def __post_init__(self) -> None:
        self.history: list[Observation] = []
        self.reached: Reached = dict.fromkeys(SHARES, math.inf)

    def ask(self, index: int, source: str) -> None:
        """One task: look the answer up, pay for it, record it."""
        price = next(s.price.base for s in self.sources if s.name == source)
        value = float((self.truth.core if source == "core" else self.truth.genome)[index])
        self.spent += price
        dead = math.isnan(value)
        outcomes = {} if dead else {"coupled_yield": value}
        status = Status.INFEASIBLE if dead else Status.DONE
        self.history.append(Observation(self.rows.row(index), outcomes, source=source, cost=price, status=status))
        if source == "genome" and not dead:
            top = self.truth.genome[self.truth.best]
            for share in SHARES:
                if value >= share * top - 1e-9:
                    self.reached[share] = min(self.reached[share], self.spent)

    def screen(self, tasks: int) -> Campaign:
        """Ask the core model about strains drawn at random."""
        for index in np.random.default_rng(self.seed).permutation(len(self.rows))[:tasks]:
            self.ask(int(index), "core")
        return self

    def scout(self, tasks: int) -> Campaign:
        """Follow the planner as if the core model were the question."""
        for _ in range(tasks):
            self._step(tuple(s for s in self.sources if s.name == "core"))
        return self

    def run(self, budget: float) -> Reached:
        """Follow the planner with all sources."""
        while self.spent < budget and self.reached[1.0] == math.inf:
            self._step(self.sources)
        return self.reached

    def _step(self, sources: tuple[Source, ...]) -> None:
        problem = Problem(
            parameters=self.rows.parameters(),
            objectives=(Objective("coupled_yield", "maximise", noise=NOISE, unit="1/h"),),
            candidates=self.rows,
            sources=sources,
        )
        [proposal] = suggest(problem, self.history, seed=10_000 * self.seed + len(self.history))
        self.ask(int(str(proposal.candidate)), proposal.source or sources[0].name)


def in_order(t: Truth, order: np.ndarray, before: float) -> Reached:
    """Genome-scale tasks in a given order, after `before` was spent, to the end of the table."""
    best = np.fmax.accumulate(np.nan_to_num(t.genome[order]))
    return {s: before + float(np.argmax(best >= s * t.genome[t.best] - 1e-9) + 1) for s in SHARES}


def chance(t: Truth, seed: int) -> Reached:
    """Random search on the genome-scale model, without replacement."""
    return in_order(t, np.random.default_rng(seed).permutation(len(t.genome)), 0.0)


def screen(t: Truth, ratio: float, seed: int) -> Reached:
    """The obvious thing: every strain on the core model, then the genome-scale model from its best downwards."""
    ties = np.random.default_rng(seed).random(len(t.core))
    return in_order(t, np.lexsort((ties, -np.nan_to_num(t.core, nan=-1.0))), ratio * len(t.core))


def arms(t: Truth, ratio: float, budget: float) -> dict[str, Callable[[int], Reached]]:
    """What is compared, by name."""
    one, two = (Source("genome", 1.0),), (Source("genome", 1.0), Source("core", ratio))
    rows = flags()

    def of(sources: tuple[Source, ...], seed: int) -> Campaign:
        return Campaign(t, rows, sources, seed)

    return {
        "random": lambda seed: chance(t, seed),
        "all on core, then genome": lambda seed: screen(t, ratio, seed),
        "planner, genome alone": lambda seed: of(one, seed).run(budget),
        "planner, both": lambda seed: of(two, seed).run(budget),
        "planner, both, screened": lambda seed: of(two, seed).screen(SCREENED).run(budget),
        "planner, both, scouted": lambda seed: of(two, seed).scout(SCOUTED).run(budget),
    }


def search(seeds: int, ratio: float, budget: float, only: str) -> None:
    """Run the arms over the seeds; print medians and quartiles of the cost; keep each run, and run none twice."""
    t = truth()
    head = ["arm", "core_cost", "budget", "seed", *(f"cost_to_{s:g}" for s in SHARES)]
    rows: list[list[str]] = []
    if SEARCH.exists():
        with SEARCH.open(encoding="utf-8") as file:
            rows = list(csv.reader(file))[1:]
    for name, arm in arms(t, ratio, budget).items():
        if only and name != only:
            continue
        for seed in range(seeds):
            key = [name, f"{ratio:g}", f"{budget:g}", str(seed)]
            if not any(row[:4] == key for row in rows):
                rows.append([*key, *(f"{cost:g}" for cost in arm(seed).values())])
                _keep(head, rows)
        print(f"| {name} | {_summary([r for r in rows if r[:3] == [name, f'{ratio:g}', f'{budget:g}']])} |", flush=True)


def _keep(head: list[str], rows: list[list[str]]) -> None:
    with SEARCH.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerows([head, *sorted(rows, key=lambda row: (row[:3], int(row[3])))])


def _summary(rows: list[list[str]]) -> str:
    """By share: median (quartiles) of the cost, and how many runs came there."""
    parts = []
    for column in range(4, 4 + len(SHARES)):
        costs = np.array([float(row[column]) for row in rows])
        low, middle, high = np.quantile(costs, (0.25, 0.5, 0.75), method="inverted_cdf")
        parts.append(f"{middle:.0f} ({low:.0f}-{high:.0f}), {np.isfinite(costs).sum()}/{len(costs)}")
    return " | ".join(parts)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("table", "cost", "compare", "search"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--ratio", type=float, default=0.1, help="price of a core task in genome-scale ones")
    parser.add_argument("--budget", type=float, default=100.0, help="in genome-scale tasks")
    parser.add_argument("--only", default="", help="this arm alone")
    parser.add_argument("--excretion", choices=("mixed-acid", "any"), default="mixed-acid", help="for `compare`")
    given = parser.parse_args()
    if given.what == "table":
        table()
    elif given.what == "cost":
        cost()
    elif given.what == "compare":
        compare(given.excretion)
    else:
        search(given.seeds, given.ratio, given.budget, given.only)


if __name__ == "__main__":
    main()
