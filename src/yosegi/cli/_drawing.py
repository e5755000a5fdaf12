"""What a table knows, as SVG: a section an outcome, in it a panel a parameter.

A parameter of numbers lies along the bottom. Kinds are listed from top to bottom, so that long names and many of them
stay readable, the best first. Dots are measurements, crosses failures, triangles proposals with what is predicted.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from yosegi.cli._strips import shortened
from yosegi.core.sanitize import one_line

if TYPE_CHECKING:
    from yosegi.cli._series import Series

_WIDTH, _HEIGHT, _MARGIN = 350, 220, 62  # one panel, in pixels
_GUTTER, _LINE = 150, 17  # of a panel of kinds: room for their names, and height of each
_DRAWN = 60
"""Kinds that a panel lists at most."""
_FONTS = "Helvetica, Arial, 'Hiragino Sans', 'Yu Gothic', 'Noto Sans CJK JP', sans-serif"
_SIZE = 11
"""Of labels; a Japanese character is as wide, a Latin capital three quarters of it in the widest usual font."""
_BLUE, _RED, _GREY = "#4477aa", "#cc3311", "#777777"
_STEPS = ((1.0, 0), (2.0, 0), (2.5, 1), (5.0, 0), (10.0, -1))  # and the decimals each needs, of a power of ten
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

Scale = Callable[[float], float]


def svg(title: str, sections: Sequence[tuple[str, Sequence[Series]]]) -> str:
    """A drawing of all outcomes.

    Args:
        title: of the whole.
        sections: a heading and the series of one outcome each.
    """
    count = max(len(series) for _, series in sections)
    columns = 2 if count in (2, 4) else min(3, count)
    wide = max(columns, 2) * _WIDTH
    y, body = 58.0, []
    for heading, series in sections:
        body.append(f'<text x="14" y="{y + 14}" font-size="13" font-weight="bold">{_text(heading, wide - 28)}</text>')
        placed, bottom = _flow(series, columns, y + 24)
        body += placed
        y = bottom + 8
    high = round(y)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
            f'font-family="{_FONTS}" font-size="{_SIZE}" fill="#222" role="img">',
            f"<title>{_escaped(title)}</title>",
            f'<rect width="{wide}" height="{high}" fill="#fff"/>',
            f'<text x="14" y="22" font-size="15" font-weight="bold">{_text(title, (wide - 28) * _SIZE / 15)}</text>',
            _legend(),
            *body,
            "</svg>",
        ]
    )


def _legend() -> str:
    return (
        f'<circle cx="20" cy="40" r="3" fill="{_BLUE}"/><text x="28" y="44">measured</text>'
        f'<path d="{_cross(100, 40)}" stroke="{_GREY}" stroke-width="1.5"/><text x="108" y="44">failed</text>'
        f'<path d="{_triangle(160, 40)}" fill="{_RED}"/>'
        '<text x="170" y="44">proposed, with the predicted mean ± 2 standard deviations</text>'
    )


def _flow(series: Sequence[Series], columns: int, top: float) -> tuple[list[str], float]:
    """Panels of different heights, each put where there is most room above; and the lowest edge."""
    edges = [top] * columns
    placed = []
    for s in series:
        column = edges.index(min(edges))
        panel, height = _kinds(s) if s.levels else _numbers(s)
        placed.append(f'<g transform="translate({column * _WIDTH} {edges[column]:g})">{panel}</g>')
        edges[column] += height
    return placed, max(edges)


def _range(s: Series) -> tuple[float, float]:
    """Least and greatest outcome, measured or predicted, with a little room."""
    values = [v for _, v in s.measured]
    values += [v for _, p in s.proposed if p for v in (p[0] - 2 * p[1], p[0] + 2 * p[1])]
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.06 * (high - low) or 0.5 * abs(high) or 1.0
    return low - room, high + room


def _numbers(s: Series) -> tuple[str, float]:
    right, bottom = _WIDTH - 16, _HEIGHT - 44
    low, high = _range(s)
    across = _scale(s.low, s.high, _MARGIN + 10, right - 10)
    up = _scale(low, high, bottom - 4, 20)
    parts = [f'<path d="M{_MARGIN} 8V{bottom}H{right}" fill="none" stroke="{_GREY}"/>']
    values, labels = ticks(low, high)
    for value, label in zip(values, labels, strict=True):
        parts.append(f'<path d="M{_MARGIN} {up(value):g}H{right}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{_MARGIN - 5}" y="{up(value) + 4:g}" text-anchor="end">{label}</text>')
    for value, label in zip(*_ticks_in(s.low, s.high, right - _MARGIN), strict=True):
        parts.append(f'<path d="M{across(value):g} {bottom}v4" stroke="{_GREY}"/>')
        parts.append(f'<text x="{across(value):g}" y="{bottom + 16}" text-anchor="middle">{label}</text>')
    middle = (_MARGIN + right) / 2
    parts.append(
        f'<text x="{middle}" y="{bottom + 34}" text-anchor="middle">{_text(s.name, right - _MARGIN)}</text>'
        f'<text x="12" y="{bottom / 2:g}" text-anchor="middle" transform="rotate(-90 12 {bottom / 2:g})">'
        f"{_text(s.outcome, bottom)}</text>"
    )
    parts += [_dot(across(p), up(v)) for p, v in s.measured]
    parts += [f'<path d="{_cross(across(p), bottom - 6)}" stroke="{_GREY}" stroke-width="1.5"/>' for p in s.failed]
    tops: dict[float, tuple[float, list[int]]] = {}
    for order, (place, predicted) in enumerate(s.proposed, start=1):
        x, y, top = across(place), bottom - 6.0, bottom - 12.0
        if predicted:
            y, top = up(predicted[0]), up(predicted[0] + 2 * predicted[1])
            parts.append(
                f'<path d="M{x:g} {up(predicted[0] - 2 * predicted[1]):g}V{top:g}" stroke="{_RED}" stroke-width="1.5"/>'
            )
        parts.append(f'<path d="{_triangle(x, y)}" fill="{_RED}"/>')
        before, orders = tops.get(x, (top, []))
        tops[x] = min(before, top), [*orders, order]
    parts += [_label(x, top - 3, orders, "middle") for x, (top, orders) in tops.items()]
    return "".join(parts), float(_HEIGHT)


def _kinds(s: Series) -> tuple[str, float]:
    asked = sorted({int(p) for p, _ in s.proposed})
    shown = sorted({*[i for i in range(len(s.levels)) if i not in asked][: _DRAWN - len(asked)], *asked})
    at = {place: 16.0 + i * _LINE for i, place in enumerate(shown)}
    right, bottom = _WIDTH - 16, 16 + len(shown) * _LINE
    low, high = _range(s)
    across = _scale(low, high, _GUTTER + 4, right - 4)
    parts = [
        f'<path d="M{_GUTTER} 4V{bottom}H{right}" fill="none" stroke="{_GREY}"/>'
        f'<text x="{_GUTTER - 6}" y="{bottom + 16}" text-anchor="end" font-weight="bold">'
        f"{_text(s.name, _GUTTER - 10)}</text>"
        f'<text x="{(_GUTTER + right) / 2}" y="{bottom + 32}" text-anchor="middle">'
        f"{_text(s.outcome, right - _GUTTER)}</text>"
    ]
    values, labels = _ticks_in(low, high, right - _GUTTER)
    for value, label in zip(values, labels, strict=True):
        parts.append(f'<path d="M{across(value):g} 4V{bottom}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{across(value):g}" y="{bottom + 16}" text-anchor="middle">{label}</text>')
    for place, y in at.items():
        parts.append(
            f'<text x="{_GUTTER - 6}" y="{y + 4:g}" text-anchor="end">{_text(s.levels[place], _GUTTER - 10)}</text>'
        )
    parts += [_dot(across(v), at[int(p)]) for p, v in s.measured if int(p) in at]
    failures = [at[int(p)] for p in s.failed if int(p) in at]
    parts += [f'<path d="{_cross(_GUTTER + 7, y)}" stroke="{_GREY}" stroke-width="1.5"/>' for y in failures]
    ends: dict[int, tuple[float, list[int]]] = {}
    for order, (kind, predicted) in enumerate(s.proposed, start=1):
        x, y, end = _GUTTER + 18.0, at[int(kind)], _GUTTER + 24.0
        if predicted:
            x, end = across(predicted[0]), across(predicted[0] + 2 * predicted[1])
            start = across(predicted[0] - 2 * predicted[1])
            parts.append(f'<path d="M{start:g} {y:g}H{end:g}" stroke="{_RED}" stroke-width="1.5"/>')
        parts.append(f'<path d="{_triangle(x, y)}" fill="{_RED}"/>')
        before, orders = ends.get(int(kind), (end, []))
        ends[int(kind)] = max(before, end), [*orders, order]
    parts += [_label(x, at[kind] - 4, orders, "end") for kind, (x, orders) in ends.items()]
    if rest := len(s.levels) - len(shown):
        parts.append(f'<text x="{_GUTTER + 6}" y="{bottom + 46}" fill="{_GREY}">and {rest} more kinds</text>')
    return "".join(parts), float(bottom + (58 if rest else 46))


def ticks(low: float, high: float, most: int = 6) -> tuple[list[float], list[str]]:
    """Round numbers between two others, at most so many and one, and how to write them.

    Example:
        >>> ticks(60, 100, 4)
        ([60.0, 70.0, 80.0, 90.0, 100.0], ['60', '70', '80', '90', '100'])
    """
    if not high > low:
        return [low], [_written(low, 0 if low == round(low) else 3)]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    factor, digits = next(pair for pair in _STEPS if pair[0] * power >= rough * (1 - 1e-9))
    step = factor * power
    first = math.ceil(low / step - 1e-9)
    values = [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]
    decimals = max(0, digits - math.floor(math.log10(power) + 0.5))
    return values, [_written(v, decimals) for v in values]


def _ticks_in(low: float, high: float, pixels: float) -> tuple[list[float], list[str]]:
    """As many of them as stand side by side in so many pixels."""
    for most in range(6, 1, -1):
        found = ticks(low, high, most)
        if sum(_pixels(label) + 8 for label in found[1]) <= pixels:
            return found
    return ticks(low, high, 1)


def _written(value: float, decimals: int) -> str:
    """Plain digits; beyond a million and below a hundred-thousandth a power of ten."""
    if abs(value) >= 1e6 or decimals > 5:
        if value == 0:
            return "0"
        power = math.floor(math.log10(abs(value)))
        return f"{value / 10.0**power:.3g}×10{str(power).translate(_SUPERSCRIPTS)}"
    return f"{value:.{decimals}f}" if value else "0"


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    span = high - low

    def scale(value: float) -> float:
        return round(start + ((value - low) / span if span > 0 else 0.5) * (end - start), 1)

    return scale


def _dot(x: float, y: float) -> str:
    return f'<circle cx="{x:g}" cy="{y:g}" r="2.8" fill="{_BLUE}" fill-opacity=".6"/>'


def _label(x: float, y: float, orders: Sequence[int], anchor: str) -> str:
    """Which proposals stand here."""
    words = ", ".join(map(str, orders))
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{_RED}" font-weight="bold">{words}</text>'


def _triangle(x: float, y: float) -> str:
    return f"M{x:g} {y - 5:g}l5 9h-10z"


def _cross(x: float, y: float) -> str:
    return f"M{x - 3:g} {y - 3:g}l6 6m0-6l-6 6"


def _text(text: str, pixels: float) -> str:
    """A text in so many pixels, with the whole of it where the mouse rests."""
    whole = one_line(text)
    width = cell_len(whole)
    short = whole
    while width > 4 and _pixels(short) > pixels:
        width -= 1
        short = shortened(whole, width)
    return _escaped(short) + ("" if short == whole else f"<title>{_escaped(whole)}</title>")


def _pixels(text: str) -> float:
    return sum(_SIZE * (1.0 if cell_len(c) > 1 else 0.75 if c.isupper() or c in "%@_…=+" else 0.62) for c in text)


def _escaped(text: str) -> str:
    return html.escape(one_line(text))
