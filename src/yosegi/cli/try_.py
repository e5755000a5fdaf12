"""`yosegi try`: the planner for a laboratory that has only a file, without a site, a server or an account."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from yosegi.cli import _drawing
from yosegi.cli._retrospect import STARTS, Found, retrospect
from yosegi.cli._table import Table, read
from yosegi.cli.output import say, show_json
from yosegi.core.errors import Invalid, YosegiError
from yosegi.planner import (
    Candidates,
    Objective,
    Observation,
    PlannerError,
    Problem,
    Proposal,
    suggest,
    versions,
)
from yosegi.planner.objective import Goal
from yosegi.planner.parameter import Level

Answer = TypeVar("Answer")

_HELP = """Propose what to measure next from TABLE, a CSV file and nothing else.

\b
The table has one recipe a line. The last column is what you measure;
leave it blank where you have not measured yet (the convention of NIMO's
candidates.csv):
\b
    temperature,ratio,solvent,yield
    60,0.5,water,12.1
    80,0.5,water,
    60,0.7,ethanol,33.4

Yosegi reads the measured lines, learns from them, and names the blank lines
that are worth measuring next, each with its reason. Measure them, fill in the
cells, and run the command again. Columns of words are taken as kinds without
an order. A recipe may stand on several lines: those are repetitions.

Where no cell is blank, it answers another question: how many of these
measurements would have been enough?

\b
Examples:
    yosegi try candidates.csv                        one proposal; more is better
    yosegi try candidates.csv --minimise --count 4   four at once; less is better
    yosegi try candidates.csv --objective yield --objective cost:minimise
    yosegi try candidates.csv --objective pH:target=7.4
    yosegi try candidates.csv --out proposals.csv    as NIMO's machines read it
    yosegi try candidates.csv --draw known.svg       a picture of what is known
"""


@dataclass(frozen=True, slots=True)
class _Options:
    """What the caller asked for besides the table."""

    count: int
    seed: int
    repetitions: int
    out: Path | None
    draw: Path | None
    as_json: bool


@click.command("try", help=_HELP, short_help="Propose what to measure next, from a CSV file alone.")
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    metavar="COLUMN[:GOAL]",
    help="What is measured, up to three; GOAL is maximise, minimise or target=NUMBER. [the last column]",
)
@click.option("--minimise", is_flag=True, help="Less is better, for objectives without a GOAL of their own.")
@click.option(
    "--ignore", "ignored", multiple=True, metavar="COLUMN", help="A column of neither, such as a name or a date."
)
@click.option("--categorical", multiple=True, metavar="COLUMN", help="A column of numbers that are names, not amounts.")
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="How many to propose.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same answer.")
@click.option(
    "--repetitions",
    type=click.IntRange(1, 200),
    default=10,
    show_default=True,
    help="Of the look back at a complete table.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the proposals as NIMO's proposals.csv."
)
@click.option("--draw", type=click.Path(path_type=Path, dir_okay=False), help="Draw what is known, as SVG.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs.")
def try_(
    table: Path,
    objectives: tuple[str, ...],
    minimise: bool,
    ignored: tuple[str, ...],
    categorical: tuple[str, ...],
    **options: Any,
) -> None:
    """Read, propose or look back, and say so."""
    _or_explain(lambda: _try(table, objectives, minimise, ignored, categorical, _Options(**options)))


def _or_explain(do: Callable[[], Answer]) -> Answer:
    """What the program can explain becomes a message and exit status 1."""
    try:
        return do()
    except (YosegiError, PlannerError) as error:
        raise click.ClickException(str(error)) from error


def _try(
    path: Path,
    wanted: Sequence[str],
    minimise: bool,
    ignored: Sequence[str],
    categorical: Sequence[str],
    options: _Options,
) -> None:
    goals = [_goal(text, minimise) for text in wanted]
    table = read(path, [goal.name for goal in goals], ignored, categorical)
    goals = goals or [Objective(name, "minimise" if minimise else "maximise") for name in table.outcomes]
    problem, history = _problem(table, goals)
    complete = len(table.measured()) == len(table)
    found = _look_back(table, goals, options) if complete else []
    proposals = [] if complete else suggest(problem, history, count=options.count, seed=options.seed)
    if options.out is not None:
        _write(options.out, table, proposals)
    if options.draw is not None:
        title = f"{path.name}: {len(table.measured())} of {len(table)} measured"
        _save(options.draw, _drawing.svg(title, _series(table, goals[0], proposals)))
    if options.as_json:
        show_json(_as_json(table, goals, proposals, found))
    else:
        _tell(table, goals, proposals, found, options)


def _goal(text: str, minimise: bool) -> Objective:
    """An objective from `name`, `name:minimise`, `name:maximise` or `name:target=7.4`."""
    name, _, goal = text.rpartition(":") if ":" in text else (text, "", "")
    key, _, value = goal.partition("=")
    if not goal or goal in ("minimise", "maximise"):
        chosen: Goal = "minimise" if goal == "minimise" or (not goal and minimise) else "maximise"
        return Objective(name, chosen)
    try:
        if key == "target":
            return Objective(name, "target", target=float(value))
    except ValueError:
        pass
    raise Invalid(f"--objective {text}", f"{goal!r} is no goal", "Write maximise, minimise or target=NUMBER")


def _problem(table: Table, goals: Sequence[Objective]) -> tuple[Problem, list[Observation]]:
    candidates = Candidates.of(dict(table.parameters))
    problem = Problem(candidates.parameters(), tuple(goals), candidates=candidates)
    return problem, [_observation(table, row) for row in table.measured()]


def _observation(table: Table, row: int) -> Observation:
    outcomes: dict[str, Level] = {
        name: value for name, column in table.outcomes.items() if (value := column[row]) is not None
    }
    return Observation(table.recipe(row), outcomes)


def _look_back(table: Table, goals: Sequence[Objective], options: _Options) -> list[Found]:
    """The complete table by its planner; repetitions of a recipe averaged. Nothing for several objectives."""
    goal = goals[0]
    groups: dict[tuple[float | str, ...], list[int]] = {}
    for row in range(len(table)):
        groups.setdefault(tuple(table.recipe(row).values()), []).append(row)
    if len(goals) > 1 or len(groups) < 2 * STARTS:
        return []
    names = list(table.parameters)
    candidates = Candidates.of({name: [key[i] for key in groups] for i, name in enumerate(names)})
    column = table.outcomes[goal.name]
    means = [_mean([v for row in rows if (v := column[row]) is not None]) for rows in groups.values()]
    measured = [
        Observation(dict(zip(names, key, strict=True)), {goal.name: mean})
        for key, mean in zip(groups, means, strict=True)
    ]
    problem = Problem(candidates.parameters(), (goal,), candidates=candidates)
    with click.progressbar(range(options.repetitions), label="Looking back", file=sys.stderr) as seeds:
        return retrospect(problem, measured, seeds)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _best(table: Table, goal: Objective) -> int | None:
    """The row of the best measurement."""
    column = table.outcomes[goal.name]
    return min(
        (row for row in range(len(table)) if column[row] is not None),
        key=lambda row: goal.loss(column[row] or 0.0),
        default=None,
    )


def _write(path: Path, table: Table, proposals: Sequence[Proposal]) -> None:
    """NIMO's proposals.csv: the row of each candidate, counted from 0 below the header, and its recipe."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["actions", *table.parameters])
            writer.writerows([p.candidate, *(p.values[name] for name in table.parameters)] for p in proposals)
    except OSError as error:
        raise Invalid(str(path), f"it cannot be written ({error.strerror})", "Choose another place") from error


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Invalid(str(path), f"it cannot be written ({error.strerror})", "Choose another place") from error


def _series(table: Table, goal: Objective, proposals: Sequence[Proposal]) -> list[_drawing.Series]:
    return [_one_series(table, name, goal, proposals) for name in table.parameters]


def _one_series(table: Table, name: str, goal: Objective, proposals: Sequence[Proposal]) -> _drawing.Series:
    column = table.parameters[name]
    levels = tuple(sorted({c for c in column if isinstance(c, str)}))

    def place(cell: object) -> float:
        return float(levels.index(cell)) if isinstance(cell, str) else float(str(cell))

    places = [place(cell) for cell in column]
    outcome = table.outcomes[goal.name]
    return _drawing.Series(
        name,
        goal.name,
        levels,
        [(p, v) for p, v in zip(places, outcome, strict=True) if v is not None],
        [(place(p.values[name]), _predicted(p, goal)) for p in proposals],
        min(places),
        max(places),
    )


def _predicted(proposal: Proposal, goal: Objective) -> tuple[float, float] | None:
    mean, sd = proposal.expected.mean.get(goal.name), proposal.expected.sd.get(goal.name)
    return None if mean is None or sd is None else (mean, sd)


def _as_json(
    table: Table, goals: Sequence[Objective], proposals: Sequence[Proposal], found: Sequence[Found]
) -> dict[str, object]:
    best = {goal.name: row for goal in goals if (row := _best(table, goal)) is not None}
    return {
        "table": table.path.name,
        "rows": len(table),
        "measured": len(table.measured()),
        "objectives": [{"name": g.name, "goal": g.goal, "target": g.target} for g in goals],
        "best": {
            name: {"line": table.lines[row], "value": table.outcomes[name][row], "recipe": table.recipe(row)}
            for name, row in best.items()
        },
        "proposals": [{"line": _line(table, p), **p.as_dict()} for p in proposals],
        "look_back": [
            {"share": f.share, "recipes": f.recipes, "measurements": f.counts, "expected_random": f.expected_random}
            for f in found
        ],
        "versions": versions(),
    }


def _line(table: Table, proposal: Proposal) -> int:
    return table.lines[int(proposal.candidate or 0)]


def _tell(
    table: Table, goals: Sequence[Objective], proposals: Sequence[Proposal], found: Sequence[Found], options: _Options
) -> None:
    measured = len(table.measured())
    names = ", ".join(table.parameters)
    say(f"{table.path.name}: {len(table)} lines over {names}; {measured} measured, {len(table) - measured} not yet")
    for goal in goals:
        aim = f"as near {goal.target:g} as possible" if goal.target is not None else f"{goal.goal}"
        row = _best(table, goal)
        best = "nothing measured" if row is None else f"best so far {_on_line(table, row, goal)}"
        say(f"{goal.name} ({aim}): {best}")
    if proposals:
        click.secho("\nMeasure next", bold=True)
    for place, proposal in enumerate(proposals, start=1):
        say(f"{place:>3}. line {_line(table, proposal)}: {_recipe(proposal.values)}")
        say(f"     {proposal.reason}")
    if not proposals and measured < len(table):
        say("\nEvery recipe that is left was measured on another line; there is nothing to propose.")
    if measured:
        click.secho("\nWhat is known", bold=True)
        about = "· nothing measured there" + (", ▲ proposed" if proposals else "")
        say(f"  the best {goals[0].name} in each part of a range; {about}")
        say("\n".join(_drawing.strips(_series(table, goals[0], proposals), goals[0].goal != "minimise")))
    if measured == len(table):
        _tell_look_back(found, goals, options)
    for path in (options.out, options.draw):
        if path is not None:
            say(f"\nWritten: {path}")


def _on_line(table: Table, row: int, goal: Objective) -> str:
    return f"{table.outcomes[goal.name][row]:g} on line {table.lines[row]} ({_recipe(table.recipe(row))})"


def _recipe(values: Any) -> str:
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )


def _tell_look_back(found: Sequence[Found], goals: Sequence[Objective], options: _Options) -> None:
    click.secho("\nLooking back", bold=True)
    if not found:
        why = "it takes one objective" if len(goals) > 1 else f"it takes at least {2 * STARTS} recipes"
        say(f"  Every line is measured, so there is nothing to propose; and for a look back {why}.")
        return
    say(
        f"  Every line is measured. Had the planner chosen the order ({options.repetitions} repetitions, each from "
        f"{STARTS} random recipes):"
    )
    for f in found:
        share = f"{100 * f.share:g} %"
        say(
            f"  the first of the best {share} ({f.recipes} recipes) after {f.mean:.1f} measurements "
            f"({min(f.counts)} to {max(f.counts)}); at random {f.expected_random:.1f}"
        )
    f = found[0]
    if f.saved > 0:
        say(f"  It would have saved {f.saved:.0f} measurements of {f.expected_random:.0f} on the way to the best 1 %.")
    else:
        say("  It would have saved nothing here: this table looks no different from chance to the planner.")
