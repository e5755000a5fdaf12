"""`yosegi try`: the planner for a laboratory that has only a file, without a site, a server or an account."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import yosegi.cli._one_thread  # noqa: F401 - before anything that imports NumPy
from yosegi.cli import _drawing
from yosegi.cli._files import check_outputs
from yosegi.cli._series import series_of
from yosegi.cli._table import STANDARD_INPUT, LabTable, open_table, table_of
from yosegi.cli._table_columns import GUESSED, ColumnOptions, Role
from yosegi.cli._table_problem import goal_of, look_back, propose, why_no_look_back
from yosegi.cli._table_report import TableReport, as_json, counts, tell, tell_reading
from yosegi.cli.output import say, show_json
from yosegi.core.errors import YosegiError
from yosegi.core.files import write_file
from yosegi.core.sanitize import plain
from yosegi.planner import Objective, PlannerError

if TYPE_CHECKING:
    from yosegi.cli._table_cells import Cells
    from yosegi.cli._table_text import Decoded

_HELP = """Propose what to measure next from TABLE, a CSV file and nothing else.

\b
The table has one recipe a line. The last column is what you measure;
leave it blank where you have not measured yet (the convention of NIMO's
candidates.csv), and write `failed` where the recipe gives nothing:
\b
    temperature,ratio,solvent,yield
    60,0.5,water,12.1
    80,0.5,water,
    60,0.7,ethanol,33.4
    80,0.7,ethanol,failed

Yosegi reads the measured lines, learns from them, and names the blank lines
that are worth measuring next, each with its reason. Measure them, fill in the
cells, and run the command again. It says first how it read each column.
Columns of words are kinds without an order; ids, notes and dates are left
out. A recipe may stand on several lines: those are repetitions.

Where no cell is blank, it answers another question: how many of these
measurements would have been enough?

\b
Example: yosegi try candidates.csv

\b
    yosegi try candidates.csv                       one; more is better
    yosegi try candidates.csv --minimise --count 4  four; less is better
    yosegi try candidates.csv --objective yield --objective cost:minimise
    yosegi try candidates.csv --objective pH:target=7.4
    yosegi try candidates.csv --missing n.d. --failed "no product"
    yosegi try candidates.csv --out proposals.csv   as NIMO's machines read it
    yosegi try candidates.csv --draw known.svg      a picture of what is known
    other-program | yosegi try - --json             of standard input
"""

_LOOKS = {Role.ID: "an id", Role.NOTE: "notes", Role.DATE: "dates"}


@dataclass(frozen=True, slots=True)
class _Options:
    """What the caller asked for besides the table."""

    count: int
    seed: int
    repetitions: int
    out: Path | None
    draw: Path | None
    overwrite: bool
    yes: bool
    as_json: bool

    def may_ask(self, path: Path) -> bool:
        """Whether somebody is there to be asked."""
        return not self.yes and path != STANDARD_INPUT and sys.stdin.isatty() and sys.stderr.isatty()


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
@click.option("--ignore", "ignored", multiple=True, metavar="COLUMN", help="A column of neither, such as a name.")
@click.option("--categorical", multiple=True, metavar="COLUMN", help="A column of numbers that are names, not amounts.")
@click.option("--keep", "kept", multiple=True, metavar="COLUMN", help="A column to vary though it looks like an id.")
@click.option("--missing", multiple=True, metavar="WORD", help="A word that, like a blank, says: not measured yet.")
@click.option(
    "--failed", multiple=True, metavar="WORD", help="A word that, like `failed`, says: this recipe gives nothing."
)
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal mark, where the file leaves it open.")
@click.option("--encoding", metavar="NAME", help="Of the text, where it is not Unicode: cp1252, cp932, …")
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
@click.option("--overwrite", is_flag=True, help="Let --out and --draw replace files that are there; never the table.")
@click.option("--yes", is_flag=True, help="Ask nothing: leave out what looks like ids or notes, look back to the end.")
@click.option("--json", "as_json", is_flag=True, help="TableReport in JSON, for programs.")
def try_(
    table: Path,
    objectives: tuple[str, ...],
    minimise: bool,
    encoding: str | None,
    ignored: tuple[str, ...],
    categorical: tuple[str, ...],
    kept: tuple[str, ...],
    missing: tuple[str, ...],
    failed: tuple[str, ...],
    decimal: Any,
    **options: Any,
) -> None:
    """Read, propose or look back, and say so."""
    chosen = _Options(**options)
    asked = ColumnOptions((), ignored, categorical, kept, missing, ("failed", *failed), decimal)
    try:
        inputs = [] if table == STANDARD_INPUT else [table]
        check_outputs({"--out": chosen.out, "--draw": chosen.draw}, inputs, chosen.overwrite)
        opened = open_table(table, encoding)
        goals = [goal_of(text, opened[1].header, minimise) for text in objectives]
        asked = replace(asked, objectives=tuple(goal.name for goal in goals))
        found = _offered(opened, asked) if chosen.may_ask(table) else table_of(opened, asked)
        goals = goals or [Objective(name, "minimise" if minimise else "maximise") for name in found.outcomes]
        _answer(found, goals, chosen, chosen.may_ask(table))
    except (YosegiError, PlannerError) as error:
        raise click.ClickException(plain(str(error))) from error


def _offered(opened: tuple[Decoded, Cells], asked: ColumnOptions) -> LabTable:
    """The table, with what is guessed to be no part of the recipe left out where the caller agrees."""
    table = table_of(opened, asked)
    kept = []
    for column in table.columns:
        if column.role in GUESSED:
            question = plain(f"{column.name!r} looks like {_LOOKS[column.role]}. Leave it out?")
            if not click.confirm(question, default=True, err=True):
                kept.append(column.name)
    return table_of(opened, replace(asked, kept=(*asked.kept, *kept))) if kept else table


def _answer(table: LabTable, goals: Sequence[Objective], options: _Options, ask: bool) -> None:
    if not options.as_json:
        tell_reading(table)
    complete = not table.wanting()
    unfit = why_no_look_back(table, goals) if complete else ""
    answer = TableReport(
        table,
        goals,
        options.count,
        [] if complete else propose(table, goals, options.count, options.seed),
        look_back(table, goals[0], options.repetitions, ask) if complete and not unfit else [],
        unfit,
    )
    if options.out is not None:
        write_file(options.out, _proposals(answer), options.overwrite)
    if options.draw is not None:
        write_file(options.draw, _drawn(answer), options.overwrite)
    if options.as_json:
        show_json(as_json(answer))
        return
    tell(answer)
    for path in (options.out, options.draw):
        if path is not None:
            say(f"\nWritten: {path}")


def _proposals(answer: TableReport) -> bytes:
    """NIMO's proposals.csv: the row of each candidate, counted from 0 below the header, and its recipe."""
    settings = answer.table.settings
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["actions", *settings])
    rows = [answer.row(proposal) for proposal in answer.proposals]
    writer.writerows([row, *(column[row] for column in settings.values())] for row in rows)
    return text.getvalue().encode()


def _drawn(answer: TableReport) -> bytes:
    table = answer.table
    title = f"{table.name}: {counts(table)}"
    sections = [(f"{goal.name}: {_aim(goal)}", series_of(table, goal, answer.proposals)) for goal in answer.goals]
    return _drawing.svg(title, sections).encode()


def _aim(goal: Objective) -> str:
    return f"as near {goal.target:g} as possible" if goal.target is not None else goal.goal
