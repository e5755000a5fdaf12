"""The pools: tables of recipes that a laboratory has measured, read from the files beside this module."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Pool:
    """A complete table: every candidate and what measuring it gave.

    Attributes:
        name: what the command line calls it.
        title: what reports call it.
        parameters: names of the columns of `x`, with their units in brackets where the file gives them.
        x: recipes, shape (n, d), as published.
        y: the mean of each recipe's measurements, shape (n,), as published.
        objective: the name of what was measured.
        maximise: the direction.
        paper: who measured it.
    """

    name: str
    title: str
    parameters: tuple[str, ...]
    x: Floats
    y: Floats
    objective: str
    maximise: bool
    paper: str

    def __len__(self) -> int:
        return len(self.y)

    @property
    def utility(self) -> Floats:
        """The objective with the sign that makes more better, shape (n,)."""
        return self.y if self.maximise else -self.y

    def top(self, share: float) -> frozenset[int]:
        """The best `share` of the recipes, rounded up and at least two (Liang et al. 2021 round up too)."""
        count = max(2, math.ceil(round(share * len(self), 9)))
        return frozenset(np.argsort(-self.utility, kind="stable")[:count].tolist())


@dataclass(frozen=True, slots=True)
class _File:
    title: str
    path: str
    maximise: bool
    paper: str


_FILES = {
    "agnp": _File("AgNP", "pvlab/AgNP_dataset.csv", False, "Mekki-Berrada et al. 2021"),
    "p3ht": _File("P3HT", "pvlab/P3HT_dataset.csv", True, "Bash et al. 2021"),
    "crossed-barrel": _File("Crossed barrel", "pvlab/Crossed_barrel_dataset.csv", True, "Gongora et al. 2020"),
    "autoam": _File("AutoAM", "pvlab/AutoAM_dataset.csv", True, "Deneault et al. 2021"),
    "oer-3496": _File("OER plate 3496", "olympus/oer_plate_3496.data.csv", False, "Rohr et al. 2020"),
    "oer-3851": _File("OER plate 3851", "olympus/oer_plate_3851.data.csv", False, "Rohr et al. 2020"),
}

MAIN = ("agnp", "p3ht", "crossed-barrel", "autoam")
"""The data sets that the comparison is over."""

NAMES = tuple(_FILES)


@cache
def load(name: str) -> Pool:
    """The pool of that name, its repeated measurements averaged.

    Raises:
        KeyError: there is no such data set; `NAMES` lists them.
    """
    about = _FILES[name]
    header, rows = _read(DATA / about.path)
    x, y = _average([[float(cell) for cell in row] for row in rows])
    return Pool(name, about.title, tuple(header[:-1]), x, y, header[-1], about.maximise, about.paper)


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    if not path.name.endswith(".data.csv"):
        return rows[0], rows[1:]
    config = json.loads(path.with_name(path.name.replace(".data.csv", ".config.json")).read_text())
    return [item["name"] for item in [*config["parameters"], *config["measurements"]]], rows


def _average(rows: Sequence[Sequence[float]]) -> tuple[Floats, Floats]:
    """Unique recipes in the order of their first appearance, each with the mean of its measurements."""
    seen: dict[tuple[float, ...], list[float]] = {}
    for row in rows:
        seen.setdefault(tuple(row[:-1]), []).append(row[-1])
    return np.array(list(seen)), np.array([float(np.mean(values)) for values in seen.values()])
