"""What one screening task is worth in the strain question: `python -m benchmarks.packs.screened table|compare|race`.

`table` puts the screen's programme to all 3,304 strains on both models and keeps data/screen.csv (under a minute);
`compare` says how well it ranks them; `race` counts what it costs to come within 5 % of the optimum and to it, by
random search, down the screen's list, and with planners that choose among the screen's best hundred.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterable

import numpy as np
from benchmarks.packs.bio import COUPLED, Truth, truth
from benchmarks.packs.race import ADAPTERS, CACHE
from scipy.stats import spearmanr

from yosegi.planner import Candidates, Objective, Observation, Parameter, Planner, Problem, Status, suggest
from yosegi_packs.bio.balance import Environment
from yosegi_packs.bio.cells import CORE, GENOME, load
from yosegi_packs.bio.screen import tilted_yield
from yosegi_packs.bio.strains import CANDIDATES, strains

SCREEN = CACHE / "screen.csv"
LIST = 100
"""Strains of the screen's list among which a planner chooses."""

GOALS = {"within 5 %": 0.95, "the optimum": 1.0}
COSTS = {
    "cold": {"genome": 2.8, "core screen": 3.4 + 0.2, "genome screen": 23.0 + 2.8},
    "warm": {"genome": 0.047, "core screen": 3.4, "genome screen": 23.0},
}
"""Processor seconds of a task: of docs/packs/bio.md for `genome`, of `table` for the screens."""


def table() -> None:
    """The screen's answers of both models; empty is dead."""
    columns = []
    for cell in (CORE, GENOME):
        model, begin = load(cell), time.process_time()
        columns.append([tilted_yield(model, cell, one, Environment()) for one in strains()])
        print(f"{cell.name}: {time.process_time() - begin:.1f} s")
    with SCREEN.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["strain", "core", "genome"])
        for one, *found in zip(strains(), *columns, strict=True):
            out.writerow([" ".join(one) or "wild type", *("" if np.isnan(f) else f"{f:.6f}" for f in found)])


def screens() -> dict[str, np.ndarray]:
    """Yields by the screens over all strains; NaN is dead."""
    with SCREEN.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {f"{name} screen": np.array([float(row[name] or "nan") for row in rows]) for name in ("core", "genome")}


def compare() -> None:
    """Rank correlations with the costly capability, and where the screens rank its best."""
    t = truth()
    b = np.nan_to_num(t.genome)
    print("| screen | all | alive | coupled in either | within 5 % among its first 15 | rank of the optimum |")
    print("|---|---|---|---|---|---|")
    for name, found in screens().items():
        a = np.nan_to_num(found)
        order = np.argsort(-a, kind="stable")
        kept = (np.ones(len(a), bool), ~np.isnan(t.genome), (a > COUPLED) | (b > COUPLED))
        rho = [f"{spearmanr(a[k], b[k]).statistic:+.2f}" for k in kept]
        place = int(np.flatnonzero(order == t.best)[0]) + 1
        print(f"| {name} | {' | '.join(rho)} | {t.near[order[:15]].sum()} of {t.near.sum()} | {place} |")


def down(t: Truth, order: Iterable[int]) -> dict[str, float]:
    """Costly tasks in a given order until each goal."""
    best = np.fmax.accumulate(np.nan_to_num(t.genome[list(order)]))
    top = t.genome[t.best]
    return {goal: float(np.argmax(best >= share * top - 1e-9) + 1) for goal, share in GOALS.items()}


def planned(t: Truth, listed: np.ndarray, seed: int, planner: str | Planner) -> dict[str, float]:
    """The same, where a planner chooses among the listed strains; infinite where they do not hold the goal."""
    every = list(strains())
    flags = {c: np.array([float(c in every[n]) for n in listed]) for c in CANDIDATES}
    flags = {c: column for c, column in flags.items() if np.ptp(column) > 0.0}
    problem = Problem(
        tuple(Parameter.continuous(c, 0.0, 1.0) for c in flags),
        (Objective("coupled_yield", "maximise", noise=0.003, unit="1/h"),),
        candidates=Candidates.of(flags),
    )
    row_of = {tuple(column[n] for column in flags.values()): int(listed[n]) for n in range(len(listed))}
    history: list[Observation] = []
    asked: list[int] = []
    while len(asked) < len(listed) and t.best not in asked:
        [proposal] = suggest(problem, history, count=1, seed=10_000 * seed + len(history), planner=planner)
        row = row_of[tuple(float(proposal.values[c]) for c in flags)]
        value, dead = float(t.genome[row]), bool(np.isnan(t.genome[row]))
        outcomes = {} if dead else {"coupled_yield": value}
        history.append(Observation(proposal.values, outcomes, status=Status.INFEASIBLE if dead else Status.DONE))
        asked.append(row)
    found = down(t, asked)
    return found if t.best in asked else dict.fromkeys(found, np.inf)


def race(seeds: int) -> None:
    """Costs in costly tasks, the screen's included, cold and warm; ratios of means with bootstrap intervals."""
    t = truth()
    arms: dict[str, tuple[str, list[dict[str, float]]]] = {}
    draw = np.random.default_rng
    arms["random"] = ("", [down(t, draw(s).permutation(len(t.names))) for s in range(seeds)])
    for name, found in screens().items():
        merit = np.nan_to_num(found, nan=-1.0)
        orders = [np.lexsort((draw(s).random(len(merit)), -merit.round(6))) for s in range(seeds)]
        arms[f"down the {name}'s list"] = (name, [down(t, order) for order in orders])
        if name == "core screen":
            listed = [order[:LIST] for order in orders]
            for label, planner in (("planner", "gp"), ("PHYSBO", ADAPTERS["physbo"]), ("TPE", ADAPTERS["optuna-tpe"])):
                costs = [planned(t, one, s, planner) for s, one in enumerate(listed)]
                print(label, *(f"{one['the optimum']:.0f}" for one in costs), flush=True)
                arms[f"{label} among its first {LIST}"] = (name, costs)
    for mode, seconds in COSTS.items():
        print(f"\n{mode} ({seconds['genome']} s a costly task)\n")
        print("| search | goal | mean cost | times cheaper (95 %) |\n|---|---|---|---|")
        for name, (paid, found) in arms.items():
            extra = seconds[paid] / seconds["genome"] if paid else 0.0
            for goal in GOALS:
                base = np.array([one[goal] for one in arms["random"][1]])
                costs = np.array([one[goal] for one in found]) + extra
                print(f"| {name} | {goal} | {costs.mean():.1f} | {_ratio(base, costs)} |", flush=True)


def _ratio(base: np.ndarray, costs: np.ndarray) -> str:
    """Ratio of means with the 2.5 and 97.5 percentiles over 2,000 resamplings of the seeds."""
    draw = np.random.default_rng(0)
    picks = draw.integers(0, len(base), (2000, len(base)))
    low, high = np.quantile(base[picks].mean(axis=1) / costs[picks].mean(axis=1), (0.025, 0.975))
    return f"{base.mean() / costs.mean():.1f} ({low:.1f} to {high:.1f})"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("table", "compare", "race"))
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    if given.what == "race":
        race(given.seeds)
    else:
        {"table": table, "compare": compare}[given.what]()


if __name__ == "__main__":
    main()
