"""Where in a TOML file each thing stands: a finding names the line that a person has to change.

`tomllib` gives values without positions, and `tomlkit` keeps texts and no line numbers. This reads no values: it only
follows headers, keys and brackets, over a text that `tomllib` has accepted already.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from yosegi.core.toml_text import KEY_PART

KeyPath = tuple[str | int, ...]
"""Keys and, from 0, places in lists: `("source", 0, "name")`."""
Lines = Mapping[KeyPath, int]

# No two parts of these may match the same character, or a line that somebody made for it takes hours to refuse.
_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]\s](?:[^\[\]]*[^\[\]\s])?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(rf"^\s*+({KEY_PART}(?:\s*+\.\s*+{KEY_PART})*+)\s*+=")
_TOKEN = re.compile(
    r'"{3}(?:[^\\]|\\.)*?"{3}|\'{3}.*?\'{3}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|\#[^\n]*|[\[\]{}]|\n', re.DOTALL
)


def lines_of(text: str) -> dict[KeyPath, int]:
    r"""The line, from 1, of every table and key; an element of an inline list stands where its bracket opens.

    Example:
        >>> lines_of('name = "a"\n[[source]]\n[[source.step]]\nname = "b"\n')[("source", 0, "step", 0, "name")]
        4
    """
    found: dict[KeyPath, int] = {}
    counts: Counter[KeyPath] = Counter()
    table: KeyPath = ()
    number, place = 1, 0
    while place < len(text):
        end = _end_of_line(text, place)
        line = text[place:end]
        if header := _HEADER.match(line):
            table = _table(header[1], header[2], counts)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            path = (*table, *_parts(key[1]))
            found.setdefault(path, number)
            end = _end_of_line(text, _value(text, place + key.end(), path, number, found))
        number += text.count("\n", place, end) + 1
        place = end + 1
    return found


def _end_of_line(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def line_of(lines: Lines, path: KeyPath) -> int:
    """The line of a path, or of the nearest thing around it; 0 where nothing of it is in the file."""
    for length in range(len(path), 0, -1):
        if (line := lines.get(path[:length])) is not None:
            return line
    return 0


def _parts(key: str) -> KeyPath:
    return tuple(part.strip().strip("\"'") for part in key.split("."))


def _table(bracket: str, name: str, counts: Counter[KeyPath]) -> KeyPath:
    """The path of a header; each part that is a list of tables stands for its last element."""
    path: KeyPath = ()
    parts = _parts(name)
    for place, part in enumerate(parts):
        path = (*path, part)
        if place == len(parts) - 1 and bracket == "[[":
            counts[path] += 1
        if counts[path]:
            path = (*path, counts[path] - 1)
    return path


def _value(text: str, start: int, path: KeyPath, line: int, found: dict[KeyPath, int]) -> int:
    """Where a value ends that begins at a place of the text; elements of its outermost list are noted."""
    depth = elements = 0
    is_list = text[start : start + 200].lstrip().startswith("[")
    for token in _TOKEN.finditer(text, start):
        kind = token[0][0]
        if kind == "\n":
            if depth == 0:
                return token.start()
            line += 1
        elif kind in "[{":
            depth += 1
            if is_list and depth == 2:
                found.setdefault((*path, elements), line)
                elements += 1
        elif kind in "]}":
            depth -= 1
        else:
            line += token[0].count("\n")
    return len(text)
