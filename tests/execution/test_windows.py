"""Windows of an instrument: shifts by the wall clock of a time zone, single spans, and what ends inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yosegi.core.errors import Invalid
from yosegi.execution.instruments.windows import Shift, TimeSpan, Windows, merged, without

HOUR = 3600.0


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shifts(*texts: str, zone: str = "Asia/Tokyo") -> Windows:
    return Windows(zone, tuple(map(Shift.parse, texts)), stated=True)


def test_a_shift_is_a_span_of_the_wall_clock_of_its_time_zone() -> None:
    # Japan is nine hours ahead of UTC all year; 30 November 2026 is a Monday.
    window = shifts("mon-fri 09:00-17:00").ahead(at("2026-11-29T12:00"))[0]
    assert window == TimeSpan(at("2026-11-30T00:00"), at("2026-11-30T08:00"))
    assert window.words("Asia/Tokyo") == "2026-11-30 09:00–17:00 Asia/Tokyo"


@pytest.mark.parametrize(
    "span",
    [
        "0001-01-01T00:00+14:00/2026-12-01T00:00+00:00",
        "9999-12-31T20:00-14:00/9999-12-31T23:00-14:00",
        "9999-12-30T00:00+00:00/9999-12-31T00:00+00:00",
        "1066-10-14T00:00+00:00/1066-10-15T00:00+00:00",
    ],
)
def test_a_span_at_an_end_of_the_calendar_is_refused_in_words(span: str) -> None:
    with pytest.raises(Invalid, match="the span"):
        TimeSpan.parse(span)


def test_a_shift_moves_in_utc_when_clocks_are_put_back() -> None:
    # Daylight time in the United States ends on the first Sunday of November (15 U.S.C. 260a): 1 November 2026.
    found = shifts("sat-mon 09:00-17:00", zone="America/Chicago").ahead(at("2026-10-31T00:00"))
    assert [window.starts.hour for window in found[:3]] == [14, 15, 15]


def test_a_night_shift_over_the_change_of_clocks_is_an_hour_longer() -> None:
    window = shifts("sat 22:00-06:00", zone="America/Chicago").ahead(at("2026-10-31T12:00"))[0]
    assert window.seconds == 9 * HOUR


def test_a_shift_that_touches_the_next_day_is_one_window() -> None:
    windows = shifts("mon-sun 00:00-24:00")
    assert windows.may_hold(at("2026-12-01T23:59"), 20 * 24 * HOUR)


def test_what_ends_after_the_window_does_not_fit_and_is_told_the_next_that_is_long_enough() -> None:
    windows = shifts("mon 09:00-10:00", "wed 09:00-17:00")
    monday = at("2026-11-30T00:10")
    assert windows.may_hold(monday, 50 * 60)
    assert not windows.may_hold(monday, 50 * 60 + 1)
    assert windows.next_for(monday, 2 * HOUR) == TimeSpan(at("2026-12-02T00:00"), at("2026-12-02T08:00"))
    assert windows.next_for(monday, 9 * HOUR) is None


def test_where_no_window_was_ever_stated_it_may_always_be_used_and_where_all_were_withdrawn_never() -> None:
    assert Windows().may_hold(at("2026-12-01T00:00"), HOUR)
    assert not Windows(stated=True).may_hold(at("2026-12-01T00:00"), HOUR)


@pytest.mark.parametrize("text", ["mon 9:00-17:00", "mon-xyz 09:00-17:00", "mon 09:00-09:00", "mon 24:00-25:00", ""])
def test_what_is_no_shift_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Shift.parse(text)


@pytest.mark.parametrize(
    "text", ["2026-12-01T09:00/2026-12-01T17:00", "2026-12-01T09:00Z/2026-12-01T09:00Z", "2026-12-01T09:00Z", "x/y/z"]
)
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        TimeSpan.parse(text)


EPOCH = at("2026-12-01T00:00")
SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 10)).map(
        lambda pair: TimeSpan(EPOCH + timedelta(hours=pair[0]), EPOCH + timedelta(hours=sum(pair)))
    ),
    max_size=12,
)


def hours(spans: list[TimeSpan]) -> set[int]:
    return {
        number for number in range(60) for span in spans if span.starts <= EPOCH + timedelta(hours=number) < span.ends
    }


@given(spans=SPANS, taken=SPANS)
def test_what_is_left_of_spans_is_every_hour_of_them_that_is_not_taken(
    spans: list[TimeSpan], taken: list[TimeSpan]
) -> None:
    left = list(without(spans, taken))
    assert hours(left) == hours(spans) - hours(taken)
    assert all(first.ends < second.starts for first, second in pairwise(merged(spans)))
    assert all(first.ends <= second.starts for first, second in pairwise(left))
