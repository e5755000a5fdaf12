"""What is announced of limits and comes true: of what should keep its limits with 90 %, nine in ten must keep them.

Two questions on every table of a folder. `bound`: as good a recipe as there is that is no better than the best fifth
begins, so that the search leads along the bound, as one for the most current below a limit on loss does. `answer`: the
best recipe, where the worst three in ten have no answer. Runs begin with five random recipes and end at `HORIZON`.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.planner import catalogue, loop, record
from benchmarks.planner.catalogue import Measured
from benchmarks.planner.planners import COMPETITORS
from benchmarks.planner.record import Run
from benchmarks.planner.tables import Table
from yosegi.planner import Observation, OutcomeConstraint, Problem, Status

STUDY = "limits"
KINDS = {"bound": "a bound on an outcome", "answer": "an answer at all"}
HORIZON = 30
BANDS = ((0.0, 0.15), (0.15, 0.4), (0.4, 0.6), (0.6, 0.85), (0.85, 0.95), (0.95, 1.0))
"""Announced probabilities from the first, and below the second of each; one is of the last."""


def _allowed(table: Measured, kind: str) -> tuple[Problem, np.ndarray]:
    """The question, and which recipes keep its limit, shape (rows,)."""
    if kind == "answer":
        return table.problem, table.utility > np.quantile(table.utility, 0.3)
    edge = float(np.quantile(table.utility, 0.8))
    name = table.problem.objectives[0].name
    bound = OutcomeConstraint(name, at_most=edge) if table.maximise[0] else OutcomeConstraint(name, at_least=-edge)
    return replace(table.problem, outcome_constraints=(bound,)), table.utility <= edge


def run(table: Measured, kind: str, seed: int) -> Run:
    """One run of ours on one table: what was announced of each proposal, and whether it kept its limit."""
    problem, allowed = _allowed(table, kind)

    def observe(row: int) -> Observation:
        seen = table.observe(row)
        failed = kind == "answer" and not allowed[row]
        return replace(seen, outcomes={}, status=Status.INFEASIBLE) if failed else seen

    planner, order = COMPETITORS["yosegi"].load(), table.starts(seed)
    history, seconds = [observe(row) for row in order], []
    likely: list[float] = []
    while len(order) < min(HORIZON, len(table)):
        began = time.process_time()
        found = planner.suggest(problem, history, pending=(), count=1, seed=seed)
        seconds.append(round(time.process_time() - began, 4))
        [row] = loop.new_rows("yosegi", found, order)
        order.append(row)
        history.append(observe(row))
        likely.append(round(found[0].expected.feasible, 4) if found[0].expected.gain is not None else np.nan)
    kept = [bool(allowed[row]) for row in order[5:]]
    extra = {"likely": [p if p == p else None for p in likely], "kept": kept}
    version = COMPETITORS["yosegi"].version()
    return Run(STUDY, f"{table.name}:{kind}", "yosegi", seed, 5, order, seconds, 1, True, version, extra=extra)


def execute(options: argparse.Namespace) -> None:
    """Make the runs that this build has not made yet."""
    folder = Path(options.tables)
    wanted = options.only.split(",") if options.only else catalogue.names(folder)
    known = {r.key: r.version for r in record.read(STUDY)}
    for seed in loop.seeds(options.seeds):
        for name in wanted:
            for kind in KINDS:
                key = (STUDY, f"{name}:{kind}", "yosegi", seed)
                if known.get(key) != COMPETITORS["yosegi"].version():
                    record.append(run(catalogue.load(folder, name), kind, seed))
        print(f"seed {seed} is done", flush=True)
    record.compact(STUDY, "yosegi")


def table() -> Table:
    """A row a kind and band of what was announced: how much of it came true, with an interval over runs."""
    rows: list[list[object]] = []
    runs = record.read(STUDY)
    for kind, title in KINDS.items():
        of_kind = [r for r in runs if r.data.endswith(f":{kind}")]
        for low, high in BANDS:
            rows += rows_of(of_kind, title, low, high)
    header = ("limit", "announced", "tables", "proposals", "announced, mean", "kept")
    return Table("trust-limits", "## Share of proposals that kept their limits, by what was announced", header, rows)


def rows_of(runs: list[Run], title: str, low: float, high: float) -> list[list[object]]:
    """The row of one band, none where nothing was announced within it."""
    said, kept, names = [], [], set()
    for one in runs:
        pairs = [
            (p, k)
            for p, k in zip(one.extra["likely"], one.extra["kept"], strict=True)
            if p is not None and low <= p and (p < high or high == 1.0)
        ]
        if pairs:
            names.add(one.data)
            said.append([p for p, _ in pairs])
            kept.append([float(k) for _, k in pairs])
    if not said:
        return []
    share = _of_runs(kept)
    band = f"{low:.2f} to {high:.2f}"
    return [[title, band, len(names), sum(map(len, said)), f"{np.mean(np.concatenate(said)):.2f}", share]]


def _of_runs(kept: list[list[float]]) -> str:
    """Share over all proposals; the interval resamples runs."""
    rng = np.random.default_rng(0)
    sums, counts = np.array([sum(k) for k in kept]), np.array([len(k) for k in kept])
    if len(kept) < 2:
        return f"{sums.sum() / counts.sum():.2f}"
    drawn = rng.integers(len(kept), size=(10_000, len(kept)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
    return f"{sums.sum() / counts.sum():.2f} ({low:.2f} to {high:.2f})"
