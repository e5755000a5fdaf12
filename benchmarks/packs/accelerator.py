"""The accelerator pack's figure: `python -m benchmarks.packs.accelerator figure` draws docs/packs/accelerator.svg.

The orbit of one ring before and after a cautious campaign, and the true loss at every setting that was asked for on
some rings: by the planner with caution and without, and by Nelder and Mead's simplex. Runs, rings and noise are those
of `benchmarks.beam`, without drift; what is counted over many rings is counted there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from benchmarks.beam import PLANNERS, Run, safe_machines
from matplotlib.axes import Axes

from yosegi_packs.accelerator.lattice import CELLS
from yosegi_packs.accelerator.machine import KNOBS, LOSS_LIMIT, SCRAPERS, rms

FIGURE = Path(__file__).parents[2] / "docs" / "packs" / "accelerator.svg"
SKIPPED, RINGS, SHOTS = 20, 4, 40
"""The first rings are those that the caution's constants were chosen on."""

STYLE = {
    "ours, cautious": ("o", "#0072b2", "planner, cautious"),
    "Nelder-Mead": ("x", "0.35", "Nelder and Mead"),
    "ours": ("^", "#d55e00", "planner without caution"),
}


def draw() -> None:
    """Both panels, from the same runs."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "yosegi"
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.3), layout="constrained")
    seeds = safe_machines(SKIPPED + RINGS)[SKIPPED:]
    for name, (mark, colour, label) in STYLE.items():
        runs = [Run(seed, drift=0.0) for seed in seeds]
        measured = [PLANNERS[name](run, SHOTS) for run in runs]
        losses = np.array([[loss for _, loss in run.asked] for run in runs])
        shots = np.arange(1, SHOTS + 1)
        right.semilogy(shots, losses.T, mark, color=colour, markersize=3.5, alpha=0.8, label=label)
        print(f"{label}: {(losses > LOSS_LIMIT).sum()} of {losses.size} beyond the limit, worst {losses.max():.2f} %/h")
        if name == "ours, cautious":
            _draw_orbit(left, runs[0], measured[0])
    right.axhline(LOSS_LIMIT, color="0.2", linewidth=0.8)
    right.set(xlabel="shot", ylabel="true loss at the setting asked for, % an hour")
    right.set_title(f"{RINGS} rings (simulated); the line is the operators' limit", fontsize=9)
    handles, labels = right.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    right.legend(once.values(), once.keys(), fontsize=8, frameon=False)
    figure.savefig(FIGURE, metadata={"Date": None})
    print(f"wrote {FIGURE}")


def _draw_orbit(axes: Axes, run: Run, measured: list[tuple[float, float]]) -> None:
    """The ring at zero kicks, and at the best setting that was measured to keep the limit."""
    kept = [number for number, (_, loss) in enumerate(measured) if loss <= LOSS_LIMIT]
    best = run.settings[min(kept, key=lambda number: measured[number][0])]
    cells = np.arange(1, CELLS + 1)
    for kicks, colour, mark, label in (
        (np.zeros(len(KNOBS)), "#d55e00", "s--", "before"),
        (best, "#0072b2", "o-", "after"),
    ):
        orbit = run.machine.orbit(kicks)
        axes.plot(cells, orbit, mark, color=colour, markersize=4, label=f"{label}, rms {rms(orbit):.2f} mm")
    for number, (cell, jaw) in enumerate(SCRAPERS):
        side = float(np.sign(jaw))
        label = None if number else "scraper's jaw"
        axes.plot([cell + 1] * 2, [jaw, jaw + side], color="0.2", linewidth=5, label=label)
    axes.axhline(0.0, color="0.7", linewidth=0.8)
    axes.set(xlabel="monitor", ylabel="horizontal closed orbit, mm")
    axes.set_title("One ring, its true orbit (simulated)", fontsize=9)
    axes.legend(fontsize=8, frameon=False)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("figure",))
    parser.parse_args()
    draw()


if __name__ == "__main__":
    main()
