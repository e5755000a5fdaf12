"""The generator's number of events as a continuous fidelity: `python -m benchmarks.packs.events table|race|prices`.

`race` compares, on the 96 tunes of `benchmarks.packs.hep`, searches that are asked once a best tune has had 4,000
events. `continuous` may ask for any number of of ten numbers of events at a tune (50 to 4,000), and come
back to it for more; it pays for the start of each run and for the events. `table` generates what it may be told into
data/hep-events.csv (the first events of the same runs as data/hep-ladder.csv; some minutes); `prices` prints what a
number of events costs and how much of it is noise.

What `continuous` asks for is the planner's own rule for cheap sources (`yosegi.planner.sources`), with two things known
that it must learn of a source: that few events answer the same question, and that the variance of their answer falls
as one over their number.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from benchmarks.packs.hep import COSTS, LADDER, TABLE, UNIT, recipes, rows_of
from benchmarks.packs.race import CACHE, SEARCHES, Answer, Step, Table, load, run
from benchmarks.packs.race import LADDER as LADDERS

from yosegi.planner import Candidates, Objective, Observation, Parameter, Problem, Source
from yosegi.planner.aim import Improve, improve
from yosegi.planner.design import place
from yosegi.planner.situation import Situation
from yosegi.planner.space import Floats
from yosegi_packs.hep.generator import averaged
from yosegi_packs.hep.tune import score

DATA = CACHE / "hep-events.csv"
LEVELS = (50, 75, 100, 150, 200, 300, 400, 500, 1500, 4000)
"""Numbers of events that a tune may have had."""

START, EVENT = 0.036, 0.000241
"""What the start of a run and one event cost, in costly answers: 0.16 s and 1.06 ms of 4.4 s."""

BEGIN, ASKED = 300, 16
"""Events of each tune of the first design; most tunes that more events are considered at."""

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
_LOG_WEIGHTS = np.log(_WEIGHTS / _WEIGHTS.sum())


def build() -> None:
    """What the first events of each tune say, at every level up to 500."""
    with DATA.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["row", "events", "pull", "pull_error"])
        for number, point in enumerate(recipes(96, 2026)):
            rows = rows_of(point, 500, 200_000 + number)
            for events in (level for level in LEVELS if level <= 500):
                out.writerow([number, events, *(f"{value:.6g}" for value in score(averaged(rows[:events])))])


@cache
def answers() -> dict[tuple[int, int], Answer]:
    """What each number of events says of each row of the table."""
    with DATA.open(encoding="utf-8") as file:
        found = {
            (int(row["row"]), int(row["events"])): Answer(float(row["pull"]), float(row["pull_error"]))
            for row in csv.DictReader(file)
        }
    between = load(LADDER.with_name(f"{LADDER.stem}-1500.csv"), "tune", "pull", (0, 1), UNIT)
    found |= {(row, 1500): answer for row, answer in enumerate(between.cheap)}
    return found | {(row, 4000): answer for row, answer in enumerate(between.costly)}


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """What is believed of all rows, and what they have had."""

    aim: Improve
    P: Floats
    had: Floats
    """Events, shape (rows,)."""
    variance: Floats
    """Of the answer of one event, shape (rows,)."""

    def best(self) -> tuple[int, int]:
        """Row and level worth most for what they cost."""
        mean, sd = self.aim.surrogate.posterior(self.P)
        rest = START + EVENT * (LEVELS[-1] - self.had)
        open_rows = np.flatnonzero(self.had < LEVELS[-1])
        gain = self.aim.improvement(mean, sd)
        at_once = gain - np.log(rest)
        asked = open_rows[np.argsort(-gain[open_rows], kind="stable")[:ASKED]]
        first = open_rows[np.argmax(at_once[open_rows])]
        found = (float(at_once[first]), int(first), LEVELS[-1])
        shared = self._shared(asked, sd)
        for level in LEVELS[:-1]:
            for column, row in enumerate(asked):
                if level > self.had[row]:
                    more = level - self.had[row]
                    fee = START + EVENT * more
                    noise = self.variance[row] / more + self.aim.surrogate.gp.noise_sd() ** 2
                    worth = max(
                        self._ahead(mean, sd, shared[:, column] / np.sqrt(sd[row] ** 2 + noise), rest, fee, open_rows),
                        float(gain[row] - np.log(fee) + np.log(sd[row] ** 2 / (sd[row] ** 2 + noise))),
                    )
                    found = max(found, (worth, int(row), level))
        return found[1], found[2]

    def _shared(self, asked: Floats, sd: Floats) -> Floats:
        """Covariance between all rows and those of `asked`, in the outcome's unit."""
        shift, _ = self.aim.surrogate.effect(self.P, self.P[asked], 0)
        return shift * np.sqrt(sd[asked] ** 2 + self.aim.surrogate.gp.noise_sd() ** 2)

    def _ahead(self, mean: Floats, sd: Floats, shift: Floats, rest: Floats, fee: float, rows: Floats) -> float:
        """Log gain for cost of the best costly answer once the one in question is there; see `planner.sources`."""
        left = np.sqrt(np.maximum(sd**2 - shift**2, 1e-12))[rows]
        less = np.log(rest[rows] + fee)
        gain = self.aim.improvement(mean[rows] + _NODES[:, None] * shift[rows], np.tile(left, (len(_NODES), 1)))
        return float(np.logaddexp.reduce(np.max(gain - less, axis=1) + _LOG_WEIGHTS))


def continuous(table: Table, seed: int, budget: float) -> Iterable[Step]:
    """The planner's rule with the number of events as a fidelity of its own."""
    told, names = answers(), list(table.recipes[0])
    columns = {name: np.array([recipe[name] for recipe in table.recipes]) for name in names}
    problem = Problem(
        parameters=tuple(Parameter.continuous(n, float(c.min()), float(c.max())) for n, c in columns.items()),
        objectives=(Objective(table.outcome),),
        candidates=Candidates.of(columns),
        sources=(Source("costly", 1.0),),
    )
    bare = Situation.of(problem, ())
    rows = {tuple(recipe.values()): row for row, recipe in enumerate(table.recipes)}
    begin = [rows[tuple(float(p.values[n]) for n in names)] for p in place(bare, "sobol", 5, seed * 10_000)]
    had, spent = np.zeros(len(table.recipes)), 0.0
    while spent < budget:
        if begin:
            row, level = begin.pop(0), BEGIN
        else:
            row, level = _next(table, problem, bare, had, told)
        spent += START + EVENT * (level - had[row])
        had[row] = level
        yield Step(row, level == LEVELS[-1], spent)


def _next(
    table: Table, problem: Problem, bare: Situation, had: Floats, told: dict[tuple[int, int], Answer]
) -> tuple[int, int]:
    known = {int(row): told[int(row), int(had[row])] for row in np.flatnonzero(had)}
    history = [
        Observation(table.recipes[row], {table.outcome: one.value}, {table.outcome: one.error}, "costly", 1.0)
        for row, one in known.items()
    ]
    aim = improve(Situation.of(problem, history), problem.objectives[0])
    if aim is None or bare.table is None:
        raise RuntimeError("nothing is known yet")
    each = {row: one.error**2 * had[row] for row, one in known.items()}
    variance = np.full(len(had), float(np.median(list(each.values()))))
    variance[list(each)] = list(each.values())
    return Wanted(replace(aim, ease=0.0, late=False), bare.table, had, variance).best()


def prices() -> None:
    """What a number of events costs, what it leaves uncertain, and how it ranks the tunes."""
    from scipy.stats import spearmanr

    table, told = load(TABLE, "tune", "pull", (0, 1), UNIT), answers()
    print("| events | cost | median standard error of the pull | rank correlation with the truth |\n|---|---|---|---|")
    for events in (50, 100, 200, 300, 400, 500, 1500, 4000):
        seen = [told[row, events] for row in range(len(table.recipes))]
        ranks = spearmanr([one.value for one in seen], table.truth).statistic
        error = np.median([one.error for one in seen])
        print(f"| {events:,} | {START + EVENT * events:.3f} | {error:.2f} | {ranks:.3f} |")


SEARCHES["continuous"] = continuous
RACED = ("random", "one source", "screening", "two sources", *LADDERS, "continuous")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("table", "race", "prices"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--searches", nargs="*", default=[*RACED], help="for `race`")
    options = parser.parse_args()
    if options.what == "table":
        build()
    elif options.what == "prices":
        prices()
    else:
        between = load(LADDER.with_name(f"{LADDER.stem}-1500.csv"), "tune", "pull", (COSTS["1,500 events"], 1.0), UNIT)
        table = load(LADDER, "tune", "pull", (COSTS["500 events"], 1.0), UNIT)
        steps = replace(table, further=((COSTS["1,500 events"], between.cheap),))
        run(steps, options.seeds, 96.0, 0.03, options.searches)


if __name__ == "__main__":
    main()
