"""When an instrument may be used: weekly shifts in a time zone, and single spans. Pure; moments are given.

A shift is written `mon-fri 09:00-17:00`; one that ends before it begins ends on the next day. Spans are written as ISO
8601 intervals, `2026-12-01T09:00+09:00/2026-12-01T17:00+09:00`. Shifts follow the wall clock of their time zone (the
IANA data base, through `zoneinfo`), so the same shift is another span of UTC in summer and in winter.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AHEAD = 45
"""Days that shifts are laid out ahead: longer than any task may take."""
LONGEST_SPAN = timedelta(days=366)
_EARLIEST_YEAR, _LATEST_YEAR = 1900, 9000
_SHIFT = re.compile(r"^([a-z]{3})(?:-([a-z]{3}))? ([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)$")
_MIDNIGHT = 24 * 60


@dataclass(frozen=True, slots=True, order=True)
class TimeSpan:
    """A stretch of time, from `starts` up to but not including `ends`; both UTC."""

    starts: datetime
    ends: datetime

    @classmethod
    def parse(cls, text: str) -> TimeSpan:
        """A span from an ISO 8601 interval.

        Raises:
            Invalid: not two moments with their offsets from UTC, in their order, or more than a year.
        """
        try:
            starts, ends = map(parse_timestamp, text.split("/"))
        except ValueError:
            todo = "e.g. 2026-12-01T09:00+09:00/2026-12-01T17:00+09:00"
            raise Invalid(f"the span {text[:80]!r}", "is not two moments with their offsets from UTC", todo) from None
        return cls.of(starts, ends)

    @classmethod
    def of(cls, starts: datetime, ends: datetime) -> TimeSpan:
        """A span between two moments.

        Raises:
            Invalid: not in their order, more than a year, or outside the years 1900 to 9000.
        """
        if not (starts.year >= _EARLIEST_YEAR and ends.year <= _LATEST_YEAR):
            # So that adding or taking away days, or changing the offset, never leaves the calendar.
            years = f"{_EARLIEST_YEAR} to {_LATEST_YEAR}"
            raise Invalid(f"the span from {starts} to {ends}", f"is outside the years {years}")
        if not starts < ends <= starts + LONGEST_SPAN:
            raise Invalid(f"the span from {starts} to {ends}", "does not end after it begins, within a year")
        return cls(starts, ends)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.ends - self.starts).total_seconds()

    def overlaps(self, other: TimeSpan) -> bool:
        """Whether some moment is in both."""
        return self.starts < other.ends and other.starts < self.ends

    def contains(self, other: TimeSpan) -> bool:
        """Whether another lies within it."""
        return self.starts <= other.starts and other.ends <= self.ends

    def words(self, zone: str) -> str:
        """For people, by the wall clock of a time zone: `2026-12-01 09:00–17:00 Asia/Tokyo`."""
        place = ZoneInfo(zone)
        first, last = self.starts.astimezone(place), self.ends.astimezone(place)
        until = f"{last:%H:%M}" if last.date() == first.date() else f"{last:%Y-%m-%d %H:%M}"
        return f"{first:%Y-%m-%d %H:%M}–{until} {zone}"


@dataclass(frozen=True, slots=True)
class Shift:
    """A stretch of some days of the week.

    Args:
        days: 0 is Monday.
        starts: minutes after midnight.
        ends: minutes after midnight, 1440 for its end; not above `starts` if it ends on the next day.
    """

    days: tuple[int, ...]
    starts: int
    ends: int

    @classmethod
    def parse(cls, text: str) -> Shift:
        """A shift as people write it.

        Example:
            >>> Shift.parse("mon-fri 09:00-17:30")
            Shift(days=(0, 1, 2, 3, 4), starts=540, ends=1050)
            >>> Shift.parse("fri-sun 22:00-06:00").days
            (4, 5, 6)

        Raises:
            Invalid: not of that form.
        """
        found = _SHIFT.match(text)
        known = found is not None and {found[1], found[2] or found[1]} <= set(DAYS)
        if found is None or not known:
            raise Invalid(f"the shift {text[:80]!r}", "is not days and hours", "e.g. mon-fri 09:00-17:00")
        first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
        starts, ends = int(found[3]) * 60 + int(found[4]), int(found[5]) * 60 + int(found[6])
        if starts >= _MIDNIGHT or ends > _MIDNIGHT or starts == ends:
            raise Invalid(f"the shift {text!r}", "its hours do not hold", "00:00-24:00 is a whole day")
        days = tuple(sorted({(first + step) % 7 for step in range((last - first) % 7 + 1)}))
        return cls(days, starts, ends)

    def on(self, day: date, zone: ZoneInfo) -> TimeSpan | None:
        """The shift that begins on a day; None if none does, or if clocks are put forward over all of it."""
        if day.weekday() not in self.days:
            return None
        last = day + timedelta(days=self.ends // _MIDNIGHT + (1 if self.ends <= self.starts else 0))
        starts, ends = _moment(day, self.starts, zone), _moment(last, self.ends % _MIDNIGHT, zone)
        return TimeSpan(starts, ends) if starts < ends else None


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(*divmod(minutes, 60)), tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Windows:
    """All of the time in which an instrument may be used.

    Args:
        zone: the time zone of the shifts, and in which moments are told.
        stated: whether any window was ever stated; where none was, it may always be used.
    """

    zone: str = "UTC"
    shifts: tuple[Shift, ...] = ()
    spans: tuple[TimeSpan, ...] = ()
    stated: bool = False

    def holding(self, moment: datetime, seconds: float) -> TimeSpan | None:
        """The window in which something that begins at a moment and takes so long ends; None if there is none."""
        work = TimeSpan(moment, moment + timedelta(seconds=seconds))
        return next((window for window in self.ahead(moment) if window.contains(work)), None)

    def may_hold(self, moment: datetime, seconds: float) -> bool:
        """Whether something that begins at a moment and takes so long ends inside a window."""
        return not self.stated or self.holding(moment, seconds) is not None

    def next_for(self, moment: datetime, seconds: float) -> TimeSpan | None:
        """The first window, from a moment on, that is long enough for something that takes so long."""
        for window in self.ahead(moment):
            starts = max(window.starts, moment)
            if (window.ends - starts).total_seconds() >= seconds:
                return TimeSpan(starts, window.ends)
        return None

    def ahead(self, moment: datetime) -> tuple[TimeSpan, ...]:
        """The windows that end after a moment, in their order; those that touch are one."""
        found = _laid_out(self, moment.astimezone(UTC).date())
        return tuple(window for window in found if window.ends > moment)


@functools.lru_cache(maxsize=256)
def _laid_out(windows: Windows, day: date) -> tuple[TimeSpan, ...]:
    zone = ZoneInfo(windows.zone)
    days = (day + timedelta(days=number) for number in range(-2, AHEAD))
    shifts = (span for one in days for shift in windows.shifts if (span := shift.on(one, zone)) is not None)
    return tuple(merged([*shifts, *windows.spans]))


def merged(spans: Iterable[TimeSpan]) -> Iterator[TimeSpan]:
    """Spans in their order, those that touch or overlap as one."""
    last: TimeSpan | None = None
    for span in sorted(spans):
        if last is not None and span.starts <= last.ends:
            last = TimeSpan(last.starts, max(last.ends, span.ends))
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last


def without(spans: Iterable[TimeSpan], taken: Iterable[TimeSpan]) -> Iterator[TimeSpan]:
    """What is left of spans when others are taken out of them, in their order."""
    others = list(merged(taken))
    for span in merged(spans):
        starts = span.starts
        for other in others:
            if other.ends <= starts or other.starts >= span.ends:
                continue
            if other.starts > starts:
                yield TimeSpan(starts, other.starts)
            starts = max(starts, other.ends)
        if starts < span.ends:
            yield TimeSpan(starts, span.ends)
