"""When a time that people ask about begins and ends, as they write it: a day, or a moment with its offset."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import Invalid

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?")


def begins_at(text: str, what: str) -> datetime | None:
    """Where a time begins; none if nothing is said.

    Args:
        text: a day, which begins at midnight UTC, or a moment.
        what: names it to whoever wrote it.

    Raises:
        Invalid: neither, or a moment without its offset, which would mean another hour to each reader.

    Example:
        >>> begins_at("2026-04-01T09:00+09:00", "--since") == begins_at("2026-04-01", "--since")
        True
    """
    if not text:
        return None
    if not _DAY.fullmatch(text) and not _MOMENT.fullmatch(text):
        raise Invalid(f"{what} {text}", "is no moment", "e.g. 2026-11-20 (a day in UTC) or 2026-11-20T08:00:00Z")
    try:
        return parse_timestamp(text if "T" in text else f"{text}T00:00:00+00:00")
    except (ValueError, OverflowError) as error:
        if "offset" in str(error):
            todo = f"write it, e.g. {text}Z or {text}+09:00"
            raise Invalid(f"{what} {text}", "has no offset from UTC", todo) from None
        raise Invalid(f"{what} {text}", "is no moment of any calendar") from None


def ends_at(text: str, what: str) -> datetime | None:
    """The moment before which a time ends; a day ends with its last second. None if nothing is said.

    Raises:
        Invalid: as `begins_at`.
    """
    moment = begins_at(text, what)
    if moment is None or "T" in text:
        return moment
    try:
        return moment + timedelta(days=1)
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)
