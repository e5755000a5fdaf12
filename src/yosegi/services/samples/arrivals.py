"""Several samples that came together, each with its condition: as values, and as a list that people write."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from yosegi.core.errors import Invalid
from yosegi.core.identifiers import SampleId
from yosegi.core.values import Value
from yosegi.trust.samples import ConditionReceived, SampleLabel, SampleNote

MOST_RECEIVED = 64
"""Samples that one command receives: as many as one request asks to ship."""
COLUMNS = ("sample", "condition", "note", "place")


class ArrivedSample(Value):
    """A sample that was given to this site, and in which condition it came; `missing` if it did not."""

    sample: SampleId
    condition: ConditionReceived = "good"
    note: SampleNote = ""
    place: SampleLabel = ""


def check_arrivals(arrived: Sequence[ArrivedSample]) -> None:
    """See that a list names some samples, and each once.

    Raises:
        Invalid: it does not.
    """
    names = [one.sample for one in arrived]
    if not 1 <= len(names) <= MOST_RECEIVED:
        raise Invalid("receiving samples", f"{len(names)} are named", f"1 to {MOST_RECEIVED} at once")
    if twice := {name for name in names if names.count(name) > 1}:
        raise Invalid("receiving samples", f"named twice: {', '.join(sorted(twice))}", "say each once")


def read_arrivals(text: str) -> tuple[ArrivedSample, ...]:
    """The samples of a list: CSV with a first line of column names, `sample` and as many of the others as are wanted.

    Example:
        >>> found = read_arrivals("sample,condition" + chr(10) + "riken/film-17,damaged")
        >>> [(one.sample, one.condition) for one in found]
        [('riken/film-17', 'damaged')]

    Raises:
        Invalid: not such a list; says which line.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        names, rows = reader.fieldnames or (), [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise Invalid("the list", str(error), "write CSV, e.g. from a spreadsheet") from None
    if "sample" not in names or (unknown := set(names) - set(COLUMNS)):
        wrong = "has no column `sample`" if "sample" not in names else f"has columns {', '.join(sorted(unknown))}"
        raise Invalid("the list", wrong, f"its first line names {', '.join(COLUMNS)}, or the first of them")
    return tuple(_read(line, row) for line, row in rows)


def _read(line: int, row: dict[str | None, str | list[str] | None]) -> ArrivedSample:
    if None in row:
        raise Invalid(f"line {line} of the list", "has more fields than the first line")
    given = {str(name): value.strip() for name, value in row.items() if isinstance(value, str) and value.strip()}
    return ArrivedSample.read(given, what=f"line {line} of the list")
