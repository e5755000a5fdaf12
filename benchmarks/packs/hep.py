"""The hep pack measured: `python -m benchmarks.packs.hep time|anchors|table|closure|race|ladder|figure`.

`time` measures seconds and memory per evaluation; `anchors` makes the runs that the interpolation goes through
(`src/yosegi_packs/hep/anchors.csv`, some minutes); `table` generates events for every tune of the campaign (some ten
minutes on one core; kept in `data/hep.csv` and `data/hep-ladder.csv`); `closure` tunes to each anchor left out of the
fit and asks whether its parameters come back; `race` compares searches with the interpolation as cheap source,
`ladder` with 500 and with 1,500 events; `figure` draws Monash against LEP in both decay conventions, how well the
interpolation foretells, and the limits, into docs/packs/.
"""

from __future__ import annotations

import argparse
import csv
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.packs.race import CACHE, PEERS, SEARCHES, Answer, Table, load, run, save
from matplotlib.axes import Axes
from scipy.stats import qmc

from yosegi.core.capability import Context
from yosegi_packs.hep import limits, tune, tune_full, tune_interpolated, tune_quick
from yosegi_packs.hep.averages import LEP, STABLE, values, variances
from yosegi_packs.hep.generator import averaged, event_rows
from yosegi_packs.hep.interpolation import HIGH, LOW, PARAMETERS, Interpolation, anchors, fitted_to, shipped
from yosegi_packs.hep.limits import asymptotic_cls, counting_model, seeded, toy_cls
from yosegi_packs.hep.tune import SETTINGS, score

TABLE = CACHE / "hep.csv"
LADDER = CACHE / "hep-ladder.csv"
ANCHORS = Path(__file__).parents[2] / "src" / "yosegi_packs" / "hep" / "anchors.csv"
DIGITS = (4, 2, 2, 3, 3, 3)
RUNS, ANCHOR_EVENTS, FULL_EVENTS = 96, 3000, 4000
COSTS = {"interpolated": 0.01, "500 events": 0.16, "1,500 events": 0.39, "full": 1.0}
"""Of an answer, in costly ones, by the seconds of `time`."""
UNIT = "costly answers, by measured seconds"
FIGURE = Path(__file__).parents[2] / "docs" / "packs" / "hep.svg"
STYLE = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"))


def recipes(count: int, seed: int) -> np.ndarray:
    """Settings of the six parameters, space-filling, shape (count, 6)."""
    points = qmc.scale(qmc.Sobol(6, scramble=True, rng=seed).random(256), LOW, HIGH)[:count]
    return np.array([[round(v, d) for v, d in zip(point, DIGITS, strict=True)] for point in points.tolist()])


def context(seed: int) -> Context:
    return Context(key=str(seed), seed=seed, folder=Path())


def rows_of(point: np.ndarray, events: int, seed: int) -> np.ndarray:
    """Events of the generator at one point, one row each."""
    return event_rows(dict(zip(SETTINGS, point.tolist(), strict=True)), events, STABLE, seed)


def run_anchors() -> None:
    """The runs that ship with the pack: parameters, means and their standard errors."""
    names = [average.name for average in LEP]
    with ANCHORS.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([*PARAMETERS, *names, *(f"{name}_error" for name in names)])
        for number, point in enumerate(recipes(RUNS, 1988)):
            made = averaged(rows_of(point, ANCHOR_EVENTS, 100_000 + number))
            numbers = (*made.means.tolist(), *np.sqrt(np.diag(made.covariance)).tolist())
            out.writerow([*(f"{value:g}" for value in point), *(f"{value:.6g}" for value in numbers)])


def build(count: int = 96, refined: int = 8) -> None:
    """Every recipe through all sources; the truth of the best from 20,000 events, of the others from the costly.

    The costly answer is of other events than the cheap ones; the 1,500 events of the ladder begin with the 500.
    """
    points = recipes(count, 2026)
    rows = [rows_of(point, 1500 + FULL_EVENTS, 200_000 + n) for n, point in enumerate(points)]
    keep(points, rows, lambda row: rows_of(points[row], 20_000, 300_000 + row), refined)


def keep(points: np.ndarray, rows: list[np.ndarray], again: Callable[[int], np.ndarray], refined: int) -> None:
    """Write the tables of both races; `again` generates the events of the truth."""
    recipe = tuple(dict(zip(PARAMETERS, point.tolist(), strict=True)) for point in points)
    full = [score(averaged(one[1500:])) for one in rows]
    truth = [pull for pull, _ in full]
    for row in np.argsort(truth)[:refined].tolist():
        truth[row] = score(averaged(again(row)))[0]
    for path, made in (
        (TABLE, [shipped().sample(point) for point in points]),
        (LADDER, [averaged(one[:500]) for one in rows]),
        (_further(LADDER), [averaged(one[:1500]) for one in rows]),
    ):
        cheap = tuple(Answer(*score(one)) for one in made)
        save(path, Table("tune", "pull", (0, 1), UNIT, recipe, cheap, tuple(Answer(*f) for f in full), tuple(truth)))


def _further(path: Path) -> Path:
    return path.with_name(f"{path.stem}-1500.csv")


def closure() -> None:
    """Tune to each anchor, left out of the fit, as if it were data: do the parameters it was made with come back?"""
    points, means = anchors()
    names = [average.name for average in LEP]
    with ANCHORS.open(encoding="utf-8") as file:
        errors = np.array([[float(row[f"{name}_error"]) for name in names] for row in csv.DictReader(file)])
    pulls, width = [], np.array(HIGH) - np.array(LOW)
    for left_out in range(len(points)):
        others = np.arange(len(points)) != left_out
        through = Interpolation.of(points[others], means[others])
        variances_ = np.diag(through.sample(points[left_out]).covariance) + errors[left_out] ** 2
        found = fitted_to(through, means[left_out], variances_)
        off = found.point - points[left_out]
        inside = ~np.isin(np.arange(len(PARAMETERS)), found.at_edge)
        pulls.append(np.where(inside, off / np.sqrt(np.diag(found.covariance)), np.nan))
        pulls[-1] = np.stack([pulls[-1], off / width])
    table = np.array(pulls)
    print("| parameter | runs not at the edge | rms of (found - true) / stated error | the same, of the range |")
    print("|---|---|---|---|")
    for n, name in enumerate(PARAMETERS):
        kept = table[:, 0, n][~np.isnan(table[:, 0, n])]
        print(
            f"| {name} | {len(kept)} of {len(points)} | {np.sqrt((kept**2).mean()):.2f} | {table[:, 1, n].std():.3f} |"
        )


def foretold() -> None:
    """How well the polynomials foretell an anchor that was left out, and the costly answers of the campaign."""
    through = shipped()
    off = through.left_out / np.sqrt(np.diag(through.residual))
    print(f"left-out residuals over the stated error of an anchor, rms by observable: {off.std(axis=0).round(2)}")
    table = load(TABLE, "tune", "pull", (COSTS["interpolated"], 1.0), UNIT)
    gap = [(c.value - f.value) / np.hypot(c.error, f.error) for c, f in zip(table.cheap, table.costly, strict=True)]
    print(f"(interpolated - generated pull) / joint error: mean {np.mean(gap):.2f}, spread {np.std(gap):.2f}")


def timed() -> None:
    """Seconds for each evaluation, and the largest memory of the process after it."""
    lists = [12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0]
    model, data = counting_model(*lists)
    monash = dict(zip(PARAMETERS, (0.1365, 0.68, 0.98, 0.335, 0.217, 0.081), strict=True))
    cases = {
        "limits, two bins": lambda: limits(*lists),
        "CLs, 100 + 100 pseudo-experiments, two bins": lambda: toy_cls(1.0, data, model, 100),
        "tune-interpolated": lambda: tune_interpolated(**monash),
        "tune-quick (500 events)": lambda: tune_quick(**monash),
        "tune (1,500 events)": lambda: tune(**monash, events=1500),
        "tune-full (4,000 events)": lambda: tune_full(**monash),
    }
    print("| evaluation | s | MB, peak so far |\n|---|---|---|")
    for name, case in cases.items():
        case()
        start = time.process_time()
        case()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"| {name} | {time.process_time() - start:.3f} | {peak:.0f} |", flush=True)


def draw() -> None:
    """Monash 2013 against LEP in both decay conventions, and CLs where the asymptotic formulae fail."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "yosegi"
    from matplotlib import pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    _draw_pulls(left)
    _draw_foretold(middle)
    _draw_cls(right)
    figure.savefig(FIGURE, metadata={"Date": None})
    print(f"wrote {FIGURE}")


def _draw_pulls(axes: Axes) -> None:
    names = [average.name for average in LEP]
    for (cut, label), (colour, mark) in zip(
        ((STABLE, "LEP: stable beyond cτ = 90 mm"), (10.0, "LHC: beyond 10 mm")), STYLE, strict=False
    ):
        made = tune(events=5_000, decay_length=cut, context=context(1))
        pulls = [(getattr(made, n) - r) / s for n, r, s in zip(names, values(), variances(0.05) ** 0.5, strict=True)]
        axes.plot(pulls, range(len(names)), mark, color=colour, label=label)
        print(label, {n: round(getattr(made, n), 4) for n in names}, f"pull {made.pull:.2f} ± {made.pull_error:.2f}")
    axes.axvline(0, color="0.6", lw=1)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.set(xlabel="(generated - measured) / σ", title="Monash 2013 against LEP")
    axes.set_ylim(-1.9, len(names) - 0.5)
    axes.legend(frameon=False, loc="lower center")


def _draw_foretold(axes: Axes) -> None:
    for (path, label), (colour, mark) in zip(
        ((LADDER, "500 events"), (TABLE, "interpolated")), (STYLE[1], STYLE[0]), strict=True
    ):
        table = load(path, "tune", "pull", (0, 1), UNIT)
        cheap = [a.value for a in table.cheap]
        axes.plot([a.value for a in table.costly], cheap, mark, ms=3, color=colour, label=label)
    axes.axline((1, 1), slope=1, color="0.6", lw=1)
    axes.set(xlabel="pull of 4,000 events", ylabel="pull by the cheap source", title="96 tunes, cheap against costly")
    axes.legend(frameon=False)


def _draw_cls(axes: Axes) -> None:
    scan = np.linspace(0.5, 4.5, 9)
    model, data = counting_model([1.0], [0.5], [0.01], [0.0])
    asymptotic = [asymptotic_cls(float(mu), data, model)[0] for mu in scan]
    with seeded(1):
        sampled = [toy_cls(float(mu), data, model, 150)[:2] for mu in scan]
    axes.plot(scan, np.exp(-scan), color="0.3", label="exact, e^-µ")
    axes.plot(scan, asymptotic, STYLE[0][1] + "-", color=STYLE[0][0], label="asymptotic formulae")
    cls, errors = np.array(sampled).T
    axes.errorbar(scan, cls, cls * errors, fmt=STYLE[1][1], color=STYLE[1][0], capsize=2, label="pseudo-experiments")
    axes.axhline(0.05, color="0.6", lw=1)
    axes.set(xlabel="signal strength µ", ylabel="CLs", yscale="log", title="No event seen, 0.5 expected")
    axes.legend(frameon=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("time", "anchors", "table", "closure", "race", "ladder", "figure"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--searches", nargs="*", default=[*SEARCHES, *PEERS], help="for `race`")
    options = parser.parse_args()
    table = load(TABLE, "tune", "pull", (COSTS["interpolated"], 1.0), UNIT) if TABLE.exists() else None
    if options.what == "time":
        timed()
    elif options.what == "anchors":
        run_anchors()
    elif options.what == "table":
        build()
    elif options.what == "closure":
        closure()
        foretold()
    elif options.what == "figure":
        draw()
    elif options.what == "ladder":
        ladder = load(LADDER, "tune", "pull", (COSTS["500 events"], 1.0), UNIT)
        between = load(_further(LADDER), "tune", "pull", (COSTS["1,500 events"], 1.0), UNIT)
        steps = replace(ladder, further=((COSTS["1,500 events"], between.cheap),))
        run(steps, options.seeds, budget=96.0, share=0.03, names=("random", "screening", "two sources", "ladder"))
    elif table is not None:
        run(table, options.seeds, 96.0, 0.03, options.searches)


if __name__ == "__main__":
    main()
