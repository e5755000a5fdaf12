"""Dates that people write in charters, agreements and grants mean what is read in them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from yosegi.app.dated_files import read_toml
from yosegi.core.errors import Invalid
from yosegi.governance.grants.grant import Tranche


def read(folder: Path, text: str) -> dict[str, object]:
    path = folder / "grant.toml"
    path.write_text(text, encoding="utf-8")
    return read_toml(path)


def test_an_end_by_date_includes_that_day_and_a_start_begins_it(tmp_path: Path) -> None:
    found = read(tmp_path, "starts = 2026-04-01\nends = 2027-03-31\n")
    assert found == {"starts": "2026-04-01T00:00:00.000000Z", "ends": "2027-04-01T00:00:00.000000Z"}


def test_a_date_counts_in_the_time_zone_that_the_file_states(tmp_path: Path) -> None:
    # Japan is nine hours ahead of UTC all the year; Illinois five in summer and six in winter (IANA tz database).
    found = read(tmp_path, 'time_zone = "Asia/Tokyo"\nends = 2027-03-31\n')
    assert found == {"ends": "2027-03-31T15:00:00.000000Z"}
    found = read(tmp_path, 'time_zone = "America/Chicago"\nstarts = 2026-10-01\nends = 2027-01-31\n')
    assert found == {"starts": "2026-10-01T05:00:00.000000Z", "ends": "2027-02-01T06:00:00.000000Z"}


def test_the_last_day_of_a_tranche_is_one_on_which_it_may_be_drawn(tmp_path: Path) -> None:
    text = 'time_zone = "Asia/Tokyo"\n[[tranches]]\nid = "fy"\nends = 2027-03-31\namounts = { usd = 1000 }\n'
    value = read(tmp_path, text)
    tranche = Tranche.read(value["tranches"][0])  # type: ignore[index]
    assert tranche.ends is not None
    assert datetime(2027, 3, 31, 14, 59, 59, tzinfo=UTC) < tranche.ends <= datetime(2027, 3, 31, 15, tzinfo=UTC)


def test_a_date_between_quotes_counts_as_one_without(tmp_path: Path) -> None:
    assert read(tmp_path, 'ends = "2027-03-31"') == read(tmp_path, "ends = 2027-03-31")


@pytest.mark.parametrize(
    "text", ["ends = 2027-03-31T17:00:00", 'ends = "2027-03-31T17:00:00"', "[a]\nends = 2027-03-31 17:00:00"]
)
def test_a_moment_without_its_offset_is_refused_with_the_field(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid, match="ends: 2027-03-31T17:00:00 has no offset from UTC"):
        read(tmp_path, text)


def test_a_moment_with_its_offset_is_that_moment(tmp_path: Path) -> None:
    assert read(tmp_path, "ends = 2027-03-31T17:00:00+09:00") == {"ends": "2027-03-31T08:00:00.000000Z"}


def test_a_time_zone_that_nobody_knows_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="time_zone: 'Mars/Olympus' is no time zone"):
        read(tmp_path, 'time_zone = "Mars/Olympus"\nends = 2027-03-31')


@pytest.mark.parametrize("text", ["ends = 9999-12-31", 'ends = "9999-12-31"', "starts = 9999-12-31T23:59:59-14:00"])
def test_a_moment_that_no_calendar_has_is_refused_with_the_field(tmp_path: Path, text: str) -> None:
    # ISO 8601 and RFC 3339 write four digits of a year.
    with pytest.raises(Invalid, match=r"(starts|ends): 9999-12-31.* outside the years 1 to 9999"):
        read(tmp_path, text)
