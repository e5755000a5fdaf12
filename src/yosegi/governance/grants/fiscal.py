"""Fiscal years, as the two countries count them.

In the United States a fiscal year begins on 1 October and is named for the year in which it ends (31 U.S.C. 1102); in
Japan it begins on 1 April and is named for the year in which it begins (Public Finance Act, article 11).
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Literal

Begins = Literal["october", "april"]

# At midnight where the money is voted: Washington on 1 October is four hours behind UTC, Tokyo nine ahead.
_WASHINGTON, _TOKYO = timezone(timedelta(hours=-4)), timezone(timedelta(hours=9))


def fiscal_year(year: int, begins: Begins) -> tuple[datetime, datetime]:
    """Start and end of a fiscal year; the end is the next one's start.

    Example:
        >>> [f"{moment:%Y-%m-%d}" for moment in fiscal_year(2027, "october")]
        ['2026-10-01', '2027-10-01']
        >>> [f"{moment:%Y-%m-%d}" for moment in fiscal_year(2026, "april")]
        ['2026-04-01', '2027-04-01']
    """
    first, month, zone = (year - 1, 10, _WASHINGTON) if begins == "october" else (year, 4, _TOKYO)
    return datetime(first, month, 1, tzinfo=zone), datetime(first + 1, month, 1, tzinfo=zone)
