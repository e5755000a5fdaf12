"""Every key of a TOML file has the line on which an editor shows it."""

from __future__ import annotations

import tomllib

from yosegi.core.toml_lines import line_of, lines_of

TEXT = '''# a comment = not a key
name = "x = 1"
text = """
low = 3
"""
stop = { trials = 2 }
parameter = [
  { name = "a", low = 0.0 },  # [
  { name = "b", high = 1.0 },
]

[[source]]
name = "one"
[[source.step]]
name = "first"
set = { a = 1 }
[[source.step]]
name = "second"

[[source]]
name = "two"
[[source.step]]
name = "third"
[budget]
node_h = "0.5"
'''


def test_lines_are_those_of_an_editor() -> None:
    tomllib.loads(TEXT)
    lines = lines_of(TEXT)
    shown = {
        ("name",): 2,
        ("text",): 3,
        ("stop",): 6,
        ("parameter",): 7,
        ("parameter", 0): 8,
        ("parameter", 1): 9,
        ("source", 0, "name"): 13,
        ("source", 0, "step", 0, "set"): 16,
        ("source", 0, "step", 1, "name"): 18,
        ("source", 1, "step", 0, "name"): 23,
        ("budget", "node_h"): 25,
    }
    assert {path: lines.get(path) for path in shown} == shown
    assert ("low",) not in lines


def test_what_has_no_line_of_its_own_has_that_of_what_is_around_it() -> None:
    lines = lines_of(TEXT)
    assert line_of(lines, ("parameter", 1, "levels")) == 9
    assert line_of(lines, ("source", 1, "step", 0, "capability")) == 22
    assert line_of(lines, ("objective",)) == 0


def test_lines_that_only_look_like_headers_or_keys_are_passed_over_however_long() -> None:
    """A pattern that tries every way to divide the spaces takes hours here."""
    text = '"a\\"b" = """\n[' + " " * 50_000 + "\n" + "k = '''\n" * 5_000 + '"""\nlast = 1\n'
    tomllib.loads(text)
    assert lines_of(text)[("last",)] == 5004
