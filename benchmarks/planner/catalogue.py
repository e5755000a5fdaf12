"""Tables of a folder as planning problems: every measured laboratory table that lies in it, of any kind of parameter.

The folder holds `pvlab/*.csv` (a header, numbers, the objective last) and `olympus/*.data.csv` (no header; names, kinds
and direction in the `.config.json` beside it). Repeated measurements of a recipe are averaged.
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.planner.datasets import Floats
from yosegi.planner import Candidates, Objective, Observation, Parameter, Problem

FAMILIES = {
    "metal oxides": ("oer_plate_3496", "oer_plate_3851"),
    "mixtures": ("photo_pce10", "P3HT_dataset", "thin_film"),
    "colours": ("colors_bob", "colors_n9"),
    "flow": ("hplc", "AgNP_dataset", "snar"),
    "enzymes": ("alkox",),
    "printing": ("Crossed_barrel_dataset", "AutoAM_dataset"),
    "liquid handling": ("liquid_dce", "liquid_thf_500"),
    "couplings with numbers": ("suzuki_i", "suzuki_iii", "electrochem"),
    "choices": ("suzuki_edbo", "buchwald_a", "buchwald_c", "redoxmers", "perovskites"),
}
"""Tables that resemble each other: what is chosen on some of a family may not be judged on the others."""
_MINIMISED = ("AgNP_dataset",)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A complete table and the question put to a planner about it.

    Attributes:
        name: its file's name.
        problem: candidates and objectives as a planner is asked; the first objective is the one that counts.
        y: shape (n, m), the mean of each recipe's measurements, by outcome, as published.
        maximise: the direction of each outcome.
    """

    name: str
    problem: Problem
    y: Floats
    maximise: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.y)

    @property
    def family(self) -> str:
        """The family it belongs to; its own where none is stated."""
        return next((f for f, names in FAMILIES.items() if self.name in names), self.name)

    @property
    def utility(self) -> Floats:
        """The first outcome with the sign that makes more better, shape (n,)."""
        return self.y[:, 0] if self.maximise[0] else -self.y[:, 0]

    def top(self, share: float) -> frozenset[int]:
        """The best `share` of the recipes, rounded up and at least two."""
        count = max(2, math.ceil(round(share * len(self), 9)))
        return frozenset(np.argsort(-self.utility, kind="stable")[:count].tolist())

    def observe(self, row: int) -> Observation:
        """What measuring that recipe gave, of every objective."""
        table = self.problem.candidates
        values = {} if table is None else table.row(row)
        return Observation(values, {o.name: float(self.y[row, k]) for k, o in enumerate(self.problem.objectives)})

    def starts(self, seed: int, count: int = 5) -> list[int]:
        """The same random recipes for every planner."""
        return np.random.default_rng([seed, len(self)]).permutation(len(self))[:count].tolist()


def names(folder: Path) -> list[str]:
    """The tables of a folder, in the order of their names."""
    found = [*folder.glob("pvlab/*.csv"), *folder.glob("olympus/*.data.csv")]
    return sorted((p.name.removesuffix(".csv").removesuffix(".data") for p in found), key=str.lower)


@cache
def load(folder: Path, name: str, objectives: int = 1) -> Measured:
    """A table with its first `objectives` outcomes.

    Raises:
        FileNotFoundError: the folder has no such table.
    """
    path = folder / "olympus" / f"{name}.data.csv"
    if path.exists():
        header, rows, kinds, maximise = _olympus(path)
    else:
        header, rows, kinds, maximise = _pvlab(folder / "pvlab" / f"{name}.csv")
    kept = min(objectives, len(maximise))
    recipes, y = _average(rows, len(kinds), kept)
    columns = {h: [recipe[j] for recipe in recipes] for j, h in enumerate(header[: len(kinds)])}
    typed = {h: column if k else np.array(column, float) for (h, column), k in zip(columns.items(), kinds, strict=True)}
    table = Candidates.of(typed)
    goals = ["maximise" if up else "minimise" for up in maximise[:kept]]
    wanted = tuple(
        Objective(header[len(kinds) + k], "maximise" if goal == "maximise" else "minimise")
        for k, goal in enumerate(goals)
    )
    parameters: tuple[Parameter, ...] = table.parameters()
    return Measured(name, Problem(parameters, wanted, candidates=table, starts=5), y, tuple(maximise[:kept]))


_Read = tuple[list[str], list[list[str]], list[bool], list[bool]]


def _pvlab(path: Path) -> _Read:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    return rows[0], rows[1:], [False] * (len(rows[0]) - 1), [path.stem not in _MINIMISED]


def _olympus(path: Path) -> _Read:
    config: dict[str, Any] = json.loads(path.with_name(path.name.replace(".data.csv", ".config.json")).read_text())
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    if rows[0][: len(config["parameters"])] == [str(j + 1) for j in range(len(config["parameters"]))]:
        rows = rows[1:]  # numbers of the columns, not a measurement
    header = [item["name"] for item in [*config["parameters"], *config["measurements"]]]
    goals = config["default_goal"] if isinstance(config["default_goal"], list) else [config["default_goal"]]
    measured = len(config["measurements"])
    return (
        header,
        rows,
        [p["type"] == "categorical" for p in config["parameters"]],
        [goal == "maximize" for goal in (goals * measured)[:measured]],
    )


def _average(rows: list[list[str]], width: int, outcomes: int) -> tuple[list[tuple[str, ...]], Floats]:
    seen: dict[tuple[str, ...], list[list[float]]] = {}
    for row in rows:
        recipe = tuple(_canonical(cell) for cell in row[:width])
        seen.setdefault(recipe, []).append([float(cell) for cell in row[width : width + outcomes]])
    return list(seen), np.array([np.mean(values, axis=0) for values in seen.values()])


def _canonical(cell: str) -> str:
    """Numbers that are equal are the same recipe however they are written."""
    try:
        return repr(float(cell))
    except ValueError:
        return cell
