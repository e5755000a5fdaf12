"""Files of governance that people write: charters, agreements and grants, whose dates mean what a person reads in them.

A date alone counts in the time zone that the file states, UTC if it states none. Where something begins it is the
beginning of that day; where something ends it is the end: `ends = 2027-03-31` includes 31 March. A moment with an hour
needs its offset, e.g. `2027-03-31T17:00:00+09:00`: without one it would mean another hour to each reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yosegi.core.clock import timestamp
from yosegi.core.errors import Invalid
from yosegi.core.files import read_utf8
from yosegi.core.toml_text import parse_toml

ZONE = "time_zone"
"""The key of a file that states in which time zone its dates are days, e.g. `time_zone = "Asia/Tokyo"`."""
BEGINNINGS = frozenset({"starts", "valid_from", "issued", "not_before"})
ENDS = frozenset({"ends", "valid_until", "expires", "not_after", "renewable_until", "until"})
"""Fields that hold a moment at which something begins or ends."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_toml(path: Path) -> dict[str, Any]:
    """A file as plain values, its moments as text in UTC.

    Raises:
        Invalid: not TOML, a time zone that is not known, a moment without its offset, or one that no calendar has.
    """
    value = parse_toml(read_utf8(path), what=str(path))
    return {key: item for key, item in _Reading(str(path), _zone(value, path)).table(value).items() if key != ZONE}


def _zone(value: dict[str, Any], path: Path) -> tzinfo:
    name = value.get(ZONE)
    if name is None or name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        todo = "name one of the IANA time zone database, e.g. Asia/Tokyo or America/Chicago"
        raise Invalid(str(path), f"{ZONE}: {name!r} is no time zone that is known here", todo) from None


@dataclass(frozen=True, slots=True)
class _Reading:
    """One file with the zone of its dates."""

    what: str
    zone: tzinfo

    def table(self, value: dict[str, Any], field: str = "") -> dict[str, Any]:
        return {key: self.item(item, key, f"{field}.{key}" if field else key) for key, item in value.items()}

    def item(self, value: Any, key: str, field: str) -> Any:
        if isinstance(value, dict):
            return self.table(value, field)
        if isinstance(value, list):
            return [self.item(item, key, f"{field}.{number}") for number, item in enumerate(value)]
        try:
            return self.dated(value, key, field)
        except OverflowError:
            todo = "write one that signed documents may hold, e.g. 2999-12-31"
            raise Invalid(self.what, f"{field}: {value} is, in UTC, outside the years 1 to 9999", todo) from None

    def dated(self, value: Any, key: str, field: str) -> Any:
        """A value of its own, in UTC where it is a moment.

        Raises:
            OverflowError: it lies outside the calendar.
        """
        if isinstance(value, datetime):
            return self.moment(value, field)
        if isinstance(value, date):
            return self.day(value, key)
        if isinstance(value, str) and key in BEGINNINGS | ENDS:
            return self.text(value, key, field)
        return value

    def text(self, value: str, key: str, field: str) -> str:
        """A moment that was written between quotes counts as one that was not."""
        try:
            if _DATE.fullmatch(value):
                return self.day(date.fromisoformat(value), key)
            return self.moment(datetime.fromisoformat(value), field)
        except ValueError:
            return value  # what is no moment is refused by the document itself, by name

    def moment(self, value: datetime, field: str) -> str:
        if value.tzinfo is None:
            todo = f"write {value.isoformat()}+09:00 or whichever it is, or the date alone, which counts in {ZONE}"
            raise Invalid(self.what, f"{field}: {value.isoformat()} has no offset from UTC", todo)
        return timestamp(value)

    def day(self, value: date, key: str) -> str:
        day = value + timedelta(days=1) if key in ENDS else value
        return timestamp(datetime(day.year, day.month, day.day, tzinfo=self.zone))
