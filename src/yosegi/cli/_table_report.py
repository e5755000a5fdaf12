"""What `yosegi try` answers: lines for people, and JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from rich.cells import cell_len, set_cell_size

from yosegi.cli._retrospect import STARTS, Found
from yosegi.cli._series import series_of
from yosegi.cli._strips import plain_number, shortened, strips
from yosegi.cli._table_columns import GUESSED, Column, Role
from yosegi.cli.output import say
from yosegi.planner import Objective, Proposal, versions

if TYPE_CHECKING:
    from yosegi.cli._table import LabTable

_DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}


@dataclass(frozen=True, slots=True)
class TableReport:
    """All that is to be said.

    Attributes:
        table: what was read.
        goals: what is wanted.
        count: how many proposals were asked for.
        proposals: what to measure next.
        found: of the look back at a complete table.
        unfit: why there is no look back; empty where there is, or the table is not complete.
    """

    table: LabTable
    goals: Sequence[Objective]
    count: int
    proposals: Sequence[Proposal]
    found: Sequence[Found]
    unfit: str = ""

    def best(self, goal: Objective) -> int | None:
        """The row of the best measurement."""
        column = self.table.outcomes[goal.name]
        rows = [(goal.loss(value), row) for row, value in enumerate(column) if value is not None]
        return min(rows)[1] if rows else None

    def row(self, proposal: Proposal) -> int:
        """The row of a proposal."""
        return int(proposal.candidate or 0)


def as_json(answer: TableReport) -> dict[str, object]:
    """The answer for programs."""
    table, goals = answer.table, answer.goals
    best = {goal.name: row for goal in goals if (row := answer.best(goal)) is not None}
    return {
        "table": table.name,
        "read": {
            "encoding": table.encoding.encoding,
            "encoding_known": table.encoding.why or "it is valid UTF-8",
            "delimiter": table.cells.delimiter,
            "notes": table.cells.notes,
        },
        "columns": [_column_as_json(c) for c in table.columns],
        "rows": len(table),
        "measured": len(table.measured()),
        "partly_measured": len(table.partly()),
        "failed": len(table.failed()),
        "not_measured": len(table.wanting()) - len(table.partly()),
        "objectives": [{"name": g.name, "goal": g.goal, "target": g.target} for g in goals],
        "best": {
            name: {"line": table.lines[row], "value": table.value(row, name), "recipe": table.recipe(row)}
            for name, row in best.items()
        },
        "proposals": [
            {
                "line": table.lines[answer.row(p)],
                "measure": table.lacking(answer.row(p)),
                **p.as_dict(),
            }
            for p in answer.proposals
        ],
        "look_back": [_found_as_json(f) for f in answer.found],
        "versions": versions(),
    }


def _column_as_json(column: Column) -> dict[str, object]:
    numbers = [v for v in column.values if isinstance(v, float)]
    kinds = sorted({v for v in column.values if isinstance(v, str)}) if column.role is Role.KINDS else []
    return {
        "name": column.name,
        "role": column.role.value,
        "guessed": column.role in GUESSED,
        "unit": column.unit,
        "low": min(numbers) if numbers else None,
        "high": max(numbers) if numbers else None,
        "kinds": kinds,
        "notes": list(column.notes),
    }


def _found_as_json(found: Found) -> dict[str, object]:
    low, high = found.interval
    return {
        "share": found.share,
        "recipes": found.recipes,
        "measurements": found.counts,
        "given_up": found.given_up,
        "expected_random": found.expected_random,
        "saved": found.saved,
        "saved_interval": [low, high] if len(found.counts) > 1 else None,
    }


def tell_reading(table: LabTable) -> None:
    """How the table was read, for people; said before anything is computed from it."""
    say(f"{table.name}: {len(table)} lines over {', '.join(table.parameters)}; {counts(table)}")
    _tell_columns(table)


def tell(answer: TableReport) -> None:
    """The answer for people."""
    table = answer.table
    for goal in answer.goals:
        aim = f"as near {plain_number(goal.target)} as possible" if goal.target is not None else goal.goal
        row = answer.best(goal)
        best = "nothing measured" if row is None else f"best so far {_on_line(table, row, goal)}"
        say(f"{goal.name} ({aim}): {best}")
    _tell_proposals(answer)
    for goal in answer.goals:
        _tell_known(answer, goal)
    if not table.wanting():
        _tell_look_back(answer)


def counts(table: LabTable) -> str:
    """How many lines are measured, measured in part, failed and not measured yet."""
    partly, failed, wanting = len(table.partly()), len(table.failed()), len(table.wanting())
    parts = [f"{len(table.measured()) - partly} measured"]
    parts += [f"{partly} measured in part"] if partly else []
    parts += [f"{failed} failed"] if failed else []
    return ", ".join([*parts, f"{wanting - partly} not yet"])


def _tell_columns(table: LabTable) -> None:
    click.secho("\nRead as", bold=True)
    width = max(cell_len(shortened(c.name)) for c in table.columns)
    for column in table.columns:
        notes = f" ({'; '.join(column.notes)})" if column.notes else ""
        say(f"  {set_cell_size(shortened(column.name), width)}  {_read_as(column)}{notes}")
    for note in [*table.cells.notes, *_file_notes(table)]:
        say(f"  {note}")
    guessed = [c.name for c in table.columns if c.role in GUESSED]
    if guessed:
        say(f"  left out by guess: {', '.join(guessed)}; to vary one all the same: --keep {guessed[0]!r}")
    say("")


def _file_notes(table: LabTable) -> list[str]:
    notes = []
    if table.cells.delimiter != ",":
        notes.append(f"cells parted by {_DELIMITERS.get(table.cells.delimiter, repr(table.cells.delimiter))}")
    if table.encoding.why:
        notes.append(f"text in {table.encoding.encoding}, {table.encoding.why}")
    return notes


def _read_as(column: Column) -> str:
    numbers = [v for v in column.values if isinstance(v, float)]
    unit = f" {column.unit}" if column.unit else ""
    if column.role is Role.NUMBER:
        return f"numbers, {plain_number(min(numbers))} to {plain_number(max(numbers))}{unit}"
    if column.role is Role.KINDS:
        return f"kinds without an order, {len(set(column.values))}"
    if column.role is Role.CONSTANT:
        same = plain_number(numbers[0]) + unit if numbers else repr(column.values[0])
        return f"always {same}, so nothing to learn from"
    if column.role is Role.OBJECTIVE:
        return _measured_as(column, numbers, unit)
    return {Role.ID: "an id, left out", Role.NOTE: "notes, left out", Role.DATE: "dates, left out"}.get(
        column.role, "empty, left out" if column.role is Role.EMPTY else "left out as asked"
    )


def _measured_as(column: Column, numbers: Sequence[float], unit: str) -> str:
    failed = f", {len(column.failed)} failed" if column.failed else ""
    if not numbers:
        return f"measured, no value yet{failed}"
    low, high = plain_number(min(numbers)), plain_number(max(numbers))
    if len(numbers) == 1:
        return f"measured, 1 value, {low}{unit}{failed}"
    span = f"always {low}" if min(numbers) == max(numbers) else f"{low} to {high}"
    return f"measured, {len(numbers)} values, {span}{unit}{failed}"


_LEGEND = (
    "expected: what a measurement should give, ± its standard deviation (2 of 3 lie within);",
    "expected improvement: by how much it should beat the best so far on average, where falling short counts as 0",
)
"""What the two numbers beside a proposal are, for who has not met them."""


def _tell_proposals(answer: TableReport) -> None:
    table = answer.table
    if not table.wanting():
        return
    if not answer.proposals:
        say("\nEvery recipe that is left was measured on another line, or failed; there is nothing to propose.")
        return
    click.secho("\nMeasure next", bold=True)
    if any(proposal.expected.gain is not None for proposal in answer.proposals):
        for line in _LEGEND:
            say(f"  {line}")
    for place, proposal in enumerate(answer.proposals, start=1):
        row = answer.row(proposal)
        known = {name: value for name in table.outcomes if (value := table.value(row, name)) is not None}
        rest = f" (for {', '.join(table.lacking(row))}; {_values(known)} is known)" if known else ""
        say(f"{place:>3}. line {table.lines[row]}: {_recipe(table, row)}{rest}")
        say(f"     {proposal.reason}")
    if len(answer.proposals) < answer.count:
        say(f"     no more than {len(answer.proposals)} distinct recipes are left")


def _tell_known(answer: TableReport, goal: Objective) -> None:
    if answer.best(goal) is None and not answer.table.failed():
        return
    click.secho(f"\nWhat is known of {goal.name}", bold=True)
    marks = ["· nothing measured there"] + (["▲ proposed"] if answer.proposals else [])
    marks += ["× failed"] if answer.table.failed() else []
    say(f"  the best in each part of a range, the better the higher; {', '.join(marks)}")
    say("\n".join(strips(series_of(answer.table, goal, answer.proposals))))


def _on_line(table: LabTable, row: int, goal: Objective) -> str:
    value = plain_number(table.value(row, goal.name) or 0.0)
    return f"{value} on line {table.lines[row]} ({_recipe(table, row)})"


def _recipe(table: LabTable, row: int) -> str:
    return ", ".join(f"{name} {cell}" for name, cell in table.written(row).items())


def _values(known: dict[str, float]) -> str:
    return ", ".join(f"{name} {plain_number(value)}" for name, value in known.items())


def _tell_look_back(answer: TableReport) -> None:
    click.secho("\nLooking back", bold=True)
    if not answer.found:
        say(f"  Every line is measured, so there is nothing to propose; and for a look back {answer.unfit}.")
        return
    first = answer.found[0]
    if first.recipes == first.of:
        say("  Every line is measured, and every recipe is as good as every other: nothing could have been saved.")
        return
    done = len(first.counts)
    say(
        f"  Every line is measured. Had the planner chosen the order ({done} repetition{'s' if done > 1 else ''}, each "
        f"from {STARTS} random recipes):"
    )
    for f in answer.found:
        least = f"at least {f.mean:.1f}" if f.given_up else f"{f.mean:.1f}"
        gave_up = f", {f.given_up} of {done} gave up" if f.given_up else ""
        say(
            f"  the first of the best {100 * f.share:g} % ({f.recipes} recipes) after {least} measurements "
            f"({min(f.counts)} to {max(f.counts)}{gave_up}); at random {f.expected_random:.1f}"
        )
    say(f"  {_verdict(first)}")


def _verdict(found: Found) -> str:
    low, high = found.interval
    best = f"the best {100 * found.share:g} %"
    if len(found.counts) < 2:
        return f"By this one repetition {best} came {_sooner(found.saved)}; more repetitions tell whether that is luck."
    span = f"95 % interval {low:.0f} to {high:.0f}"
    if low > 0 and found.saved >= 0.5:
        of = f"{found.expected_random:.0f}"
        return f"It would have saved {found.saved:.0f} measurements of {of} on the way to {best} ({span})."
    if high < 0:
        return (
            f"It would have been slower than drawing at random on the way to {best}, by {-found.saved:.0f} "
            f"measurements ({span}): on a table like this do not rely on it."
        )
    return f"It would have saved nothing that can be told from chance on the way to {best} ({span})."


def _sooner(saved: float) -> str:
    many = f"{abs(saved):.0f} measurements"
    return f"{many} sooner than at random" if saved >= 0 else f"{many} later than at random"
