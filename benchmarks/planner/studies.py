"""Tables of the studies besides the comparison itself: batches, sources, transfer, time and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.planner.report import Grouped, Table


def tables(single: Grouped) -> list[Table]:
    """Those there are runs for."""
    return []


def seconds() -> dict[str, dict[int, float]]:
    """Median processor seconds by planner and length of history."""
    return {}
