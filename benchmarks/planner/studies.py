"""Tables of the studies besides the comparison itself: batches, sources, transfer, time and memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.planner import cost, loop, metrics, record, sources, transfer
from benchmarks.planner.datasets import MAIN, load
from benchmarks.planner.planners import COMPETITORS
from benchmarks.planner.record import Run
from benchmarks.planner.tables import Grouped, Table, group


def tables(single: Grouped) -> list[Table]:
    """All of them; those without runs are empty."""
    return [_batches(single), _sources(), _transfer(), _seconds(), _million()]


def _batches(single: Grouped) -> Table:
    batch = group(record.read("batch"))
    rows = []
    for data in MAIN:
        four, one = batch.get((data, "yosegi"), []), single.get((data, "yosegi"), [])
        for goal in (metrics.TOP_1, metrics.MOST):
            pairs = [
                (found, base)
                for a in four
                for b in one
                if a.seed == b.seed and (found := goal.reached(a, load(data))) and (base := goal.reached(b, load(data)))
            ]
            if pairs:
                fewer = metrics.bootstrap_ratio(
                    [_rounds(b, 1) for _, b in pairs], [_rounds(a, loop.BATCH) for a, _ in pairs]
                )
                more = metrics.bootstrap_ratio([a for a, _ in pairs], [b for _, b in pairs])
                least = [_fewest_rounds(b, goal) for a in four for b in one if a.seed == b.seed]
                most = sum(_rounds(b, 1) for _, b in pairs) / sum(least)
                rows.append([load(data).title, goal.title, _ratio(fewer), f"{most:.2f}", _ratio(more), len(pairs)])
    fewer_rounds, more_experiments = "rounds, one at a time over fours", "experiments, fours over one at a time"
    header = ("data", "goal", fewer_rounds, "at most", more_experiments, "pairs")
    caption = (
        "## Batches of four\n\nYosegi against itself one at a time, same starts. A round is one call of the planner; "
        "the starts are one round in both. A higher first and a lower second ratio are better. At most: if every "
        "experiment after the starts found one of those that are sought." + _measured("batch")
    )
    return Table("batches", caption, header, rows)


def _measured(study: str) -> str:
    """Which builds a study's runs are of, as the last sentence of its caption."""
    return f" Measured: {', '.join(sorted({run.version for run in record.read(study)}))}."


def _rounds(experiments: int, count: int) -> int:
    """Calls of the planner until that many experiments, and one round for the starts."""
    return 1 + -(-max(0, experiments - loop.STARTS) // count)


def _fewest_rounds(run: Run, goal: metrics.Goal) -> int:
    """One round for the starts, and as many fours as it takes to measure what they did not hold and the goal needs."""
    pool = load(run.data)
    found = len(pool.top(goal.share) & set(run.order[: run.starts]))
    return 1 + -(-max(0, goal.needed(pool) - found) // loop.BATCH)


def _ratio(interval: metrics.Interval) -> str:
    return f"{interval.mean:.2f} ({interval.low:.2f}–{interval.high:.2f})"


def _sources() -> Table:
    runs = group(record.read("sources"))
    rows = []
    for data in MAIN:
        alone = runs.get((f"{data}:{sources.ALONE}", "yosegi"), [])
        cells = [
            _saving(alone, runs.get((f"{data}:{c:g}", "yosegi"), []), lambda r: float(r.extra["cost"]))
            for c in sources.CORRELATIONS
        ]
        if alone:
            least = [loop.STARTS * (1 + sources.PRICE) + (len(r.order) > loop.STARTS) for r in alone]
            most = sum(float(r.extra["cost"]) for r in alone) / sum(least)
            rows.append([load(data).title, *cells, f"{most:.2f}", len(alone)])
    header = ("data", *(f"correlation {c:g}" for c in sources.CORRELATIONS), "at most", "seeds")
    caption = (
        "## A cheap source at 1/20 of the cost\n\n"
        "Cost to the first of the top 1 % without the source over the cost with it; above 1 is a saving. The source's "
        "bias is a smooth random function (see `sources.py`). At most: if the first experiment after the starts were "
        "always the right one and nothing more were asked of the source." + _measured("sources")
    )
    return Table("sources", caption, header, rows)


def _saving(without: Sequence[Run], with_it: Sequence[Run], spent: Callable[[Run], float]) -> str:
    pairs = [(spent(a), spent(b)) for a in without for b in with_it if a.seed == b.seed]
    return _ratio(metrics.bootstrap_ratio([a for a, _ in pairs], [b for _, b in pairs])) if pairs else "–"


def _transfer() -> Table:
    runs = group(record.read("transfer"))
    rows = []
    for target, kinds in transfer.VARIANTS.items():
        alone = runs.get((f"{target}:none", "yosegi"), [])
        for kind in kinds[1:]:
            found = runs.get((f"{target}:{kind}", "yosegi"), [])
            if alone and found:
                means = [f"{metrics.bootstrap([len(r.order) for r in some]).mean:.1f}" for some in (alone, found)]
                rows.append(
                    [load(target).title, kind, *means, _saving(alone, found, lambda r: len(r.order)), len(found)]
                )
    header = ("target", "earlier campaign", "experiments without", "with", "ratio", "seeds")
    caption = (
        "## Transfer from an earlier campaign of 100 measurements\n\n"
        "Experiments to the first of the top 1 %, beginning with none. `shuffled`: nothing can be learned; `kin`: the "
        "same recipes on another instrument, correlation 0.9; `unrelated`: the same recipes, smooth, correlation "
        "0 (see `transfer.py`)." + _measured("transfer")
    )
    return Table("transfer", caption, header, rows)


def _seconds() -> Table:
    loads = cost.loads()
    rows = [
        [COMPETITORS[name].title, *(f"{points[n]:.4f}" if n in points else "–" for n in cost.LENGTHS), loads[name]]
        for name, points in cost.timed().items()
    ]
    caption = (
        "## Seconds of one core for one suggestion among 600 candidates\n\n"
        "Medians of processor time after n random measurements of Crossed barrel, one thread. The load "
        "average of the two-core machine stands beside them: on a busy machine caches are shared, and every planner is "
        "slower than on an idle core."
    )
    return Table("seconds", caption, ("planner", *(f"n = {n}" for n in cost.LENGTHS), "load"), rows)


def _million() -> Table:
    rows = [
        [f"{rows:,}", line["measured"], f"{line['seconds']:.2f}", line["megabytes_peak"], line["megabytes_before"]]
        for rows, line in sorted(cost.largest().items())
    ]
    header = ("candidates", "measured", "processor seconds", "peak memory, MB", "of which before the call, MB")
    return Table(
        "million", "## Very many candidates\n\nOne suggestion of Yosegi among rows of six numbers.", header, rows
    )
