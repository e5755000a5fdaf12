"""The induction question of the bio pack measured: `python -m benchmarks.packs.induction optimum|table|race|figure`.

`optimum` looks for the best feeds there are, constant in ten intervals, to be compared with the published optimum;
`table` asks both sources of every plan of the campaign and keeps data/induction.csv (seconds); `race` compares searches
on it; `figure` draws docs/packs/induction.svg.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from benchmarks.packs.race import CACHE, PEERS, SEARCHES, Answer, Table, load, run, save
from scipy.optimize import minimize
from scipy.stats import qmc

from yosegi.core.capability import Context
from yosegi_packs.bio.induction import induction_fermenter, induction_model, plan_of
from yosegi_packs.bio.recombinant import BEGIN, DURATION, Feeds, tank_after

TABLE = CACHE / "induction.csv"
FIGURE = Path(__file__).parents[2] / "docs" / "packs" / "induction.svg"
NAMES = ("glucose", "exponent", "induction", "inducer")
LOW = (0.1, 0.0, 0.0, 0.0)
HIGH = (4.0, 1.2, 9.5, 0.5)
DIGITS = (2, 2, 1, 3)
PRICE = 0.02
"""Of a model's answer, in runs of the fermenter: a choice, not a measurement."""
PUBLISHED = 6.1639
INTERVALS = 10


def recipes(count: int = 256) -> list[dict[str, float]]:
    """Plans, space-filling."""
    points = qmc.scale(qmc.Sobol(4, scramble=True, rng=1994).random(count), LOW, HIGH)
    return [{n: round(v, d) for n, v, d in zip(NAMES, point, DIGITS, strict=True)} for point in points.tolist()]


def build() -> None:
    """Every plan through both sources, once each; the truth is the twin without the noise of its assay."""
    rows = recipes()
    cheap = [Answer(-induction_model(**row).protein, 0.0) for row in rows]
    made = [induction_fermenter(**row, context=Context(str(n), n, Path())) for n, row in enumerate(rows)]
    tanks = [tank_after(plan_of(**row)) for row in rows]
    truth = tuple(-tank.protein * tank.volume for tank in tanks)
    costly = tuple(Answer(-one.protein, one.protein_error) for one in made)
    save(TABLE, Table("induction", "loss", (PRICE, 1.0), "", tuple(rows), tuple(cheap), costly, truth))
    print(f"best of the table {-min(truth):.3f}, published optimum {PUBLISHED}")


def optimum(starts: int) -> None:
    """Best feeds in ten equal intervals, by quasi-Newton descents from exponential feeds."""

    def loss(levels: np.ndarray) -> float:
        tank = tank_after(Feeds.steps(tuple(levels[:INTERVALS]), tuple(levels[INTERVALS:])))
        return -tank.protein * tank.volume

    hours = (np.arange(INTERVALS) + 0.5) * DURATION / INTERVALS
    best, draw = None, np.random.default_rng(0)
    for _ in range(starts):
        begin = np.concatenate(
            [0.0037 * np.exp(0.5 * hours), np.where(hours > draw.uniform(4, 7), draw.uniform(0.02, 0.3), 0)]
        )
        found = minimize(loss, begin, bounds=[(0.0, 1.0)] * len(begin), method="L-BFGS-B", options={"maxiter": 60})
        best = found if best is None or found.fun < best.fun else best
        print(f"{-found.fun:.4f}", flush=True)
    if best is not None:
        print(f"best {-best.fun:.4f} of {PUBLISHED}: {best.x.round(3).tolist()}")


def timed() -> None:
    """Processor seconds of an answer, in a process that has imported the pack."""
    for name, capability in (("induction.model", induction_model), ("induction.fermenter", induction_fermenter)):
        begin = time.process_time()
        for row in recipes(64):
            capability(**row)
        print(f"{name}: {(time.process_time() - begin) / 64:.4f} s")


def draw() -> None:
    """The model against the twin over the table, and the best plan's feeds and tank."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "yosegi"
    from matplotlib import pyplot as plt

    table = load(TABLE, "induction", "loss", (PRICE, 1.0), "")
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.scatter([-a.value for a in table.cheap], [-v for v in table.truth], 12, "#0072b2", alpha=0.6)
    left.axhline(PUBLISHED, color="#d55e00", lw=1, label=f"published optimum of free feeds, {PUBLISHED}")
    left.set(xlabel="protein by the model without shock", ylabel="protein in the fermenter's twin", title="256 plans")
    left.legend(frameon=False, fontsize=9)
    best = plan_of(**table.recipes[int(table.order[0])])
    hours = np.linspace(0.0, DURATION, 400)
    right.plot(hours, [best.glucose(t) for t in hours], color="#0072b2", label="glucose feed")
    right.plot(hours, [best.inducer(t) for t in hours], "--", color="#009e73", label="inducer feed")
    right.set(xlabel="h", ylabel="L/h", title=f"Best plan of the table: {-table.truth[int(table.order[0])]:.2f}")
    right.legend(frameon=False)
    figure.savefig(FIGURE, metadata={"Date": None})
    print(f"wrote {FIGURE}; begins with {BEGIN}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("optimum", "table", "time", "race", "figure"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--searches", nargs="*", default=[*SEARCHES, *PEERS], help="for `race`")
    parser.add_argument("--price", type=float, default=PRICE, help="of a model's answer, in runs of the fermenter")
    given = parser.parse_args()
    if given.what == "optimum":
        optimum(starts=4)
    elif given.what == "table":
        build()
    elif given.what == "time":
        timed()
    elif given.what == "race":
        run(load(TABLE, "induction", "loss", (given.price, 1.0), "runs"), given.seeds, 128.0, 0.02, given.searches)
    else:
        draw()


if __name__ == "__main__":
    main()
