"""The hep pack measured: `python -m benchmarks.packs.hep time|table|race|figure`.

`time` measures seconds and memory per evaluation; `table` generates events for every tune of the campaign (about four
minutes on one core; the result is kept in `data/hep.csv`); `race` compares searches on it; `figure` draws Monash
against the LEP averages in both decay conventions, and the limits, into docs/packs/.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from benchmarks.packs.race import CACHE, Answer, Table, load, run, save
from matplotlib.axes import Axes
from scipy.stats import qmc

from yosegi.core.capability import Context
from yosegi_packs.hep import Tune, limits, tune, tune_full, tune_quick
from yosegi_packs.hep.averages import LEP, STABLE, values, variances
from yosegi_packs.hep.limits import asymptotic_cls, counting_model, seeded, toy_cls

TABLE = CACHE / "hep.csv"
NAMES = ("alpha_s", "a_lund", "b_lund", "sigma_pt", "strangeness", "diquarks")
LOW = (0.115, 0.2, 0.4, 0.22, 0.14, 0.05)
HIGH = (0.155, 1.4, 1.8, 0.45, 0.32, 0.13)
DIGITS = (4, 2, 2, 3, 3, 3)
COSTS = (0.21, 1.0)
UNIT = "costly answers, by measured seconds"
FIGURE = Path(__file__).parents[2] / "docs" / "packs" / "hep.svg"
STYLE = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"))


def recipes(count: int = 128) -> list[dict[str, float]]:
    """Settings of the six parameters, space-filling."""
    points = qmc.scale(qmc.Sobol(6, scramble=True, rng=2026).random(count), LOW, HIGH)
    return [{n: round(v, d) for n, v, d in zip(NAMES, point, DIGITS, strict=True)} for point in points.tolist()]


def context(seed: int) -> Context:
    return Context(key=str(seed), seed=seed, folder=Path())


def build(count: int = 128, refined: int = 12) -> None:
    """Every recipe through both sources; the truth of the best from 20,000 events, of the others from the costly."""
    rows = recipes(count)
    cheap = [tune_quick(**row, context=context(10_000 + n)) for n, row in enumerate(rows)]
    costly = [tune_full(**row, context=context(20_000 + n)) for n, row in enumerate(rows)]
    truth = [made.pull for made in costly]
    for row in np.argsort(truth)[:refined]:
        truth[row] = tune(**rows[row], events=20_000, context=context(30_000 + int(row))).pull

    def answers(made: list[Tune]) -> tuple[Answer, ...]:
        return tuple(Answer(m.pull, m.pull_error) for m in made)

    save(TABLE, Table("tune", "pull", COSTS, UNIT, tuple(rows), answers(cheap), answers(costly), tuple(truth)))


def timed() -> None:
    """Seconds for each evaluation, and the largest memory of the process after it."""
    lists = [12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0]
    model, data = counting_model(*lists)
    monash = dict(zip(NAMES, (0.1365, 0.68, 0.98, 0.335, 0.217, 0.081), strict=True))
    cases = {
        "limits, two bins": lambda: limits(*lists),
        "CLs, 100 + 100 pseudo-experiments, two bins": lambda: toy_cls(1.0, data, model, 100),
        "tune-quick (500 events)": lambda: tune_quick(**monash),
        "tune-full (5,000 events)": lambda: tune_full(**monash),
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

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    _draw_pulls(left)
    _draw_cls(right)
    figure.savefig(FIGURE, metadata={"Date": None})
    print(f"wrote {FIGURE}")


def _draw_pulls(axes: Axes) -> None:
    names = [average.name for average in LEP]
    for (cut, label), (colour, mark) in zip(
        ((STABLE, "LEP: stable beyond cτ = 90 mm"), (10.0, "LHC: beyond 10 mm")), STYLE, strict=False
    ):
        made = tune(events=20_000, decay_length=cut, context=context(1))
        pulls = [(getattr(made, n) - r) / s for n, r, s in zip(names, values(), variances(0.05) ** 0.5, strict=True)]
        axes.plot(pulls, range(len(names)), mark, color=colour, label=label)
        print(label, {n: round(getattr(made, n), 4) for n in names}, f"pull {made.pull:.2f} ± {made.pull_error:.2f}")
    axes.axvline(0, color="0.6", lw=1)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.set(xlabel="(generated - measured) / σ", title="Monash 2013 against LEP")
    axes.set_ylim(-1.9, len(names) - 0.5)
    axes.legend(frameon=False, loc="lower center")


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
    parser.add_argument("what", choices=("time", "table", "race", "figure"))
    parser.add_argument("--seeds", type=int, default=30)
    options = parser.parse_args()
    if options.what == "time":
        timed()
    elif options.what == "table":
        build()
    elif options.what == "race":
        run(load(TABLE, "tune", "pull", COSTS, UNIT), options.seeds, budget=128.0, share=0.02)
    else:
        draw()


if __name__ == "__main__":
    main()
