"""The table of what must be refused fits the sources, so that `make assure` takes away what it says it does."""

from __future__ import annotations

import pytest

from assure import equivalent
from assure.refusals import Row, rows, wrong

ROWS = rows()


def test_every_number_is_shown_at_a_running_site_by_a_test_that_has_a_guard() -> None:
    shown = {row.number for row in ROWS if row.guards and row.level == "site"}
    assert shown == set(range(1, 32)) | {34, 36, 39, 40, 42, 43, 44, 45}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.number}-{row.test.partition('::')[2][:60]}")
def test_a_row_names_a_test_and_a_guard_that_are_there(row: Row) -> None:
    assert list(wrong(row)) == []


@pytest.mark.parametrize("row", equivalent.table(), ids=lambda row: f"{row.path}-{row.was}")
def test_a_fault_that_nobody_can_notice_is_of_a_line_that_is_there(row: equivalent.Equivalent) -> None:
    assert equivalent.wrong(row) == ""
