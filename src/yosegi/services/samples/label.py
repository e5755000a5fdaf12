"""A label to print and stick on a sample: its name, what is written on it, and a QR code that says which it is.

The code is drawn by segno (QR codes after ISO/IEC 18004). The drawing has no style and no script, so that it shows on a
page that forbids both.
"""

from __future__ import annotations

import textwrap
from xml.sax.saxutils import escape

import segno

from yosegi.core.sanitize import plain
from yosegi.services.samples.schemas import SampleSummary

WIDTH, HEIGHT = 62.0, 29.0
"""Of the label, in millimetres: as rolls for label printers have it."""
MARGIN = 2.0
QUIET = 4
"""Modules of white around the code, as the standard wants them."""
LINE, LETTERS, MOST_LINES = 3.6, 19, 5
"""Millimetres from line to line, letters that fit one, and lines of text below the name."""


def encoded(sample: SampleSummary, address: str) -> str:
    """What the code says: the page of the sample at this site, if others can reach it; else its name.

    Args:
        sample: which.
        address: of this site, empty if it has none.
    """
    return f"{address.rstrip('/')}/samples/{sample.id}" if address else sample.id


def label_svg(sample: SampleSummary, address: str) -> str:
    """The label as SVG, in millimetres.

    Args:
        sample: which.
        address: of this site, empty if it has none.
    """
    name = textwrap.wrap(sample.id, LETTERS, break_on_hyphens=False)
    # XML has no form for a control character, so that one in another site's words would leave no label at all.
    told = textwrap.wrap(plain(sample.label), LETTERS)[:MOST_LINES] + textwrap.wrap(
        f"{sample.charter} {sample.team}", LETTERS
    )
    lines = [(line, "bold") for line in name] + [(line, "normal") for line in told]
    left, top = MARGIN + (HEIGHT - 2 * MARGIN) + MARGIN, MARGIN + LINE
    texts = "".join(
        f'<text x="{left:g}" y="{top + number * LINE:g}" font-weight="{weight}">{escape(line)}</text>'
        for number, (line, weight) in enumerate(lines[: int((HEIGHT - 2 * MARGIN) / LINE)])
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:g}mm" height="{HEIGHT:g}mm" role="img"'
        f' viewBox="0 0 {WIDTH:g} {HEIGHT:g}" font-family="monospace" font-size="3">'
        f"<title>{escape(sample.id)}</title>"
        f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="#fff"/>{_code(encoded(sample, address))}'
        f'<g fill="#000">{texts}</g></svg>'
    )


def _code(content: str) -> str:
    """A QR code in the square at the left: a run of dark modules is one rectangle."""
    rows = [bytes(row) for row in segno.make(content, micro=False, error="m").matrix]
    side = len(rows) + 2 * QUIET
    runs = [f"M{x + QUIET} {y + QUIET}h{length}v1h-{length}z" for y, row in enumerate(rows) for x, length in _runs(row)]
    place = f'x="{MARGIN:g}" y="{MARGIN:g}" width="{HEIGHT - 2 * MARGIN:g}" height="{HEIGHT - 2 * MARGIN:g}"'
    return (
        f'<svg {place} viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<path d="{"".join(runs)}" fill="#000"/></svg>'
    )


def _runs(row: bytes) -> list[tuple[int, int]]:
    """Where dark modules begin, and how many follow.

    Example:
        >>> _runs(bytes([1, 1, 0, 1]))
        [(0, 2), (3, 1)]
    """
    found: list[tuple[int, int]] = []
    for x, dark in enumerate(row):
        if dark and found and sum(found[-1]) == x:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif dark:
            found.append((x, 1))
    return found
