"""What `yosegi try` does: read a table, propose or look back, and say so."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

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


def propose_from_file(
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
    """Read, propose or look back, and say so.

    Raises:
        click.ClickException: the file, or what is asked of it, is not fit.
    """
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
