"""The fusion pack measured: `python -m benchmarks.packs.fusion time|table|race|figure`.

`time` and `table` need torax, so they run in its environment: `PYTHONPATH=. .venv-fusion/bin/python -m
benchmarks.packs.fusion table`; `table` runs every scenario by both sources, resumes where it stopped, and keeps what it
found in `data/fusion.csv` (six seconds a scenario). `race` and `figure` read that file and need no torax. In `race` a
scenario that breaks a limit is infeasible and nothing more; in the searches `limits told` the planner is told the
limited outcomes as well and bounds them itself, as a campaign with `limits = "reported"` and `[[limit]]` does.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from yosegi_packs.fusion import Scenario, scenario_full, scenario_quick
from yosegi_packs.fusion.scenario import LIMITS

if TYPE_CHECKING:
    from benchmarks.packs.race import Step, Table

DATA = Path(__file__).parent / "data" / "fusion.csv"
FIGURE = Path(__file__).parents[2] / "docs" / "packs" / "fusion.svg"
LOWS = {"power": 20.0, "heating_radius": 0.05, "density": 0.5, "current": 9.0, "drive_radius": 0.1}
HIGHS = {"power": 80.0, "heating_radius": 0.5, "density": 0.9, "current": 12.5, "drive_radius": 0.6}
ROUNDS = {"power": 1, "heating_radius": 2, "density": 3, "current": 2, "drive_radius": 2}
COSTS = (0.26, 1.0)
UNIT = "costly answers, by median seconds of the table"
KEPT = ("fusion_power", *(limit.output for limit in LIMITS), "gain", "drift")
SCENARIOS = 64
"""Drawn; the file holds those that were run so far, in this order, which fills the space at any length."""


def recipes() -> list[dict[str, float]]:
    """Scenarios that fill the space, rounded as the contract does."""
    from scipy.stats import qmc

    points = qmc.scale(
        qmc.Sobol(len(LOWS), scramble=True, rng=2026).random(SCENARIOS), tuple(LOWS.values()), tuple(HIGHS.values())
    )
    return [{n: round(float(v), ROUNDS[n]) for n, v in zip(LOWS, point, strict=True)} for point in points]


def asked(source: Callable[..., Scenario], recipe: dict[str, float]) -> dict[str, float]:
    """What is kept of an answer; NaN throughout where there is none."""
    try:
        found = source(**recipe, limits="reported")
    except Exception as error:  # noqa: BLE001 - a table has a row for each scenario, whatever went wrong
        print(recipe, error)
        return dict.fromkeys(KEPT, np.nan)
    return {name: getattr(found, name) for name in KEPT}


def build() -> None:
    """Every scenario by both sources, in order; what is in the file already is not asked again."""
    done = read() if DATA.exists() else []
    DATA.parent.mkdir(exist_ok=True)
    for recipe in recipes()[len(done) :]:
        row: dict[str, float] = dict(recipe)
        for name, source in (("quick", scenario_quick), ("full", scenario_full)):
            start = time.process_time()
            row |= {f"{name}_{kept}": value for kept, value in asked(source, recipe).items()}
            row[f"{name}_seconds"] = round(time.process_time() - start, 2)
        done.append(row)
        with DATA.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            writer.writeheader()
            writer.writerows(done)


def read() -> list[dict[str, float]]:
    """The table."""
    with DATA.open(encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def within(row: dict[str, float], source: str) -> bool:
    """Whether a scenario keeps every limit by one source."""
    return all(limit.holds(row[f"{source}_{limit.output}"]) for limit in LIMITS)


# ---- time ----


def timed() -> None:
    """Seconds and memory: import, first call, further calls at other plans."""
    import resource

    from yosegi_packs.fusion.transport import library

    def seconds(call: Callable[[], Any]) -> float:
        start = time.process_time()
        call()
        return time.process_time() - start

    print(f"import torax {seconds(library):.1f} s")
    print(f"first answer {seconds(lambda: scenario_quick(limits='reported')):.1f} s")
    for name, source in (("quick", scenario_quick), ("full", scenario_full)):
        plans = [{"power": power, "current": 10.0} for power in (40.0, 50.0, 60.0)]
        took = [seconds(lambda plan=plan, source=source: source(**plan, limits="reported")) for plan in plans]
        print(f"{name} {statistics.median(took):.2f} s")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")


# ---- race ----


def race(seeds: int, searches: Sequence[str]) -> None:
    """Searches for the most fusion power within the limits, infeasible where one is broken."""
    from benchmarks.packs.race import PEERS, SEARCHES, Answer, Table, run

    rows = read()

    def answers(source: str) -> tuple[Answer, ...]:
        return tuple(Answer(-row[f"{source}_fusion_power"] if within(row, source) else np.nan, 0.0) for row in rows)

    costly = answers("full")
    table = Table(
        "scenario",
        "fusion_power",
        COSTS,
        UNIT,
        tuple({name: row[name] for name in LOWS} for row in rows),
        answers("quick"),
        costly,
        tuple(answer.value for answer in costly),
    )
    broken = {limit.output: sum(not limit.holds(row[f"full_{limit.output}"]) for row in rows) for limit in LIMITS}
    print(f"{sum(within(row, 'full') for row in rows)} of {len(rows)} within all limits; broken: {broken}\n")
    SEARCHES["limits told, one source"] = limited("full")
    SEARCHES["limits told, two sources"] = limited("full", "quick")
    run(table, seeds, float(len(rows)), 0.03, searches or (*SEARCHES, *PEERS))


def limited(*fidelities: str) -> Callable[[Table, int, float], Iterable[Step]]:
    """The planner with the limited outcomes told by each of the fidelities, the costly `full` first."""
    from benchmarks.packs.race import Step

    from yosegi.planner import (
        Candidates,
        Objective,
        Observation,
        OutcomeConstraint,
        Parameter,
        Problem,
        Source,
        suggest,
    )

    rows = read()
    columns = {name: np.array([row[name] for row in rows]) for name in LOWS}
    problem = Problem(
        tuple(Parameter.continuous(n, float(c.min()), float(c.max())) for n, c in columns.items()),
        (Objective("fusion_power", "maximise"),),
        candidates=Candidates.of(columns),
        outcome_constraints=(
            OutcomeConstraint("q_min", at_least=1.0),
            OutcomeConstraint("greenwald_fraction", at_most=1.0),
            OutcomeConstraint("beta_n", at_most=2.8),
            OutcomeConstraint("lh_ratio", at_least=1.3),
        ),
        sources=tuple(Source(name, COSTS[name == "full"]) for name in fidelities),
    )
    names = ("fusion_power", *(limit.output for limit in LIMITS))

    def search(table: Table, seed: int, budget: float) -> Iterable[Step]:
        history: list[Observation] = []
        spent = 0.0
        while spent < budget:
            proposals = suggest(problem, history, count=1, seed=seed * 10_000 + len(history))
            if not proposals:
                return
            source, row = proposals[0].source or "full", int(str(proposals[0].candidate))
            spent += COSTS[source == "full"]
            told = {name: rows[row][f"{source}_{name}"] for name in names}
            history.append(Observation(proposals[0].values, told, {}, source, COSTS[source == "full"]))
            yield Step(row, source == "full", spent)

    return search


# ---- figure ----


def draw() -> None:
    """The cheap source against the costly one, and the limits in the plane of power and current."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "yosegi"
    from matplotlib import pyplot as plt

    rows = read()
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.4), layout="constrained")
    for good, colour, mark, label in ((True, "#0072b2", "o", "within"), (False, "#d55e00", "x", "a limit broken")):
        kept = [row for row in rows if within(row, "full") == good]
        at = np.array([(row["quick_fusion_power"], row["full_fusion_power"]) for row in kept])
        left.scatter(*at.T, 24, colour, marker=mark, label=f"{label} ({len(kept)})")
        right.scatter(
            [row["current"] for row in kept],
            [row["density"] for row in kept],
            [0.12 * row["full_fusion_power"] for row in kept],
            colour,
            marker=mark,
            alpha=0.7,
        )
    left.axline((200, 200), slope=1, color="0.5", linewidth=0.8)
    left.set(xlabel="fusion power after 5 s, MW (cheap)", ylabel="fusion power after 20 s, MW (costly)")
    left.legend(fontsize=8, frameon=False)
    left.set_title("Cheap against costly; line: equal", fontsize=9)
    right.set(xlabel="plasma current, MA", ylabel="pedestal density over Greenwald's")
    right.set_title("Scenarios; area: fusion power", fontsize=9)
    figure.savefig(FIGURE, metadata={"Date": None})
    print(f"wrote {FIGURE}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("time", "table", "race", "figure"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--searches", nargs="*", default=(), help="for `race`; all, if none is named")
    options = parser.parse_args()
    if options.what == "race":
        race(options.seeds, options.searches)
    else:
        {"time": timed, "table": build, "figure": draw}[options.what]()


if __name__ == "__main__":
    main()
