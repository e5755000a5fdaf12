"""What each column of a table is: a number or a kind that was varied, what was measured, an id, a note, a date.

Whatever is guessed is said, and can be told otherwise by an option. A guess never makes numbers into kinds: a column
that looks like numbers and cannot be read as such is refused with the line of its first such cell.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from yosegi.cli._table_numbers import Decimal, Reader, Unreadable, file_decimal, is_numberlike, shape
from yosegi.core.errors import Invalid

if TYPE_CHECKING:
    from yosegi.cli._table_cells import Cells

MOST_KINDS = 1000
"""Kinds of a table beyond which a planner that knows kinds only by name learns nothing, and takes gigabytes for it."""


class Role(Enum):
    """What a column is."""

    NUMBER = "number"
    """A parameter that is an amount."""
    KINDS = "kinds"
    """A parameter whose values are names without an order."""
    CONSTANT = "constant"
    """A parameter that is the same on every line."""
    OBJECTIVE = "objective"
    """What is measured."""
    ID = "id"
    """A name or number of its own for every line."""
    NOTE = "note"
    """Remarks."""
    DATE = "date"
    """When something was done."""
    EMPTY = "empty"
    """No cell is filled."""
    IGNORED = "ignored"
    """Left out as asked."""


PARAMETERS = (Role.NUMBER, Role.KINDS, Role.CONSTANT)
GUESSED = (Role.ID, Role.NOTE, Role.DATE)


@dataclass(frozen=True, slots=True)
class ColumnOptions:
    """What the caller says of the columns.

    Attributes:
        objectives: columns that hold what was measured; none means the last that can.
        ignored: columns that are neither varied nor measured.
        categorical: columns whose cells are names, whatever they look like.
        kept: columns that are varied though they look like an id, a note or a date.
        missing: words that mean, like a blank, that nothing was measured yet.
        failed: words that mean that the recipe has no answer.
        decimal: the decimal mark; None finds out.
    """

    objectives: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    failed: tuple[str, ...] = ("failed",)
    decimal: Decimal | None = None

    def is_missing(self, cell: str) -> bool:
        """Whether a cell of an objective says that nothing was measured."""
        return not cell or (bool(self.missing) and cell.casefold() in {word.casefold() for word in self.missing})

    def is_failed(self, cell: str) -> bool:
        """Whether a cell of an objective says that the recipe failed."""
        return bool(cell) and cell.casefold() in {word.casefold() for word in self.failed}


@dataclass(frozen=True, slots=True)
class Column:
    """A column, read.

    Attributes:
        name: its name.
        role: what it is.
        values: a number or a word a row; None where an objective has no number.
        failed: rows on which an objective says that the recipe failed.
        unit: what was taken off every cell.
        notes: how it was read and what is odd, for people.
    """

    name: str
    role: Role
    values: list[float] | list[str] | list[float | None]
    failed: frozenset[int] = frozenset()
    unit: str = ""
    notes: tuple[str, ...] = field(default=())


_IDS = re.compile(
    r"#|№|(sample|run|exp|experiment|entry|row|line|test|trial|specimen)?[ _.-]{0,2}"
    r"(ids?|no|nr|num|number|name|index|idx)\.?"
    r"|sample|run|exp|experiment|entry|row|label|barcode|(試料|サンプル|実験|通し)?(番号|名|no\.?)|試料|サンプル"
    r"|probe|probennummer|versuch(snr\.?|snummer)?|échantillon|essai",
    re.IGNORECASE,
)
_NOTES = re.compile(
    r"(free )?(notes?|comments?|remarks?|memo|observations?|description)|備考|メモ|注記?|コメント|所見"
    r"|bemerkung(en)?|kommentare?|anmerkung(en)?|commentaires?|remarques?",
    re.IGNORECASE,
)
_DATES = re.compile(
    r"\d{4}([-/.])\d{1,2}\1\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?"
    r"|\d{1,2}([-/.])\d{1,2}\6\d{2,4}([T ]\d{1,2}:\d{2}(:\d{2})?)?|\d{4}年\d{1,2}月\d{1,2}日"
)
_DATE_NAMES = re.compile(r"(.*[ _])?(date|datum|day)|日付|実験日|測定日", re.IGNORECASE)
_RESULTS = re.compile(
    r"(.*[ _])?(yields?|conversion|selectivity|ee|e\.e\.|purity|ausbeute|umsatz|rendement)([ _(\[/%].*)?"
    r"|.*(収率|転化率|選択率|純度).*",
    re.IGNORECASE,
)
_CODE = re.compile(r"(\D*)(\d+)(\D*)")


def columns_of(cells: Cells, asked: ColumnOptions) -> list[Column]:
    """The columns of a table, in order.

    Raises:
        Invalid: a cell does not fit its column, or the table has nothing to vary or to measure.
    """
    _check_names(cells, asked)
    objectives, said = (asked.objectives, "") if asked.objectives else _objective(cells, asked)
    blank = {n: asked.is_missing if n in objectives else _is_blank for n in cells.header}
    filled = {
        n: [c for c in cells.column(n) if not blank[n](c) and not (n in objectives and asked.is_failed(c))]
        for n in cells.header
        if n not in (*asked.ignored, *asked.categorical)
    }
    reader = Reader(asked.decimal, cells.delimiter, file_decimal(filled.values()))
    found = []
    for name in cells.header:
        if name in objectives:
            column = _measured(cells, name, asked, reader)
            found.append(replace(column, notes=(*column.notes, said)) if said else column)
        else:
            found.append(_column(cells, name, asked, reader))
    return _checked(cells, _with_something_to_vary(cells, found, asked, reader))


def _check_names(cells: Cells, asked: ColumnOptions) -> None:
    for name in (*asked.objectives, *asked.ignored, *asked.categorical, *asked.kept):
        if name not in cells.header:
            raise Invalid(cells.name, f"there is no column {name!r}", f"Columns: {', '.join(cells.header)}")
    for name in asked.objectives:
        if name in (*asked.ignored, *asked.categorical, *asked.kept):
            raise Invalid(f"--objective {name}", "another option says otherwise of the column", "Leave out one of them")
    for name in asked.ignored:
        if name in (*asked.categorical, *asked.kept):
            raise Invalid(f"--ignore {name}", "another option says otherwise of the column", "Leave out one of them")
    if both := {w.casefold() for w in asked.missing} & {w.casefold() for w in asked.failed}:
        word = min(both)
        raise Invalid(f"--missing {word}", "the same word means a failure", "Say one of the two")


def _objective(cells: Cells, asked: ColumnOptions) -> tuple[tuple[str, ...], str]:
    """The last column that is no note, date or id.

    One with gaps comes before one without any cell; one with gaps and the name of a result before one without gaps.
    """
    fit = [n for n in cells.header if n not in (*asked.ignored, *asked.categorical, *asked.kept)]
    names = [n for n in fit if _guess(cells, n) is None]
    if not names:
        raise Invalid(cells.name, "a table needs a column to vary and a column to measure", "Name them in the header")
    chosen = names[-1]
    if all(asked.is_missing(c) for c in cells.column(chosen)):
        chosen = next((n for n in reversed(names) if _has_gaps(cells.column(n), asked)), chosen)
    elif not _has_gaps(cells.column(chosen), asked):
        results = [n for n in names if _RESULTS.fullmatch(n) and _has_gaps(cells.column(n), asked)]
        chosen = results[-1] if results else chosen
    said = "" if chosen == fit[-1] else "taken as what is measured; another: --objective"
    return (chosen,), said


def _has_gaps(column: Sequence[str], asked: ColumnOptions) -> bool:
    numbers = sum(shape(c) is not None for c in column)
    blanks = sum(asked.is_missing(c) for c in column)
    return bool(numbers) and bool(blanks) and numbers + blanks == len(column) - sum(asked.is_failed(c) for c in column)


def _measured(cells: Cells, name: str, asked: ColumnOptions, reader: Reader) -> Column:
    column = cells.column(name)
    failed = frozenset(row for row, c in enumerate(column) if asked.is_failed(c))
    rows = [row for row, c in enumerate(column) if not asked.is_missing(c) and row not in failed]
    numbers = reader.column([column[row] for row in rows])
    if isinstance(numbers, Unreadable):
        row = rows[numbers.place]
        if shape(column[row]) is not None:
            raise Invalid(cells.where(row, name), numbers.why, numbers.todo)
        raise _no_outcome(cells, name, row)
    values: list[float | None] = [None] * len(column)
    for row, value in zip(rows, numbers.values, strict=True):
        values[row] = value
    return Column(name, Role.OBJECTIVE, values, failed, numbers.unit, numbers.notes)


def _no_outcome(cells: Cells, name: str, row: int) -> Invalid:
    """What to do about a cell of an objective that is neither a number nor told."""
    cell = cells.column(name)[row]
    why = f"{cell!r} is neither a number nor blank"
    if is_numberlike(cell):
        return Invalid(
            cells.where(row, name), why, "Write one number: of a bound or an interval, the value to learn from"
        )
    todo = (
        f"Leave it blank if it was not measured yet. A word can be told: --missing {cell!r} (not measured yet) or "
        f"--failed {cell!r} (the recipe gives nothing); a column of remarks: --ignore {name!r}"
    )
    return Invalid(cells.where(row, name), why, todo)


def _column(cells: Cells, name: str, asked: ColumnOptions, reader: Reader) -> Column:
    column = cells.column(name)
    if name in asked.ignored:
        return Column(name, Role.IGNORED, column)
    if all(map(_is_blank, column)):
        return Column(name, Role.EMPTY, column)
    guess = None if name in (*asked.kept, *asked.categorical) else _guess(cells, name)
    return guess or _parameter(cells, name, asked, reader)


def _guess(cells: Cells, name: str) -> Column | None:
    """A column that is an id, a note or a date by its name or its cells, else None."""
    column = cells.column(name)
    filled = [c for c in column if c]
    numeric = 2 * sum(shape(c) is not None for c in filled) >= len(filled)
    if _NOTES.fullmatch(name) and (not filled or not numeric):
        return Column(name, Role.NOTE, column, notes=("by its name",))
    if not filled:
        return None
    if all(_DATES.fullmatch(c) for c in filled):
        return Column(name, Role.DATE, column)
    if _DATE_NAMES.fullmatch(name) and all(re.fullmatch(r"(19|20)\d{6}", c) for c in filled):
        return Column(name, Role.DATE, column)
    if not numeric and 2 * len(filled) < len(column):
        return Column(name, Role.NOTE, column, notes=("words on few lines",))
    if not numeric and len(set(filled)) == len(filled) and sum(len(c.split()) for c in filled) > 3 * len(filled):
        return Column(name, Role.NOTE, column, notes=("sentences",))
    return _guess_id(name, column, numeric) if len(set(column)) == len(column) > 1 else None


def _guess_id(name: str, column: list[str], numeric: bool) -> Column | None:
    if any(not c for c in column):
        return None
    if _IDS.fullmatch(name) and (not numeric or all(c.isdigit() for c in column)):
        return Column(name, Role.ID, column, notes=("by its name, and every line has its own",))
    if not numeric and len(column) >= 8 and _counts(column):
        return Column(name, Role.ID, column, notes=("it counts the lines",))
    if not numeric and len(column) > 20:
        return Column(name, Role.ID, column, notes=("every line has its own",))
    return None


def _counts(column: Sequence[str]) -> bool:
    """Whether cells are one word with numbers that rise from line to line: `S001`, `S002`."""
    parts = [_CODE.fullmatch(c) for c in column]
    if any(p is None for p in parts):
        return False
    numbers = [int(p[2]) for p in parts if p is not None]
    words = {(p[1], p[3]) for p in parts if p is not None}
    return len(words) == 1 and all(b - a == 1 for a, b in itertools.pairwise(numbers))


def _parameter(cells: Cells, name: str, asked: ColumnOptions, reader: Reader) -> Column:
    column = cells.column(name)
    for row, cell in enumerate(column):
        if not cell:
            todo = (
                f"Fill the cell, or delete the row; if the column is measured, --objective {name!r}; if it is neither "
                f"varied nor measured, --ignore {name!r}"
            )
            raise Invalid(cells.where(row, name), "a recipe needs a value here", todo)
    if name in asked.categorical:
        return _kinds(name, column)
    found = sum(shape(c) is not None for c in column)
    if 2 * found < len(column):
        _refuse_numberlike(cells, name)
        return _kinds(name, column)
    numbers = reader.column(column)
    if isinstance(numbers, Unreadable):
        where = cells.where(numbers.place, name)
        if shape(column[numbers.place]) is None:
            why = f"{numbers.why}, as {found} of the column's {len(column)} cells are"
            todo = f"{numbers.todo}, or name the column's values as words: --categorical {name!r}"
            raise Invalid(where, why, todo)
        raise Invalid(where, numbers.why, f"{numbers.todo}, or name the values as words: --categorical {name!r}")
    role = Role.CONSTANT if len(set(numbers.values)) == 1 < len(column) else Role.NUMBER
    notes = numbers.notes
    if _RESULTS.fullmatch(name) and not asked.objectives and name not in asked.kept:
        notes = (*notes, f"if it is measured and not varied: --objective {name!r}, and again for every other")
    return Column(name, role, numbers.values, unit=numbers.unit, notes=notes)


def _refuse_numberlike(cells: Cells, name: str) -> None:
    column = cells.column(name)
    like = [row for row, c in enumerate(column) if is_numberlike(c)]
    if 2 * sum(is_numberlike(c) or shape(c) is not None for c in column) >= len(column):
        row = next((r for r in like if shape(column[r]) is None), like[0])
        todo = f"Write one number a cell, or say that they are names without an order: --categorical {name!r}"
        raise Invalid(cells.where(row, name), f"{column[row]!r} looks like a number and cannot be read as one", todo)


def _kinds(name: str, column: list[str]) -> Column:
    levels = list(dict.fromkeys(column))
    if len(levels) == 1 and len(column) > 1:
        return Column(name, Role.CONSTANT, column)
    notes: list[str] = []
    seen: dict[str, str] = {}
    for level in levels:
        plain = " ".join(unicodedata.normalize("NFKC", level).casefold().split())
        if plain in seen and len(notes) < 3:
            notes.append(f"{seen[plain]!r} and {level!r} are two kinds here")
        seen.setdefault(plain, level)
    if len(levels) > 20 and 2 * len(levels) > len(column):
        notes.append(f"hardly a kind stands on two lines; if these are names or notes, --ignore {name!r}")
    return Column(name, Role.KINDS, column, notes=tuple(notes))


def _with_something_to_vary(cells: Cells, found: list[Column], asked: ColumnOptions, reader: Reader) -> list[Column]:
    """The columns, ids among them taken back where without them nothing varies or most recipes are the same."""
    out = list(found)
    for place, column in enumerate(found):
        if column.role is not Role.ID:
            continue
        others = [c.values for i, c in enumerate(out) if i != place and c.role in (Role.NUMBER, Role.KINDS)]
        recipes = len(set(zip(*others, strict=True))) if others else 0
        by_name = bool(_IDS.fullmatch(column.name))
        if recipes >= 2 and (by_name or 2 * recipes >= len(cells.rows)):
            continue
        taken = _parameter(cells, column.name, asked, reader)
        said = f"it may be an id, but without it the lines are {max(recipes, 1)} recipes; else --ignore {column.name!r}"
        out[place] = replace(taken, notes=(*taken.notes, said))
    return out


def _checked(cells: Cells, columns: list[Column]) -> list[Column]:
    if not any(c.role in (Role.NUMBER, Role.KINDS) for c in columns):
        if any(c.role is Role.CONSTANT for c in columns):
            raise Invalid(cells.name, "every recipe is the same, so nothing is varied", "Vary a column, or say --keep")
        out = [f"{c.name} ({c.role.value})" for c in columns if c.role is not Role.OBJECTIVE]
        todo = f"Left out: {', '.join(out)}; --keep varies one all the same" if out else "Name them in the header"
        raise Invalid(cells.name, "a table needs a column to vary and a column to measure", todo)
    kinds = {c.name: len(set(c.values)) for c in columns if c.role is Role.KINDS}
    if sum(kinds.values()) > MOST_KINDS:
        name = max(kinds, key=lambda n: kinds[n])
        why = f"{kinds[name]} kinds are too many to learn from by name (at most {MOST_KINDS} in a table)"
        todo = f"Describe them by columns of numbers, or --ignore {name!r}"
        raise Invalid(f"{cells.name}, column {cells.header.index(name) + 1} ({name})", why, todo)
    return columns


def _is_blank(cell: str) -> bool:
    return not cell
