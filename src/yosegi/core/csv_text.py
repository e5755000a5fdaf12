"""CSV and cells that people write: read to the end, or refused in words."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from yosegi.core.errors import Invalid

_CELL = "save it as CSV in UTF-8, and see where a quotation mark is not closed"


def csv_rows(text: str, what: str, *, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """The rows of CSV text, each with the line of the text that it ends on.

    Args:
        text: with lines that end in LF, CRLF or CR; a byte order mark before it is passed over.
        what: is read, for the refusal.
        strict: whether what is left open or stands behind a closing quotation mark is refused.

    Example:
        >>> list(csv_rows("x,y" + chr(13) + "1,2", "the table"))
        [(1, ['x', 'y']), (2, ['1', '2'])]

    Raises:
        Invalid: it cannot be read as CSV, as where a field is longer than 131,072 characters.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=strict)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise Invalid(what, f"line {reader.line_num} cannot be read as CSV ({error})", _CELL) from None


def csv_lines(rows: Iterable[Iterable[Any]]) -> str:
    r"""Rows as CSV, a line feed after each, and whatever a cell holds within its cell.

    Python's own writer, told to end rows so, leaves a carriage return bare before 3.13: what follows it is read as
    another row.

    Example:
        >>> csv_lines([("x", "note"), (1, "a" + chr(13) + "b")])
        'x,note\n1,"a\rb"\n'
    """
    lines = []
    for row in rows:
        line = io.StringIO(newline="")
        csv.writer(line).writerow(row)
        lines.append(line.getvalue().removesuffix("\r\n"))
    return "".join(f"{line}\n" for line in lines)


def spreadsheet_cell(text: str) -> str:
    """The text as a spreadsheet may hold it: what begins like a formula is text there (CWE-1236).

    Example:
        >>> spreadsheet_cell("=1+1")
        "'=1+1"
    """
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def json_or_text(cell: str) -> Any:
    """A cell as JSON where it can be read as such, else as the text that it is.

    Example:
        >>> [json_or_text(cell) for cell in ("12.5", "true", "a film")]
        [12.5, True, 'a film']
    """
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):  # no JSON, a number of thousands of digits, nested thousands deep
        return cell


def first_twice(names: Iterable[str]) -> str | None:
    """The first that stands a second time, if one does; in one pass, however many there are.

    Example:
        >>> first_twice(("x", "y", "x", "y"))
        'x'
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
