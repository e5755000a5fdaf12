"""A campaign's trials as a table, as a drawing, and as a notebook shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from yosegi.core.errors import Invalid
from yosegi.services.campaigns.schemas import CampaignAnswer, CampaignDetail, ObjectiveDetail, TrialDetail

LATEST = 8
"""Trials that a notebook shows."""


def rows_of_state(state: CampaignDetail) -> list[dict[str, Any]]:
    """A dict a trial: its point, outcomes, every output, cost, time, owner, what was predicted, and why."""
    names = [*(one.name for one in state.objectives), *(one.name for one in state.limits)]
    return [_row(trial, names) for trial in state.trial]


def _row(trial: TrialDetail, names: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"trial": trial.number, "source": trial.source, "state": str(trial.state)}
    row |= {"candidate": trial.candidate} if trial.candidate else {}
    row |= trial.values
    for name in names:
        row |= {name: trial.outcomes.get(name), f"{name}_error": trial.errors.get(name)}
    row |= {"keeps_limits": trial.keeps_limits, "origin": trial.origin, "by": trial.by, "owner": trial.told_by}
    for step in trial.steps:
        row |= {f"{step.name}.{name}": _output(value) for name, value in step.outputs.items()}
    charged: dict[str, float] = {}
    for step in trial.steps:
        for unit, amount in step.charged.items():
            charged[unit] = charged.get(unit, 0.0) + float(amount)
    row |= {f"charged.{unit}": amount for unit, amount in charged.items()}
    row |= {"proposed": trial.proposed, "ended": trial.over}
    for which in ("mean", "sd"):
        predicted = trial.expected.get(which)
        if isinstance(predicted, dict):
            row |= {f"predicted.{name}" + (".sd" if which == "sd" else ""): value for name, value in predicted.items()}
    return row | {"reason": trial.reason, "why": trial.why}


def _output(value: Any) -> Any:
    """An object by its digest, for `Client.objects`; anything else as it is."""
    return str(value["sha256"]) if isinstance(value, dict) and "sha256" in value else value


def frame_of(rows: list[dict[str, Any]]) -> Any:
    """A pandas DataFrame where pandas is installed, else the rows."""
    try:
        import pandas
    except ImportError:
        return rows
    return pandas.DataFrame(rows)


def drawn(kind: str, state: CampaignDetail) -> Any:
    """A figure of matplotlib.

    Raises:
        Invalid: matplotlib is not installed, there is no such drawing, or nothing to draw yet.
    """
    done = [t for t in state.trial if t.outcomes]
    if not done:
        raise Invalid("plot()", "nothing was measured yet")
    figure = _figure()
    axes = figure.subplots()
    if kind == "convergence":
        _convergence(axes, state, done)
    elif kind == "front":
        _front(axes, state, done)
    elif kind == "parallel":
        _parallel(axes, state, done)
    else:
        raise Invalid("plot()", f"there is no drawing {kind!r}", "convergence, front or parallel")
    axes.set_title(state.title)
    return figure


def drawn_learned(kind: str, answer: CampaignAnswer) -> Any:
    """A figure of what the model learned of the first outcome.

    Raises:
        Invalid: matplotlib is not installed, or too little was measured.
    """
    if not answer.learned:
        raise Invalid("plot()", "too little was measured for a model")
    found, figure = answer.learned[0], _figure()
    unit = "" if found.unit == "1" else f" ({found.unit})"
    if kind == "parity":
        axes = figure.subplots()
        measured = [p.measured for p in found.parity]
        axes.errorbar(
            measured, [p.predicted for p in found.parity], yerr=[1.64 * p.sd for p in found.parity], fmt="o", alpha=0.7
        )
        axes.plot([min(measured), max(measured)], [min(measured), max(measured)], "--")
        axes.set_xlabel(f"{found.name} measured{unit}")
        axes.set_ylabel("predicted from all others, 90 %")
        return figure
    for axes, one in zip(
        figure.subplots(1, len(found.slices), sharey=True, squeeze=False)[0], found.slices, strict=True
    ):
        half = [1.64 * sd for sd in one.sd]
        if one.discrete:
            # Between levels there is nothing, so no line joins them.
            axes.errorbar(range(len(one.at)), one.mean, yerr=half, fmt="o", capsize=3)
            axes.set_xticks(range(len(one.at)), [str(level) for level in one.at])
            axes.set_xlim(-0.5, len(one.at) - 0.5)
        else:
            axes.plot(one.at, one.mean)
            low = [m - h for m, h in zip(one.mean, half, strict=True)]
            axes.fill_between(one.at, low, [m + h for m, h in zip(one.mean, half, strict=True)], alpha=0.2)
        parameter = one.parameter if one.unit == "1" else f"{one.parameter} ({one.unit})"
        axes.set_xlabel(f"{parameter}, {100 * one.importance:.0f} %")
        axes.set_ylabel(f"{found.name}{unit}" if one is found.slices[0] else "")
    return figure


def _figure() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise Invalid("plot()", "matplotlib is not installed", "pip install matplotlib") from None
    return Figure(figsize=(7, 4), layout="constrained")


def _named(one: ObjectiveDetail) -> str:
    return one.name if one.unit == "1" else f"{one.name} ({one.unit})"


def _loss(one: ObjectiveDetail, value: float) -> float:
    if one.goal == "target":
        return abs(value - (one.target or 0.0))
    return -value if one.goal == "maximise" else value


def _convergence(axes: Any, state: CampaignDetail, done: Sequence[TrialDetail]) -> None:
    goal, first = state.objective, state.sources[0].name
    valued = [t for t in done if t.value is not None]
    for name in dict.fromkeys(t.source for t in valued):
        mine = [t for t in valued if t.source == name]
        axes.plot([t.number for t in mine], [t.value for t in mine], "o" if name == first else ".", label=name)
    leaders: list[TrialDetail] = []
    for t in valued:
        better = not leaders or _loss(goal, t.value or 0.0) < _loss(goal, leaders[-1].value or 0.0)
        if t.source == first and t.keeps_limits and better:
            leaders.append(t)
    if leaders and goal.goal not in ("boundary", "explore"):
        ends = [*(t.number for t in leaders), max(t.number for t in valued)]
        axes.step(ends, [*(t.value for t in leaders), leaders[-1].value], where="post", label="best so far")
    axes.set_xlabel("trial")
    axes.set_ylabel(_named(goal))
    axes.legend()


def _front(axes: Any, state: CampaignDetail, done: Sequence[TrialDetail]) -> None:
    if len(state.objectives) < 2:
        raise Invalid("plot()", "one objective has no front", 'plot("convergence")')
    a, b = state.objectives[:2]
    points = [t for t in done if a.name in t.outcomes and b.name in t.outcomes]
    axes.plot([t.outcomes[a.name] for t in points], [t.outcomes[b.name] for t in points], "o", label="measured")
    best = sorted((one.outcomes[a.name], one.outcomes[b.name]) for one in state.front)
    axes.plot([x for x, _ in best], [y for _, y in best], "s-", label="no other is better in all")
    axes.set_xlabel(_named(a))
    axes.set_ylabel(_named(b))
    axes.legend()


def _parallel(axes: Any, state: CampaignDetail, done: Sequence[TrialDetail]) -> None:
    names = [p.name for p in state.parameters] + [o.name for o in state.objectives]
    columns = [[(t.values | t.outcomes).get(name) for t in done] for name in names]
    scaled = [_unit(column) for column in columns]
    for row in range(len(done)):
        axes.plot(range(len(names)), [column[row] for column in scaled], alpha=0.5)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks([])


def _unit(column: Sequence[Any]) -> list[float]:
    """Values between 0 and 1; levels by their order of appearance; what is missing lies at 0."""
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in column if value is not None):
        levels = list(dict.fromkeys(column))
        column = [levels.index(value) for value in column]
    numbers = [float(value) for value in column if value is not None]
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    return [0.0 if value is None else (float(value) - low) / ((high - low) or 1.0) for value in column]


def html_of(state: CampaignDetail) -> str:
    """How it stands, its answer and its last trials; every text may be another site's, so all is escaped."""
    why = f" · {escape(state.why)}" if state.why else ""
    head = f"<p><b>{escape(state.title)}</b> ({escape(state.name)}): {state.state}{why}<br>{escape(state.question)}</p>"
    best = [state.best] if state.best is not None else list(state.front)
    units = state.units
    told = "".join(
        f"<li>trial {one.trial}: {_pairs(one.outcomes, units)} at {_pairs(one.values, units)}</li>" for one in best
    )
    rows = "".join(
        f"<tr><td>{t.number}</td><td>{escape(t.source)}</td><td>{_pairs(t.values, units)}</td>"
        f"<td>{_pairs(t.outcomes, units)}</td><td>{t.state}</td></tr>"
        for t in state.trial[-LATEST:]
    )
    table = "<table><tr><th>trial</th><th>source</th><th>point</th><th>outcomes</th><th>state</th></tr>"
    return f"<div>{head}<ul>{told or '<li>no answer yet</li>'}</ul>{table}{rows}</table></div>"


def _pairs(values: Mapping[str, Any], units: Mapping[str, str]) -> str:
    shown = (
        f"{name} = {f'{value:.5g}' if isinstance(value, float) else value}"
        + (f" {units[name]}" if units.get(name, "1") != "1" else "")
        for name, value in values.items()
    )
    return escape(", ".join(shown))
