"""Our planner, the plain recipe and chance, paired over seeds on every table of a folder: is it to be trusted anywhere?

A run begins with five random recipes, the same for all, and ends once the best recipe and the thirtieth experiment are
behind it, or at `HORIZON`. Counts of runs that did not arrive are the horizon, so their means are lower bounds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.planner import catalogue, loop, record
from benchmarks.planner.catalogue import Measured
from benchmarks.planner.metrics import Interval, bootstrap
from benchmarks.planner.planners import COMPETITORS
from benchmarks.planner.record import Run
from benchmarks.planner.tables import Table

STUDY = "trust"
HORIZON, REGRET_AT = 60, 30
_NINETY = 1.645
PLANNERS = ("yosegi", "plain", "random")


def run(table: Measured, name: str, seed: int) -> Run:
    """One run of one planner on one table."""
    planner, order = COMPETITORS[name].load(), table.starts(seed)
    history = [table.observe(row) for row in order]
    best, seconds, apart = int(np.argmax(table.utility)), [], []
    limit = min(HORIZON, len(table))
    while len(order) < limit and not (best in order and len(order) >= REGRET_AT):
        began = time.process_time()
        found = planner.suggest(table.problem, history, pending=(), count=1, seed=seed)
        seconds.append(round(time.process_time() - began, 4))
        [row] = loop.new_rows(name, found, order)
        order.append(row)
        history.append(table.observe(row))
        if found[0].expected.mean:
            outcome = table.problem.objectives[0].name
            expected, sd = found[0].expected.mean[outcome], found[0].expected.sd[outcome]
            apart.append(round((float(table.y[row, 0]) - expected) / sd, 3))
    version = COMPETITORS[name].version()
    return Run(STUDY, table.name, name, seed, 5, order, seconds, 1, best in order, version, extra={"apart": apart})


def execute(options: argparse.Namespace) -> None:
    """Make the runs that are not in the file yet, in the order of seeds, then print the report."""
    folder = Path(options.tables)
    wanted = options.only.split(",") if options.only else catalogue.names(folder)
    known = {r.key: r for r in record.read(STUDY)}
    for seed in loop.seeds(options.seeds):
        for name in wanted:
            for planner in options.planners.split(","):
                old = known.get((STUDY, name, planner, seed))
                if old is None or old.version != COMPETITORS[planner].version():
                    new = run(catalogue.load(folder, name), planner, seed)
                    record.append(new)
                    known[new.key] = new
        print(f"seed {seed} is done", flush=True)
    for planner in options.planners.split(","):
        record.compact(STUDY, planner)
    for one in tables(folder):
        print(one.markdown())


def experiments(share: float) -> Callable[[Measured, Run], float]:
    """Experiments to the first of the best `share`."""

    def count(table: Measured, run: Run) -> float:
        top = table.top(share)
        return float(next((place for place, row in enumerate(run.order, 1) if row in top), HORIZON))

    return count


def regret(table: Measured, run: Run) -> float:
    """(best − best of the first thirty) / (best − worst)."""
    u = table.utility
    return float((u.max() - u[run.order[:REGRET_AT]].max()) / np.ptp(u))


MEASURES: dict[str, tuple[str, Callable[[Measured, Run], float]]] = {
    "trust-top-1": ("Experiments to the first of the top 1 %", experiments(0.01)),
    "trust-top-5": ("Experiments to the first of the top 5 %", experiments(0.05)),
    "trust-regret": (f"Regret after {REGRET_AT} experiments", regret),
}


def tables(folder: Path) -> list[Table]:
    """A table a measure: a mean for every planner, and our difference from the others, paired over seeds."""
    runs: dict[str, dict[str, dict[int, Run]]] = {}
    for one in record.read(STUDY):
        runs.setdefault(one.data, {}).setdefault(one.planner, {})[one.seed] = one
    return [*(_table(folder, runs, key, title, of) for key, (title, of) in MEASURES.items()), _words(runs)]


def _words(runs: dict[str, dict[str, dict[int, Run]]]) -> Table:
    """Of what was announced with 90 %, how much came true: within 1.645 announced deviations, over our proposals."""
    rows, every = [], []
    for name, planners in runs.items():
        shares = [
            [abs(z) <= _NINETY for z in run.extra["apart"]]
            for run in planners.get("yosegi", {}).values()
            if run.extra.get("apart")
        ]
        if shares:
            every += shares
            rows.append([name, sum(map(len, shares)), _cell(bootstrap([float(np.mean(s)) for s in shares]), 2)])
    if rows:
        rows.append(["all", sum(map(len, every)), _cell(bootstrap([float(np.mean(s)) for s in every]), 3)])
    return Table(
        "trust-words", "## Share of measurements within the 90 % announced", ("table", "proposals", "share"), rows
    )


def _table(
    folder: Path,
    runs: dict[str, dict[str, dict[int, Run]]],
    key: str,
    title: str,
    of: Callable[[Measured, Run], float],
) -> Table:
    rows, ratios = [], []
    for name in [n for n in catalogue.names(folder) if n in runs and set(PLANNERS) <= set(runs[n])]:
        table = catalogue.load(folder, name)
        shared = sorted(set.intersection(*(set(runs[name][p]) for p in PLANNERS)))
        values = {p: np.array([of(table, runs[name][p][s]) for s in shared]) for p in PLANNERS}
        digits = 3 if key == "trust-regret" else 1
        cells = [_cell(bootstrap(values[p].tolist()), digits) for p in PLANNERS]
        apart = [bootstrap((values["yosegi"] - values[p]).tolist()) for p in PLANNERS[1:]]
        rows.append([name, len(table), len(shared), *cells, *(_cell(a, digits) for a in apart)])
        ratios.append([values["yosegi"].mean() / max(values[p].mean(), 1e-12) for p in PLANNERS[1:]])
    if rows and key != "trust-regret":
        logs = np.log(np.array(ratios))
        rows.append(["geometric mean of ratios", "", "", "", "", "", *(_ratio(column) for column in logs.T)])
    header = ("table", "recipes", "seeds", *PLANNERS, "ours − plain", "ours − random")
    return Table(key, f"## {title}", header, rows)


def _cell(i: Interval, digits: int) -> str:
    return f"{i.mean:.{digits}f} ({i.low:.{digits}f} to {i.high:.{digits}f})"


def _ratio(logs: Sequence[float]) -> str:
    """Geometric mean over tables; its interval resamples tables."""
    i = bootstrap(list(logs))
    return f"{np.exp(i.mean):.3f} ({np.exp(i.low):.3f} to {np.exp(i.high):.3f})"
