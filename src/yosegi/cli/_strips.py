"""What a table knows, drawn in lines of a terminal: a strip for a parameter of numbers, a list for one of kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from yosegi.cli._series import Series

_BLOCKS = "▁▂▃▄▅▆▇█"
_BINS = 32
_LISTED = 8
_WIDEST = 28
"""Columns of a terminal that a name may take; a Japanese character takes two."""


def shortened(text: str, width: int = _WIDEST) -> str:
    """A text that takes at most `width` columns, its middle left out where it is longer."""
    if cell_len(text) <= width:
        return text
    left = (width - 1) // 2
    head = set_cell_size(text, left)
    tail = ""
    for character in reversed(text):
        if cell_len(character + tail) > width - 1 - left:
            break
        tail = character + tail
    return f"{head.rstrip()}…{tail}"


def plain_number(value: float) -> str:
    """A number as people write it, to six digits, without an exponent while it has fewer than ten."""
    text = f"{value:.6g}"
    if "e" not in text:
        return text
    return f"{value:.0f}" if 1e5 < abs(value) < 1e10 else text


def strips(series: Sequence[Series]) -> list[str]:
    """The lines of all parameters of one outcome, aligned."""
    width = max(cell_len(shortened(s.name)) for s in series)
    ends = max((cell_len(plain_number(v)) for s in series if not s.levels for v in (s.low, s.high)), default=0)
    lines: list[str] = []
    for s in series:
        lines += _list(s, width) if s.levels else _strip(s, width, ends)
    return lines


def _pad(text: str, width: int) -> str:
    return set_cell_size(shortened(text, width), width)


def _strip(s: Series, width: int, ends: int) -> list[str]:
    """The best value in each part of the range, and below it where is proposed and where a recipe failed."""
    marks = [" "] * _BINS
    for place in s.failed:
        marks[_bin(s, place)] = "×"
    for place, _ in s.proposed:
        marks[_bin(s, place)] = "▲"
    low, high = plain_number(s.low), plain_number(s.high)
    lines = [f"  {_pad(shortened(s.name), width)}  {low:>{ends}} {''.join(_bars(s))} {high}"]
    if any(mark != " " for mark in marks):
        lines.append(f"  {'':{width}}  {'':>{ends}} {''.join(marks)}".rstrip())
    return lines


def _bin(s: Series, place: float) -> int:
    return min(_BINS - 1, int(s.share(place) * _BINS))


def _bars(s: Series) -> list[str]:
    parts: dict[int, list[float]] = {}
    for place, value in s.measured:
        parts.setdefault(_bin(s, place), []).append(value)
    best = {i: s.best(values) for i, values in parts.items()}
    return ["·" if i not in best else _block(s, best[i]) for i in range(_BINS)]


def _block(s: Series, value: float) -> str:
    """The better, the higher."""
    losses = [s.loss(v) for _, v in s.measured]
    low, high = min(losses), max(losses)
    share = (high - s.loss(value)) / (high - low) if high > low else 1.0
    return _BLOCKS[round(share * (len(_BLOCKS) - 1))]


def _list(s: Series, width: int) -> list[str]:
    """The best kinds, those that failed and those proposed, a line each."""
    asked = {int(place) for place, _ in s.proposed}
    measured = {int(place) for place, _ in s.measured}
    failed = {int(place) for place in s.failed} - measured
    known = [i for i in range(len(s.levels)) if i in measured | failed | asked]
    shown = sorted({*known[: _LISTED - len(asked)], *asked})
    names = [shortened(s.levels[i]) for i in shown]
    wide = max((cell_len(n) for n in names), default=0)
    lines = []
    for place, name in zip(shown, names, strict=True):
        head = _pad(shortened(s.name), width) if place == shown[0] else " " * width
        mark = "  ▲ proposed" if place in asked else ""
        lines.append(f"  {head}  {_pad(name, wide)}  {_told(s, place)}{mark}")
    if rest := len(s.levels) - len(shown):
        head = " " * width if shown else _pad(shortened(s.name), width)
        never = len(s.levels) - len(measured | failed | asked)
        unseen = len(failed - set(shown))
        of = [f"{count} of them {what}" for count, what in ((unseen, "failed"), (never, "never measured")) if count]
        lines.append(f"  {head}  " + ", ".join([f"… {rest} more kind{'s' if rest > 1 else ''}", *of]))
    return lines


def _told(s: Series, place: int) -> str:
    values = s.at(place)
    failures = sum(p == place for p in s.failed)
    fault = f"{failures} failed" if failures else ""
    if not values:
        return fault or "never measured"
    best = s.best(values)
    times = f"{len(values)} measured" + (f", {fault}" if fault else "")
    return f"{_block(s, best)} {plain_number(best)} ({times})"
