"""The figures of the report, as SVG. Needs matplotlib; nothing else in the benchmark does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.planner import cost, datasets, metrics
from benchmarks.planner.planners import COMPETITORS
from benchmarks.planner.record import Run
from benchmarks.planner.tables import Grouped

_FEWEST = 3  # runs that make a curve

# Okabe and Ito 2008: told apart with any colour vision; the second sign is a line style or marker
_STYLE = {
    "yosegi": ("#D55E00", "-", "o"),
    "random": ("#777777", ":", "x"),
    "botorch": ("#0072B2", "-", "s"),
    "ax": ("#56B4E9", "--", "D"),
    "baybe": ("#009E73", "-.", "^"),
    "optuna-tpe": ("#CC79A7", ":", "v"),
    "optuna-gp": ("#882255", "--", "P"),
    "physbo": ("#B8860B", "-.", "*"),
}


def draw(single: Grouped, folder: Path) -> list[tuple[str, str]]:
    """Draw what there are runs for; names and captions of the figures drawn."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "yosegi", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False})
    mpl.rcParams.update(
        {"axes.spines.right": False, "figure.constrained_layout.use": True, "font.family": "sans-serif"}
    )
    drawn = []
    for name, caption, painter in _FIGURES:
        figure = painter(single)
        if figure is not None:
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
            drawn.append((name, caption))
    return drawn


def _panels(rows: int = 2, columns: int = 2, size: tuple[float, float] = (9, 6.4)) -> tuple[Any, list[Any]]:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(rows, columns, figsize=size)
    return figure, list(np.ravel(axes))


def _to_top(single: Grouped) -> Any:
    """Experiments to the first of the top 1 %, one dot a planner with its interval."""
    figure, axes = _panels()
    for axis, data in zip(axes, datasets.MAIN, strict=True):
        names = [n for n in COMPETITORS if (data, n) in single and n != "random"][::-1]
        for place, name in enumerate(names):
            found = metrics.experiments(single[data, name], metrics.TOP_1)
            colour, _, marker = _STYLE[name]
            axis.plot([found.low, found.high], [place, place], color=colour, lw=2.5, alpha=0.6)
            axis.plot(found.mean, place, marker, color=colour, ms=7)
            axis.annotate(
                f"{'≥ ' if found.censored else ''}{found.mean:.1f}",
                (found.high, place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                color=colour,
            )
        axis.set_yticks(range(len(names)), [COMPETITORS[n].title for n in names])
        axis.set_ylim(-0.6, len(names) - 0.4)
        axis.set_xlim(left=0)
        axis.margins(x=0.15)
        expected = metrics.TOP_1.expected_random(datasets.load(data))
        axis.set_title(f"{datasets.load(data).title} (random: {expected:.0f})", loc="left", fontweight="bold")
        axis.set_xlabel("experiments to the first of the top 1 %")
    return figure


def _regret(single: Grouped) -> Any:
    """Mean simple regret with its band."""
    figure, axes = _panels()
    for axis, data in zip(axes, datasets.MAIN, strict=True):
        for name in COMPETITORS:
            runs = metrics.usable(single.get((data, name), []), metrics.MOST)
            if len(runs) >= _FEWEST:
                _line(axis, name, runs)
        axis.set_yscale("log")
        axis.set_ylim(5e-4, 1)
        axis.set_xlim(5, 60)
        axis.set_title(datasets.load(data).title, loc="left", fontweight="bold")
        axis.set_xlabel("experiments")
        axis.set_ylabel("regret (share of the pool's range)")
    axes[0].legend(fontsize=8, frameon=False, ncols=2)
    return figure


def _line(axis: Any, name: str, runs: list[Run]) -> None:
    colour, style, _ = _STYLE[name]
    whole = min([60, *(len(run.order) for run in runs if not run.finished)])
    mean, low, high = metrics.curve(metrics.regret(runs, whole))
    n = np.arange(1, whole + 1)
    bold = name == "yosegi"
    floor = 1e-5  # a logarithmic axis has no zero
    axis.plot(n, np.maximum(mean, floor), style, color=colour, lw=2.2 if bold else 1.3, label=COMPETITORS[name].title)
    axis.fill_between(
        n, np.maximum(low, floor), np.maximum(high, floor), color=colour, alpha=0.18 if bold else 0.07, lw=0
    )


def _found(single: Grouped) -> Any:
    """Share of the top 5 % of Crossed barrel found, beside the published reference."""
    data = "crossed-barrel"
    pool = datasets.load(data)
    top = pool.top(0.05)
    figure, (axis,) = _panels(1, 1, (6.4, 4.4))
    for name in COMPETITORS:
        runs = metrics.usable(single.get((data, name), []), metrics.MOST)
        if len(runs) < _FEWEST:
            continue
        colour, style, _ = _STYLE[name]
        last = min(len(run.order) for run in runs)
        share = np.array([np.cumsum([row in top for row in run.order[:last]]) for run in runs]) / len(top)
        mean, low, high = metrics.curve(100 * share)
        n = np.arange(1, last + 1)
        axis.plot(n, mean, style, color=colour, lw=2.2 if name == "yosegi" else 1.3, label=COMPETITORS[name].title)
        axis.fill_between(n, low, high, color=colour, alpha=0.15, lw=0)
    reference = {20: 3.75, 50: 3.61, 80: 2.84}  # acceleration factors, Liang et al. 2021, at % of the top 5 % found
    axis.plot(
        [p / 100 * len(pool) / factor for p, factor in reference.items()],
        list(reference),
        "k+",
        ms=11,
        mew=1.8,
        label="Liang et al. 2021",
    )
    axis.set_xlim(0, 200)
    axis.set_ylim(0, 100)
    axis.set_title("Crossed barrel", loc="left", fontweight="bold")
    axis.set_xlabel("experiments")
    axis.set_ylabel("share of the top 5 % found (%)")
    axis.legend(fontsize=8, frameon=False)
    return figure


def _seconds(single: Grouped) -> Any:
    """Seconds per suggestion against the number of measurements."""
    timed = cost.timed()
    if not timed:
        return None
    figure, (axis,) = _panels(1, 1, (7, 4.2))
    for name, points in timed.items():
        colour, style, marker = _STYLE[name]
        axis.plot(
            *zip(*sorted(points.items()), strict=True),
            style,
            marker=marker,
            color=colour,
            label=COMPETITORS[name].title,
        )
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks([20, 50, 100, 200, 500], ["20", "50", "100", "200", "500"])
    axis.minorticks_off()
    axis.set_xlabel("measurements in the history")
    axis.set_ylabel("seconds of one core for one suggestion")
    axis.grid(alpha=0.25)
    axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


_FIGURES: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    (
        "to-top",
        "Experiments to the first of the top 1 %: means over seeds and their 95 % bootstrap intervals.",
        _to_top,
    ),
    (
        "regret",
        "Regret after n experiments: means over seeds with 95 % bootstrap bands (planners with three runs or more).",
        _regret,
    ),
    (
        "found",
        "Share of the top 5 % of Crossed barrel found, as far as all runs of a planner go: means with 95 % bootstrap "
        "bands. Crosses: the published reference (Liang et al. 2021).",
        _found,
    ),
    ("seconds", "Processor seconds for one suggestion among 600 candidates: medians.", _seconds),
)
