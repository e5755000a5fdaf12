"""What `yosegi site doctor` says of documents that end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cli.asking import document
from processes.sites import Town
from yosegi.cli._expiry import Expiry, expiring

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def line(*given: tuple[str, str, str]) -> list[str]:
    return list(expiring("agreements", (Expiry.of(*one) for one in given), NOW, "sign another"))


@pytest.mark.parametrize(
    ("starts", "ends", "told"),
    [
        ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", False),  # 31 days are left of a year
        ("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", True),
        ("2026-11-29T00:00:00Z", "2026-12-07T00:00:00Z", False),  # 6 of 8 days are left
        ("2026-11-25T00:00:00Z", "2026-12-03T00:00:00Z", True),
        ("", "2026-12-31T00:00:00Z", True),
    ],
)
def test_an_end_is_told_a_month_before_or_in_the_last_quarter_of_a_shorter_life(
    starts: str, ends: str, told: bool
) -> None:
    assert bool(line(("alloys", starts, ends))) is told


def test_a_kind_is_one_line_with_the_days_left_and_what_to_do_the_first_to_end_first() -> None:
    later, sooner, over = (
        (name, "2026-01-01T00:00:00Z", f"2026-{day}T00:00:00Z")
        for name, day in (("later", "12-20"), ("sooner", "12-02"), ("over", "11-20"))
    )
    assert line(later, sooner, over) == [
        "agreements: over ended 2026-11-20; sooner ends 2026-12-02, in 1 day; later ends 2026-12-20, in 19 days: "
        "sign another"
    ]


def test_of_very_many_the_first_are_named_and_the_others_counted() -> None:
    many = [Expiry(f"m{number}", NOW + timedelta(days=number), timedelta(days=30)) for number in range(1, 9)]
    (told,) = expiring("mandates", many, NOW, "give others")
    assert "m5 ends" in told
    assert "m6 ends" not in told
    assert "3 more end soon" in told


@pytest.mark.processes
def test_doctor_looks_for_what_ends_soon_at_a_running_site(town: Town) -> None:
    assert document("site", "doctor", "--home", town.folder / "argonne")["ends soon"] == []
