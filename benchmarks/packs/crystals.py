"""The crystal question measured: `python -m benchmarks.packs.crystals candidates|time|table|race|figure`.

`candidates` writes the table of compounds that examples/crystal-match.toml names; `time` and `table` need chgnet and
run in its environment (`PYTHONPATH=. .venv-materials-ml/bin/python -m benchmarks.packs.crystals table`, four minutes).
`table` relaxes every compound and keeps both sources' answers in `data/crystals.csv`; `race` and `figure` read it.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from benchmarks.packs.race import CACHE, PEERS, SEARCHES, Answer, Table, run

from yosegi.core.capability import Infeasible
from yosegi_packs.materials import crystal_radii, crystal_relax
from yosegi_packs.materials.crystal import IONS, NEIGHBOURS, Anion, Cation, Compound, Crystal, Second
from yosegi_packs.materials.radii import lattice_parameter
from yosegi_packs.materials.relax import NotRelaxed, potential

DATA = CACHE / "crystals.csv"
ROOT = Path(__file__).parents[2]
CANDIDATES = ROOT / "examples" / "crystals.csv"
FIGURE = ROOT / "docs" / "packs" / "crystals.svg"
COSTS = (0.03, 1.0)
UNIT = "costly answers, by seconds of a task forked from `warm_crystals`"
SILICON = 5.431
"""Å."""

NEAR = 2.0
"""%: how far from silicon's lattice parameter a compound of the race may be."""

DESCRIBED = ("neighbours", "cation_radius", "second_radius", "anion_radius", "electronegativity")


def compounds() -> Iterator[Compound]:
    """Every compound of the contract's ions whose charges balance and whose radii are published."""
    for kind in (*NEIGHBOURS, "perovskite"):
        seconds = [name for name in get_args(Second) if (name == "none") != (kind == "perovskite")]
        for cation, second, anion in itertools.product(get_args(Cation), seconds, get_args(Anion)):
            try:
                found = Compound(kind, cation, second, anion)  # type: ignore[arg-type]
                lattice_parameter(found)
            except Infeasible:
                continue
            yield found


def described(compound: Compound) -> dict[str, float]:
    """What a planner sees of a compound: coordination, radii in Å for six neighbours, electronegativity."""
    anion = IONS[compound.anion]
    cations = [IONS[name] for name, _ in compound.contents[:-1]]
    charge = sum(ion.charge for ion in cations)
    return {
        "neighbours": float(NEIGHBOURS.get(compound.structure, 12)),
        "cation_radius": cations[0].radii[6],
        "second_radius": cations[1].radii[6] if len(cations) > 1 else 0.0,
        "anion_radius": anion.radii[6],
        "electronegativity": round(
            sum(ion.charge * (anion.electronegativity - ion.electronegativity) for ion in cations) / charge, 4
        ),
    }


def write_candidates() -> None:
    """The table that the example's campaign chooses from."""
    with CANDIDATES.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "structure", "cation", "second", "anion", *DESCRIBED])
        for one in compounds():
            values = described(one).values()
            name = f"{one.formula} {one.structure.replace('_', ' ')}"
            writer.writerow([name, one.structure, one.cation, one.second, one.anion, *(f"{v:g}" for v in values)])


def build() -> None:
    """Every compound by both sources."""
    with DATA.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["formula", "structure", *DESCRIBED, "cheap_energy", "cheap_lattice", "energy", "lattice", "seconds"]
        )
        potential()
        for one in compounds():
            asked = (one.structure, one.cation, one.anion, one.second)
            cheap, start = crystal_radii(*asked), time.process_time()
            costly = _relaxed(*asked)
            row = (cheap.formation_energy, cheap.lattice_parameter, costly.formation_energy, costly.lattice_parameter)
            took = f"{time.process_time() - start:.2f}"
            writer.writerow([one.formula, one.structure, *described(one).values(), *row, took])
            file.flush()


def _relaxed(*asked: object) -> Crystal:
    try:
        return crystal_relax(*asked)  # type: ignore[arg-type]
    except NotRelaxed as error:
        print(error)
        return Crystal(np.nan, np.nan, np.nan)


def read() -> list[dict[str, str]]:
    """The rows of the table."""
    with DATA.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def timed() -> None:
    """Seconds of processor time, and memory."""
    start = time.process_time()
    potential()
    print(f"import and load {time.process_time() - start:.1f} s")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB once loaded")
    for name, source in (("crystal.radii@1", crystal_radii), ("crystal.relax@1", crystal_relax)):
        took = []
        for asked in (("rocksalt", "Na", "Cl"), ("zincblende", "Zn", "S"), ("perovskite", "Sr", "O", "Ti")):
            start = time.process_time()
            source(*asked)
            took.append(time.process_time() - start)
        print(f"{name}: {statistics.median(took):.4f} s, {min(took):.4f} to {max(took):.4f}")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")


def race(seeds: int, searches: Sequence[str]) -> None:
    """Searches for the stablest compound that fits silicon, infeasible where it is too large or too small."""
    rows = [row for row in read() if row["energy"] != "nan"]

    def answers(energy: str, lattice: str) -> tuple[Answer, ...]:
        near = [abs(float(row[lattice]) / SILICON - 1.0) <= NEAR / 100.0 for row in rows]
        return tuple(Answer(float(row[energy]) if fits else np.nan, 0.0) for row, fits in zip(rows, near, strict=True))

    costly = answers("energy", "lattice")
    recipes = tuple({name: float(row[name]) for name in DESCRIBED} for row in rows)
    truth = tuple(answer.value for answer in costly)
    cheap = answers("cheap_energy", "cheap_lattice")
    print(f"{len(rows)} compounds; {np.isfinite(truth).sum()} fit by CHGNet, ", end="")
    print(f"{sum(np.isfinite(a.value) for a in cheap)} by radii, ", end="")
    print(f"{sum(np.isfinite(a.value) and np.isfinite(t) for a, t in zip(cheap, truth, strict=True))} by both\n")
    table = Table("crystals", "formation_energy", COSTS, UNIT, recipes, cheap, costly, truth)
    run(table, seeds, 150.0, 0.01, searches)


def draw() -> None:
    """Both sources against each other, and what fits silicon."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "yosegi"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(14, 4.3), layout="constrained")
    marks = {"rocksalt": "s", "zincblende": "o", "caesium_chloride": "^", "perovskite": "D"}
    colours = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
    for (kind, mark), colour in zip(marks.items(), colours, strict=True):
        rows = [row for row in read() if row["structure"] == kind]
        numbers = {
            k: np.array([float(r[k]) for r in rows]) for k in ("cheap_lattice", "lattice", "cheap_energy", "energy")
        }
        label = f"{kind.replace('_', ' ')} ({len(rows)})"
        axes[0].scatter(numbers["cheap_lattice"], numbers["lattice"], 14, colour, marker=mark, label=label)
        axes[1].scatter(numbers["cheap_energy"], numbers["energy"], 14, colour, marker=mark)
        axes[2].scatter(numbers["lattice"], numbers["energy"], 14, colour, marker=mark)
        for row in rows:
            if abs(float(row["lattice"]) / SILICON - 1.0) <= 0.01 and float(row["energy"]) < -1.5:
                axes[2].annotate(row["formula"], (float(row["lattice"]), float(row["energy"])), fontsize=6)
    axes[0].axline((4, 4), slope=1, color="0.5", linewidth=0.8)
    axes[0].set(xlabel="cubic cell by radii, Å (cheap)", ylabel="by CHGNet, Å (costly)")
    axes[0].legend(fontsize=7, frameon=False)
    axes[1].axline((-2, -2), slope=1, color="0.5", linewidth=0.8)
    axes[1].set(xlabel="formation energy by electronegativity, eV/atom (cheap)", ylabel="by CHGNet, eV/atom (costly)")
    axes[2].axvspan(SILICON * (1 - NEAR / 100), SILICON * (1 + NEAR / 100), color="0.88")
    axes[2].set(xlabel="cubic cell by CHGNet, Å", ylabel="formation energy by CHGNet, eV/atom")
    axes[2].set_title(f"Within {NEAR:g} % of silicon (grey); named within 1 %", fontsize=9)
    figure.savefig(FIGURE, metadata={"Date": None})
    print(f"wrote {FIGURE}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("candidates", "time", "table", "race", "figure"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--searches", nargs="*", default=[*SEARCHES, *PEERS], help="for `race`")
    options = parser.parse_args()
    if options.what == "race":
        race(options.seeds, options.searches)
    else:
        {"candidates": write_candidates, "time": timed, "table": build, "figure": draw}[options.what]()


if __name__ == "__main__":
    main()
