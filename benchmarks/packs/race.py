"""Campaigns over a table of recipes that were all simulated beforehand, so that every search can be scored.

A table holds, for each recipe, what the cheap and the costly source answered (one run each, with its noise) and the
truth (many more samples, another seed). A search pays for each answer it asks for. It has arrived once the costly
source has been asked for one of the best recipes by the truth; what counts is the cost until then.
"""

from __future__ import annotations

import csv
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from benchmarks.planner.adapters import ADAPTERS

from yosegi.planner import Candidates, Objective, Observation, Parameter, Planner, Problem, Source, Status, suggest

CACHE = Path(__file__).parent / "data"
Values = dict[str, float]


@dataclass(frozen=True)
class Answer:
    """What a source says of one recipe: a value to be made small (NaN: infeasible), and its standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class Table:
    """Recipes with the answers of both sources and the truth; `costs` is for one answer, cheap and costly."""

    name: str
    outcome: str
    costs: tuple[float, float]
    unit: str
    recipes: tuple[Values, ...]
    cheap: tuple[Answer, ...]
    costly: tuple[Answer, ...]
    truth: tuple[float, ...]
    further: tuple[tuple[float, tuple[Answer, ...]], ...] = ()
    """More cheap sources, each with its cost for one answer; for `ladder` alone."""

    @cached_property
    def order(self) -> np.ndarray:
        """Rows from the best by the truth to the worst."""
        return np.argsort(self.truth)

    def best(self, share: float) -> set[int]:
        """The rows that are the best by the truth, at least one."""
        return {int(row) for row in self.order[: max(1, round(share * len(self.recipes)))]}

    @cached_property
    def agreement(self) -> tuple[float, float]:
        """Rank correlation of the cheap and of the costly source with the truth."""
        from scipy.stats import spearmanr

        # What is infeasible is worse than all else.
        truth = np.nan_to_num(self.truth, nan=np.nanmax(self.truth) + 1.0)
        told = (np.array([a.value for a in answers]) for answers in (self.cheap, self.costly))
        ranked = (np.nan_to_num(values, nan=np.nanmax(values) + 1.0) for values in told)
        return tuple(float(spearmanr(values, truth).statistic) for values in ranked)  # type: ignore[return-value]


@dataclass(frozen=True)
class Step:
    """One answer paid for: the row, whether the costly source gave it, and the cost of all so far."""

    row: int
    costly: bool
    spent: float


Search = Callable[[Table, int, float], Iterable[Step]]


def random_search(table: Table, seed: int, budget: float) -> Iterable[Step]:
    """The costly source alone, recipes in random order."""
    order = np.random.default_rng(seed).permutation(len(table.recipes))
    return [Step(int(row), True, (n + 1) * table.costs[1]) for n, row in enumerate(order)]


def screening(table: Table, seed: int, budget: float) -> Iterable[Step]:
    """The whole table through the cheap source, then the costly one in that order of merit; the same for all seeds."""
    order = range(len(table.recipes))
    first = [Step(row, False, (n + 1) * table.costs[0]) for n, row in enumerate(order)]
    merit = sorted(order, key=lambda row: np.nan_to_num(table.cheap[row].value, nan=np.inf))
    spent = first[-1].spent
    return first + [Step(row, True, spent + (n + 1) * table.costs[1]) for n, row in enumerate(merit)]


def one_source(table: Table, seed: int, budget: float) -> Iterable[Step]:
    """The planner, with the costly source alone."""
    return _planned(table, seed, budget, sources=("costly",))


def two_sources(table: Table, seed: int, budget: float) -> Iterable[Step]:
    """The planner, with both sources; it chooses recipe and source by expected gain for cost."""
    return _planned(table, seed, budget, sources=("costly", "cheap"))


def ladder(table: Table, seed: int, budget: float) -> Iterable[Step]:
    """The planner, with the costly source, the cheap one and all further ones."""
    return _planned(
        table, seed, budget, sources=("costly", "cheap", *(f"further {n}" for n in range(len(table.further))))
    )


def peer(name: str, begin: int = 0) -> Search:
    """Another planner under ours' interface, with the costly source alone, which is all that it takes.

    `begin`: so many recipes first that the seed draws, the same as for random search.
    """

    def search(table: Table, seed: int, budget: float) -> Iterable[Step]:
        return _planned(table, seed, budget, sources=("costly",), planner=ADAPTERS[name], begin=begin)

    return search


SEARCHES: dict[str, Search] = {
    "random": random_search,
    "screening": screening,
    "one source": one_source,
    "two sources": two_sources,
}
LADDER: dict[str, Search] = {"ladder": ladder}

PEERS: dict[str, Search] = {"peer: physbo": peer("physbo", begin=5), "peer: optuna-tpe": peer("optuna-tpe")}
"""The peers that are in the development environment."""

TORCH: dict[str, Search] = {f"peer: {name}": peer(name, begin=5) for name in ("botorch", "optuna-gp")}
"""The peers that need torch: by name, and in an environment of their own (benchmarks/planner/README.md)."""


def _planned(
    table: Table, seed: int, budget: float, sources: tuple[str, ...], planner: str | Planner = "gp", begin: int = 0
) -> Iterable[Step]:
    asked = {"cheap": (table.costs[0], table.cheap), "costly": (table.costs[1], table.costly)}
    asked |= {f"further {n}": one for n, one in enumerate(table.further)}
    names = list(table.recipes[0])
    columns = {name: np.array([recipe[name] for recipe in table.recipes]) for name in names}
    candidates = Candidates.of(columns)
    problem = Problem(
        parameters=tuple(Parameter.continuous(n, float(c.min()), float(c.max())) for n, c in columns.items()),
        objectives=(Objective(table.outcome),),
        candidates=candidates,
        sources=tuple(Source(name, asked[name][0]) for name in sources),
    )
    rows = {tuple(recipe.values()): row for row, recipe in enumerate(table.recipes)}
    history: list[Observation] = []
    spent, step = 0.0, 0
    for first in list(random_search(table, seed, budget))[:begin]:
        values, answer = table.recipes[first.row], table.costly[first.row]
        history.append(_observation(table, values, answer, "costly", table.costs[1]))
        spent, step = first.spent, step + 1
        yield first
    while spent < budget:
        proposals = suggest(problem, history, count=1, seed=seed * 10_000 + step, planner=planner)
        if not proposals:
            return
        values, source = proposals[0].values, proposals[0].source or "costly"
        row = rows[tuple(float(values[name]) for name in names)]
        cost, answers = asked[source]
        spent += cost
        history.append(_observation(table, values, answers[row], source, cost))
        step += 1
        yield Step(row, source == "costly", spent)


def _observation(table: Table, values: Values, answer: Answer, source: str, cost: float) -> Observation:
    if np.isnan(answer.value):
        return Observation(values, {}, {}, source, cost, status=Status.INFEASIBLE)
    return Observation(values, {table.outcome: answer.value}, {table.outcome: answer.error}, source, cost)


def cost_to(table: Table, steps: Iterable[Step], goal: set[int], budget: float) -> float:
    """Cost until the costly source was asked for one of the goal's rows; the budget where it never was."""
    for step in steps:
        if step.costly and step.row in goal:
            return min(step.spent, budget)
        if step.spent >= budget:
            break
    return budget


def run(table: Table, seeds: int, budget: float, share: float, names: Sequence[str] = (*SEARCHES, *PEERS)) -> None:
    """Race the searches from the same seeds and print a table in Markdown."""
    goal = table.best(share)
    cheap, costly = table.agreement
    print(
        f"{table.name}: {len(table.recipes)} recipes, {len(goal)} of them the goal; cost in {table.unit}: cheap "
        f"{table.costs[0]:g}, costly {table.costs[1]:g}; rank correlation with the truth: cheap {cheap:.3f}, costly "
        f"{costly:.3f}; {seeds} seeds, budget {budget:g}\n"
    )
    print("| search | median cost | mean cost | within budget | times cheaper than random (95 %) | s per proposal |")
    print("|---|---|---|---|---|---|")
    spent: dict[str, list[float]] = {}
    for name in names:
        start, asked = time.perf_counter(), 0
        spent[name] = []
        for seed in range(seeds):
            steps = []
            for step in (SEARCHES | LADDER | PEERS | TORCH)[name](table, seed, budget):
                steps.append(step)
                asked += 1
                if (step.costly and step.row in goal) or step.spent >= budget:
                    break
            spent[name].append(cost_to(table, steps, goal, budget))
        seconds = (time.perf_counter() - start) / max(1, asked)
        _line(name, spent[name], spent["random"], budget, seconds)


def _line(name: str, costs: list[float], base: list[float], budget: float, seconds: float) -> None:
    generator = np.random.default_rng(0)
    pairs = np.array([base, costs])
    draws = [pairs[:, generator.integers(0, len(costs), len(costs))].mean(axis=1) for _ in range(2000)]
    low, high = np.quantile([d[0] / d[1] for d in draws], [0.025, 0.975])
    ratio = pairs.mean(axis=1)
    reached = sum(cost < budget for cost in costs)
    print(
        f"| {name} | {statistics.median(costs):.3f} | {ratio[1]:.3f} | {reached}/{len(costs)} | "
        f"{ratio[0] / ratio[1]:.2f} ({low:.2f} to {high:.2f}) | {seconds:.3f} |",
        flush=True,
    )


def save(path: Path, table: Table) -> None:
    """Write a table as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(table.recipes[0])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, "cheap", "cheap_error", "costly", "costly_error", "truth"])
        for recipe, cheap, costly, truth in zip(table.recipes, table.cheap, table.costly, table.truth, strict=True):
            numbers = (cheap.value, cheap.error, costly.value, costly.error, truth)
            writer.writerow([*(f"{recipe[n]:g}" for n in names), *(f"{number:.6g}" for number in numbers)])


def load(path: Path, name: str, outcome: str, costs: tuple[float, float], unit: str) -> Table:
    """Read a table back."""
    with path.open(encoding="utf-8") as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    names = [key for key in rows[0] if key not in ("cheap", "cheap_error", "costly", "costly_error", "truth")]
    return Table(
        name,
        outcome,
        costs,
        unit,
        tuple({n: row[n] for n in names} for row in rows),
        tuple(Answer(row["cheap"], row["cheap_error"]) for row in rows),
        tuple(Answer(row["costly"], row["costly_error"]) for row in rows),
        tuple(row["truth"] for row in rows),
    )
