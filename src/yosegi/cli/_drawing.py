"""What a table knows, drawn: a strip a parameter for terminals, and an SVG of panels for everything else."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

_BLOCKS = "▁▂▃▄▅▆▇█"
_BINS = 32
_WIDTH, _HEIGHT, _MARGIN = 310, 210, 66  # one panel, in pixels


@dataclass(frozen=True, slots=True)
class Series:
    """One parameter against one outcome.

    Attributes:
        name: of the parameter.
        outcome: of the outcome.
        levels: the words of the parameter in the order of their places 0, 1, …; empty for numbers.
        measured: place on the parameter and measured value.
        proposed: place on the parameter, predicted value and its standard deviation; None where nothing is predicted.
        low: lowest place in the table.
        high: highest place in the table.
    """

    name: str
    outcome: str
    levels: tuple[str, ...]
    measured: Sequence[tuple[float, float]]
    proposed: Sequence[tuple[float, tuple[float, float] | None]]
    low: float
    high: float

    def share(self, place: float) -> float:
        """Where a place lies between low and high, 0 to 1."""
        return (place - self.low) / (self.high - self.low) if self.high > self.low else 0.5

    def label(self, place: float) -> str:
        """A place as people write it."""
        return self.levels[round(place)] if self.levels else f"{place:g}"


def strips(series: Sequence[Series], maximise: bool) -> list[str]:
    """Two lines a parameter: the best value measured in each part of its range, and the proposals below it."""
    width = max(len(s.name) for s in series)
    ends = max(max(len(s.label(s.low)), len(s.label(s.high))) for s in series)
    lines = []
    for s in series:
        bars, marks = _bars(s, maximise), [" "] * _BINS
        for place, _ in s.proposed:
            marks[_bin(s, place)] = "▲"
        lines.append(f"  {s.name:<{width}}  {s.label(s.low):>{ends}} {''.join(bars)} {s.label(s.high)}")
        if s.proposed:
            lines.append(f"  {'':<{width}}  {'':>{ends}} {''.join(marks)}".rstrip())
    return lines


def _bin(s: Series, place: float) -> int:
    return min(_BINS - 1, int(s.share(place) * _BINS))


def _bars(s: Series, maximise: bool) -> list[str]:
    best: dict[int, float] = {}
    for place, value in s.measured:
        at = _bin(s, place)
        best[at] = value if at not in best else (max if maximise else min)(best[at], value)
    low, high = min(best.values(), default=0.0), max(best.values(), default=0.0)
    span = high - low or 1.0
    return ["·" if i not in best else _BLOCKS[round((best[i] - low) / span * (len(_BLOCKS) - 1))] for i in range(_BINS)]


def svg(title: str, series: Sequence[Series]) -> str:
    """A panel a parameter: dots are measurements, triangles proposals with the predicted mean and two deviations."""
    columns = 2 if len(series) == 4 else min(3, len(series))
    wide, high = max(columns, 2) * _WIDTH, -(-len(series) // columns) * _HEIGHT + 54
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        'font-family="sans-serif" font-size="11" role="img">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="{wide}" height="{high}" fill="#fff"/>',
        f'<text x="14" y="22" font-size="14" font-weight="bold">{html.escape(title)}</text>',
        '<circle cx="20" cy="38" r="3" fill="#4477aa"/><text x="28" y="42">measured</text>',
        f'<path d="{_triangle(106, 38)}" fill="#cc3311"/>',
        '<text x="114" y="42">proposed, with the predicted mean ± 2 sd</text>',
    ]
    for place, s in enumerate(series):
        x, y = place % columns * _WIDTH, place // columns * _HEIGHT + 54
        parts.append(f'<g transform="translate({x} {y})">{_panel(s)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(s: Series) -> str:
    values = [v for _, v in s.measured]
    values += [v for _, p in s.proposed if p for v in (p[0] - 2 * p[1], p[0] + 2 * p[1])]
    low, high = min(values, default=0.0), max(values, default=1.0)
    span = (high - low) or 1.0
    right, bottom = _WIDTH - 14, _HEIGHT - 40

    def across(place: float) -> float:
        return round(_MARGIN + 8 + s.share(place) * (right - _MARGIN - 16), 1)

    def up(value: float) -> float:
        return round(bottom - 6 - (value - low) / span * (bottom - 26), 1)

    parts = [
        f'<path d="M{_MARGIN} 12V{bottom}H{right}" fill="none" stroke="#888"/>',
        f'<text x="{_MARGIN - 5}" y="{up(high) + 4}" text-anchor="end">{high:.2g}</text>',
        f'<text x="{_MARGIN - 5}" y="{up(low) + 4}" text-anchor="end">{low:.2g}</text>',
        f'<text x="{(_MARGIN + right) / 2}" y="{bottom + 30}" text-anchor="middle">{html.escape(s.name)}</text>',
        f'<text x="14" y="{bottom / 2}" text-anchor="middle" transform="rotate(-90 14 {bottom / 2})">'
        f"{html.escape(s.outcome)}</text>",
    ]
    for place in sorted({s.low, s.high} if not s.levels else set(range(len(s.levels)))):
        label = html.escape(s.label(place)[:12])
        parts.append(f'<text x="{across(place)}" y="{bottom + 15}" text-anchor="middle">{label}</text>')
    parts += [
        f'<circle cx="{across(p)}" cy="{up(v)}" r="2.6" fill="#4477aa" fill-opacity=".55"/>' for p, v in s.measured
    ]
    for place, predicted in s.proposed:
        x = across(place)
        if predicted is None:
            parts.append(f'<path d="{_triangle(x, bottom - 6)}" fill="#cc3311"/>')
            continue
        mean, sd = predicted
        parts.append(f'<path d="M{x} {up(mean - 2 * sd)}V{up(mean + 2 * sd)}" stroke="#cc3311" stroke-width="1.5"/>')
        parts.append(f'<path d="{_triangle(x, up(mean))}" fill="#cc3311"/>')
    return "".join(parts)


def _triangle(x: float, y: float) -> str:
    return f"M{x} {y - 5}l5 9h-10z"
