"""The quantum pack measured: `python -m benchmarks.packs.quantum time|table|race|figure`.

`time` measures seconds and memory per evaluation; `table` simulates every recipe of the campaign (about four minutes on
one core; the result is kept in `data/quantum.csv`); `race` compares searches on it; `figure` draws the threshold and
the trade-off of the readout time into docs/packs/.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from benchmarks.packs.race import CACHE, PEERS, SEARCHES, Answer, Table, load, run, save
from matplotlib.axes import Axes
from scipy.stats import qmc

from yosegi.core.capability import Context
from yosegi_packs.quantum import Memory, footprint, memory, memory_large, memory_small, threshold
from yosegi_packs.quantum.counts import Counts

TABLE = CACHE / "quantum.csv"
HARDWARE = {"t1": 68.0, "t2": 89.0}
LOW, HIGH = (60.0, 20.0, 15.0), (1000.0, 450.0, 90.0)
NAMES = ("readout_time", "ringdown_time", "gate_time")
COSTS = (0.045, 1.0)
UNIT = "costly answers, by measured seconds"
FIGURE = Path(__file__).parents[2] / "docs" / "packs" / "quantum.svg"
STYLE = (("#0072b2", "o"), ("#d55e00", "s"), ("#009e73", "^"))


def recipes(count: int = 128) -> list[dict[str, float]]:
    """Settings of the three durations, space-filling, rounded to 1 ns, 1 ns and 0.1 ns."""
    points = qmc.scale(qmc.Sobol(3, scramble=True, rng=2026).random(count), LOW, HIGH)
    return [dict(zip(NAMES, (round(a), round(b), round(c, 1)), strict=True)) for a, b, c in points.tolist()]


def context(seed: int) -> Context:
    return Context(key=str(seed), seed=seed, folder=Path())


def build(count: int = 128, refined: int = 12) -> None:
    """Every recipe through both sources; the truth of the best from 500,000 shots, of the others from the first."""
    rows = recipes(count)
    cheap = [memory_small(**row, **HARDWARE, context=context(10_000 + n)) for n, row in enumerate(rows)]
    costly = [memory_large(**row, **HARDWARE, context=context(20_000 + n)) for n, row in enumerate(rows)]
    truth = [made.log10_error for made in costly]
    for row in np.argsort(truth)[:refined]:
        r = rows[row]
        more = memory(
            7,
            r["readout_time"],
            68.0,
            89.0,
            r["ringdown_time"],
            r["gate_time"],
            shots=500_000,
            context=context(30_000 + int(row)),
        )
        truth[row] = more.log10_error

    def answers(made: list[Memory]) -> tuple[Answer, ...]:
        return tuple(Answer(m.log10_error, m.log10_standard_error) for m in made)

    save(
        TABLE,
        Table("memory", "log10_error", COSTS, UNIT, tuple(rows), answers(cheap), answers(costly), tuple(truth)),
    )


def timed() -> None:
    """Seconds for each evaluation, and the largest memory of the process after it."""
    cases = {
        "memory, d=3, 20,000 shots": lambda: memory(3, 300.0, **HARDWARE),
        "memory, d=5, 20,000 shots": lambda: memory(5, 300.0, **HARDWARE),
        "memory, d=7, 20,000 shots": lambda: memory(7, 300.0, **HARDWARE),
        "memory, d=11, 20,000 shots": lambda: memory(11, 300.0, **HARDWARE),
        "memory-small": lambda: memory_small(300.0, 160.0, 30.0, **HARDWARE),
        "memory-large (d=7)": lambda: memory_large(300.0, 160.0, 30.0, **HARDWARE),
        "footprint": lambda: footprint(1e-6, 300.0, 160.0, 30.0, **HARDWARE),
        "threshold, d up to 9": lambda: threshold(0.0045, 0.0065),
    }
    print("| evaluation | s | MB, peak so far |\n|---|---|---|")
    for name, case in cases.items():
        case()
        start = time.process_time()
        case()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"| {name} | {time.process_time() - start:.3f} | {peak:.0f} |", flush=True)


def draw() -> None:
    """Where codes cross, and the readout time that each distance wants."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "yosegi"
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    _draw_threshold(left)
    _draw_readout(right)
    figure.savefig(FIGURE, metadata={"Date": None})
    print(f"wrote {FIGURE}")


def _draw_threshold(axes: Axes) -> None:
    shots = 20_000
    found = threshold(0.004, 0.007, largest_distance=9, points=7, shots=shots, context=context(1))
    for distance, row, (colour, mark) in zip((5, 7, 9), found.logical_errors, STYLE, strict=True):
        counts = [Counts(round(error * shots), shots) for error in row]
        ends = np.array([c.interval() for c in counts]).T
        bars = np.abs(ends - [c.rate for c in counts])
        x = 100 * np.array(found.error_rates)
        axes.errorbar(x, [c.rate for c in counts], bars, color=colour, marker=mark, capsize=2, label=f"d = {distance}")
    axes.axvspan(100 * found.lower, 100 * found.upper, color="0.85")
    axes.set(xlabel="physical error p, %", ylabel="logical error per shot of d rounds", yscale="log")
    axes.set_title(f"Threshold {100 * found.threshold:.3f} ± {100 * found.standard_error:.3f} %")
    axes.legend(frameon=False)
    print(
        f"threshold {found.threshold:.5f} ± {found.standard_error:.5f} [{found.lower:.5f}, {found.upper:.5f}], "
        f"nu {found.exponent:.2f}, chi2/dof {found.misfit:.2f}, pairs {found.crossing_small:.5f} "
        f"{found.crossing_large:.5f}"
    )


def _draw_readout(axes: Axes) -> None:
    times = np.geomspace(60, 1500, 13).round()
    for distance, (colour, mark) in zip((3, 5, 7), STYLE, strict=True):
        runs = [memory(distance, float(t), **HARDWARE, shots=40_000, context=context(2)) for t in times]
        errors = np.array([run.error_per_cycle for run in runs])
        bars = np.array([[run.error_per_cycle - run.lower, run.upper - run.error_per_cycle] for run in runs]).T
        axes.errorbar(times, errors, bars, color=colour, marker=mark, capsize=2, label=f"d = {distance}")
    axes.set(xlabel="readout time, ns", ylabel="logical error per cycle", xscale="log", yscale="log")
    axes.set_title("T1 = 68 µs, T2 = 89 µs")
    axes.legend(frameon=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("time", "table", "race", "figure"))
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--searches", nargs="*", default=[*SEARCHES, *PEERS], help="for `race`")
    options = parser.parse_args()
    if options.what == "time":
        timed()
    elif options.what == "table":
        build()
    elif options.what == "race":
        table = load(TABLE, "memory", "log10_error", COSTS, UNIT)
        run(table, options.seeds, 128.0, 0.02, options.searches)
    else:
        draw()


if __name__ == "__main__":
    main()
