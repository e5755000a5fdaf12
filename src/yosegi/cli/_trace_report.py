"""What `yosegi incident trace` says to people.

Each stream stands once, with its entries below it, so that no identifier is cut short and 80 columns are enough.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from rich.cells import cell_len

from yosegi.cli._sheet import Sheet, indented, padded
from yosegi.cli.output import print_table, say, show_table

if TYPE_CHECKING:
    from yosegi.verification.access_report import AccessEvent
    from yosegi.verification.incident_trace import Touched

WIDE = 120
"""Columns of a terminal from which a request fits on one line with everything that is on record of it."""
_BELOW = " " * 21
"""Where the time of the line above ends."""
_FIELDS = ("person", "agent", "team", "agreement", "purpose", "capability", "why")


def show_trace(found: Sequence[Touched], name: str) -> None:
    """What names NAME, and what depends on that, stream by stream, in the order in which each first came in."""
    if not found:
        say(f"nothing names {name}")
        return
    streams: dict[str, list[Touched]] = defaultdict(list)
    for touched in found:
        streams[touched.entry.stream].append(touched)
    widths = [max(cell_len(cell) for cell in column) for column in zip(*map(_row, found), strict=True)]
    for stream, entries in streams.items():
        say(stream)
        table = Sheet(box=None, pad_edge=False, show_header=False)
        for width in widths[:-1]:
            table.add_column(no_wrap=True, min_width=width)
        table.add_column(overflow="fold")
        for touched in entries:
            table.add(*_row(touched))
        print_table(table)
    named = sum(touched.after < 0 for touched in found)
    say(f"\n{named} entries name it, {len(found) - named} depend on those; everything of each: --json")


def _row(touched: Touched) -> tuple[str, ...]:
    """Entry, time, type, by whom, and why it is here."""
    entry = touched.entry
    why = "names it" if touched.why.startswith("names ") else touched.why
    return f"{entry.sequence:>6}", _moment(entry.time), entry.type, entry.header.actor, why


def show_access(events: Sequence[AccessEvent]) -> None:
    """Who touched what: a line each, or two where the terminal is narrow."""
    columns = get_terminal_size().columns
    if events and sys.stdout.isatty() and columns < WIDE:
        what = max(cell_len(event.what) for event in events)
        for event in events:
            say(f"{_moment(event.time)}  {padded(event.what, what)}  {event.person}".rstrip())
            if rest := " · ".join(_rest(event)):
                say(indented(rest, columns, _BELOW))
        return
    fields = [name for name in _FIELDS if any(getattr(event, name) for event in events)]
    rows = ([_moment(e.time), e.what, *(getattr(e, name) for name in fields)] for e in events)
    show_table(("time", "what", *fields), rows, empty="nothing was touched")


def _rest(event: AccessEvent) -> Iterator[str]:
    """What else is on record of it; a field that could be taken for another says which it is."""
    if event.capability:
        yield event.capability
    if event.agent:
        yield f"by {event.agent}"
    if event.team:
        yield f"for {event.team}"
    if event.agreement:
        yield f"under {event.agreement}"
    if event.purpose:
        yield event.purpose
    if event.why:
        yield f"why: {event.why}"


def _moment(time: str) -> str:
    return time[:19].replace("T", " ")
